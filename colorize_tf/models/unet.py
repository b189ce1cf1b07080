"""U-Nets that turn lightness into chroma: the 54 M parameter one of pix2pix and a compact one."""

from collections.abc import Sequence

import keras
from keras import layers
from keras.initializers import RandomNormal

from colorize_tf.models.blocks import INITIALIZER_STDDEV, downsample, upsample

COMPACT_WIDTHS = (32, 64, 128, 256, 256)
TINY_WIDTHS = (16, 32, 64, 64)
PIX2PIX_WIDTHS = (64, 128, 256, 512, 512, 512, 512, 512)


def unet(
    image_size: int,
    *,
    widths: Sequence[int],
    dropouts: Sequence[float] = (),
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
        name: name of the model.

    Returns:
        A model of `lightness` float32 `(batch, image_size, image_size, 1)` in [-1, 1] to `ab`
        float32 `(batch, image_size, image_size, 2)` in [-1, 1]. The head is float32 under every
        dtype policy.

    Raises:
        ValueError: `image_size` does not fit the depth.
    """
    _check_image_size(image_size, 2 ** len(widths), name)
    lightness = keras.Input((image_size, image_size, 1), name="lightness")
    features = lightness
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
    ab = layers.Conv2DTranspose(
        2,
        4,
        strides=2,
        padding="same",
        activation="tanh",
        kernel_initializer=RandomNormal(stddev=INITIALIZER_STDDEV),
        dtype="float32",
        name="ab",
    )(features)
    return keras.Model(lightness, ab, name=name)


def compact_unet(image_size: int = 128) -> keras.Model:
    """Build the default generator: 4.2 M parameters, a bottleneck of 1/32 of the size.

    Args:
        image_size: height and width in pixels, a multiple of 32.

    Returns:
        The model, as `unet` describes it.

    Raises:
        ValueError: `image_size` does not fit the depth.
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


def pix2pix_unet(image_size: int = 256) -> keras.Model:
    """Build the generator of Isola et al. 2017, section 6.1.1: 54 M parameters, dropout as noise.

    Args:
        image_size: height and width in pixels, a multiple of 256.

    Returns:
        The model, as `unet` describes it.

    Raises:
        ValueError: `image_size` does not fit the depth.
    """
    return unet(image_size, widths=PIX2PIX_WIDTHS, dropouts=(0.5, 0.5, 0.5), name="pix2pix_unet")


def _check_image_size(image_size: int, multiple: int, name: str) -> None:
    if image_size >= multiple and image_size % multiple == 0:
        return
    below = image_size // multiple * multiple
    fitting = f"{below} or {below + multiple}" if below > 0 else f"{multiple}"
    raise ValueError(
        f"image size {image_size} does not fit {name}: it must be a multiple of {multiple}, "
        f"for example {fitting}"
    )
