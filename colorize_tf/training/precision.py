"""Which dtype policy a machine computes fastest in, safely."""

import warnings
from pathlib import Path

import keras
import tensorflow as tf

# Measured with the compact U-Net on a chip with avx512_bf16: 1.4 times float32. Without such
# instructions bfloat16 is emulated and slower.
_BFLOAT16_FLAGS = ("amx_bf16", "avx512_bf16")


def choose_precision(precision: str) -> str:
    """Turn the `--precision` flag into a Keras dtype policy.

    Args:
        precision: `"auto"` or the name of a policy. Auto takes `mixed_float16` where there is a
            GPU, and on a CPU `mixed_bfloat16` where it has instructions for that, else `float32`.

    Returns:
        name of a Keras dtype policy.
    """
    has_gpu = bool(tf.config.list_physical_devices("GPU"))
    if precision == "auto":
        if has_gpu:
            return "mixed_float16"
        return "mixed_bfloat16" if _has_bfloat16() else "float32"
    if precision == "mixed_float16" and not has_gpu:
        warnings.warn(
            "mixed_float16 on a CPU is about a hundred times slower than float32; "
            "--precision auto chooses what is fastest here",
            stacklevel=2,
        )
    return precision


def set_precision(precision: str) -> str:
    """Make networks that are built from now on compute in the dtype that `--precision` asks for.

    Args:
        precision: as `choose_precision` takes it.

    Returns:
        Name of the Keras dtype policy that was set.
    """
    policy = choose_precision(precision)
    keras.config.set_dtype_policy(policy)
    if not tf.config.list_physical_devices("GPU"):
        # On a CPU, Grappler's remapper fails on the gradients of convolution and leaky ReLU, with
        # an error message and no effect on the speed.
        tf.config.optimizer.set_experimental_options({"remapping": False})
    return policy


def _has_bfloat16() -> bool:
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:  # not Linux
        return False
    return any(flag in flags for flag in _BFLOAT16_FLAGS)
