"""How close and how colourful: measures of pictures, and a Keras metric over them.

Every measure is per picture; every mean is over pictures.
"""

import keras
import tensorflow as tf

from colorize_tf.color import AB_SCALE


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


def colorfulness(rgb: tf.Tensor) -> tf.Tensor:
    """Colourfulness M3 of Hasler and Suesstrunk 2003, section 7: 0 is grey, over 100 extreme.

    Args:
        rgb: float32 `(batch, height, width, 3)` in 0..1.

    Returns:
        float32 `(batch,)`, on the paper's scale (sRGB 0..255).
    """
    red, green, blue = tf.unstack(rgb * 255.0, axis=-1)
    opponents = tf.stack([red - green, 0.5 * (red + green) - blue], axis=-1)
    mean, variance = tf.nn.moments(opponents, axes=(1, 2))
    return tf.sqrt(tf.reduce_sum(variance, -1)) + 0.3 * tf.norm(mean, axis=-1)


class ColorfulnessRatio(keras.metrics.Metric):
    """Mean colourfulness of the predictions over mean colourfulness of the truth; 1 is as vivid."""

    def __init__(self, name: str = "colorfulness_ratio", dtype: str | None = None):
        super().__init__(name=name, dtype=dtype)
        self.true_sum = self.add_weight(name="true_sum", initializer="zeros")
        self.generated_sum = self.add_weight(name="generated_sum", initializer="zeros")

    def update_state(self, rgb: tf.Tensor, generated_rgb: tf.Tensor) -> None:
        """Add true and predicted pictures, float32 `(batch, height, width, 3)` in 0..1."""
        self.true_sum.assign_add(tf.reduce_sum(colorfulness(rgb)))
        self.generated_sum.assign_add(tf.reduce_sum(colorfulness(generated_rgb)))

    def result(self) -> tf.Tensor:
        """Return the ratio so far, float32; 0 when the truth has no colour."""
        return tf.math.divide_no_nan(self.generated_sum.value, self.true_sum.value)
