"""Losses: pure functions of tensors, shared by the training and the test step."""

import tensorflow as tf


def l1_loss(ab: tf.Tensor, generated_ab: tf.Tensor) -> tf.Tensor:
    """Mean absolute error of chroma.

    Args:
        ab: true chroma, float32 `(batch, height, width, 2)` in [-1, 1].
        generated_ab: predicted chroma, like `ab`.

    Returns:
        float32 scalar.
    """
    return tf.reduce_mean(tf.abs(ab - generated_ab))


def adversarial_loss(generated_logits: tf.Tensor) -> tf.Tensor:
    """What the generator pays for patches that were found out (non-saturating, Goodfellow 2014).

    Args:
        generated_logits: float32 `(batch, h, w, 1)`, logits of generated chroma.

    Returns:
        float32 scalar, binary cross-entropy against "real".
    """
    return tf.reduce_mean(tf.nn.softplus(-generated_logits))


def discriminator_loss(real_logits: tf.Tensor, generated_logits: tf.Tensor) -> tf.Tensor:
    """What the discriminator pays for patches that it misjudged.

    Halved, so that it learns at half the generator's pace (Isola et al. 2017, section 3.3).

    Args:
        real_logits: float32 `(batch, h, w, 1)`, logits of true chroma.
        generated_logits: float32 `(batch, h, w, 1)`, logits of generated chroma.

    Returns:
        float32 scalar, half the sum of the two binary cross-entropies.
    """
    real = tf.reduce_mean(tf.nn.softplus(-real_logits))
    generated = tf.reduce_mean(tf.nn.softplus(generated_logits))
    return 0.5 * (real + generated)
