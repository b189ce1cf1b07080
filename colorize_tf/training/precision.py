"""Choose the dtype policy that a machine computes fastest in, safely."""

import contextlib
import warnings
from collections.abc import Iterator

import keras
import tensorflow as tf

from colorize_tf.training.processor import has_bfloat16, is_bfloat16_faster


def choose_precision(precision: str) -> str:
    """Choose a Keras dtype policy.

    Args:
        precision: `"auto"` or the name of a policy. Auto is `mixed_float16` with a GPU; on a CPU it
            is `mixed_bfloat16` if the processor computes it faster, else `float32`.

    Returns:
        Name of a Keras dtype policy.
    """
    has_gpu = bool(tf.config.list_physical_devices("GPU"))
    if precision == "auto":
        if has_gpu:
            return "mixed_float16"
        return "mixed_bfloat16" if is_bfloat16_faster() else "float32"
    if precision == "mixed_bfloat16" and not has_gpu and not has_bfloat16():
        warnings.warn(
            "mixed_bfloat16 is emulated on this processor and about ten times slower than float32; "
            "--precision auto chooses what is fastest here",
            stacklevel=2,
        )
    if precision == "mixed_float16" and not has_gpu:
        warnings.warn(
            "mixed_float16 on a CPU is about a hundred times slower than float32; "
            "--precision auto chooses what is fastest here",
            stacklevel=2,
        )
    return precision


@contextlib.contextmanager
def precision_policy(precision: str) -> Iterator[str]:
    """Let networks that are built in this context compute in a precision; yield its policy.

    Args:
        precision: as for `choose_precision`.
    """
    policy, before = choose_precision(precision), keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    if not tf.config.list_physical_devices("GPU"):
        # On a CPU, Grappler's remapper fails on the gradients of convolution and leaky ReLU, with
        # an error message and no effect on the speed.
        tf.config.optimizer.set_experimental_options({"remapping": False})
    try:
        yield policy
    finally:
        keras.config.set_dtype_policy(before)
