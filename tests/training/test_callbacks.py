import types

import keras
import numpy as np
import pytest

from colorize_tf import imagefiles
from colorize_tf.color.lab_tf import encode, images_to_rgb
from colorize_tf.data.synthetic.landscapes import render_landscape
from colorize_tf.training.callbacks import (
    BestGenerator,
    ColorDistance,
    Counters,
    SampleGrid,
    TimeLimit,
)
from colorize_tf.training.distribution import Distribution
from colorize_tf.training.run_log import RunLog
from colorize_tf.training.stage_plan import Stage

PRETRAIN = Stage("pretrain", "reconstruction", epochs=2, learning_rate=1e-3)
DISCRIMINATOR = Stage("discriminator", "discriminator", epochs=2, learning_rate=0.0)
LAST = Stage("last", "reconstruction", epochs=2, learning_rate=1e-3)


@pytest.fixture
def gan():
    network = types.SimpleNamespace(layers=[])
    names = "epochs_done", "epoch_first_step", "stage_first_step", "steps_done", "seconds_done"
    counters = {name: keras.Variable(0.0, dtype="float32") for name in names}
    return types.SimpleNamespace(
        stage=PRETRAIN,
        generator=network,
        ema_generator=network,
        discriminator=network,
        generator_optimizer=types.SimpleNamespace(learning_rate=keras.Variable(0.5)),
        discriminator_optimizer=types.SimpleNamespace(learning_rate=keras.Variable(0.25)),
        counters=counters,
        count=lambda name: int(counters[name].numpy()),
        stop_training=False,
    )


def attach(callback, gan):
    callback.set_model(gan)
    return callback


def run_log(folder):
    return RunLog(folder / "m.csv", folder / "c.png", monitor="val_ab_rmse", mode="min")


@pytest.fixture
def log(tmp_path, gan):
    return attach(run_log(tmp_path), gan)


class Shelf:
    """Stands in for the generator's file: remembers which weights were put there."""

    def __init__(self):
        self.saved = []

    def save(self, generator, path):
        self.saved.append(generator.weights)

    def load(self, path):
        return Network(self.saved[-1])


class Network:
    layers = ()

    def __init__(self, weights):
        self.weights = weights

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.weights = weights


def train(gan, log, best, stage, errors):
    """Run epochs whose weights are named after the error that they reach."""
    gan.stage = stage
    best.catch_up(gan)
    best.on_train_begin()
    started_from = gan.generator.weights
    for error in errors:
        gan.generator.weights = error
        epoch = len(log.rows)
        gan.counters["epochs_done"].assign(epoch + 1)
        for callback in (log, best):
            callback.on_epoch_end(epoch, {"val_ab_rmse": float(error)})
    return started_from


@pytest.fixture
def shelf():
    return Shelf()


@pytest.fixture
def best(log, gan, shelf, tmp_path):
    gan.generator = gan.ema_generator = Network("new")
    return attach(BestGenerator(tmp_path / "g.keras", log, shelf.save, shelf.load), gan)


def test_the_best_generator_is_the_best_of_its_stage(log, gan, best, shelf):
    train(gan, log, best, PRETRAIN, [15, 13, 14])
    train(gan, log, best, LAST, [16, 17, 15])
    assert shelf.saved == [15, 13, 16, 15]


def test_a_stage_starts_from_the_best_generator_of_the_stage_before(log, gan, best):
    assert train(gan, log, best, PRETRAIN, [15, 13, 14]) == "new"
    assert train(gan, log, best, LAST, [16]) == 13


def test_a_stage_that_leaves_the_generator_alone_leaves_the_file_alone(log, gan, best, shelf):
    train(gan, log, best, PRETRAIN, [15, 13, 14])
    assert train(gan, log, best, DISCRIMINATOR, [13, 12]) == 13
    assert shelf.saved == [15, 13]
    assert train(gan, log, best, LAST, [16]) == 13


def test_a_discriminator_stage_may_come_first(log, gan, best, shelf):
    train(gan, log, best, DISCRIMINATOR, [15])
    assert train(gan, log, best, LAST, [14]) == 15
    assert shelf.saved == [14]


def test_the_average_of_the_weights_is_what_is_kept_and_where_both_go_on(log, gan, best, shelf):
    gan.ema_generator = Network("average")
    train(gan, log, best, PRETRAIN, [13])
    assert shelf.saved == ["average"]
    train(gan, log, best, LAST, [])
    assert (gan.generator.weights, gan.ema_generator.weights) == ("average", "average")


def test_a_resumed_stage_starts_from_where_it_was(log, gan, best):
    train(gan, log, best, PRETRAIN, [13, 14])
    assert train(gan, log, best, PRETRAIN, [15]) == 14


def test_a_stage_that_was_ended_in_its_first_epoch_goes_on_from_where_it_was(log, gan, best):
    train(gan, log, best, PRETRAIN, [15, 13, 14])
    gan.counters["stage_first_step"].assign(6)
    gan.counters["steps_done"].assign(8)
    assert train(gan, log, best, LAST, []) == 14


def test_a_best_generator_that_a_killed_run_could_not_save_is_saved_on_resume(
    log, gan, best, shelf
):
    train(gan, log, best, PRETRAIN, [15, 13])
    shelf.saved.pop()
    train(gan, log, best, PRETRAIN, [])
    assert shelf.saved == [15, 13]


def test_samples_are_gray_above_predicted_above_true(tmp_path):
    images = np.stack([render_landscape(seed, 32, 32) for seed in range(2)])
    lightness, ab = encode(images_to_rgb(images))
    red = np.zeros_like(ab) + np.array([0.5, 0.3], np.float32)
    grid = SampleGrid(tmp_path / "samples", (lightness, ab))
    grid.set_model(types.SimpleNamespace(colorize=lambda lightness: red))
    grid.on_epoch_end(4)
    picture = imagefiles.read_image(tmp_path / "samples/epoch-005.png").astype(int)
    assert picture.shape == (96, 64, 3)
    gray, predicted, true = np.split(picture, 3)
    assert np.ptp(gray, axis=-1).max() <= 1
    assert np.mean(predicted[..., 0] - predicted[..., 2]) > 30
    assert np.abs(true - np.concatenate(images, axis=1)).max() <= 1


def test_the_distance_between_predicted_and_true_colors_joins_the_figures_of_an_epoch():
    truth = np.full((2, 4, 4, 2), 0.5, np.float32)
    lightness = np.zeros((2, 4, 4, 1), np.float32)
    callback = ColorDistance(
        [(lightness, truth), (lightness, truth)],
        describe=lambda lightness, ab: np.mean(ab, axis=(1, 2)),
        distance=lambda points, true_points: len(points) * np.mean(true_points - points),
    )
    callback.set_model(types.SimpleNamespace(colorize=lambda lightness: truth / 2))
    logs = {}
    callback.on_epoch_end(0, logs)
    assert logs == {"val_color_distance": 4 * 0.25}


@pytest.fixture
def clock(monkeypatch):
    """Sets the time that callbacks see."""

    def set_time(seconds):
        monkeypatch.setattr("colorize_tf.training.callbacks.time.monotonic", lambda: float(seconds))

    return set_time


def test_an_epoch_is_counted_with_the_time_it_took(gan, clock):
    counters = attach(Counters(0, Distribution()), gan)
    clock(100)
    counters.on_train_begin()
    clock(130)
    counters.on_epoch_end(6)
    assert (float(gan.counters["epochs_done"]), float(gan.counters["seconds_done"])) == (7, 30)


def test_the_clock_runs_on_between_epochs_and_stages(gan, clock):
    counters = attach(Counters(0, Distribution()), gan)
    for moment in (100, 130, 150):
        clock(moment)
        counters.on_train_begin()
        counters.on_epoch_end(0)
    assert float(gan.counters["seconds_done"]) == 50
    clock(153)
    assert counters.elapsed(gan) == 53


def test_dropout_is_a_function_of_the_seed_and_of_the_steps_done(gan):
    layer = keras.layers.Dropout(0.5)
    gan.generator = types.SimpleNamespace(layers=[layer])

    def masks(seed, steps):
        gan.counters["steps_done"].assign(steps)
        gan.counters["epoch_first_step"].assign(steps)
        attach(Counters(seed, Distribution()), gan).on_epoch_begin(0)
        return np.asarray(layer(np.ones((1, 64)), training=True))

    np.testing.assert_array_equal(masks(1, 10), masks(1, 10))
    assert not np.array_equal(masks(1, 10), masks(1, 11))
    assert not np.array_equal(masks(1, 10), masks(2, 10))


def test_dropout_goes_on_in_the_middle_of_an_epoch(gan):
    layer = keras.layers.Dropout(0.5)
    gan.generator = types.SimpleNamespace(layers=[layer])
    counters = attach(Counters(0, Distribution()), gan)

    def next_masks(count):
        return [np.asarray(layer(np.ones((1, 64)), training=True)) for _ in range(count)]

    counters.on_epoch_begin(0)
    *_, expected = next_masks(3)
    gan.counters["steps_done"].assign(2)
    counters.on_epoch_begin(0)
    np.testing.assert_array_equal(next_masks(1)[0], expected)


def test_no_two_layers_drop_the_same_places(gan):
    dropouts = [keras.layers.Dropout(0.5) for _ in range(2)]
    gan.generator = types.SimpleNamespace(layers=dropouts)
    attach(Counters(0, Distribution()), gan).on_epoch_begin(0)
    first, second = (np.asarray(x(np.ones((1, 64)), training=True)) for x in dropouts)
    assert not np.array_equal(first, second)


def test_time_spent_before_a_resume_counts(gan, clock):
    counters = attach(Counters(0, Distribution()), gan)
    limit = attach(TimeLimit(60, counters), gan)
    gan.counters["seconds_done"].assign(50)
    clock(1000)
    counters.on_train_begin()
    clock(1009)
    limit.on_train_batch_end(0)
    assert not gan.stop_training
    clock(1010)
    limit.on_train_batch_end(1)
    assert gan.stop_training
