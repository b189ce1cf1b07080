"""Metrics of single images: error, color difference, colorfulness.

Each function returns one value per image; means over sets are means of these.
"""

import functools
import math

import keras
import tensorflow as tf

from colorize_tf.color.lab_tf import AB_SCALE, LIGHTNESS_SCALE, lab_to_rgb, rgb_to_lab

GAMUT_TOLERANCE = 1.0
"""Colors that clipping to sRGB changes by less than this, in Lab units, count as inside."""

psnr = functools.partial(tf.image.psnr, max_val=1.0)
"""Peak signal-to-noise ratio in dB, float32 `(batch,)`, of two images `(batch, height, width, 3)`
in 0..1."""

ssim = functools.partial(tf.image.ssim, max_val=1.0)
"""Structural similarity (Wang et al. 2004) of such images of at least 11 pixels; 1 is equal."""


def ab_rmse(ab: tf.Tensor, generated_ab: tf.Tensor) -> tf.Tensor:
    """Compute the root mean square error of chroma over pixels and both channels.

    Args:
        ab: true chroma, float32 `(batch, height, width, 2)` in [-1, 1].
        generated_ab: predicted chroma, like `ab`.

    Returns:
        float32 `(batch,)` in Lab units.
    """
    squares = tf.reduce_mean(tf.square(ab - generated_ab), axis=(1, 2, 3))
    return tf.sqrt(squares) * AB_SCALE


def ciede2000(lab: tf.Tensor, generated_lab: tf.Tensor) -> tf.Tensor:
    """Average `color_differences` over pixels, float32 `(batch,)`; 1 is just noticeable."""
    return tf.reduce_mean(color_differences(lab, generated_lab), axis=(1, 2))


def color_differences(lab: tf.Tensor, generated_lab: tf.Tensor) -> tf.Tensor:
    """Compute the color difference CIEDE2000 of each pixel (Sharma, Wu and Dalal 2005).

    With the symbols and equations (2) to (22) of the paper. It is not suitable as a loss: its
    gradient is not finite at gray.

    Args:
        lab: the true image, float32 `(batch, height, width, 3)`; L* 0..100, a* and b* in Lab
            units.
        generated_lab: the predicted image, like `lab`.

    Returns:
        float32 `(batch, height, width)`.
    """
    (l_1, a_1, b_1), (l_2, a_2, b_2) = (tf.unstack(one, axis=-1) for one in (lab, generated_lab))
    a_factor = 1.5 - 0.5 * _chroma_weight(0.5 * (_length(a_1, b_1) + _length(a_2, b_2)))
    c_1, c_2 = _length(a_factor * a_1, b_1), _length(a_factor * a_2, b_2)
    h_1, h_2 = _hue(a_factor * a_1, b_1), _hue(a_factor * a_2, b_2)
    # Hues more than half a turn apart, recognized by the sign of the cross product: in float32 the
    # angles do not distinguish 180 degrees from slightly more.
    turn = h_2 - h_1
    wraps = (tf.abs(turn) > math.pi / 2) & (turn * (a_1 * b_2 - a_2 * b_1) < 0.0)
    turn -= tf.where(wraps, 2 * math.pi * tf.sign(turn), 0.0)
    # The paper defines another mean hue beside gray, where it has no effect, as delta_h is 0.
    hue = _positive(h_1 + 0.5 * turn)
    chroma = 0.5 * (c_1 + c_2)
    squared_offset = tf.square(0.5 * (l_1 + l_2) - 50.0)
    by_lightness = 1.0 + 0.015 * squared_offset * tf.math.rsqrt(20.0 + squared_offset)
    delta_l = (l_2 - l_1) / by_lightness
    delta_c = (c_2 - c_1) / (1.0 + 0.045 * chroma)
    delta_h = (
        2.0 * tf.sqrt(c_1 * c_2) * tf.sin(0.5 * turn) / (1.0 + 0.015 * chroma * _hue_weight(hue))
    )
    from_blue = (hue * (180.0 / math.pi) - 275.0) / 25.0
    angle = math.radians(60.0) * tf.exp(-tf.square(from_blue))
    rotation = -2.0 * _chroma_weight(chroma) * tf.sin(angle)
    return tf.sqrt(delta_l**2 + delta_c**2 + delta_h**2 + rotation * delta_c * delta_h)


def _length(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    return tf.sqrt(a * a + b * b)


def _hue(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    return _positive(tf.atan2(b, a))


def _positive(angle: tf.Tensor) -> tf.Tensor:
    return tf.where(angle < 0.0, angle + 2 * math.pi, angle)


def _chroma_weight(chroma: tf.Tensor) -> tf.Tensor:
    """Compute the paper's `sqrt(C^7 / (C^7 + 25^7))`: 0 for gray, toward 1 for vivid colors."""
    seventh = tf.square(chroma * chroma * chroma / 25.0**3) * chroma / 25.0
    return tf.sqrt(seventh / (seventh + 1.0))


def _hue_weight(hue: tf.Tensor) -> tf.Tensor:
    """Compute the paper's T, equation (15), of a hue in radians."""
    return (
        1.0
        - 0.17 * tf.cos(hue - math.radians(30))
        + 0.24 * tf.cos(2 * hue)
        + 0.32 * tf.cos(3 * hue + math.radians(6))
        - 0.20 * tf.cos(4 * hue - math.radians(63))
    )


def colorfulness(rgb: tf.Tensor) -> tf.Tensor:
    """Compute colorfulness M3 (Hasler and Suesstrunk 2003): 0 is gray, over 100 extreme.

    Args:
        rgb: float32 `(batch, height, width, 3)` in 0..1.

    Returns:
        float32 `(batch,)`, on the paper's scale (sRGB 0..255).
    """
    red, green, blue = tf.unstack(rgb * 255.0, axis=-1)
    opponents = tf.stack([red - green, 0.5 * (red + green) - blue], axis=-1)
    mean, variance = tf.nn.moments(opponents, axes=(1, 2))
    return tf.sqrt(tf.reduce_sum(variance, -1)) + 0.3 * tf.norm(mean, axis=-1)


def out_of_gamut(lab: tf.Tensor) -> tf.Tensor:
    """Compute the share of pixels outside the gamut of sRGB by more than `GAMUT_TOLERANCE`.

    Args:
        lab: an image before its colors are mapped to sRGB, float32 `(batch, height, width, 3)`;
            L* 0..100, a* and b* in Lab units.

    Returns:
        float32 `(batch,)` in 0..1.
    """
    change = tf.norm(rgb_to_lab(lab_to_rgb(lab)) - lab, axis=-1)
    return tf.reduce_mean(tf.cast(change > GAMUT_TOLERANCE, tf.float32), axis=(1, 2))


def extreme_chroma(lab: tf.Tensor, lightness: tf.Tensor) -> tf.Tensor:
    """Measure chroma in flat areas that are nearly black or white, where blotches are visible.

    Black is L* below 10 and white above 97; flat is a standard deviation of L* below 2 in the 7 x 7
    pixels around.

    Args:
        lab: an image, float32 `(batch, height, width, 3)`; L* 0..100, a* and b* in Lab units.
        lightness: determines the areas, float32 `(batch, height, width, 1)` in [-1, 1]; a batch of
            1 applies to every image.

    Returns:
        float32 `(batch,)`: `sqrt(a*^2 + b*^2)` in these areas and 0 elsewhere, mean over pixels.
    """
    l_star = (lightness + 1.0) * LIGHTNESS_SCALE
    mean = tf.nn.avg_pool2d(l_star, 7, 1, "SAME")
    variance = tf.nn.avg_pool2d(tf.square(l_star - 50.0), 7, 1, "SAME") - tf.square(mean - 50.0)
    is_flat_extreme = ((l_star < 10.0) | (l_star > 97.0)) & (variance < 4.0)
    chroma = tf.norm(lab[..., 1:], axis=-1)
    return tf.reduce_mean(chroma * tf.cast(is_flat_extreme[..., 0], tf.float32), axis=(1, 2))


class ColorfulnessRatio(keras.metrics.Metric):
    """Mean colorfulness of the predictions over that of the truth; 1 is as colorful."""

    def __init__(self, name: str = "colorfulness_ratio", dtype: str | None = None):
        super().__init__(name=name, dtype=dtype)
        self.true_sum = self.add_weight(name="true_sum", initializer="zeros")
        self.generated_sum = self.add_weight(name="generated_sum", initializer="zeros")

    def update_state(self, rgb: tf.Tensor, generated_rgb: tf.Tensor) -> None:
        """Add true and predicted images, float32 `(batch, height, width, 3)` in 0..1."""
        self.true_sum.assign_add(tf.reduce_sum(colorfulness(rgb)))
        self.generated_sum.assign_add(tf.reduce_sum(colorfulness(generated_rgb)))

    def result(self) -> tf.Tensor:
        """Return the ratio so far, float32; 0 when the truth has no color."""
        return tf.math.divide_no_nan(self.generated_sum.value, self.true_sum.value)
