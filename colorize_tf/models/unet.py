"""U-Nets that predict chroma from lightness: one builder for every encoder.

The named networks take `image_size`, height and width in pixels, and return a model as `build_unet`
describes it. A size that does not fit raises `ValueError`.
"""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
from keras import layers

from colorize_tf.models.blocks import (
    check_image_size,
    downsample,
    upsample,
    upsample_to_ab,
    upsample_to_smooth_ab,
)
from colorize_tf.models.encoders.efficientnet_lite import efficientnet_lite0
from colorize_tf.models.encoders.resnet import resnet18

COMPACT_WIDTHS = (32, 64, 128, 256, 256)
TINY_WIDTHS = (16, 32, 64, 64)
PIX2PIX_WIDTHS = (64, 128, 256, 512, 512, 512, 512, 512)
# At least four decoder levels: one without dropout above the three with it.
PIX2PIX_LEAST_DEPTH = 5

Encoder = Callable[[keras.KerasTensor], list[keras.KerasTensor]]
"""See `colorize_tf.models.encoders`."""


def build_unet(
    image_size: int,
    encoder: Encoder,
    *,
    decoder_widths: Sequence[int],
    dropouts: Sequence[float] = (),
    head: Callable[[keras.KerasTensor], keras.KerasTensor] = upsample_to_ab,
    z_size: int = 0,
    name: str,
) -> keras.Model:
    """Build a U-Net from an encoder, a decoder with skips, and a head.

    Ronneberger et al. 2015. The decoder doubles the size with each of `decoder_widths`, and the
    head doubles it once more. If that is less than `image_size`, ab is interpolated bilinearly, so
    that a network can predict chroma at a half or a quarter of the size.

    Args:
        image_size: height and width in pixels, one that the encoder accepts.
        encoder: returns the pyramid, finest first.
        decoder_widths: channels of the decoder levels, coarsest first; at most one for each level
            of the pyramid but the coarsest.
        dropouts: dropout rates of the first decoder levels.
        head: features to `ab` of twice the size.
        z_size: length of the noise vector that the encoder sees beside the lightness at every
            pixel; 0 for none.
        name: name of the model.

    Returns:
        A model of `lightness` float32 `(batch, image_size, image_size, 1)` in [-1, 1] to `ab`
        float32 `(batch, image_size, image_size, 2)` in [-1, 1]; with `z_size` it has two inputs,
        `lightness` and `z` float32 `(batch, z_size)`. The head is float32 under every dtype policy.

    Raises:
        ValueError: `z_size` is negative.
    """
    if z_size < 0:
        raise ValueError(f"z_size must be at least 0, got {z_size}; 0 builds a network without z")
    inputs = features = lightness = keras.Input((image_size, image_size, 1), name="lightness")
    if z_size:
        z = keras.Input((z_size,), name="z")
        inputs = [lightness, z]
        features = layers.Concatenate()([lightness, _tile(z, lightness)])
    *skips, features = encoder(features)
    dropouts = [*dropouts, *[0.0] * (len(decoder_widths) - len(dropouts))]
    for width, dropout in zip(decoder_widths, dropouts, strict=True):
        features = upsample(features, width, dropout=dropout)
        features = layers.Concatenate()([features, skips.pop()])
    ab = head(features)
    factor = image_size // ab.shape[1]
    if factor > 1:
        enlarge = layers.UpSampling2D(
            factor, interpolation="bilinear", dtype="float32", name="enlarged_ab"
        )
        ab = enlarge(ab)
    return keras.Model(inputs, ab, name=name)


def unet(
    image_size: int,
    *,
    widths: Sequence[int],
    dropouts: Sequence[float] = (),
    z_size: int = 0,
    name: str = "unet",
) -> keras.Model:
    """Build a U-Net whose encoder is a chain of strided convolutions.

    Each of `widths` halves height and width, so that `image_size` is a multiple of
    `2 ** len(widths)`; the decoder mirrors the encoder. The layout is that of Isola et al. 2017,
    section 6.1.1. The other arguments are those of `build_unet`.
    """
    check_image_size(image_size, 2 ** len(widths), name)
    return build_unet(
        image_size,
        functools.partial(_strided_convolutions, widths=widths),
        decoder_widths=widths[-2::-1],
        dropouts=dropouts,
        z_size=z_size,
        name=name,
    )


def _strided_convolutions(
    features: keras.KerasTensor, widths: Sequence[int]
) -> list[keras.KerasTensor]:
    pyramid = []
    for level, width in enumerate(widths):
        # The first is not normalized as it sees the image, nor the last, which may be one pixel.
        normalize = 0 < level < len(widths) - 1
        features = downsample(features, width, normalize=normalize)
        pyramid.append(features)
    return pyramid


def compact_unet(image_size: int = 128) -> keras.Model:
    """Build the default generator: 4.2 M parameters, a bottleneck of 1/32 of the size.

    Args:
        image_size: height and width in pixels, a multiple of 32.

    Returns:
        A model of `lightness` float32 `(batch, image_size, image_size, 1)` in [-1, 1] to `ab`
        float32 `(batch, image_size, image_size, 2)` in [-1, 1].

    Raises:
        ValueError: `image_size` does not fit the depth.

    Example:
        >>> generator = compact_unet(64)
        >>> generator.input_shape, generator.output_shape
        ((None, 64, 64, 1), (None, 64, 64, 2))
    """
    return unet(image_size, widths=COMPACT_WIDTHS, name="compact_unet")


def tiny_unet(image_size: int = 64) -> keras.Model:
    """Build a very small generator for tests: 0.3 M parameters; for multiples of 16 pixels."""
    return unet(image_size, widths=TINY_WIDTHS, name="tiny_unet")


def pix2pix_unet(image_size: int = 256, *, z_size: int = 0) -> keras.Model:
    """Build the generator of Isola et al. 2017, section 6.1.1: 54 M parameters, dropout as noise.

    It is as deep as the size allows, up to the paper's eight halvings: 256 pixels are halved eight
    times, 128 seven times, as in the authors' own `unet_128`.

    Args:
        image_size: height and width in pixels, a multiple of 32.
        z_size: length of the noise vector z of the paper's equation 1, beside the image; with 0,
            dropout is the only noise.

    Returns:
        The model, as `build_unet` describes it.

    Raises:
        ValueError: `image_size` is not a multiple of 32, or `z_size` is negative.

    Example:
        >>> [shape[1:] for shape in pix2pix_unet(32, z_size=8).input_shape]
        [(32, 32, 1), (8,)]
    """
    check_image_size(image_size, 2**PIX2PIX_LEAST_DEPTH, "pix2pix_unet")
    depths = range(PIX2PIX_LEAST_DEPTH, len(PIX2PIX_WIDTHS) + 1)
    depth = max(depth for depth in depths if image_size % 2**depth == 0)
    return unet(
        image_size,
        widths=PIX2PIX_WIDTHS[:depth],
        dropouts=(0.5, 0.5, 0.5),
        z_size=z_size,
        name="pix2pix_unet",
    )


def resnet18_unet(
    image_size: int = 128, *, backbone_weights: str | Path | None = None
) -> keras.Model:
    """Build a U-Net on ResNet18: 14.7 M parameters, 11.2 M of them in the encoder.

    `image_size` is a multiple of 32; `encoders.resnet.resnet18` describes `backbone_weights`, and
    the errors without keras-hub or these weights.
    """
    check_image_size(image_size, 32, "resnet18_unet")
    encoder = functools.partial(resnet18, weights=backbone_weights)
    widths = (256, 128, 64, 64)
    return build_unet(image_size, encoder, decoder_widths=widths, name="resnet18_unet")


def efficientnet_unet(
    image_size: int = 128, *, backbone_weights: str | Path | None = None
) -> keras.Model:
    """Build a U-Net on EfficientNet-Lite0: 5.2 M parameters, 3.3 M of them in the encoder.

    It predicts chroma at half the size and interpolates it, as JPEG and video with 4:2:0 do.
    `image_size` is a multiple of 32; `encoders.efficientnet_lite.efficientnet_lite0` describes
    `backbone_weights`.
    """
    check_image_size(image_size, 32, "efficientnet_unet")
    return build_unet(
        image_size,
        functools.partial(efficientnet_lite0, weights=backbone_weights),
        decoder_widths=(256, 128, 64, 32),
        head=upsample_to_smooth_ab,
        name="efficientnet_unet",
    )


def _tile(z: keras.KerasTensor, lightness: keras.KerasTensor) -> keras.KerasTensor:
    """Repeat `(batch, z_size)` at every pixel: `(batch, height, width, z_size)`."""
    # Adding to zeros keeps the size out of the layers' configs, so that the network can be cloned
    # at another size, and becomes two plain ops in TFLite.
    zeros = layers.Rescaling(0.0)(lightness)
    return layers.Add()([zeros, layers.Reshape((1, 1, z.shape[-1]))(z)])
