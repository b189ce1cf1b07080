"""The graph from photograph to colorized photograph that a SavedModel serves.

Lightness keeps the resolution of the input; only chroma comes from the network, which sees the
whole photograph, scaled to fit a square with its aspect ratio kept, the rest filled by reflection.
"""

from collections.abc import Callable

import tensorflow as tf

from colorize_tf.color.lab_tf import decode, images_to_rgb, rgb_to_images, rgb_to_lightness

MAX_MEGAPIXELS = 40
"""Larger encoded photographs are rejected before their pixels are decoded."""

# The first bytes of the files that `colorize_bytes` reads.
_JPEG, _PNG, _BMP, _GIF = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"GIF8"


def colorize_images(
    predict_ab: Callable[[tf.Tensor], tf.Tensor], images: tf.Tensor, size: int
) -> tf.Tensor:
    """Color a batch of photographs of the same size.

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
    ab = predict_ab(rgb_to_lightness(square))
    ab = ab[:, top : top + inner_height, left : left + inner_width]
    ab = tf.image.resize(ab, (height, width), antialias=True)
    return rgb_to_images(decode(rgb_to_lightness(rgb), ab))


def colorize_bytes(
    predict_ab: Callable[[tf.Tensor], tf.Tensor], image_bytes: tf.Tensor, size: int
) -> tf.Tensor:
    """Color encoded photographs of any sizes.

    Args:
        predict_ab: as `colorize_images` takes it.
        image_bytes: string `(batch,)`, contents of JPEG, PNG, BMP or GIF files.
        size: height and width in pixels that `predict_ab` takes.

    Returns:
        string `(batch,)`, contents of PNG files of the same height and width.

    Raises:
        tf.errors.InvalidArgumentError: one of them is not an image, is damaged or has more than
            `MAX_MEGAPIXELS`; the message has its index in the batch and the reason.
    """

    def colorize_one(index_and_contents: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        image = _decode_image(*index_and_contents)
        colorized = colorize_images(predict_ab, image[tf.newaxis], size)
        # A seventh of the time of the default level, for files that are a sixth larger.
        return tf.io.encode_png(colorized[0], compression=2)

    indices = tf.range(tf.shape(image_bytes)[0])
    # One at a time, so that a batch of large photographs needs the memory of one.
    return tf.map_fn(
        colorize_one,
        (indices, image_bytes),
        fn_output_signature=tf.string,
        parallel_iterations=1,
    )


def _decode_image(index: tf.Tensor, contents: tf.Tensor) -> tf.Tensor:
    """Decode one file to uint8 `(height, width, 3)`; of an animation, the first frame.

    Errors name the file's `index` in the batch, which the decoders' own errors do not.
    """
    name = tf.strings.join(["image ", tf.strings.as_string(index), " of the batch "])
    size = _value_or(_header_size, contents, default=tf.zeros(2, tf.int64))
    contents = _checked(
        contents,
        tf.reduce_all(size > 0),
        [name, "is no JPEG, PNG, BMP or GIF file, or its header is damaged"],
    )
    height_and_width = [tf.strings.as_string(size[1]), " x ", tf.strings.as_string(size[0])]
    contents = _checked(
        contents,
        # In floating point, as the product of two sizes in a damaged header may overflow int64.
        tf.reduce_prod(tf.cast(size, tf.float64)) <= MAX_MEGAPIXELS * 1e6,
        [
            name,
            "is too large: ",
            *height_and_width,
            f" pixels, at most {MAX_MEGAPIXELS} megapixels",
        ],
    )
    image = _value_or(_decoded, contents, default=tf.zeros((0, 0, 3), tf.uint8))
    image = _checked(image, tf.size(image) > 0, [name, "is damaged or cut short"])
    return tf.ensure_shape(image, (None, None, 3))


def _decoded(contents: tf.Tensor) -> tf.Tensor:
    image = tf.io.decode_image(contents, channels=3, expand_animations=False)
    return tf.ensure_shape(image, (None, None, 3))


def _header_size(contents: tf.Tensor) -> tf.Tensor:
    """Read `(height, width)`, int64, from a file's header; zeros for an unknown format."""

    def integers(position: int, dtype: tf.DType, *, little_endian: bool) -> tf.Tensor:
        data = tf.strings.substr(contents, position, 2 * dtype.size)
        return tf.cast(tf.io.decode_raw(data, dtype, little_endian), tf.int64)

    kinds = {
        _JPEG: lambda: tf.image.extract_jpeg_shape(contents, tf.int64)[:2],
        # Unsigned in the file; a negative value is far too large.
        _PNG: lambda: tf.math.floormod(integers(16, tf.int32, little_endian=False)[::-1], 2**32),
        # A negative height means that the top row comes first.
        _BMP: lambda: tf.abs(integers(18, tf.int32, little_endian=True)[::-1]),
        _GIF: lambda: integers(6, tf.uint16, little_endian=True)[::-1],
    }
    matches = [tf.strings.substr(contents, 0, len(magic)) == magic for magic in kinds]
    size = tf.case(
        list(zip(matches, kinds.values(), strict=True)), default=lambda: tf.zeros(2, tf.int64)
    )
    return tf.ensure_shape(size, (2,))  # There are fewer if the file ends within its header.


def _value_or(
    function: Callable[[tf.Tensor], tf.Tensor], argument: tf.Tensor, default: tf.Tensor
) -> tf.Tensor:
    """Return `function(argument)`, or `default` if it raises an error.

    Only data sets can ignore an error within a graph.
    """
    values = tf.data.Dataset.from_tensors(argument).map(function).ignore_errors()
    return values.concatenate(tf.data.Dataset.from_tensors(default)).take(1).get_single_element()


def _checked(tensor: tf.Tensor, condition: tf.Tensor, words: list[tf.Tensor | str]) -> tf.Tensor:
    """Return `tensor`, which is computed only if `condition` holds."""
    with tf.control_dependencies([tf.debugging.Assert(condition, [tf.strings.join(words)])]):
        return tf.identity(tensor)


def _fit_square(
    rgb: tf.Tensor, height: tf.Tensor, width: tf.Tensor, size: int
) -> tuple[tf.Tensor, tuple[tf.Tensor, ...]]:
    """Scale the long side to `size` and reflect the rest; also return the window of the image."""
    scale = tf.cast(size, tf.float32) / tf.cast(tf.maximum(height, width), tf.float32)
    inner_height = tf.maximum(1, tf.cast(tf.round(tf.cast(height, tf.float32) * scale), tf.int32))
    inner_width = tf.maximum(1, tf.cast(tf.round(tf.cast(width, tf.float32) * scale), tf.int32))
    top, left = (size - inner_height) // 2, (size - inner_width) // 2
    inner = tf.image.resize(rgb, (inner_height, inner_width), antialias=True)
    square = tf.gather(inner, _reflected(inner_height, top, size), axis=1)
    square = tf.gather(square, _reflected(inner_width, left, size), axis=2)
    return tf.ensure_shape(square, (None, size, size, 3)), (top, left, inner_height, inner_width)


def _reflected(length: tf.Tensor, start: tf.Tensor, size: int) -> tf.Tensor:
    """Return the source row of each of `size` rows, of which `length` from `start` are the image.

    The others mirror it, without repeating the border, as often as needed; tf.pad reflects once.
    """
    period = tf.maximum(2 * (length - 1), 1)
    positions = tf.math.floormod(tf.range(size) - start, period)
    return tf.where(positions < length, positions, period - positions)
