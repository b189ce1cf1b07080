"""SqueezeNet 1.1 with ImageNet weights from a file: the features that KID and FID compare."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
from keras import layers

IMAGE_SIZE = 224
# ImageNet's mean color, red first, as keras.applications subtracts it in its "caffe" mode.
MEAN_RGB = (123.68, 116.779, 103.939)
# Squeezed and expanded channels of fire2 to fire9.
_FIRES = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))
_POOLED_AFTER = (3, 5)
# Root mean square over photographs of landscapes. The kernel distance expects features of about 1:
# if they are larger, a few images dominate it.
_TYPICAL_FEATURE = 3.1
_EXPECTED = "the Keras h5 file of SqueezeNet 1.1 in TensorFlow's order, with or without its top"


def squeezenet_features(weights_file: str | Path) -> keras.Model:
    """Build SqueezeNet 1.1 (Iandola et al. 2016) up to fire9, averaged over the image.

    Preprocessing is part of the model: the weights were trained with Caffe on 0..255 minus the mean
    color, blue first. It computes in float32 under every dtype policy.

    Args:
        weights_file: Keras h5 file of the weights in TensorFlow's order, such as that of
            keras-squeezenet; its classifier is ignored.

    Returns:
        A model, not trainable, of `rgb` float32 `(batch, 224, 224, 3)` in 0..1 to `features`
        float32 `(batch, 512)`, at least 0 and for photographs about 1 in the root mean square.

    Raises:
        ValueError: no such file, or not these weights.
    """
    network = _network()
    _load_weights(network, Path(weights_file))
    network.trainable = False
    return network


def _network() -> keras.Model:
    rgb = keras.Input((IMAGE_SIZE, IMAGE_SIZE, 3), dtype="float32", name="rgb")
    offset = [-mean for mean in MEAN_RGB]
    images = layers.Rescaling(255.0, offset=offset, dtype="float32")(rgb)
    features = _convolve(images, 64, 3, "conv1", strides=2)
    features = layers.MaxPooling2D(3, strides=2, dtype="float32")(features)
    for number, (squeezed, expanded) in enumerate(_FIRES, start=2):
        squeeze = _convolve(features, squeezed, 1, f"fire{number}_squeeze1x1")
        expansions = [
            _convolve(squeeze, expanded, 1, f"fire{number}_expand1x1"),
            _convolve(squeeze, expanded, 3, f"fire{number}_expand3x3", padding="same"),
        ]
        features = layers.Concatenate(dtype="float32")(expansions)
        if number in _POOLED_AFTER:
            features = layers.MaxPooling2D(3, strides=2, dtype="float32")(features)
    features = layers.GlobalAveragePooling2D(dtype="float32")(features)
    features = layers.Rescaling(1.0 / _TYPICAL_FEATURE, dtype="float32", name="features")(features)
    return keras.Model(rgb, features, name="squeezenet_features")


def _convolve(
    features: keras.KerasTensor, filters: int, size: int, name: str, **options: Any
) -> keras.KerasTensor:
    convolution = layers.Conv2D(
        filters, size, activation="relu", dtype="float32", name=name, **options
    )
    return convolution(features)


def _load_weights(network: keras.Model, weights_file: Path) -> None:
    """Load kernels and biases by the names of the layers, and check their shapes."""
    convolutions = [layer for layer in network.layers if isinstance(layer, layers.Conv2D)]
    if not weights_file.is_file():
        raise ValueError(f"no weights at {weights_file}; expected {_EXPECTED}")
    try:
        with h5py.File(weights_file) as file:
            weights = [_arrays(file.get(_name_in_file(layer))) for layer in convolutions]
    except (OSError, KeyError) as error:
        raise ValueError(f"{weights_file} cannot be read; expected {_EXPECTED}") from error
    for layer, arrays in zip(convolutions, weights, strict=True):
        found = [array.shape for array in arrays]
        expected = [tuple(weight.shape) for weight in layer.weights]
        if found != expected:
            raise ValueError(
                f"{weights_file} does not fit: {_name_in_file(layer)} is {found or 'missing'}, "
                f"expected {expected}; expected {_EXPECTED}"
            )
        if layer is convolutions[0]:  # Its kernel in the file expects blue first.
            arrays[0] = arrays[0][:, :, ::-1]
        layer.set_weights(arrays)


def _arrays(group: h5py.Group | None) -> list[np.ndarray]:
    if group is None:
        return []
    return [group[name][()] for name in group.attrs["weight_names"]]


def _name_in_file(layer: layers.Layer) -> str:
    """Keras 3 allows no slash in a layer's name."""
    return layer.name.replace("_", "/")
