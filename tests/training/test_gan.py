import time

import keras
import numpy as np
import pytest
import tensorflow as tf

from colorize_tf.color import encode
from colorize_tf.models.patchgan import patchgan
from colorize_tf.models.unet import unet
from colorize_tf.training.gan import ColorizationGAN

# The scale that training starts with is meant to overflow for some steps, which are then left out.
SMALL_SCALE = 64.0


def make_gan(*, adversarial=True, dropouts=(), learning_rate=1e-3, l1_weight=100.0):
    keras.utils.set_random_seed(0)
    gan = ColorizationGAN(unet(32, widths=(4, 8, 8), dropouts=dropouts), patchgan(base_width=4))
    optimizers = [keras.optimizers.Adam(learning_rate, beta_1=0.5) for _ in range(2)]
    gan.compile(*optimizers, l1_weight=l1_weight, adversarial=adversarial)
    return gan


@pytest.fixture
def batch():
    return encode(tf.random.stateless_uniform((2, 32, 32, 3), (1, 2)))


def changed(network, before):
    return [not np.array_equal(a, b) for a, b in zip(network.get_weights(), before, strict=True)]


@pytest.mark.parametrize("adversarial", [True, False])
def test_one_step_moves_every_trainable_weight_of_the_generator(batch, adversarial):
    gan = make_gan(adversarial=adversarial)
    before = [variable.numpy() for variable in gan.generator.trainable_variables]
    gan.train_step(batch)
    for variable, old in zip(gan.generator.trainable_variables, before, strict=True):
        assert not np.array_equal(variable.numpy(), old), variable.path


def test_an_adversarial_step_moves_the_discriminator_and_an_l1_step_leaves_it_alone(batch):
    for adversarial in (True, False):
        gan = make_gan(adversarial=adversarial)
        before = gan.discriminator.get_weights()
        gan.train_step(batch)
        assert any(changed(gan.discriminator, before)) is adversarial


def test_the_adversarial_loss_reaches_the_generator(batch):
    gan = make_gan(l1_weight=0.0)
    before = gan.generator.get_weights()
    gan.train_step(batch)
    assert any(changed(gan.generator, before))


def test_l1_falls_when_one_batch_is_learned(batch):
    gan = make_gan(adversarial=False, learning_rate=1e-2)
    step = tf.function(gan.train_step)
    first = float(step(batch)["l1"])
    for _ in range(60):
        gan.reset_metrics()
        last = float(step(batch)["l1"])
    assert last < 0.8 * first


def test_the_discriminator_learns_to_tell_real_from_generated(batch):
    lightness, ab = batch
    gan = make_gan(learning_rate=1e-2)
    gan.generator_optimizer.learning_rate = 0.0
    for _ in range(20):
        gan.train_step(batch)
    real = gan.discriminator([lightness, ab], training=True)
    generated = gan.discriminator([lightness, gan.generator(lightness)], training=True)
    assert tf.reduce_mean(real) > tf.reduce_mean(generated)


def test_losses_are_means_over_the_epoch(batch):
    gan = make_gan()
    single = []
    for _ in range(3):
        gan.reset_metrics()
        single.append(float(gan.train_step(batch)["l1"]))
    again = make_gan()
    for _ in range(3):
        logs = again.train_step(batch)
    assert float(logs["l1"]) == pytest.approx(np.mean(single), rel=1e-5)


def test_validation_runs_without_dropout_and_without_batch_statistics(batch):
    gan = make_gan(dropouts=(0.9,))
    for _ in range(3):
        gan.train_step(batch)
    gan.reset_metrics()
    figures = gan.test_step(batch)
    exported = gan.generator(batch[0], training=False)
    expected = tf.reduce_mean(tf.sqrt(tf.reduce_mean((exported - batch[1]) ** 2, (1, 2, 3)))) * 110
    assert float(figures["ab_rmse"]) == pytest.approx(float(expected), rel=1e-5)
    assert set(figures) == {"ab_rmse", "psnr", "colorfulness_ratio"}


def test_a_step_is_counted_only_when_its_batch_is_there(batch):
    gan = make_gan(adversarial=False)
    seen = []

    def begin_slowly(_):
        time.sleep(0.5)
        seen.append(int(gan.steps_done))
        return np.int64(0)

    examples = (
        tf.data.Dataset.range(1)
        .map(lambda index: tf.numpy_function(begin_slowly, [index], tf.int64))
        .map(lambda _: tuple(batch))
        .repeat()
    )
    gan.fit(examples, steps_per_epoch=1, verbose=0, shuffle=False)
    assert seen[0] == 0
    assert int(gan.steps_done) == 1


def test_steps_are_counted(batch):
    gan = make_gan()
    gan.train_step(batch)
    gan.train_step(batch)
    assert int(gan.steps_done) == 2


@pytest.fixture
def policy():
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy("float32")


def test_under_mixed_float16_both_optimizers_scale_their_loss(policy, batch):
    policy("mixed_float16")
    gan = make_gan()
    for optimizer in (gan.generator_optimizer, gan.discriminator_optimizer):
        assert isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        optimizer.dynamic_scale.assign(SMALL_SCALE)
    gan.train_step(batch)
    assert int(gan.generator_optimizer.inner_optimizer.iterations) == 1
    assert int(gan.discriminator_optimizer.inner_optimizer.iterations) == 1


def test_under_mixed_float16_a_step_is_that_of_float32_but_for_rounding(policy, batch):
    expected = make_gan(learning_rate=1e-3)
    expected.train_step(batch)
    policy("mixed_float16")
    gan = make_gan(learning_rate=1e-3)
    gan.generator_optimizer.dynamic_scale.assign(SMALL_SCALE)
    gan.train_step(batch)
    for variable, other in zip(
        gan.generator.trainable_variables, expected.generator.trainable_variables, strict=True
    ):
        # Adam's first step is the sign of the gradient: a few tiny ones may turn.
        same = np.isclose(variable.numpy(), other.numpy(), atol=1e-4)
        assert same.mean() > 0.9, variable.path


@pytest.mark.parametrize("name", ["mixed_bfloat16", "mixed_float16"])
def test_losses_and_measures_are_float32_under_mixed_precision(policy, batch, name):
    policy(name)
    gan = make_gan()
    logs = {**gan.train_step(batch), **gan.test_step(batch)}
    assert {value.dtype for value in logs.values()} == {tf.float32}
