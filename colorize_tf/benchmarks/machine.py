"""Describe the machine and measure how fast it multiplies matrices."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import math
import os
import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from colorize_tf.benchmarks.measuring import Contender, Part, Row

if TYPE_CHECKING:
    import keras

_PRODUCT = "matrix product"
_LIBRARIES = ("tensorflow", "keras", "ai-edge-litert", "opencv-python-headless", "torch")
# Instructions that decide how fast networks run; x86's names, then ARM's.
_FLAGS = (
    *("avx", "avx2", "fma", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "avx512_fp16"),
    *("amx_int8", "amx_bf16", "asimd", "asimddp", "i8mm", "bf16", "sve"),
)
# Environment variables that change the speed.
_VARIABLES = ("TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA", "OMP_NUM_THREADS")


def describe_machine() -> dict[str, Any]:
    """Return the conditions of a measurement.

    Returns:
        The name of the processor, its `flags` for vectors and matrices, the `cores` that this
        process may use, which is also the number of threads of each library, the versions of
        system, Python and libraries, the date, and environment variables that change the speed.
    """
    versions = {}
    for name in _LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    information = _read_cpuinfo()
    flags = information.get("flags", information.get("Features", "")).split()
    return {
        "processor": information.get("model name") or platform.processor() or platform.machine(),
        "flags": [flag for flag in _FLAGS if flag in flags],
        "cores": usable_cores(),
        "system": platform.system(),
        "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d"),
        "versions": versions,
        "environment": {name: os.environ[name] for name in _VARIABLES if name in os.environ},
    }


def machine_line(machine: dict[str, Any]) -> str:
    """Lay out what `describe_machine` returns as one line, as it stands above each table."""
    return ", ".join(
        (
            " ".join([machine["processor"], *machine["flags"]]),
            f"{machine['cores']} cores and threads",
            f"Python {machine['python']}",
            *(" ".join(item) for item in machine["versions"].items()),
            *("=".join(item) for item in machine["environment"].items()),
        )
    )


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _read_cpuinfo() -> dict[str, str]:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # not Linux
        return {}
    return {name.strip(): value.strip() for name, _, value in (s.partition(":") for s in lines)}


def matrix_product(dtype: str, *, size: int = 2048) -> Contender:
    """Return a contender whose rate is the machine's: multiply-adds of a matrix product.

    Measured in turns with a network, it gives the network's share of that rate.

    Args:
        dtype: name of a floating point type.
        size: of the two square matrices.
    """
    import tensorflow as tf

    matrix = tf.cast(tf.random.stateless_normal((size, size), (0, 0)), dtype)
    product = tf.function(lambda: tf.matmul(matrix, matrix))
    return Contender(_PRODUCT, lambda: product().numpy(), float(size) ** 3)


def relate_to_matrix_product(part: Part, counted: float, *, with_bound: bool = False) -> Part:
    """Replace the row of `matrix_product` by each row's share of its rate.

    Args:
        part: rows of pictures a second.
        counted: multiply-adds of a picture.
        with_bound: whether to add a row with the rate that the product allows.
    """
    others = [row for row in part.rows if row.name != _PRODUCT]
    for product in part.rows:
        if product.name == _PRODUCT:
            bound = product.value / counted
            others = [dataclasses.replace(row, share=row.value / bound) for row in others]
            if with_bound:
                others.append(Row("bound: the matrix rate", bound, "pictures/s"))
    return dataclasses.replace(part, rows=others)


def multiply_adds(network: keras.Model) -> int:
    """Count the multiply-adds of a network's convolutions and dense layers for one picture.

    Raises:
        ValueError: the network takes pictures of any size.
    """
    import keras

    total = 0
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2DTranspose):
            positions = layer.input.shape[1:3]
        elif isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D):
            positions = layer.output.shape[1:3]
        elif isinstance(layer, keras.layers.Dense):
            positions = (1,)
        else:
            continue
        if None in positions:
            raise ValueError(f"{network.name} has no fixed size; clone it for one first")
        total += math.prod((*positions, *layer.kernel.shape))
    return total
