import time

import keras
import numpy as np
import pytest
import tensorflow as tf

from colorize_tf.color.lab_tf import encode
from colorize_tf.models.cnn import zhang
from colorize_tf.models.patchgan import patchgan
from colorize_tf.models.unet import unet
from colorize_tf.training.gan import ColorizationGAN
from colorize_tf.training.losses import ADVERSARIAL_LOSSES, RECONSTRUCTION_LOSSES

# The scale that training starts with is meant to overflow for some steps, which are then left out.
SMALL_SCALE = 64.0


def make_gan(*, dropouts=(), z_size=0, ema=0.0, learning_rate=1e-3, **options):
    keras.utils.set_random_seed(0)
    generator = unet(32, widths=(4, 8, 8), dropouts=dropouts, z_size=z_size)
    gan = ColorizationGAN(generator, patchgan(base_width=4), ema=ema)
    optimizers = [keras.optimizers.Adam(learning_rate, beta_1=0.5) for _ in range(2)]
    gan.compile(*optimizers, **options)
    return gan


@pytest.fixture
def batch():
    return encode(tf.random.stateless_uniform((2, 32, 32, 3), (1, 2)))


def changed(network, before):
    return [not np.array_equal(a, b) for a, b in zip(network.get_weights(), before, strict=True)]


@pytest.mark.parametrize("objective", ["adversarial", "reconstruction"])
def test_one_step_moves_every_trainable_weight_of_the_generator(batch, objective):
    gan = make_gan(objective=objective)
    before = [variable.numpy() for variable in gan.generator.trainable_variables]
    gan.train_step(batch)
    for variable, old in zip(gan.generator.trainable_variables, before, strict=True):
        assert not np.array_equal(variable.numpy(), old), variable.path


@pytest.mark.parametrize(
    ("objective", "generator_moves", "discriminator_moves"),
    [("reconstruction", True, False), ("discriminator", False, True), ("adversarial", True, True)],
)
def test_an_objective_moves_its_networks_and_leaves_the_other_alone(
    batch, objective, generator_moves, discriminator_moves
):
    gan = make_gan(objective=objective)
    before = gan.generator.get_weights(), gan.discriminator.get_weights()
    gan.train_step(batch)
    assert any(changed(gan.generator, before[0])) is generator_moves
    assert any(changed(gan.discriminator, before[1])) is discriminator_moves


def test_an_unknown_objective_lists_the_known():
    with pytest.raises(ValueError, match="reconstruction, discriminator, adversarial, got 'magic'"):
        make_gan(objective="magic")


def test_the_adversarial_loss_reaches_the_generator(batch):
    gan = make_gan(reconstruction_weight=0.0)
    before = gan.generator.get_weights()
    gan.train_step(batch)
    assert any(changed(gan.generator, before))


@pytest.mark.parametrize("loss", RECONSTRUCTION_LOSSES)
def test_a_reconstruction_loss_falls_when_one_batch_is_learned(batch, loss):
    gan = make_gan(
        objective="reconstruction",
        reconstruction_loss=RECONSTRUCTION_LOSSES[loss],
        learning_rate=1e-2,
    )
    step = tf.function(gan.train_step)
    first = float(step(batch)["reconstruction_loss"])
    for _ in range(60):
        gan.reset_metrics()
        last = float(step(batch)["reconstruction_loss"])
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


@pytest.mark.parametrize("loss", ADVERSARIAL_LOSSES)
def test_each_adversarial_loss_trains_both_networks_its_own_way(batch, loss):
    default, gan = make_gan(), make_gan(adversarial_loss=ADVERSARIAL_LOSSES[loss])
    expected, logs = default.train_step(batch), gan.train_step(batch)
    same = float(expected["discriminator_loss"]) == float(logs["discriminator_loss"])
    assert same is (loss == "vanilla")
    assert np.isfinite([float(value) for value in logs.values()]).all()


def test_label_smoothing_changes_what_the_discriminator_pays(batch):
    plain, smoothed = make_gan(), make_gan(label_smoothing=0.1)
    losses = [float(gan.train_step(batch)["discriminator_loss"]) for gan in (plain, smoothed)]
    assert losses[0] != losses[1]


def test_a_reconstruction_loss_may_look_at_a_layer_inside(batch):
    seen = []

    def witness(ab, answer):
        seen.append(answer.shape)
        return tf.reduce_mean(answer)

    generator = zhang(32, widths=(4,) * 8, bins=np.zeros((7, 2), np.float32))
    gan = ColorizationGAN(generator, patchgan(base_width=4))
    gan.compile(
        *(keras.optimizers.Adam() for _ in range(2)),
        objective="reconstruction",
        reconstruction_loss=witness,
        reconstruction_output="bin_logits",
    )
    gan.train_step(batch)
    assert seen == [(2, 8, 8, 7)]


def test_noise_is_new_in_each_step_and_absent_in_validation(batch):
    gan = make_gan(z_size=3, objective="discriminator")  # which leaves the generator alone

    def in_training():
        return gan.call(batch[0], training=True).numpy()

    first, again = in_training(), in_training()
    gan.train_step(batch)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, in_training())
    zeros = gan.generator([batch[0], tf.zeros((2, 3))], training=False)
    np.testing.assert_array_equal(gan.colorize(batch[0]), zeros)


def test_the_final_generator_is_the_moving_average_of_the_weights(batch):
    gan = make_gan(ema=0.5, objective="reconstruction")
    average = [weight.numpy() for weight in gan.generator.weights]
    for step in range(1, 4):
        gan.train_step(batch)
        momentum = min(0.5, step / (step + 10))
        average = [
            momentum * old + (1 - momentum) * new.numpy()
            for old, new in zip(average, gan.generator.weights, strict=True)
        ]
    for weight, expected in zip(gan.ema_generator.weights, average, strict=True):
        np.testing.assert_allclose(weight.numpy(), expected, rtol=1e-4, atol=1e-6)


def test_validation_measures_the_final_generator(batch):
    gan = make_gan(ema=0.9, objective="reconstruction")
    gan.train_step(batch)
    gan.ema_generator.set_weights([weight * 0 for weight in gan.ema_generator.get_weights()])
    gray = float(np.mean(np.sqrt(np.mean(batch[1] ** 2, (1, 2, 3))))) * 110
    assert float(gan.test_step(batch)["ab_rmse"]) == pytest.approx(gray, rel=1e-4)


def test_losses_are_means_over_the_epoch(batch):
    gan = make_gan()
    single = []
    for _ in range(3):
        gan.reset_metrics()
        single.append(float(gan.train_step(batch)["reconstruction_loss"]))
    again = make_gan()
    for _ in range(3):
        logs = again.train_step(batch)
    assert float(logs["reconstruction_loss"]) == pytest.approx(np.mean(single), rel=1e-5)


def test_validation_runs_without_dropout_and_without_batch_statistics(batch):
    gan = make_gan(dropouts=(0.9,))
    for _ in range(3):
        gan.train_step(batch)
    gan.reset_metrics()
    figures = gan.test_step(batch)
    exported = gan.generator(batch[0], training=False)
    expected = tf.reduce_mean(tf.sqrt(tf.reduce_mean((exported - batch[1]) ** 2, (1, 2, 3)))) * 110
    assert float(figures["ab_rmse"]) == pytest.approx(float(expected), rel=1e-5)
    assert set(figures) == {"ab_rmse", "psnr", "ssim", "ciede2000", "colorfulness_ratio"}


def test_a_step_is_counted_only_when_its_batch_is_there(batch):
    gan = make_gan(objective="reconstruction")
    seen = []

    def begin_slowly(_):
        time.sleep(0.5)
        seen.append(int(gan.counters["steps_done"]))
        return np.int64(0)

    examples = (
        tf.data.Dataset.range(1)
        .map(lambda index: tf.numpy_function(begin_slowly, [index], tf.int64))
        .map(lambda _: tuple(batch))
        .repeat()
    )
    gan.fit(examples, steps_per_epoch=1, verbose=0, shuffle=False)
    assert seen[0] == 0
    assert int(gan.counters["steps_done"]) == 1


def test_steps_are_counted(batch):
    gan = make_gan()
    gan.train_step(batch)
    gan.train_step(batch)
    assert int(gan.counters["steps_done"]) == 2


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


def test_compiling_again_keeps_the_optimizers_and_their_loss_scale(policy, batch):
    policy("mixed_float16")
    gan = make_gan()
    gan.generator_optimizer.dynamic_scale.assign(SMALL_SCALE)
    before = len(gan.generator_optimizer.variables)
    gan.compile(gan.generator_optimizer, gan.discriminator_optimizer, objective="discriminator")
    assert len(gan.generator_optimizer.variables) == before
    assert float(gan.generator_optimizer.dynamic_scale) == SMALL_SCALE


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


def test_a_gan_is_saved_and_loaded_by_keras(batch, tmp_path):
    gan = make_gan(ema=0.9)
    gan.train_step(batch)
    gan.save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras")
    np.testing.assert_allclose(loaded.colorize(batch[0]), gan.colorize(batch[0]), atol=1e-6)
    assert loaded.count("steps_done") == 1
