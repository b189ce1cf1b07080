"""Random views and tones of training pictures, every draw a function of its seed.

They change the colour picture, before Lab, so that `lightness` and `ab` follow together, as from
another camera.
"""

import numpy as np
import tensorflow as tf

from colorize_tf.color import images_to_rgb, linear_to_rgb, rgb_to_linear


def random_view(
    images: tf.Tensor, *, size: int, scale_jitter: float, margin: float, seed: tf.Tensor
) -> tf.Tensor:
    """Crop a square and reduce it, so that objects appear larger or smaller.

    Objects appear `zoom` times as large as in a crop of one part in `margin` of the short side;
    `zoom` is drawn log-uniformly between `1 / (1 + scale_jitter)` and `1 + scale_jitter`. A square
    that would be larger than the picture becomes its short side, which holds for every `zoom` below
    `1 / margin`. Nothing is ever enlarged, so the examples are as sharp as photographs are.

    Args:
        images: uint8 `(height, width, 3)`, short side at least `size * margin * (1 + scale_jitter)`
            where the whole range of `zoom` is to be had.
        size: height and width of the result, in pixels.
        scale_jitter: from 0.
        margin: short side of the picture over the side of the square, at `zoom` 1.
        seed: integer `(2,)`.

    Returns:
        images: uint8 `(size, size, 3)`.
    """
    zoom_seed, place_seed = tf.unstack(tf.random.split(seed, 2))
    largest = 1.0 + scale_jitter
    zoom = largest ** tf.random.stateless_uniform((), zoom_seed, -1.0, 1.0)
    short_side = tf.reduce_min(tf.shape(images)[:2])
    side = tf.cast(short_side, tf.float32) / (margin * zoom)
    side = tf.clip_by_value(tf.cast(tf.round(side), tf.int32), size, short_side)
    square = tf.image.stateless_random_crop(images, (side, side, 3), place_seed)
    square = tf.image.resize(square, (size, size), antialias=True)
    return tf.cast(tf.round(square), tf.uint8)


def random_tones(
    images: tf.Tensor, *, exposure_jitter: float, contrast_jitter: float, seed: tf.Tensor
) -> tf.Tensor:
    """Expose and develop a picture otherwise: `expose`, then `change_contrast`.

    Args:
        images: uint8 of any shape, sRGB 0..255.
        exposure_jitter: most stops up or down, from 0.
        contrast_jitter: the factor is drawn from `1 - contrast_jitter` to `1 + contrast_jitter`.
        seed: integer `(2,)`.

    Returns:
        rgb: float32, same shape, sRGB 0..1; exactly `images_to_rgb` where both are 0.
    """
    if not exposure_jitter and not contrast_jitter:
        return images_to_rgb(images)
    stops, contrast = tf.unstack(tf.random.stateless_uniform((2,), seed, -1.0, 1.0))
    # Each of the 256 levels once, not each pixel: a quarter of the time.
    levels = images_to_rgb(np.arange(256, dtype=np.uint8))
    levels = expose(levels, stops * exposure_jitter)
    levels = change_contrast(levels, 1.0 + contrast * contrast_jitter)
    return tf.gather(levels, tf.cast(images, tf.int32))


def expose(rgb: tf.Tensor, stops: tf.Tensor | float) -> tf.Tensor:
    """Multiply linear light by `2 ** stops`, as a longer or shorter exposure does.

    Hues stay: where nothing clips, `a`, `b` and `L + 16` all grow by the cube root of the gain.

    Args:
        rgb: float32 of any shape, sRGB 0..1.
        stops: a scalar; 0 changes nothing.

    Returns:
        rgb: float32, same shape, clipped to 0..1.
    """
    return linear_to_rgb(rgb_to_linear(rgb) * 2.0**stops)


def change_contrast(rgb: tf.Tensor, factor: tf.Tensor | float) -> tf.Tensor:
    """Stretch each channel about mid grey, 0.5 of gamma-encoded sRGB, as picture editors do.

    Args:
        rgb: float32 of any shape, sRGB 0..1.
        factor: a scalar from 0, which leaves mid grey alone; 1 changes nothing.

    Returns:
        rgb: float32, same shape, clipped to 0..1.
    """
    return tf.clip_by_value(0.5 + factor * (rgb - 0.5), 0.0, 1.0)
