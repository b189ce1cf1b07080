"""U-Nets that turn lightness into chroma: the 54 M parameter one of pix2pix and a compact one."""

from collections.abc import Sequence

import keras
from keras import layers

from colorize_tf.models.blocks import check_image_size, downsample, upsample, upsample_to_ab

COMPACT_WIDTHS = (32, 64, 128, 256, 256)
TINY_WIDTHS = (16, 32, 64, 64)
PIX2PIX_WIDTHS = (64, 128, 256, 512, 512, 512, 512, 512)
# Four decoder levels at least: one without dropout above the three with it.
PIX2PIX_LEAST_DEPTH = 5


def unet(
    image_size: int,
    *,
    widths: Sequence[int],
    dropouts: Sequence[float] = (),
    z_size: int = 0,
    name: str = "unet",
) -> keras.Model:
    """Build a U-Net with a tanh head.

    Each entry of `widths` halves height and width on the way down; the way up mirrors it and
    concatenates the skip of the same size. Ronneberger et al. 2015; the layout is that of
    Isola et al. 2017, section 6.1.1.

    Args:
        image_size: height and width in pixels, a multiple of `2 ** len(widths)`.
        widths: channels after each halving.
        dropouts: dropout shares of the first decoder levels, from the bottleneck up.
        z_size: length of the noise vector beside the picture; with 0 there is none.
        name: name of the model.

    Returns:
        A model of `lightness` float32 `(batch, image_size, image_size, 1)` in [-1, 1] to `ab`
        float32 `(batch, image_size, image_size, 2)` in [-1, 1]; with `z_size` of two inputs,
        `lightness` and `z` float32 `(batch, z_size)`. The head is float32 under every dtype policy.

    Raises:
        ValueError: `image_size` does not fit the depth, or `z_size` is negative.
    """
    check_image_size(image_size, 2 ** len(widths), name)
    if z_size < 0:
        raise ValueError(f"z_size must be at least 0, got {z_size}; 0 builds a network without z")
    inputs = lightness = keras.Input((image_size, image_size, 1), name="lightness")
    features = lightness
    if z_size:
        z = keras.Input((z_size,), name="z")
        inputs = [lightness, z]
        features = layers.Concatenate()([lightness, _tile(z, lightness)])
    skips = []
    for level, width in enumerate(widths):
        # Neither end is normalized: the first sees the picture, the last may be a single pixel.
        normalize = 0 < level < len(widths) - 1
        features = downsample(features, width, normalize=normalize)
        skips.append(features)
    skips.pop()
    dropouts = list(dropouts) + [0.0] * (len(widths) - 1 - len(dropouts))
    for width, dropout in zip(reversed(widths[:-1]), dropouts, strict=True):
        features = upsample(features, width, dropout=dropout)
        features = layers.Concatenate()([features, skips.pop()])
    ab = upsample_to_ab(features)
    return keras.Model(inputs, ab, name=name)


def compact_unet(image_size: int = 128) -> keras.Model:
    """Build the default generator: 4.2 M parameters, a bottleneck of 1/32 of the size.

    Args:
        image_size: height and width in pixels, a multiple of 32.

    Returns:
        The model, as `unet` describes it.

    Raises:
        ValueError: `image_size` does not fit the depth.

    Example:
        >>> generator = compact_unet(64)
        >>> generator.input_shape, generator.output_shape
        ((None, 64, 64, 1), (None, 64, 64, 2))
    """
    return unet(image_size, widths=COMPACT_WIDTHS, name="compact_unet")


def tiny_unet(image_size: int = 64) -> keras.Model:
    """Build the smallest generator that still learns something, 0.3 M parameters, for tests.

    Args:
        image_size: height and width in pixels, a multiple of 16.

    Returns:
        The model, as `unet` describes it.

    Raises:
        ValueError: `image_size` does not fit the depth.
    """
    return unet(image_size, widths=TINY_WIDTHS, name="tiny_unet")


def pix2pix_unet(image_size: int = 256, *, z_size: int = 0) -> keras.Model:
    """Build the generator of Isola et al. 2017, section 6.1.1: 54 M parameters, dropout as noise.

    As deep as the size allows, up to the paper's eight halvings: 256 pixels are halved eight times,
    128 seven times, as the authors' own `unet_128` does.

    Args:
        image_size: height and width in pixels, a multiple of 32.
        z_size: length of the noise vector z of the paper's equation 1, beside the picture; with 0
            dropout is all the noise there is.

    Returns:
        The model, as `unet` describes it.

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


def _tile(z: keras.KerasTensor, lightness: keras.KerasTensor) -> keras.KerasTensor:
    """Repeat `(batch, z_size)` over the picture: `(batch, height, width, z_size)`."""
    # Broadcasting over zeros writes no size into a layer, so that the network can be cloned at
    # another size, and becomes two plain ops on a phone.
    zeros = layers.Rescaling(0.0)(lightness)
    return layers.Add()([zeros, layers.Reshape((1, 1, z.shape[-1]))(z)])
