import contextlib

import keras
import pytest
import tensorflow as tf

from colorize_tf.color.lab_tf import encode
from colorize_tf.models.patchgan import patchgan
from colorize_tf.models.unet import unet
from colorize_tf.training.callbacks import Counters
from colorize_tf.training.distribution import Distribution
from colorize_tf.training.gan import ColorizationGAN
from colorize_tf.training.loop import Loop
from colorize_tf.training.run_log import RunLog
from colorize_tf.training.stage_plan import Stage, plan_stages
from colorize_tf.training.stages import run_stages


class Witness(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.stages, self.losses, self.rates, self.backbones = [], [], [], []

    def on_train_batch_begin(self, batch, logs=None):
        optimizers = self.model.generator_optimizer, self.model.discriminator_optimizer
        rates = tuple(round(float(optimizer.learning_rate), 6) for optimizer in optimizers)
        self.rates.append(rates)

    def on_epoch_end(self, epoch, logs=None):
        self.stages.append((epoch, self.model.stage.name))
        self.losses.append({name for name in logs if not name.startswith("val_")})
        self.backbones.append(
            [x.trainable for x in self.model.generator.layers if x.name.startswith("backbone_")]
        )


class EndOfTime(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = True


def make_gan(generator):
    gan = ColorizationGAN(generator, patchgan(base_width=4))
    gan.compile(keras.optimizers.Adam(), keras.optimizers.Adam())
    return gan


@pytest.fixture
def gan():
    return make_gan(unet(32, widths=(4, 4)))


@pytest.fixture
def examples():
    return tf.data.Dataset.from_tensors(
        encode(tf.random.stateless_uniform((2, 32, 32, 3), (1, 2)))
    ).repeat()


@pytest.fixture
def log(tmp_path):
    return RunLog(tmp_path / "m.csv", tmp_path / "c.png", monitor="val_ab_rmse", mode="min")


def plan(**epochs):
    return plan_stages(pretrain_learning_rate=1e-3, adversarial_learning_rate=1e-4, **epochs)


@pytest.fixture
def run(examples, log):
    """Runs stages of one step an epoch and returns who watched."""

    def run(gan, stages, callbacks=(), steps_per_epoch=1, **arguments):
        witness = Witness()
        place = Distribution()
        with contextlib.suppress(KeyboardInterrupt):
            run_stages(
                Loop(gan, examples=examples, steps_per_epoch=steps_per_epoch, distribution=place),
                stages,
                log=log,
                losses={},
                discriminator_learning_rate=2e-3,
                counters=Counters(0, place),
                callbacks=[witness, *callbacks],
                **arguments,
            )
        return witness

    return run


def test_the_stages_come_in_their_order_each_with_its_learning_rate():
    stages = plan(pretrain_epochs=16, frozen_epochs=6, discriminator_epochs=1, adversarial_epochs=4)
    assert [(s.name, s.objective, s.epochs, s.learning_rate, s.frozen) for s in stages] == [
        ("frozen", "reconstruction", 6, 1e-3, True),
        ("pretrain", "reconstruction", 10, 1e-3, False),
        ("discriminator", "discriminator", 1, 0.0, False),
        ("adversarial", "adversarial", 4, 1e-4, False),
    ]


@pytest.mark.parametrize(("epochs", "names"), [((0, 3), ["adversarial"]), ((3, 0), ["pretrain"])])
def test_a_stage_without_epochs_is_left_out(epochs, names):
    pretrain, adversarial = epochs
    stages = plan(pretrain_epochs=pretrain, adversarial_epochs=adversarial)
    assert [stage.name for stage in stages] == names


def test_stages_follow_each_other_each_with_its_losses_and_learning_rates(gan, run):
    seen = run(gan, plan(pretrain_epochs=2, discriminator_epochs=1, adversarial_epochs=1))
    assert seen.stages == [
        (0, "pretrain"),
        (1, "pretrain"),
        (2, "discriminator"),
        (3, "adversarial"),
    ]
    assert seen.losses == [
        {"reconstruction_loss"},
        {"reconstruction_loss"},
        {"discriminator_loss"},
        {"reconstruction_loss", "adversarial_loss", "discriminator_loss"},
    ]
    assert seen.rates == [(1e-3, 2e-3), (1e-3, 2e-3), (0.0, 2e-3), (1e-4, 2e-3)]


def test_the_optimizer_keeps_its_state_from_stage_to_stage(gan, run):
    run(gan, plan(pretrain_epochs=2, adversarial_epochs=1))
    assert int(gan.generator_optimizer.iterations) == 3
    assert int(gan.discriminator_optimizer.iterations) == 1


def test_a_cosine_falls_from_the_full_step_size_towards_zero_in_each_stage(gan, run):
    stages = plan(pretrain_epochs=2, adversarial_epochs=2)
    rates = [rate for rate, _ in run(gan, stages, schedule="cosine", steps_per_epoch=2).rates]
    first, second = rates[:4], rates[4:]
    assert first == pytest.approx([1e-3, 8.54e-4, 5e-4, 1.46e-4], abs=1e-6)
    assert second == pytest.approx([share / 10 for share in first], abs=1e-6)


def test_step_sizes_grow_from_zero_in_the_share_of_the_stage_that_warms_up(gan, run):
    rates = run(gan, plan(pretrain_epochs=4), warmup=0.5).rates
    assert [rate for rate, _ in rates] == pytest.approx([0, 5e-4, 1e-3, 1e-3], abs=1e-6)


def test_a_frozen_backbone_does_not_move_until_its_stage_is_over(run):
    generator = unet(32, widths=(4, 4))
    first = next(layer for layer in generator.layers if layer.weights)
    first.name = "backbone_" + first.name
    gan = make_gan(generator)
    weights = first.get_weights()
    stages = plan(pretrain_epochs=2, frozen_epochs=1)
    assert run(gan, stages[:1]).backbones == [[False]]
    assert all((a == b).all() for a, b in zip(first.get_weights(), weights, strict=True))
    assert run(gan, stages).backbones == [[True]]
    assert any((a != b).any() for a, b in zip(first.get_weights(), weights, strict=True))


@pytest.mark.parametrize("done", [1, 2, 3])
def test_a_run_goes_on_in_the_stage_where_it_stopped(gan, run, done):
    stages = plan(pretrain_epochs=2, adversarial_epochs=1)
    seen = run(gan, stages, [Stop(done)])
    again = run(gan, stages)
    everything = [(0, "pretrain"), (1, "pretrain"), (2, "adversarial")]
    assert seen.stages + again.stages == everything


class Stop(keras.callbacks.Callback):
    """Breaks a run off after so many epochs, as a kill does."""

    def __init__(self, epochs):
        super().__init__()
        self.epochs = epochs

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 == self.epochs:
            raise KeyboardInterrupt


def test_stages_share_the_minutes_as_they_share_the_epochs(gan, run):
    gan.counters["seconds_done"].assign(60 * 3)  # of four minutes: the first stage is over
    stages = plan(pretrain_epochs=3, adversarial_epochs=1)
    seen = run(gan, stages, [EndOfTime()], minutes=4)
    assert seen.stages == [(0, "adversarial")]


def test_a_run_whose_time_is_used_up_trains_no_more(gan, run):
    gan.counters["seconds_done"].assign(600)
    assert run(gan, plan(pretrain_epochs=3, adversarial_epochs=1), minutes=5).stages == []


def test_a_stage_that_is_behind_stays_behind_when_a_run_is_prolonged(gan, run):
    run(gan, plan(pretrain_epochs=2, adversarial_epochs=1))
    seen = run(gan, plan(pretrain_epochs=8, adversarial_epochs=2))
    assert seen.stages == [(3, "adversarial")]


def test_training_stops_when_the_time_is_over(gan, run):
    seen = run(gan, plan(pretrain_epochs=1, adversarial_epochs=1), minutes=1e-6)
    assert seen.stages == [(0, "pretrain")]


class Figures(keras.callbacks.Callback):
    """Stands in for validation: one error after the other."""

    def __init__(self, errors):
        super().__init__()
        self.errors = iter(errors)

    def on_epoch_end(self, epoch, logs=None):
        logs["val_ab_rmse"] = next(self.errors)


def test_a_stage_ends_when_its_patience_does_and_the_next_lasts_as_long_as_planned(gan, run, log):
    stages = [
        Stage("pretrain", "reconstruction", 10, 1e-3, patience=2),
        Stage("discriminator", "discriminator", 2, 0.0),
    ]
    seen = run(gan, stages, [Figures([5, 4, 6, 7, 1, 1]), log])
    assert seen.stages == [
        (0, "pretrain"),
        (1, "pretrain"),
        (2, "pretrain"),
        (3, "pretrain"),
        (4, "discriminator"),
        (5, "discriminator"),
    ]


def test_a_stage_out_of_patience_does_not_go_on_when_the_run_is_resumed(gan, run, log):
    stages = [Stage("pretrain", "reconstruction", 10, 1e-3, patience=1)]
    run(gan, stages, [Figures([5, 6]), log])
    assert run(gan, stages, [Figures([]), log]).stages == []
