"""Random crops and tones of training pictures; every draw is a function of its seed.

They change the color picture before it is converted to Lab, so that `lightness` and `ab` stay
consistent.
"""

import numpy as np
import tensorflow as tf

from colorize_tf.color.lab_tf import images_to_rgb, linear_to_rgb, rgb_to_linear

# Sixteen times the light; beyond that most pixels clip.
_MOST_STOPS = 4.0


def check_strengths(
    scale_jitter: float, exposure_jitter: float, contrast_jitter: float, film_damage: float
) -> None:
    """Raise `ValueError` if a strength of the augmentation is out of its range."""
    for name, value in (("scale_jitter", scale_jitter), ("contrast_jitter", contrast_jitter)):
        if not 0 <= value < 1:
            raise ValueError(f"{name} must be at least 0 and below 1, got {value}")
    if not 0 <= exposure_jitter <= _MOST_STOPS:
        raise ValueError(
            f"exposure_jitter must lie between 0 and {_MOST_STOPS:g} stops, got {exposure_jitter}"
        )
    if not 0 <= film_damage <= 1:
        raise ValueError(f"film_damage must lie between 0 and 1, got {film_damage}; it is a share")


def random_view(
    images: tf.Tensor, *, size: int, scale_jitter: float, margin: float, seed: tf.Tensor
) -> tf.Tensor:
    """Crop a random square and reduce it, so that objects appear larger or smaller.

    The side of the square is the short side over `margin * zoom`, where `zoom` is log-uniform
    between `1 / (1 + scale_jitter)` and `1 + scale_jitter`; it is limited to the short side above
    and to `size` below. Crops are never enlarged, so that examples are as sharp as photographs.

    Args:
        images: uint8 `(height, width, 3)`, short side at least `size`; the full range of `zoom`
            needs `size * margin * (1 + scale_jitter)`.
        size: height and width of the result, in pixels.
        scale_jitter: at least 0.
        margin: short side of the picture over the side of the square, at `zoom` 1.
        seed: integer `(2,)`.

    Returns:
        images: uint8 `(size, size, 3)`.
    """
    zoom_seed, position_seed = tf.unstack(tf.random.split(seed, 2))
    largest = 1.0 + scale_jitter
    zoom = largest ** tf.random.stateless_uniform((), zoom_seed, -1.0, 1.0)
    short_side = tf.reduce_min(tf.shape(images)[:2])
    side = tf.cast(short_side, tf.float32) / (margin * zoom)
    side = tf.clip_by_value(tf.cast(tf.round(side), tf.int32), size, short_side)
    square = tf.image.stateless_random_crop(images, (side, side, 3), position_seed)
    square = tf.image.resize(square, (size, size), antialias=True)
    return tf.cast(tf.round(square), tf.uint8)


def random_levels(*, exposure_jitter: float, contrast_jitter: float, seed: tf.Tensor) -> tf.Tensor:
    """Draw a random tone curve: `expose`, then `change_contrast`.

    Both treat all channels and pixels alike, so that a table of 256 levels describes them.

    Args:
        exposure_jitter: maximum number of stops up or down, at least 0.
        contrast_jitter: the factor is drawn from `1 - contrast_jitter` to `1 + contrast_jitter`.
        seed: integer `(2,)`.

    Returns:
        levels: float32 `(256,)`, the linear light of each level, 1 is white; plain sRGB where both
        are 0.
    """
    levels = images_to_rgb(np.arange(256, dtype=np.uint8))
    if exposure_jitter or contrast_jitter:
        stops, contrast = tf.unstack(tf.random.stateless_uniform((2,), seed, -1.0, 1.0))
        levels = expose(levels, stops * exposure_jitter)
        levels = change_contrast(levels, 1.0 + contrast * contrast_jitter)
    return rgb_to_linear(levels)


def expose(rgb: tf.Tensor, stops: tf.Tensor | float) -> tf.Tensor:
    """Multiply the linear light of `rgb`, sRGB 0..1, by `2 ** stops`, as a longer exposure does.

    Hues do not change: where nothing clips, `a`, `b` and `L + 16` are multiplied by the cube root
    of the gain.
    """
    return linear_to_rgb(rgb_to_linear(rgb) * 2.0**stops)


def change_contrast(rgb: tf.Tensor, factor: tf.Tensor | float) -> tf.Tensor:
    """Scale each channel of `rgb`, sRGB 0..1, about mid gray, 0.5, as picture editors do.

    A factor of 1 changes nothing, and 0 gives mid gray.
    """
    return tf.clip_by_value(0.5 + factor * (rgb - 0.5), 0.0, 1.0)
