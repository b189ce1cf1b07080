"""How close and how colorful: measures of pictures, and a Keras metric over them.

Every measure is per picture; every mean is over pictures.
"""

import math

import keras
import tensorflow as tf

from colorize_tf.color.lab_tf import AB_SCALE, LIGHTNESS_SCALE, lab_to_rgb, rgb_to_lab

GAMUT_TOLERANCE = 1.0
"""Lab units by which clipping to sRGB may move a color that still counts as inside."""


def ab_rmse(ab: tf.Tensor, generated_ab: tf.Tensor) -> tf.Tensor:
    """Root mean square error of chroma, over pixels and both channels.

    Args:
        ab: true chroma, float32 `(batch, height, width, 2)` in [-1, 1].
        generated_ab: predicted chroma, like `ab`.

    Returns:
        float32 `(batch,)` in Lab units.
    """
    squares = tf.reduce_mean(tf.square(ab - generated_ab), axis=(1, 2, 3))
    return tf.sqrt(squares) * AB_SCALE


def psnr(rgb: tf.Tensor, generated_rgb: tf.Tensor) -> tf.Tensor:
    """Peak signal-to-noise ratio of two sRGB pictures.

    Args:
        rgb: the true picture, float32 `(batch, height, width, 3)` in 0..1.
        generated_rgb: the predicted picture, like `rgb`.

    Returns:
        float32 `(batch,)` in dB.
    """
    return tf.image.psnr(rgb, generated_rgb, max_val=1.0)


def ssim(rgb: tf.Tensor, generated_rgb: tf.Tensor) -> tf.Tensor:
    """Structural similarity of two sRGB pictures: Wang et al. 2004, Gaussian window of 11 pixels.

    Args:
        rgb: the true picture, float32 `(batch, height, width, 3)` in 0..1, at least 11 pixels.
        generated_rgb: the predicted picture, like `rgb`.

    Returns:
        float32 `(batch,)`, mean over the three channels; 1 is equal.
    """
    return tf.image.ssim(rgb, generated_rgb, max_val=1.0)


def ciede2000(lab: tf.Tensor, generated_lab: tf.Tensor) -> tf.Tensor:
    """Color difference CIEDE2000, mean over pixels.

    Args:
        lab: as `color_differences` takes it.
        generated_lab: like `lab`.

    Returns:
        float32 `(batch,)`; 1 is about what an eye can just tell apart.
    """
    return tf.reduce_mean(color_differences(lab, generated_lab), axis=(1, 2))


def color_differences(lab: tf.Tensor, generated_lab: tf.Tensor) -> tf.Tensor:
    """Color difference CIEDE2000 of each pixel: Sharma, Wu and Dalal 2005.

    In the symbols and by the equations (2) to (22) of the paper. A measure, not a loss: its
    gradient is not finite at gray.

    Args:
        lab: the true picture, float32 `(batch, height, width, 3)`; L* 0..100, a* and b* in Lab
            units.
        generated_lab: the predicted picture, like `lab`.

    Returns:
        float32 `(batch, height, width)`.
    """
    (l_1, a_1, b_1), (l_2, a_2, b_2) = (tf.unstack(one, axis=-1) for one in (lab, generated_lab))
    stretch = 1.5 - 0.5 * _vividness(0.5 * (_length(a_1, b_1) + _length(a_2, b_2)))
    c_1, c_2 = _length(stretch * a_1, b_1), _length(stretch * a_2, b_2)
    h_1, h_2 = _hue(stretch * a_1, b_1), _hue(stretch * a_2, b_2)
    # Hues more than half a turn apart, told by the side on which one color lies of the other: in
    # float32 the angles themselves do not tell 180 degrees from a little more.
    turn = h_2 - h_1
    wraps = (tf.abs(turn) > math.pi / 2) & (turn * (a_1 * b_2 - a_2 * b_1) < 0.0)
    turn -= tf.where(wraps, 2 * math.pi * tf.sign(turn), 0.0)
    # The paper has another mean hue beside a gray; there it counts for nothing, as delta_h is 0.
    hue = _positive(h_1 + 0.5 * turn)
    chroma = 0.5 * (c_1 + c_2)
    squared_offset = tf.square(0.5 * (l_1 + l_2) - 50.0)
    by_lightness = 1.0 + 0.015 * squared_offset * tf.math.rsqrt(20.0 + squared_offset)
    delta_l = (l_2 - l_1) / by_lightness
    delta_c = (c_2 - c_1) / (1.0 + 0.045 * chroma)
    delta_h = 2.0 * tf.sqrt(c_1 * c_2) * tf.sin(0.5 * turn) / (1.0 + 0.015 * chroma * _tuning(hue))
    from_blue = (hue * (180.0 / math.pi) - 275.0) / 25.0
    angle = math.radians(60.0) * tf.exp(-tf.square(from_blue))
    rotation = -2.0 * _vividness(chroma) * tf.sin(angle)
    return tf.sqrt(delta_l**2 + delta_c**2 + delta_h**2 + rotation * delta_c * delta_h)


def _length(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    return tf.sqrt(a * a + b * b)


def _hue(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    return _positive(tf.atan2(b, a))


def _positive(angle: tf.Tensor) -> tf.Tensor:
    return tf.where(angle < 0.0, angle + 2 * math.pi, angle)


def _vividness(chroma: tf.Tensor) -> tf.Tensor:
    """The paper's `sqrt(C^7 / (C^7 + 25^7))`: 0 for gray, toward 1 for vivid colors."""
    seventh = tf.square(chroma * chroma * chroma / 25.0**3) * chroma / 25.0
    return tf.sqrt(seventh / (seventh + 1.0))


def _tuning(hue: tf.Tensor) -> tf.Tensor:
    """The paper's T, equation (15), of a hue in radians."""
    return (
        1.0
        - 0.17 * tf.cos(hue - math.radians(30))
        + 0.24 * tf.cos(2 * hue)
        + 0.32 * tf.cos(3 * hue + math.radians(6))
        - 0.20 * tf.cos(4 * hue - math.radians(63))
    )


def colorfulness(rgb: tf.Tensor) -> tf.Tensor:
    """Colorfulness M3 of Hasler and Suesstrunk 2003, section 7: 0 is gray, over 100 extreme.

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
    """Share of the pixels whose color a screen cannot show, by more than `GAMUT_TOLERANCE`.

    Args:
        lab: a picture before its colors are mapped to sRGB, float32 `(batch, height, width, 3)`;
            L* 0..100, a* and b* in Lab units.

    Returns:
        float32 `(batch,)` in 0..1.
    """
    moved = tf.norm(rgb_to_lab(lab_to_rgb(lab)) - lab, axis=-1)
    return tf.reduce_mean(tf.cast(moved > GAMUT_TOLERANCE, tf.float32), axis=(1, 2))


def extreme_chroma(lab: tf.Tensor, lightness: tf.Tensor) -> tf.Tensor:
    """Chroma where there is nothing to see: in flat areas that are nearly black or blown out.

    There blotches show. Black is L* below 10 and blown out above 97; flat is a standard deviation
    of L* below 2 in the 7 x 7 pixels around.

    Args:
        lab: a picture, float32 `(batch, height, width, 3)`; L* 0..100, a* and b* in Lab units.
        lightness: of the picture whose areas are meant, float32 `(batch, height, width, 1)` in
            [-1, 1]; a batch of 1 is meant for every picture.

    Returns:
        float32 `(batch,)`: sum of `sqrt(a*^2 + b*^2)` over these areas, per pixel of the picture.
    """
    true_l = (lightness + 1.0) * LIGHTNESS_SCALE
    mean = tf.nn.avg_pool2d(true_l, 7, 1, "SAME")
    variance = tf.nn.avg_pool2d(tf.square(true_l - 50.0), 7, 1, "SAME") - tf.square(mean - 50.0)
    is_meant = ((true_l < 10.0) | (true_l > 97.0)) & (variance < 4.0)
    chroma = tf.norm(lab[..., 1:], axis=-1)
    return tf.reduce_mean(chroma * tf.cast(is_meant[..., 0], tf.float32), axis=(1, 2))


class ColorfulnessRatio(keras.metrics.Metric):
    """Mean colorfulness of the predictions over mean colorfulness of the truth; 1 is as vivid."""

    def __init__(self, name: str = "colorfulness_ratio", dtype: str | None = None):
        super().__init__(name=name, dtype=dtype)
        self.true_sum = self.add_weight(name="true_sum", initializer="zeros")
        self.generated_sum = self.add_weight(name="generated_sum", initializer="zeros")

    def update_state(self, rgb: tf.Tensor, generated_rgb: tf.Tensor) -> None:
        """Add true and predicted pictures, float32 `(batch, height, width, 3)` in 0..1."""
        self.true_sum.assign_add(tf.reduce_sum(colorfulness(rgb)))
        self.generated_sum.assign_add(tf.reduce_sum(colorfulness(generated_rgb)))

    def result(self) -> tf.Tensor:
        """Return the ratio so far, float32; 0 when the truth has no color."""
        return tf.math.divide_no_nan(self.generated_sum.value, self.true_sum.value)
