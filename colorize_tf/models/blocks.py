"""Building blocks of the networks, and the check of the image size."""

import numbers

import keras
from keras import layers
from keras.initializers import RandomNormal

# Isola et al. 2017, section 6.2: weights start from N(0, 0.02).
INITIALIZER_STDDEV = 0.02


def downsample(
    features: keras.KerasTensor,
    filters: int,
    *,
    strides: int = 2,
    normalize: bool = True,
    padding: str = "same",
) -> keras.KerasTensor:
    """Strided 4 x 4 convolution, batch normalization and leaky ReLU (slope 0.2).

    Args:
        features: `(batch, height, width, channels)`.
        filters: channels of the result.
        strides: step of the convolution; 2 halves height and width.
        normalize: whether to normalize the batch before the activation.
        padding: `"same"` or `"valid"`.

    Returns:
        `(batch, height / strides, width / strides, filters)` with `"same"` padding.
    """
    features = layers.Conv2D(
        filters,
        4,
        strides=strides,
        padding=padding,
        use_bias=not normalize,
        kernel_initializer=RandomNormal(stddev=INITIALIZER_STDDEV),
    )(features)
    if normalize:
        features = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(features)
    return layers.LeakyReLU(0.2)(features)


def upsample(
    features: keras.KerasTensor, filters: int, *, dropout: float = 0.0
) -> keras.KerasTensor:
    """Double height and width: transposed 4 x 4 convolution, normalization, dropout and ReLU."""
    features = layers.Conv2DTranspose(
        filters,
        4,
        strides=2,
        padding="same",
        use_bias=False,
        kernel_initializer=RandomNormal(stddev=INITIALIZER_STDDEV),
    )(features)
    features = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(features)
    if dropout:
        features = layers.Dropout(dropout)(features)
    return layers.ReLU()(features)


def upsample_to_ab(features: keras.KerasTensor) -> keras.KerasTensor:
    """Predict ab with a transposed 4 x 4 convolution and tanh.

    Height and width double; `ab` is in [-1, 1], float32 under every dtype policy.
    """
    return layers.Conv2DTranspose(
        2,
        4,
        strides=2,
        padding="same",
        activation="tanh",
        kernel_initializer=RandomNormal(stddev=INITIALIZER_STDDEV),
        dtype="float32",
        name="ab",
    )(features)


def upsample_to_smooth_ab(features: keras.KerasTensor) -> keras.KerasTensor:
    """Predict ab as `upsample_to_ab` does, but at half the resolution, interpolated bilinearly.

    Adversarial training at full resolution causes stippling and rainbow fringes along outlines.
    """
    ab = layers.AveragePooling2D(2, dtype="float32")(upsample_to_ab(features))
    return layers.UpSampling2D(2, interpolation="bilinear", dtype="float32", name="smooth_ab")(ab)


def check_image_size(image_size: int, multiple: int, name: str) -> None:
    """Raise `ValueError` unless `image_size`, in pixels, is a positive multiple of `multiple`.

    The message names the network and the nearest sizes that fit.
    """
    if not isinstance(image_size, numbers.Integral):
        raise ValueError(
            f"image_size of {name} must be an integer, the height and width of a square in pixels; "
            f"got {image_size!r}"
        )
    if image_size >= multiple and image_size % multiple == 0:
        return
    below = image_size // multiple * multiple
    fitting = f"{below} or {below + multiple}" if below > 0 else f"{multiple}"
    raise ValueError(
        f"image size {image_size} does not fit {name}: it must be a multiple of {multiple}, "
        f"for example {fitting}"
    )
