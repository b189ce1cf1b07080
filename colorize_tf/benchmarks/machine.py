"""What the machine is, and how fast it multiplies matrices."""

from __future__ import annotations

import importlib.metadata
import math
import os
import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING

from colorize_tf.benchmarks.measuring import Contender

if TYPE_CHECKING:
    import keras

_LIBRARIES = ("tensorflow", "keras", "ai-edge-litert", "opencv-python-headless", "torch")


def describe_machine() -> dict[str, object]:
    """Return what a figure has to be read with: processor, cores, date, versions."""
    versions = {}
    for name in _LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d"),
        "versions": versions,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # not Linux
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def matrix_product(dtype: str, *, size: int = 2048) -> Contender:
    """Return a contender whose rate is that of the machine: multiply-adds of a matrix product.

    It takes turns with what it is the measure of.

    Args:
        dtype: name of a floating point type.
        size: of the two square matrices.
    """
    import tensorflow as tf

    matrix = tf.cast(tf.random.stateless_normal((size, size), (0, 0)), dtype)
    product = tf.function(lambda: tf.matmul(matrix, matrix))
    return Contender("matrix product", lambda: product().numpy(), float(size) ** 3)


def multiply_adds(network: keras.Model) -> int:
    """Count the multiply-adds of a network's convolutions and dense layers for one picture.

    Raises:
        ValueError: the network takes pictures of any size.
    """
    import keras

    total = 0
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2DTranspose):
            places = layer.input.shape[1:3]
        elif isinstance(layer, keras.layers.Conv2D):
            places = layer.output.shape[1:3]
        elif isinstance(layer, keras.layers.Dense):
            places = (1,)
        else:
            continue
        if None in places:
            raise ValueError(f"{network.name} has no fixed size; clone it for one first")
        total += math.prod((*places, *layer.kernel.shape))
    return total
