import math

import numpy as np
import pytest
import tensorflow as tf

from colorize_tf.training.losses import adversarial_loss, discriminator_loss, l1_loss


def logits(value):
    return tf.fill((2, 3, 3, 1), float(value))


def test_l1_is_the_mean_absolute_error():
    ab = tf.constant([[[[0.5, -0.5]]], [[[0.0, 0.0]]]])
    generated_ab = tf.constant([[[[0.25, 0.5]]], [[[0.0, -0.75]]]])
    assert float(l1_loss(ab, generated_ab)) == pytest.approx((0.25 + 1.0 + 0.0 + 0.75) / 4)


def test_undecided_logits_cost_log_2():
    assert float(adversarial_loss(logits(0))) == pytest.approx(math.log(2))
    assert float(discriminator_loss(logits(0), logits(0))) == pytest.approx(math.log(2))


def test_the_generator_pays_when_it_is_found_out():
    assert float(adversarial_loss(logits(-10))) == pytest.approx(10, rel=1e-4)
    assert float(adversarial_loss(logits(10))) == pytest.approx(0, abs=1e-4)


def test_the_discriminator_pays_nothing_where_it_is_right():
    assert float(discriminator_loss(logits(10), logits(-10))) == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize(("real", "generated"), [(-10, -10), (10, 10)])
def test_the_discriminator_pays_half_for_each_side(real, generated):
    loss = float(discriminator_loss(logits(real), logits(generated)))
    assert loss == pytest.approx(10 / 2, rel=1e-4)


def test_losses_are_binary_cross_entropies():
    values = np.random.default_rng(0).normal(0, 3, (2, 2, 3, 3, 1)).astype("float32")
    real, generated = 1 / (1 + np.exp(-values.astype(float)))
    expected = -0.5 * (np.log(real).mean() + np.log(1 - generated).mean())
    assert float(discriminator_loss(*values)) == pytest.approx(expected, rel=1e-5)
    assert float(adversarial_loss(values[1])) == pytest.approx(-np.log(generated).mean(), rel=1e-5)


@pytest.mark.parametrize("value", [-1e3, 1e3])
@pytest.mark.parametrize(
    "loss",
    [
        adversarial_loss,
        lambda logits: discriminator_loss(logits, tf.zeros_like(logits)),
        lambda logits: discriminator_loss(tf.zeros_like(logits), logits),
    ],
)
def test_losses_and_gradients_are_finite_for_confident_logits(loss, value):
    values = logits(value)
    with tf.GradientTape() as tape:
        tape.watch(values)
        result = loss(values)
    assert np.isfinite(result) and np.isfinite(tape.gradient(result, values)).all()


def test_a_generator_that_is_found_out_still_learns():
    values = logits(-1e3)
    with tf.GradientTape() as tape:
        tape.watch(values)
        loss = adversarial_loss(values)
    np.testing.assert_allclose(tape.gradient(loss, values), -1 / 18, rtol=1e-5)
