"""Damage of old prints, applied to `lightness` only: the input ages, the target does not.

Every draw is a function of its seed. All functions but `damage_film` take and return one picture,
float32 `(height, width, 1)` in [-1, 1]; their seeds are integer `(2,)`.
"""

import tensorflow as tf

# Limits of each kind of damage. Lengths are fractions of the picture's height, so that damage
# looks the same at every resolution; light is in units of `lightness`, of which 0.02 is one L*.
_WORST_BLUR = 0.007
_WORST_CORNERS = 0.35
_WORST_GRAIN = 0.08
_GRAIN_SIZE = 0.004
_WORST_BLACK = 0.5
_WORST_WHITE = 0.35
_MOST_SCRATCHES = 6
_MOST_DUST = 14


def damage_film(lightness: tf.Tensor, *, share: float, seeds: tf.Tensor) -> tf.Tensor:
    """Age some pictures of a batch, each with a probability of `share`.

    Args:
        lightness: float32 `(batch, height, width, 1)` in [-1, 1].
        share: probability, 0 to 1.
        seeds: integer `(batch, 2)`; the damage of a picture depends on its own seed only.

    Returns:
        lightness: float32, same shape, in [-1, 1]; where `share` is 0, the same tensor.
    """
    if not share:
        return lightness

    def damage(picture_and_seed: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        picture, seed = picture_and_seed
        chance_seed, print_seed = tf.unstack(tf.random.split(seed, 2))
        return tf.cond(
            tf.random.stateless_uniform((), chance_seed) < share,
            lambda: old_print(picture, print_seed),
            lambda: picture,
        )

    return tf.map_fn(damage, (lightness, seeds), fn_output_signature=lightness.dtype)


def old_print(lightness: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Age a picture in the order in which prints age: lens, film, paper, storage."""
    amount_seed, grain_seed, scratch_seed, dust_seed = tf.unstack(tf.random.split(seed, 4))
    soft, dark, coarse, black, white, scratched, dusty = tf.unstack(
        tf.random.stateless_uniform((7,), amount_seed)
    )
    height = tf.cast(tf.shape(lightness)[0], tf.float32)
    lightness = blur(lightness, soft * _WORST_BLUR * height)
    lightness = darken_corners(lightness, dark * _WORST_CORNERS)
    # Squared, since most prints are fine-grained.
    lightness = add_grain(lightness, coarse**2 * _WORST_GRAIN, _GRAIN_SIZE * height, grain_seed)
    lightness = fade(lightness, black * _WORST_BLACK, white * _WORST_WHITE)
    lightness = scratch(lightness, scratched, scratch_seed)
    return sprinkle_dust(lightness, dusty, dust_seed)


def blur(lightness: tf.Tensor, sigma: tf.Tensor | float) -> tf.Tensor:
    """Convolve with a Gaussian of `sigma` pixels, below a third of a side; mirror the edges."""
    radius = tf.cast(tf.math.ceil(3.0 * sigma), tf.int32)
    offsets = tf.cast(tf.range(-radius, radius + 1), tf.float32)
    kernel = tf.nn.softmax(-0.5 * (offsets / tf.maximum(sigma, 1e-3)) ** 2)
    margin = tf.stack([radius, radius])
    padded = tf.pad(lightness, tf.stack([margin, margin, [0, 0]]), mode="SYMMETRIC")[tf.newaxis]
    rows = tf.nn.conv2d(padded, kernel[:, tf.newaxis, tf.newaxis, tf.newaxis], 1, "VALID")
    columns = tf.nn.conv2d(rows, kernel[tf.newaxis, :, tf.newaxis, tf.newaxis], 1, "VALID")
    return tf.ensure_shape(columns[0], lightness.shape)


def darken_corners(lightness: tf.Tensor, strength: tf.Tensor | float) -> tf.Tensor:
    """Darken toward the corners, which lose the share `strength` of L*, as simple lenses do."""
    y, x = _pixels(lightness)
    height, width = tf.unstack(tf.cast(tf.shape(lightness)[:2], tf.float32))
    corner = ((2 * y / height - 1) ** 2 + (2 * x / width - 1) ** 2) / 2
    return (lightness + 1.0) * (1.0 - strength * corner[..., tf.newaxis]) - 1.0


def add_grain(
    lightness: tf.Tensor, strength: tf.Tensor | float, sigma: tf.Tensor | float, seed: tf.Tensor
) -> tf.Tensor:
    """Add spatially correlated noise: silver grains are larger than pixels.

    Args:
        lightness: the picture.
        strength: standard deviation at mid gray; half as much at black and at white.
        sigma: size of the grains, in pixels.
        seed: determines the noise.
    """
    noise = tf.random.stateless_normal(tf.shape(lightness), seed)
    noise = blur(tf.ensure_shape(noise, lightness.shape), sigma)
    noise = noise / tf.math.reduce_std(noise)
    return tf.clip_by_value(lightness + strength * (1.0 - 0.5 * lightness**2) * noise, -1.0, 1.0)


def fade(lightness: tf.Tensor, black: tf.Tensor | float, white: tf.Tensor | float) -> tf.Tensor:
    """Raise black and lower white by amounts in units of `lightness`, at most 2 together."""
    return black - 1.0 + (lightness + 1.0) * (1.0 - (black + white) / 2.0)


def scratch(lightness: tf.Tensor, amount: tf.Tensor | float, seed: tf.Tensor) -> tf.Tensor:
    """Draw thin scratches, light or dark, long or short, most of them nearly vertical.

    `amount` is the probability of each of six scratches.
    """
    count = _MOST_SCRATCHES
    position_seed, tilt_seed, form_seed, mark_seed = tf.unstack(tf.random.split(seed, 4))
    across, along = _from_random_points(lightness, count, position_seed)
    # Cubes of a normal variable are mostly small and sometimes large.
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
    # Both ends of a scratch are faint.
    taper = tf.maximum(1.0 - (along / (height * (0.05 + length**2))) ** 2, 0.0)
    return _mark(lightness, line * taper, amount, mark_seed)


def sprinkle_dust(lightness: tf.Tensor, amount: tf.Tensor | float, seed: tf.Tensor) -> tf.Tensor:
    """Draw small spots, light or dark, round or elongated.

    `amount` is the probability of each of fourteen spots.
    """
    count = _MOST_DUST
    position_seed, form_seed, mark_seed = tf.unstack(tf.random.split(seed, 3))
    across, along = _from_random_points(lightness, count, position_seed)
    radius, stretch = map(_per_mark, tf.unstack(tf.random.stateless_uniform((2, count), form_seed)))
    height = tf.cast(tf.shape(lightness)[0], tf.float32)
    distance = tf.sqrt((across * (0.7 + stretch)) ** 2 + (along / (0.7 + stretch)) ** 2)
    spots = _cover(distance, (0.001 + 0.011 * radius**3) * height)
    return _mark(lightness, spots, amount, mark_seed)


def _pixels(lightness: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return rows `(height, 1)` and columns `(width,)` of the pixel centers."""
    height, width = tf.unstack(tf.cast(tf.shape(lightness)[:2], tf.float32))
    return tf.range(height)[:, tf.newaxis] + 0.5, tf.range(width) + 0.5


def _from_random_points(
    lightness: tf.Tensor, count: int, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return offsets from random points: right `(count, 1, width)`, down `(count, height, 1)`."""
    y, x = _pixels(lightness)
    height, width = tf.unstack(tf.cast(tf.shape(lightness)[:2], tf.float32))
    down, right = map(_per_mark, tf.unstack(tf.random.stateless_uniform((2, count), seed)))
    return x - right * width, y - down * height


def _per_mark(values: tf.Tensor) -> tf.Tensor:
    """Reshape `(count,)` to `(count, 1, 1)`, which broadcasts over pictures."""
    return values[:, tf.newaxis, tf.newaxis]


def _cover(distance: tf.Tensor, reach: tf.Tensor) -> tf.Tensor:
    """Return the share of each pixel within `reach` of zero distance, 0 to 1; all in pixels."""
    return tf.clip_by_value(reach + 0.5 - tf.abs(distance), 0.0, 1.0)


def _mark(
    lightness: tf.Tensor, covers: tf.Tensor, amount: tf.Tensor | float, seed: tf.Tensor
) -> tf.Tensor:
    """Draw some of the marks `covers` `(count, height, width)`, white or black."""
    presence, light, strength = map(
        _per_mark, tf.unstack(tf.random.stateless_uniform((3, covers.shape[0]), seed))
    )
    covers = covers * tf.where(presence < amount, 0.2 + 0.7 * strength, 0.0)
    # Dust on a negative shades the paper, so that most marks are white.
    white = tf.reduce_max(tf.where(light < 0.7, covers, 0.0), axis=0)[..., tf.newaxis]
    black = tf.reduce_max(tf.where(light < 0.7, 0.0, covers), axis=0)[..., tf.newaxis]
    lightness = lightness + white * (1.0 - lightness)
    return lightness - black * (1.0 + lightness)
