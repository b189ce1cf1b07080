"""Losses: pure functions of tensors, and their names."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

HUBER_DELTA = 0.1
"""11 Lab units: two thirds of the errors of gray pictures of landscapes are smaller.

Keras' default of 1 exceeds nearly every error in [-1, 1], which makes it L2.
"""


def l1_loss(ab: tf.Tensor, generated_ab: tf.Tensor) -> tf.Tensor:
    """Mean absolute error of chroma.

    Args:
        ab: true chroma, float32 `(batch, height, width, 2)` in [-1, 1].
        generated_ab: predicted chroma, like `ab`.

    Returns:
        float32 scalar.
    """
    return tf.reduce_mean(tf.abs(ab - generated_ab))


def l2_loss(ab: tf.Tensor, generated_ab: tf.Tensor) -> tf.Tensor:
    """Mean squared error of chroma.

    Args:
        ab: true chroma, float32 `(batch, height, width, 2)` in [-1, 1].
        generated_ab: predicted chroma, like `ab`.

    Returns:
        float32 scalar.
    """
    return tf.reduce_mean(tf.square(ab - generated_ab))


def huber_loss(ab: tf.Tensor, generated_ab: tf.Tensor, delta: float = HUBER_DELTA) -> tf.Tensor:
    """Huber loss of chroma, divided by `delta`: L2 for errors below it, L1 minus `delta / 2` above.

    The division gives large errors the gradient of L1, so that a weight beside the adversarial loss
    means the same for both.

    Args:
        ab: true chroma, float32 `(batch, height, width, 2)` in [-1, 1].
        generated_ab: predicted chroma, like `ab`.
        delta: error at which L2 becomes L1, in units of `ab`.

    Returns:
        float32 scalar.
    """
    error = tf.abs(ab - generated_ab)
    small = tf.minimum(error, delta)
    return tf.reduce_mean(error - small + tf.square(small) / (2 * delta))


RECONSTRUCTION_LOSSES = {"l1": l1_loss, "l2": l2_loss, "huber": huber_loss}


class AdversarialLoss(NamedTuple):
    """The losses of both networks: float32 scalars of logits, float32 `(batch, h, w, 1)`.

    Attributes:
        generator: function of `generated_logits`.
        discriminator: function of `real_logits`, `generated_logits` and `label_smoothing=0.0`.
            Halved, which slows the discriminator down relative to the generator (Isola et al. 2017,
            section 3.3). The label of real patches is `1 - label_smoothing` (one-sided, Salimans et
            al. 2016, section 3.4).
    """

    generator: Callable[[tf.Tensor], tf.Tensor]
    discriminator: Callable[..., tf.Tensor]


def _vanilla_generator(generated_logits: tf.Tensor) -> tf.Tensor:
    """Binary cross-entropy against "real": non-saturating, Goodfellow et al. 2014, section 3."""
    return tf.reduce_mean(tf.nn.softplus(-generated_logits))


def _vanilla_discriminator(
    real_logits: tf.Tensor, generated_logits: tf.Tensor, label_smoothing: float = 0.0
) -> tf.Tensor:
    real = tf.reduce_mean(tf.nn.softplus(-real_logits) + label_smoothing * real_logits)
    generated = tf.reduce_mean(tf.nn.softplus(generated_logits))
    return 0.5 * (real + generated)


def _least_squares_generator(generated_logits: tf.Tensor) -> tf.Tensor:
    """Twice equation 9 of Mao et al. 2017, because here only the discriminator's loss is halved."""
    return tf.reduce_mean(tf.square(generated_logits - 1.0))


def _least_squares_discriminator(
    real_logits: tf.Tensor, generated_logits: tf.Tensor, label_smoothing: float = 0.0
) -> tf.Tensor:
    real = tf.reduce_mean(tf.square(real_logits - (1.0 - label_smoothing)))
    generated = tf.reduce_mean(tf.square(generated_logits))
    return 0.5 * (real + generated)


def _hinge_generator(generated_logits: tf.Tensor) -> tf.Tensor:
    """Lim and Ye 2017; Miyato et al. 2018, equation 17."""
    return -tf.reduce_mean(generated_logits)


def _hinge_discriminator(
    real_logits: tf.Tensor, generated_logits: tf.Tensor, label_smoothing: float = 0.0
) -> tf.Tensor:
    """Lim and Ye 2017; Miyato et al. 2018, equation 16."""
    if label_smoothing:
        raise ValueError(
            f"the hinge loss has no labels to smooth, got label_smoothing {label_smoothing}; "
            "leave it at 0, or use vanilla or least-squares"
        )
    real = tf.reduce_mean(tf.nn.relu(1.0 - real_logits))
    generated = tf.reduce_mean(tf.nn.relu(1.0 + generated_logits))
    return 0.5 * (real + generated)


ADVERSARIAL_LOSSES = {
    "vanilla": AdversarialLoss(_vanilla_generator, _vanilla_discriminator),
    "least-squares": AdversarialLoss(_least_squares_generator, _least_squares_discriminator),
    "hinge": AdversarialLoss(_hinge_generator, _hinge_discriminator),
}
