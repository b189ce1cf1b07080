"""Random changes to training examples that stay honest between lightness and chroma.

View and tones change on the colour picture, before Lab, so that `lightness` and `ab` follow
together, as from another camera. The wear of an old print falls on `lightness` alone: what the
network is given is worn, what it should answer is not. Every draw is a function of its seed.
"""

import numpy as np
import tensorflow as tf

from colorize_tf.color import images_to_rgb

# How bad the worst print is. Lengths are parts of the picture's height, so that a print looks
# the same at every resolution; light is in units of `lightness`, of which 0.02 is one L*.
_WORST_BLUR = 0.007
_WORST_CORNERS = 0.35
_WORST_GRAIN = 0.08
_GRAIN_SIZE = 0.004
_WORST_BLACK = 0.5
_WORST_WHITE = 0.35
_MOST_SCRATCHES = 6
_MOST_DUST = 14


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
    # The curve of IEC 61966-2-1.
    linear = tf.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92) * 2.0**stops
    curve = 1.055 * tf.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055
    return tf.clip_by_value(tf.where(linear > 0.0031308, curve, linear * 12.92), 0.0, 1.0)


def change_contrast(rgb: tf.Tensor, factor: tf.Tensor | float) -> tf.Tensor:
    """Stretch each channel about mid grey, 0.5 of gamma-encoded sRGB, as picture editors do.

    Args:
        rgb: float32 of any shape, sRGB 0..1.
        factor: a scalar from 0, which leaves mid grey alone; 1 changes nothing.

    Returns:
        rgb: float32, same shape, clipped to 0..1.
    """
    return tf.clip_by_value(0.5 + factor * (rgb - 0.5), 0.0, 1.0)


def damage_film(lightness: tf.Tensor, *, share: float, seeds: tf.Tensor) -> tf.Tensor:
    """Make old prints of some pictures of a batch, each with a probability of `share`.

    Args:
        lightness: float32 `(batch, height, width, 1)` in [-1, 1].
        share: probability in 0..1.
        seeds: integer `(batch, 2)`; what happens to a picture depends on its own seed alone.

    Returns:
        lightness: float32, same shape, in [-1, 1]; where `share` is 0, the same tensor.
    """
    if not share:
        return lightness

    def damage(picture_and_seed):
        picture, seed = picture_and_seed
        chance_seed, print_seed = tf.unstack(tf.random.split(seed, 2))
        return tf.cond(
            tf.random.stateless_uniform((), chance_seed) < share,
            lambda: old_print(picture, print_seed),
            lambda: picture,
        )

    return tf.map_fn(damage, (lightness, seeds), fn_output_signature=lightness.dtype)


def old_print(lightness: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Age a picture, in the order in which a print does: lens, film, paper, drawer.

    Args:
        lightness: float32 `(height, width, 1)` in [-1, 1].
        seed: integer `(2,)`; chooses how much of each there is and where.

    Returns:
        lightness: float32, same shape, in [-1, 1].
    """
    amount_seed, grain_seed, scratch_seed, dust_seed = tf.unstack(tf.random.split(seed, 4))
    soft, dark, coarse, black, white, scratched, dusty = tf.unstack(
        tf.random.stateless_uniform((7,), amount_seed)
    )
    height = tf.cast(tf.shape(lightness)[0], tf.float32)
    lightness = blur(lightness, soft * _WORST_BLUR * height)
    lightness = darken_corners(lightness, dark * _WORST_CORNERS)
    # Squared, since most prints are fine grained.
    lightness = add_grain(lightness, coarse**2 * _WORST_GRAIN, _GRAIN_SIZE * height, grain_seed)
    lightness = fade(lightness, black * _WORST_BLACK, white * _WORST_WHITE)
    lightness = scratch(lightness, scratched, scratch_seed)
    return sprinkle_dust(lightness, dusty, dust_seed)


def blur(lightness: tf.Tensor, sigma: tf.Tensor | float) -> tf.Tensor:
    """Convolve with a Gaussian; the picture is mirrored at its edges.

    Args:
        lightness: float32 `(height, width, 1)`.
        sigma: in pixels, below a third of either side; 0 changes nothing.

    Returns:
        lightness: float32, same shape.
    """
    radius = tf.cast(tf.math.ceil(3.0 * sigma), tf.int32)
    offsets = tf.cast(tf.range(-radius, radius + 1), tf.float32)
    kernel = tf.nn.softmax(-0.5 * (offsets / tf.maximum(sigma, 1e-3)) ** 2)
    beyond = tf.stack([radius, radius])
    padded = tf.pad(lightness, tf.stack([beyond, beyond, [0, 0]]), mode="SYMMETRIC")[tf.newaxis]
    rows = tf.nn.conv2d(padded, kernel[:, tf.newaxis, tf.newaxis, tf.newaxis], 1, "VALID")
    columns = tf.nn.conv2d(rows, kernel[tf.newaxis, :, tf.newaxis, tf.newaxis], 1, "VALID")
    return tf.ensure_shape(columns[0], lightness.shape)


def darken_corners(lightness: tf.Tensor, strength: tf.Tensor | float) -> tf.Tensor:
    """Take light away towards the corners, as simple lenses do.

    Args:
        lightness: float32 `(height, width, 1)` in [-1, 1].
        strength: share of L* that is lost in the very corner, 0..1.

    Returns:
        lightness: float32, same shape, in [-1, 1].
    """
    y, x = _pixels(lightness)
    height, width = tf.unstack(tf.cast(tf.shape(lightness)[:2], tf.float32))
    corner = ((2 * y / height - 1) ** 2 + (2 * x / width - 1) ** 2) / 2
    return (lightness + 1.0) * (1.0 - strength * corner[..., tf.newaxis]) - 1.0


def add_grain(
    lightness: tf.Tensor, strength: tf.Tensor | float, sigma: tf.Tensor | float, seed: tf.Tensor
) -> tf.Tensor:
    """Add noise whose neighbours are alike: grains of silver are larger than pixels.

    Args:
        lightness: float32 `(height, width, 1)` in [-1, 1].
        strength: standard deviation at mid grey; half of it is left at black and at white.
        sigma: size of the grains, in pixels.
        seed: integer `(2,)`.

    Returns:
        lightness: float32, same shape, clipped to [-1, 1].
    """
    noise = tf.random.stateless_normal(tf.shape(lightness), seed)
    noise = blur(tf.ensure_shape(noise, lightness.shape), sigma)
    noise = noise / tf.math.reduce_std(noise)
    return tf.clip_by_value(lightness + strength * (1.0 - 0.5 * lightness**2) * noise, -1.0, 1.0)


def fade(lightness: tf.Tensor, black: tf.Tensor | float, white: tf.Tensor | float) -> tf.Tensor:
    """Bleach the blacks and yellow the whites, which leaves less between them.

    Args:
        lightness: float32 of any shape in [-1, 1].
        black: how far black rises, in units of `lightness`.
        white: how far white falls, likewise; both together at most 2.

    Returns:
        lightness: float32, same shape, in [-1, 1].
    """
    return black - 1.0 + (lightness + 1.0) * (1.0 - (black + white) / 2.0)


def scratch(lightness: tf.Tensor, amount: tf.Tensor | float, seed: tf.Tensor) -> tf.Tensor:
    """Draw thin scratches, light or dark, long or short, most of them nearly upright.

    Args:
        lightness: float32 `(height, width, 1)` in [-1, 1].
        amount: how likely each of six scratches is, 0..1.
        seed: integer `(2,)`.

    Returns:
        lightness: float32, same shape, in [-1, 1].
    """
    count = _MOST_SCRATCHES
    place_seed, tilt_seed, form_seed, mark_seed = tf.unstack(tf.random.split(seed, 4))
    across, along = _from_random_points(lightness, count, place_seed)
    # Cubes of a normal variable: mostly small, now and then large.
    tilt = 0.1 * _per_mark(tf.random.stateless_normal((count,), tilt_seed)) ** 3
    across, along = (
        across * tf.cos(tilt) - along * tf.sin(tilt),
        across * tf.sin(tilt) + along * tf.cos(tilt),
    )
    length, bend, width = map(
        _per_mark, tf.unstack(tf.random.stateless_uniform((3, count), form_seed))
    )
    height = tf.cast(tf.shape(lightness)[0], tf.float32)
    across = across + (bend - 0.5) * 0.1 * along**2 / height
    line = _cover(across, 0.003 * width * height)
    # A needle is set down and lifted again: both ends are faint.
    taper = tf.maximum(1.0 - (along / (height * (0.05 + length**2))) ** 2, 0.0)
    return _mark(lightness, line * taper, amount, mark_seed)


def sprinkle_dust(lightness: tf.Tensor, amount: tf.Tensor | float, seed: tf.Tensor) -> tf.Tensor:
    """Draw small spots, light or dark, round or longish.

    Args:
        lightness: float32 `(height, width, 1)` in [-1, 1].
        amount: how likely each of fourteen spots is, 0..1.
        seed: integer `(2,)`.

    Returns:
        lightness: float32, same shape, in [-1, 1].
    """
    count = _MOST_DUST
    place_seed, form_seed, mark_seed = tf.unstack(tf.random.split(seed, 3))
    across, along = _from_random_points(lightness, count, place_seed)
    radius, stretch = map(_per_mark, tf.unstack(tf.random.stateless_uniform((2, count), form_seed)))
    height = tf.cast(tf.shape(lightness)[0], tf.float32)
    distance = tf.sqrt((across * (0.7 + stretch)) ** 2 + (along / (0.7 + stretch)) ** 2)
    spots = _cover(distance, (0.001 + 0.011 * radius**3) * height)
    return _mark(lightness, spots, amount, mark_seed)


def _pixels(lightness: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Rows `(height, 1)` and columns `(width,)` of the pixels' centres."""
    height, width = tf.unstack(tf.cast(tf.shape(lightness)[:2], tf.float32))
    return tf.range(height)[:, tf.newaxis] + 0.5, tf.range(width) + 0.5


def _from_random_points(
    lightness: tf.Tensor, count: int, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Pixels from each of `count` points: to the right `(count, 1, width)`, down likewise."""
    y, x = _pixels(lightness)
    height, width = tf.unstack(tf.cast(tf.shape(lightness)[:2], tf.float32))
    down, right = map(_per_mark, tf.unstack(tf.random.stateless_uniform((2, count), seed)))
    return x - right * width, y - down * height


def _per_mark(values: tf.Tensor) -> tf.Tensor:
    """`(count,)` to `(count, 1, 1)`, which broadcasts over pictures."""
    return values[:, tf.newaxis, tf.newaxis]


def _cover(distance: tf.Tensor, reach: tf.Tensor) -> tf.Tensor:
    """How much of a pixel lies within `reach` of zero distance, 0..1; all in pixels."""
    return tf.clip_by_value(reach + 0.5 - tf.abs(distance), 0.0, 1.0)


def _mark(
    lightness: tf.Tensor, covers: tf.Tensor, amount: tf.Tensor | float, seed: tf.Tensor
) -> tf.Tensor:
    """Paint each of `covers` `(count, height, width)` white or black, if at all."""
    there, light, strength = map(
        _per_mark, tf.unstack(tf.random.stateless_uniform((3, covers.shape[0]), seed))
    )
    covers = covers * tf.where(there < amount, 0.2 + 0.7 * strength, 0.0)
    # Dust keeps light from the paper: most of what a copy of a negative shows is white.
    white = tf.reduce_max(tf.where(light < 0.7, covers, 0.0), axis=0)[..., tf.newaxis]
    black = tf.reduce_max(tf.where(light < 0.7, 0.0, covers), axis=0)[..., tf.newaxis]
    lightness = lightness + white * (1.0 - lightness)
    return lightness - black * (1.0 + lightness)
