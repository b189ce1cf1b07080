"""A U-Net on SqueezeNet 1.1, which can begin with the weights of ImageNet."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from keras import layers

from colorize_tf.models.blocks import check_image_size, downsample, upsample, upsample_to_ab
from colorize_tf.models.resnet_unet import BACKBONE_PREFIX
from colorize_tf.models.squeezenet import MEAN_RGB, read_weights, squeezenet_pyramid

BOTTLENECK_WIDTH = 256
DECODER_WIDTHS = (192, 96, 64, 32)
# The weights take 0..255 and know no normalization: the root mean square, over landscapes, of what
# leaves conv1 and each group of fires between two poolings, by the last fire of the group.
_TYPICAL_FEATURES = {1: 27.0, 3: 44.0, 5: 36.0, 9: 7.0}


def squeezenet_unet(
    image_size: int = 128, *, backbone_weights: str | Path | None = None
) -> keras.Model:
    """Build a U-Net whose encoder is SqueezeNet 1.1: 5 M parameters, 0.7 M in the encoder.

    Iandola et al. 2016 (arXiv 1602.07360), without its classifier and with `"same"` padding; the
    skips leave it at 1/2, 1/4, 1/8 and 1/16 of the size, and one more halving gives the bottleneck
    a view of the whole picture. The layers of the encoder are named `backbone_...`. Chroma is that
    of half the size, interpolated, as in JPEG and video of 4:2:0.

    Args:
        image_size: height and width in pixels, a multiple of 32.
        backbone_weights: `None` or `"none"`: random; else the path of the Keras h5 file of
            SqueezeNet 1.1 that `squeezenet_features` takes.

    Returns:
        A model of `lightness` float32 `(batch, image_size, image_size, 1)` in [-1, 1] to `ab`
        float32 `(batch, image_size, image_size, 2)` in [-1, 1]. The head is float32 under every
        dtype policy.

    Raises:
        ValueError: `image_size` does not fit, or the file is missing or not one of SqueezeNet.
    """
    check_image_size(image_size, 32, "squeezenet_unet")
    if backbone_weights == "imagenet":
        raise ValueError(
            "imagenet weights are only fetched for resnet18_unet; for squeezenet_unet name the "
            "file: --backbone-weights squeezenet_v1.1_imagenet.h5"
        )
    lightness = keras.Input((image_size, image_size, 1), name="lightness")
    skips = squeezenet_pyramid(lightness, padding="same", prefix=BACKBONE_PREFIX)
    features = downsample(skips[-1], BOTTLENECK_WIDTH, normalize=False)
    for width in DECODER_WIDTHS:
        features = upsample(features, width)
        features = layers.Concatenate()([features, skips.pop()])
    # Without what only every other pixel's chroma tells: beside a critic, stippling and rainbow
    # fringes along outlines grew there.
    ab = layers.AveragePooling2D(2, dtype="float32")(upsample_to_ab(features))
    ab = layers.UpSampling2D(2, interpolation="bilinear", dtype="float32", name="smooth_ab")(ab)
    model = keras.Model(lightness, ab, name="squeezenet_unet")
    if backbone_weights not in (None, "none"):
        for name, arrays in _scaled(read_weights(backbone_weights)).items():
            model.get_layer(BACKBONE_PREFIX + name).set_weights(arrays)
    return model


def _scaled(weights: dict[str, list[np.ndarray]]) -> dict[str, list[np.ndarray]]:
    """Make the weights take `lightness`, and leave features of about 1 at every size.

    As ReLU and pooling let positive factors through, the network stays the same function of the
    picture but for such a factor at each size.
    """
    kernel, bias = weights["conv1"]
    # (lightness + 1) / 2 is the gamma-encoded grey value to within 0.034; all channels are equal.
    grey = 255 * (0.5 - np.divide(MEAN_RGB, 255))
    scaled = {
        "conv1": (127.5 * kernel.sum(axis=2, keepdims=True), bias + kernel.sum((0, 1)).T @ grey)
    }
    scaled.update({name: arrays for name, arrays in weights.items() if name != "conv1"})
    before = 1.0
    for name, (kernel, bias) in scaled.items():
        number = 1 if name == "conv1" else int(name[4])
        typical = _TYPICAL_FEATURES[min(group for group in _TYPICAL_FEATURES if group >= number)]
        scaled[name] = [kernel * (before / typical), bias / typical]
        before = typical
    return scaled
