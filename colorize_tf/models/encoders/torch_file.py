"""Read the weights in a PyTorch file without PyTorch, and without running code from the file."""

from __future__ import annotations

import collections
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

# The first pickled number in files of PyTorch before 1.6.
_MAGIC = 0x1950A86A20F9469CFC6C
# What reading a damaged or foreign file can raise.
_UNREADABLE = (
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,  # The file claims a huge size.
    OverflowError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
)


def read_state_dict(path: str | Path) -> dict[str, np.ndarray]:
    """Read a state dict in the format of PyTorch before 1.6.

    Args:
        path: `.pth` file: pickled headers and tensors, followed by the values of each storage.

    Returns:
        Arrays by name, in PyTorch's axis order.

    Raises:
        ValueError: the file is not in this format, is damaged, or contains code.
        OSError: it cannot be opened.
    """
    with Path(path).open("rb") as file:
        try:
            return _read(file)
        except _UNREADABLE as error:
            raise ValueError(
                f"{path} cannot be read as a PyTorch weights file: {error or type(error).__name__}"
            ) from error


class _TensorUnpickler(pickle.Unpickler):
    """Allows tensors only, since any other pickle can run code when it is loaded."""

    _NAMES = {
        ("collections", "OrderedDict"): collections.OrderedDict,
        ("torch", "FloatStorage"): np.dtype("<f4"),
        ("torch", "LongStorage"): np.dtype("<i8"),
    }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda *tensor: tensor[:4]
        if (module, name) not in self._NAMES:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed in a weights file")
        return self._NAMES[module, name]

    def persistent_load(self, identity: tuple) -> tuple[np.dtype, str]:
        _, dtype, key, *_ = identity
        return dtype, key


def _read(file: BinaryIO) -> dict[str, np.ndarray]:
    if _TensorUnpickler(file).load() != _MAGIC:
        raise ValueError("not the format of PyTorch before 1.6")
    _TensorUnpickler(file).load()  # version of the format
    _TensorUnpickler(file).load()  # machine that wrote the file
    tensors = _TensorUnpickler(file).load()
    dtypes = {key: dtype for (dtype, key), *_ in tensors.values()}
    storages = {}
    for key in _TensorUnpickler(file).load():
        size = int.from_bytes(file.read(8), "little")
        storages[key] = np.frombuffer(file.read(size * dtypes[key].itemsize), dtypes[key])
    return {
        name: _strided(storages[key], start, shape, strides)
        for name, ((_, key), start, shape, strides) in tensors.items()
    }


def _strided(
    storage: np.ndarray, start: int, shape: Sequence[int], strides: Sequence[int]
) -> np.ndarray:
    """View a storage as a tensor; PyTorch counts strides in elements."""
    last = start + sum((size - 1) * step for size, step in zip(shape, strides, strict=True))
    if min(start, *strides, 0) < 0 or last >= len(storage):
        raise ValueError("a tensor extends beyond its storage")
    byte_strides = np.multiply(strides, storage.itemsize)
    return np.lib.stride_tricks.as_strided(storage[start:], shape, byte_strides, writeable=False)
