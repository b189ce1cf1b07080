import keras
import pytest
import tensorflow as tf

from colorize_tf.color import encode
from colorize_tf.models.patchgan import patchgan
from colorize_tf.models.unet import unet
from colorize_tf.training.gan import ColorizationGAN
from colorize_tf.training.stages import Stage, plan_stages, run_stages


class Witness(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seen = []

    def on_epoch_end(self, epoch, logs=None):
        rate = round(float(self.model.generator_optimizer.learning_rate), 6)
        self.seen.append((epoch, self.model.stage.name, "discriminator_loss" in logs, rate))


class EndOfTime(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = True


@pytest.fixture
def gan():
    gan = ColorizationGAN(unet(32, widths=(4, 4)), patchgan(base_width=4))
    gan.compile(keras.optimizers.Adam(), keras.optimizers.Adam())
    return gan


@pytest.fixture
def examples():
    return tf.data.Dataset.from_tensors(
        encode(tf.random.stateless_uniform((2, 32, 32, 3), (1, 2)))
    ).repeat()


def plan(**epochs):
    return plan_stages(learning_rate=1e-3, adversarial_learning_rate=1e-4, **epochs)


def run(gan, stages, examples, **arguments):
    witness = Witness()
    run_stages(
        gan,
        stages,
        l1_weight=100.0,
        seed=0,
        callbacks=[witness],
        x=examples,
        steps_per_epoch=1,
        **arguments,
    )
    return witness.seen


def test_pretraining_comes_first_and_the_rest_is_adversarial():
    stages = plan(epochs=20, pretrain_epochs=16)
    assert [(stage.name, stage.epochs, stage.learning_rate) for stage in stages] == [
        ("pretrain", 16, 1e-3),
        ("adversarial", 4, 1e-4),
    ]


@pytest.mark.parametrize(("pretrain", "names"), [(0, ["adversarial"]), (3, ["pretrain"])])
def test_a_stage_without_epochs_is_left_out(pretrain, names):
    stages = plan(epochs=3, pretrain_epochs=pretrain)
    assert [stage.name for stage in stages] == names


def test_stages_follow_each_other_each_with_its_step_and_learning_rate(gan, examples):
    stages = [
        Stage("pretrain", adversarial=False, epochs=2, learning_rate=1e-3),
        Stage("adversarial", adversarial=True, epochs=1, learning_rate=1e-4),
    ]
    assert run(gan, stages, examples) == [
        (0, "pretrain", False, 1e-3),
        (1, "pretrain", False, 1e-3),
        (2, "adversarial", True, 1e-4),
    ]


def test_the_optimizer_keeps_its_state_from_stage_to_stage(gan, examples):
    run(gan, plan(epochs=3, pretrain_epochs=2), examples)
    assert int(gan.generator_optimizer.iterations) == 3
    assert int(gan.discriminator_optimizer.iterations) == 1


@pytest.mark.parametrize("done", [1, 2, 3])
def test_a_run_goes_on_in_the_stage_where_it_stopped(gan, examples, done):
    gan.epochs_done.assign(done)
    seen = run(gan, plan(epochs=3, pretrain_epochs=2), examples)
    assert [epoch for epoch, *_ in seen] == list(range(done, 3))


def test_stages_share_the_minutes_as_they_share_the_epochs(gan, examples):
    stages = plan(epochs=4, pretrain_epochs=3)
    gan.seconds_done.assign(60 * 3)  # of four minutes: the first stage is over, the second is not
    witness = Witness()
    run_stages(
        gan,
        stages,
        l1_weight=100.0,
        minutes=4,
        seed=0,
        callbacks=[witness, EndOfTime()],
        x=examples,
        steps_per_epoch=1,
    )
    assert [name for _, name, *_ in witness.seen] == ["adversarial"]


def test_a_run_whose_time_is_used_up_trains_no_more(gan, examples):
    gan.seconds_done.assign(600)
    stages = plan(epochs=4, pretrain_epochs=3)
    assert run(gan, stages, examples, minutes=5) == []


def test_a_stage_that_is_behind_stays_behind_when_a_run_is_prolonged(gan, examples):
    gan.stages_done.assign(1)
    gan.epochs_done.assign(3)
    gan.seconds_done.assign(60)
    seen = run(gan, plan(epochs=10, pretrain_epochs=8), examples)
    assert {name for _, name, *_ in seen} == {"adversarial"}
    assert [epoch for epoch, *_ in seen] == list(range(3, 10))


def test_training_stops_when_the_time_is_over(gan, examples):
    seen = run(gan, plan(epochs=2, pretrain_epochs=1), examples, minutes=1e-6)
    assert [name for _, name, *_ in seen] == ["pretrain"]
