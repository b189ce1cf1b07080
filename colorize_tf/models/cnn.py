"""Networks without skips: a plain baseline, and the eight blocks of Colorful Image Colorization.

All are models of `lightness` float32 `(batch, image_size, image_size, 1)` in [-1, 1] to `ab`
float32 `(batch, image_size, image_size, 2)` in [-1, 1], with a head in float32 under every dtype
policy. A size that does not fit raises `ValueError`.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers
from keras.initializers import Constant, RandomNormal

from colorize_tf.models.blocks import (
    INITIALIZER_STDDEV,
    check_image_size,
    downsample,
    upsample,
    upsample_to_ab,
)

PLAIN_WIDTHS = (64, 128, 256, 256)
ZHANG_WIDTHS = (64, 128, 256, 512, 512, 512, 512, 256)
# Of blocks 1 to 7: the number of convolutions, the stride of the last, the dilation of all.
_ZHANG_BLOCKS = ((2, 2, 1), (2, 2, 1), (3, 2, 1), (3, 1, 1), (3, 1, 2), (3, 1, 2), (3, 1, 1))
ANNEALING_TEMPERATURE = 0.38
"""T of the annealed mean: Zhang et al. 2016, section 2.3."""


def plain_cnn(image_size: int = 128) -> keras.Model:
    """Build the plain regression baseline: strided and transposed convolutions, no skips.

    It has 3.4 M parameters and a bottleneck of 1/16 of `image_size`, a multiple of 16 pixels.
    """
    check_image_size(image_size, 2 ** len(PLAIN_WIDTHS), "plain_cnn")
    lightness = keras.Input((image_size, image_size, 1), name="lightness")
    features = lightness
    for level, width in enumerate(PLAIN_WIDTHS):
        features = downsample(features, width, normalize=level > 0)
    for width in reversed(PLAIN_WIDTHS[:-1]):
        features = upsample(features, width)
    ab = upsample_to_ab(features)
    return keras.Model(lightness, ab, name="plain_cnn")


def zhang_cnn(image_size: int = 128) -> keras.Model:
    """Build the CNN of Colorful Image Colorization with a tanh head for regression.

    Zhang et al. 2016 (arXiv 1603.08511), figure 2; 32 M parameters. `image_size` is a multiple of 8
    pixels.
    """
    return zhang(image_size, widths=ZHANG_WIDTHS, name="zhang_cnn")


def zhang_classes_cnn(image_size: int = 128, *, bins: np.ndarray) -> keras.Model:
    """Build the CNN of Colorful Image Colorization as published: it classifies color into bins.

    The arguments are those of `zhang`.
    """
    return zhang(image_size, widths=ZHANG_WIDTHS, bins=bins, name="zhang_classes_cnn")


def zhang(
    image_size: int,
    *,
    widths: Sequence[int],
    bins: np.ndarray | None = None,
    name: str = "zhang",
) -> keras.Model:
    """Build the eight blocks of Zhang et al. 2016 with a head at a quarter of the size.

    Without `bins`, a 1 x 1 convolution predicts ab. With `bins` it predicts one logit per bin, in
    the layer `bin_logits`; the layers after it are not trained.

    Args:
        image_size: height and width in pixels, a multiple of 8.
        widths: channels of the eight blocks.
        bins: centers of the bins, float32 `(count, 2)` in units of ab; without them, regression.
        name: name of the model.

    Raises:
        ValueError: `image_size` does not fit the strides, or `bins` are no centers in [-1, 1].
    """
    check_image_size(image_size, 8, name)
    lightness = keras.Input((image_size, image_size, 1), name="lightness")
    features = _zhang_body(lightness, widths)
    ab = _regress(features) if bins is None else _classify(features, bins)
    return keras.Model(lightness, ab, name=name)


def _zhang_body(features: keras.KerasTensor, widths: Sequence[int]) -> keras.KerasTensor:
    """Apply blocks 1 to 8; the result is `(batch, height / 4, width / 4, widths[-1])`.

    Block 8 is not normalized, as in the authors' code.
    """
    # The initialization of He et al. 2015 keeps the variance through a ReLU, as blocks of several
    # convolutions are normalized only at their end.
    rectified: dict[str, Any] = {
        "padding": "same",
        "activation": "relu",
        "kernel_initializer": "he_normal",
    }
    *widths, last_width = widths
    for width, (count, strides, dilation) in zip(widths, _ZHANG_BLOCKS, strict=True):
        for _ in range(count - 1):
            features = layers.Conv2D(width, 3, dilation_rate=dilation, **rectified)(features)
        features = layers.Conv2D(width, 3, strides=strides, dilation_rate=dilation, **rectified)(
            features
        )
        features = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(features)
    features = layers.Conv2DTranspose(last_width, 4, strides=2, **rectified)(features)
    for _ in range(2):
        features = layers.Conv2D(last_width, 3, **rectified)(features)
    return features


def _regress(features: keras.KerasTensor) -> keras.KerasTensor:
    # tanh comes last: int8 leaves it in float, but would quantize the upsampling of ab after it.
    ab = _head(features, 2, name=None)
    ab = layers.UpSampling2D(4, interpolation="bilinear", dtype="float32")(ab)
    return layers.Activation("tanh", dtype="float32", name="ab")(ab)


def _classify(features: keras.KerasTensor, bins: np.ndarray) -> keras.KerasTensor:
    """Predict logits per bin, and their annealed mean (Zhang et al. 2016, equation 5)."""
    bins = _checked_bins(bins)
    logits = _head(features, len(bins), name="bin_logits")
    annealed = layers.Rescaling(1.0 / ANNEALING_TEMPERATURE, dtype="float32")(logits)
    probabilities = layers.Softmax(dtype="float32")(annealed)
    ab = layers.Conv2D(
        2,
        1,
        use_bias=False,
        # As the initializer, so that a clone has the bins before any weights are copied.
        kernel_initializer=Constant(bins[np.newaxis, np.newaxis]),
        trainable=False,
        dtype="float32",
        name="bins",
    )(probabilities)
    return layers.UpSampling2D(4, interpolation="bilinear", dtype="float32", name="ab")(ab)


def _head(features: keras.KerasTensor, filters: int, name: str | None) -> keras.KerasTensor:
    # Small weights, as in the other heads: training starts near gray, or at equal probabilities.
    return layers.Conv2D(
        filters,
        1,
        kernel_initializer=RandomNormal(stddev=INITIALIZER_STDDEV),
        dtype="float32",
        name=name,
    )(features)


def _checked_bins(bins: np.ndarray) -> np.ndarray:
    bins = np.asarray(bins, np.float32)
    if bins.ndim != 2 or bins.shape[1] != 2 or not len(bins):
        raise ValueError(f"bins must be (count, 2), the ab of each, got shape {bins.shape}")
    if not np.abs(bins).max() <= 1.0:
        raise ValueError(
            f"bins must be in units of ab, within [-1, 1], got {bins.min():g} to {bins.max():g}; "
            "divide Lab units by 110"
        )
    return bins
