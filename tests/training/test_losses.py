import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from colorize_tf.training.losses import (
    ADVERSARIAL_LOSSES,
    RECONSTRUCTION_LOSSES,
    huber_loss,
    l1_loss,
    l2_loss,
)

VANILLA, LEAST_SQUARES, HINGE = map(ADVERSARIAL_LOSSES.get, ("vanilla", "least-squares", "hinge"))


def logits(value):
    return tf.fill((2, 3, 3, 1), float(value))


def some_logits():
    """Logits of real and of generated patches, confident and not."""
    return np.random.default_rng(0).normal(0, 3, (2, 2, 3, 3, 1)).astype("float32")


def slope(loss, value):
    """How `loss` changes with the logit of a patch, where all logits are `value`."""
    values = logits(value)
    with tf.GradientTape() as tape:
        tape.watch(values)
        result = loss(values)
    assert np.isfinite(result)
    return float(tf.reduce_mean(tape.gradient(result, values)))


def pairs():
    ab = tf.constant([[[[0.5, -0.5]]], [[[0.0, 0.0]]]])
    return ab, tf.constant([[[[0.25, 0.5]]], [[[0.0, -0.75]]]])


def test_l1_is_the_mean_absolute_error():
    assert float(l1_loss(*pairs())) == pytest.approx((0.25 + 1.0 + 0.0 + 0.75) / 4)


def test_l2_is_the_mean_squared_error():
    assert float(l2_loss(*pairs())) == pytest.approx((0.0625 + 1.0 + 0.0 + 0.5625) / 4)


@pytest.mark.parametrize("delta", [0.05, 0.5, 2.0])
def test_huber_agrees_with_keras(delta):
    ab, generated_ab = np.random.default_rng(0).uniform(-1, 1, (2, 2, 4, 4, 2)).astype("float32")
    expected = tf.reduce_mean(keras.losses.huber(ab, generated_ab, delta=delta)) / delta
    assert float(huber_loss(ab, generated_ab, delta)) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize(("error", "expected"), [(0.05, 0.5), (-0.05, -0.5), (0.5, 1), (-0.5, -1)])
def test_huber_pulls_like_l2_at_small_errors_and_like_l1_at_large_ones(error, expected):
    generated_ab = tf.constant([error])
    with tf.GradientTape() as tape:
        tape.watch(generated_ab)
        loss = huber_loss(tf.constant([0.0]), generated_ab, delta=0.1)
    assert float(tape.gradient(loss, generated_ab)[0]) == pytest.approx(expected)


def test_the_default_delta_tells_huber_from_l1_and_l2():
    small, large = tf.constant([5.0 / 110]), tf.constant([30.0 / 110])
    assert float(huber_loss(0.0, small)) == pytest.approx(float(l2_loss(0.0, small)) / 0.2)
    assert float(huber_loss(0.0, large)) == pytest.approx(float(l1_loss(0.0, large)) - 0.05)


@pytest.mark.parametrize("loss", RECONSTRUCTION_LOSSES.values(), ids=RECONSTRUCTION_LOSSES)
def test_chroma_that_is_right_costs_nothing_and_pulls_nowhere(loss):
    ab, _ = pairs()
    with tf.GradientTape() as tape:
        tape.watch(ab)
        value = loss(pairs()[0], ab)
    assert float(value) == 0.0
    np.testing.assert_array_equal(tape.gradient(value, ab), tf.zeros_like(ab))


def test_undecided_logits_cost_log_2():
    assert float(VANILLA.generator(logits(0))) == pytest.approx(math.log(2))
    assert float(VANILLA.discriminator(logits(0), logits(0))) == pytest.approx(math.log(2))


def test_vanilla_losses_are_binary_cross_entropies():
    values = some_logits()
    real, generated = 1 / (1 + np.exp(-values.astype(float)))
    expected = -0.5 * (np.log(real).mean() + np.log(1 - generated).mean())
    assert float(VANILLA.discriminator(*values)) == pytest.approx(expected, rel=1e-5)
    expected = -np.log(generated).mean()
    assert float(VANILLA.generator(values[1])) == pytest.approx(expected, rel=1e-5)


def test_least_squares_agrees_with_mao():
    real, generated = some_logits().astype(float)
    expected = 0.5 * np.mean((real - 1) ** 2) + 0.5 * np.mean(generated**2)
    loss = LEAST_SQUARES.discriminator(*some_logits())
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    loss = LEAST_SQUARES.generator(some_logits()[1])
    assert float(loss) == pytest.approx(np.mean((generated - 1) ** 2), rel=1e-5)


def test_hinge_agrees_with_lim_and_ye():
    real, generated = some_logits().astype(float)
    expected = np.maximum(0, 1 - real).mean() + np.maximum(0, 1 + generated).mean()
    loss = HINGE.discriminator(*some_logits())
    assert float(loss) == pytest.approx(expected / 2, rel=1e-5)
    loss = HINGE.generator(some_logits()[1])
    assert float(loss) == pytest.approx(-generated.mean(), rel=1e-5)


def test_vanilla_smoothing_is_cross_entropy_against_the_smoothed_label():
    values = some_logits()
    real, generated = 1 / (1 + np.exp(-values.astype(float)))
    on_real = np.mean(0.9 * np.log(real) + 0.1 * np.log(1 - real))
    expected = -0.5 * (on_real + np.log(1 - generated).mean())
    loss = VANILLA.discriminator(*values, label_smoothing=0.1)
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_least_squares_smoothing_lowers_the_real_target():
    real, generated = some_logits().astype(float)
    expected = 0.5 * np.mean((real - 0.9) ** 2) + 0.5 * np.mean(generated**2)
    loss = LEAST_SQUARES.discriminator(*some_logits(), label_smoothing=0.1)
    assert float(loss) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("name", "best"), [("vanilla", math.log(9)), ("least-squares", 0.9)])
def test_smoothing_makes_the_discriminator_content_short_of_certainty(name, best):
    def on_real(values):
        return ADVERSARIAL_LOSSES[name].discriminator(values, logits(0), label_smoothing=0.1)

    assert slope(on_real, best) == pytest.approx(0, abs=1e-7)
    assert slope(on_real, best - 0.5) < 0 < slope(on_real, best + 0.5)


@pytest.mark.parametrize("name", ["vanilla", "least-squares"])
def test_smoothing_leaves_the_generated_side_alone(name):
    def on_generated(smoothing):
        return slope(
            lambda values: ADVERSARIAL_LOSSES[name].discriminator(logits(0), values, smoothing), 0.3
        )

    assert on_generated(0.1) == on_generated(0.0)


def test_hinge_refuses_to_smooth_labels_that_it_does_not_have():
    with pytest.raises(ValueError, match="no labels to smooth, got label_smoothing 0.1; leave it"):
        HINGE.discriminator(logits(0), logits(0), label_smoothing=0.1)


@pytest.mark.parametrize("loss", ADVERSARIAL_LOSSES.values(), ids=ADVERSARIAL_LOSSES)
def test_the_generator_wants_to_be_taken_for_real(loss):
    assert loss.generator(logits(-2)) > loss.generator(logits(0.5))
    assert slope(loss.generator, -2.0) < 0 and slope(loss.generator, 0.5) < 0


@pytest.mark.parametrize("loss", ADVERSARIAL_LOSSES.values(), ids=ADVERSARIAL_LOSSES)
def test_the_discriminator_wants_to_tell_real_from_generated(loss):
    assert slope(lambda real: loss.discriminator(real, logits(0)), 0.5) < 0
    assert slope(lambda generated: loss.discriminator(logits(0), generated), 0.5) > 0


@pytest.mark.parametrize(("name", "right"), [("vanilla", (30, -30)), ("least-squares", (1, 0))])
def test_the_discriminator_pays_nothing_where_it_is_right(name, right):
    loss = ADVERSARIAL_LOSSES[name].discriminator(*map(logits, right))
    assert float(loss) == pytest.approx(0, abs=1e-6)


def test_hinge_asks_nothing_beyond_the_margin():
    assert slope(lambda real: HINGE.discriminator(real, logits(0)), 1.5) == 0
    assert slope(lambda generated: HINGE.discriminator(logits(0), generated), -1.5) == 0


@pytest.mark.parametrize(
    ("name", "real", "generated", "expected"),
    [
        ("vanilla", 30, 30, 30 / 2),
        ("vanilla", -30, -30, 30 / 2),
        ("least-squares", 1, 1, 1 / 2),
        ("least-squares", 0, 0, 1 / 2),
        ("hinge", 1, 1, 2 / 2),
        ("hinge", -1, -1, 2 / 2),
    ],
)
def test_the_discriminator_pays_half_for_each_side(name, real, generated, expected):
    loss = ADVERSARIAL_LOSSES[name].discriminator(logits(real), logits(generated))
    assert float(loss) == pytest.approx(expected)


@pytest.mark.parametrize("loss", ADVERSARIAL_LOSSES.values(), ids=ADVERSARIAL_LOSSES)
@pytest.mark.parametrize("value", [-1e3, 1e3])
def test_losses_and_gradients_are_finite_for_confident_logits(loss, value):
    slopes = [
        slope(loss.generator, value),
        slope(lambda values: loss.discriminator(values, logits(0)), value),
        slope(lambda values: loss.discriminator(logits(0), values), value),
    ]
    assert np.isfinite(slopes).all()


def test_a_generator_that_is_found_out_still_learns():
    assert slope(VANILLA.generator, -1e3) == pytest.approx(-1 / 18, rel=1e-5)
