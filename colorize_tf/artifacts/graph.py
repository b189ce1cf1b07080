"""The photograph-to-photograph graph that every exported artifact carries.

Lightness stays that of the input at full resolution; only chroma comes from the network, which sees
the whole photograph scaled to fit its square, aspect kept, the rest filled by reflection.
"""

from collections.abc import Callable

import tensorflow as tf

from colorize_tf.color import decode, encode, images_to_rgb, rgb_to_images


def colorize_images(
    predict_ab: Callable[[tf.Tensor], tf.Tensor], images: tf.Tensor, size: int
) -> tf.Tensor:
    """Colour photographs of any one size.

    Args:
        predict_ab: `lightness` `(batch, size, size, 1)` to `ab` `(batch, size, size, 2)`.
        images: uint8 `(batch, height, width, 3)`.
        size: height and width in pixels that `predict_ab` takes.

    Returns:
        uint8 `(batch, height, width, 3)`.
    """
    rgb = images_to_rgb(images)
    height, width = tf.shape(images)[1], tf.shape(images)[2]
    square, (top, left, inner_height, inner_width) = _fit_square(rgb, height, width, size)
    ab = predict_ab(encode(square)[0])
    ab = ab[:, top : top + inner_height, left : left + inner_width]
    ab = tf.image.resize(ab, (height, width), antialias=True)
    return rgb_to_images(decode(encode(rgb)[0], ab))


def colorize_square(predict_ab: Callable[[tf.Tensor], tf.Tensor], rgb: tf.Tensor) -> tf.Tensor:
    """Colour photographs that have the network's own size.

    Args:
        predict_ab: `lightness` to `ab`.
        rgb: float32 `(batch, size, size, 3)` in 0..1.

    Returns:
        float32 `(batch, size, size, 3)` in 0..1.
    """
    lightness, _ = encode(rgb)
    return decode(lightness, predict_ab(lightness))


def colorize_bytes(
    predict_ab: Callable[[tf.Tensor], tf.Tensor], image_bytes: tf.Tensor, size: int
) -> tf.Tensor:
    """Colour encoded photographs, which may differ in size.

    Args:
        predict_ab: `lightness` `(batch, size, size, 1)` to `ab` `(batch, size, size, 2)`.
        image_bytes: string `(batch,)`, contents of JPEG, PNG, BMP or GIF files.
        size: height and width in pixels that `predict_ab` takes.

    Returns:
        string `(batch,)`, contents of PNG files of the same height and width.
    """

    def colorize_one(contents):
        image = tf.io.decode_image(contents, channels=3, expand_animations=False)
        colorized = colorize_images(predict_ab, image[tf.newaxis], size)
        return tf.io.encode_png(colorized[0])

    return tf.map_fn(colorize_one, image_bytes, fn_output_signature=tf.string)


def _fit_square(
    rgb: tf.Tensor, height: tf.Tensor, width: tf.Tensor, size: int
) -> tuple[tf.Tensor, tuple[tf.Tensor, ...]]:
    """Scale so that the long side is `size` and reflect the rest; also say where the inside is."""
    scale = tf.cast(size, tf.float32) / tf.cast(tf.maximum(height, width), tf.float32)
    inner_height = tf.maximum(1, tf.cast(tf.round(tf.cast(height, tf.float32) * scale), tf.int32))
    inner_width = tf.maximum(1, tf.cast(tf.round(tf.cast(width, tf.float32) * scale), tf.int32))
    top, left = (size - inner_height) // 2, (size - inner_width) // 2
    inner = tf.image.resize(rgb, (inner_height, inner_width), antialias=True)
    square = tf.gather(inner, _reflected(inner_height, top, size), axis=1)
    square = tf.gather(square, _reflected(inner_width, left, size), axis=2)
    return tf.ensure_shape(square, (None, size, size, 3)), (top, left, inner_height, inner_width)


def _reflected(length: tf.Tensor, start: tf.Tensor, size: int) -> tf.Tensor:
    """Source rows for `size` rows of which `length` from `start` on are the picture.

    The rest mirrors it without repeating the border, as often as it takes: tf.pad reflects once.
    """
    period = tf.maximum(2 * (length - 1), 1)
    positions = tf.math.floormod(tf.range(size) - start, period)
    return tf.where(positions < length, positions, period - positions)
