import os
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf

from colorize_tf.color.lab_tf import encode
from colorize_tf.models.patchgan import patchgan
from colorize_tf.models.unet import unet
from colorize_tf.training.callbacks import Counters
from colorize_tf.training.distribution import Distribution
from colorize_tf.training.errors import TerminatedError
from colorize_tf.training.gan import ColorizationGAN
from colorize_tf.training.loop import Loop
from colorize_tf.training.termination import Termination


@pytest.fixture
def policy():
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy("float32")


def make_gan(**options):
    keras.utils.set_random_seed(0)
    gan = ColorizationGAN(unet(32, widths=(4, 8)), patchgan(base_width=4))
    gan.compile(*(keras.optimizers.Adam(1e-3) for _ in range(2)), **options)
    return gan


def pictures(count, seed=1):
    return encode(tf.random.stateless_uniform((count, 32, 32, 3), (seed, 2)))


def make_loop(gan, **options):
    examples = tf.data.Dataset.from_tensor_slices(pictures(6)).batch(2).repeat()
    options = {"examples": examples, "steps_per_epoch": 3, **options}
    return Loop(gan, distribution=Distribution(), **options)


class Witness(keras.callbacks.Callback):
    def __init__(self, stop_after=None):
        super().__init__()
        self.steps, self.figures, self.stop_after = [], [], stop_after

    def on_epoch_begin(self, epoch, logs=None):
        self.steps.append([])

    def on_train_batch_end(self, batch, logs=None):
        self.steps[-1].append(batch)
        self.model.stop_training = batch == self.stop_after

    def on_epoch_end(self, epoch, logs=None):
        self.figures.append((epoch, dict(logs)))


def run(loop, first_epoch=0, end_epoch=1, **options):
    witness = Witness(**options)
    counters = Counters(0, loop.distribution)
    loop.run([counters, witness], first_epoch=first_epoch, end_epoch=end_epoch)
    return witness


def test_epochs_have_their_steps_and_figures_of_their_own():
    seen = run(make_loop(make_gan()), 4, 6)
    assert seen.steps == [[0, 1, 2]] * 2
    assert [epoch for epoch, _ in seen.figures] == [4, 5]
    names = {"reconstruction_loss", "adversarial_loss", "discriminator_loss"}
    assert [figures.keys() for _, figures in seen.figures] == [names] * 2
    losses = [figures["reconstruction_loss"] for _, figures in seen.figures]
    assert losses[0] != losses[1]


def test_all_examples_to_validate_on_are_measured_by_the_steps_of_the_gan():
    gan = make_gan(objective="reconstruction")
    lightness, ab = pictures(5, seed=9)
    validation = tf.data.Dataset.from_tensor_slices((lightness, ab)).batch(2)
    ((_, figures),) = run(make_loop(gan, validation=validation)).figures
    gan.reset_metrics()
    expected = gan.test_step((lightness, ab))
    assert set(figures) == {"reconstruction_loss", *(f"val_{name}" for name in expected)}
    for name, value in expected.items():
        assert figures[f"val_{name}"] == pytest.approx(float(value), rel=1e-3)


def test_an_epoch_that_was_begun_is_finished():
    gan = make_gan()
    gan.counters["steps_done"].assign(8)
    gan.counters["epoch_first_step"].assign(6)
    assert run(make_loop(gan), 2, 3).steps == [[2]]


class EndedAmidValidation(keras.callbacks.Callback):
    def on_test_batch_begin(self, batch, logs=None):
        if batch == 1:
            os.kill(os.getpid(), signal.SIGTERM)


def test_a_validation_is_abandoned_where_the_run_is_asked_to_end_and_comes_again():
    gan = make_gan(objective="reconstruction")
    validation = tf.data.Dataset.from_tensor_slices(pictures(8, seed=9)).batch(2)
    loop, saved = make_loop(gan, validation=validation), []
    counters = Counters(0, loop.distribution)
    termination = Termination(counters, lambda gan: saved.append("saved"))
    loop._test = lambda batch: saved.append("measured")
    with termination.listening(), pytest.raises(TerminatedError):
        loop.run([counters, EndedAmidValidation(), termination], first_epoch=0, end_epoch=1)
    assert saved == ["measured", "saved"]
    assert (gan.count("steps_done"), gan.count("epochs_done")) == (3, 0)
    seen = run(make_loop(gan, validation=validation))
    assert seen.steps == [[]] and gan.count("epochs_done") == 1
    ((_, figures),) = seen.figures
    assert all(name.startswith("val_") for name in figures) and figures


def test_a_callback_ends_the_training_and_the_epoch_is_still_measured():
    seen = run(make_loop(make_gan()), 0, 9, stop_after=1)
    assert seen.steps == [[0, 1]]
    assert len(seen.figures) == 1


def test_steps_by_xla_are_the_same_with_two_scaled_losses(policy):
    policy("mixed_float16")
    weights = []
    for jit_compile in (False, True):
        gan = make_gan()
        for optimizer in (gan.generator_optimizer, gan.discriminator_optimizer):
            optimizer.dynamic_scale.assign(64.0)
        run(make_loop(gan, jit_compile=jit_compile, steps_per_epoch=2))
        for optimizer in (gan.generator_optimizer, gan.discriminator_optimizer):
            assert int(optimizer.iterations) == 2 and float(optimizer.dynamic_scale) == 64.0
        weights.append([*gan.generator.get_weights(), *gan.discriminator.get_weights()])
    for weight, by_xla in zip(*weights, strict=True):
        # Adam's first steps are nearly signs of gradients, of which a few tiny ones may turn.
        assert np.isclose(weight, by_xla, atol=1e-3).mean() > 0.9


def test_a_step_is_traced_again_only_when_the_gan_was_compiled_again():
    gan = make_gan()
    loop = make_loop(gan)
    run(loop)
    first = loop._train
    run(loop, first_epoch=1, end_epoch=2)
    assert loop._train is first
    gan.compile(gan.generator_optimizer, gan.discriminator_optimizer, objective="discriminator")
    run(loop, first_epoch=2, end_epoch=3)
    assert loop._train is not first
