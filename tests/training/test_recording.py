import logging
import types

import keras
import numpy as np
import pytest

from colorize_tf import imagefiles
from colorize_tf.color.lab_tf import encode, images_to_rgb
from colorize_tf.data.synthetic.landscapes import render_landscape
from colorize_tf.training.recording import (
    BestGenerator,
    ColorDistance,
    EpochLog,
    SampleGrid,
    StepBar,
)
from colorize_tf.training.run_log import RunLog
from colorize_tf.training.stage_plan import Stage

PRETRAIN = Stage("pretrain", "reconstruction", epochs=2, learning_rate=1e-3)
DISCRIMINATOR = Stage("discriminator", "discriminator", epochs=2, learning_rate=0.0)
LAST = Stage("last", "reconstruction", epochs=2, learning_rate=1e-3)


@pytest.fixture
def gan(gan):
    gan.stage = PRETRAIN
    return gan


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
    best.save_missing(gan)
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


def test_the_epoch_log_has_metrics_duration_and_the_time_left(log, gan, caplog):
    stages = [PRETRAIN, Stage("adversarial", "adversarial", epochs=2, learning_rate=1e-3)]
    epoch_log = attach(EpochLog(log, stages), gan)
    gan.counters["stages_begun"] = keras.Variable(1.0)
    gan.counters["stage_first_epoch"] = keras.Variable(0.0)
    caplog.set_level(logging.INFO, logger="colorize_tf")
    for epoch, seconds in enumerate((60.0, 100.0)):
        gan.counters["seconds_done"].assign(seconds)
        log.on_epoch_end(epoch, {"val_ab_rmse": 12.34567, "val_psnr": 20.0})
        epoch_log.on_epoch_end(epoch)
    # One more epoch of pretraining, then two that cost 1.8 times as much.
    first, second = caplog.messages
    assert first == "epoch 1 of 4, pretrain: ab_rmse 12.35; 60 s, about 5 min left"
    assert second == "epoch 2 of 4, pretrain: ab_rmse 12.35; 40 s, about 2 min left"


def test_a_run_of_so_many_minutes_counts_these_down(log, gan, caplog):
    epoch_log = attach(EpochLog(log, [PRETRAIN], minutes=2.0), gan)
    caplog.set_level(logging.INFO, logger="colorize_tf")
    gan.counters["seconds_done"].assign(75.0)
    log.on_epoch_end(0, {"val_ab_rmse": 12.0})
    epoch_log.on_epoch_end(0)
    assert caplog.messages == ["epoch 1, pretrain: ab_rmse 12; 75 s, about 45 s left"]


def test_the_bar_is_silent_without_a_terminal(gan, capsys):
    bar = attach(StepBar(), gan)
    bar.set_params({"steps": 2})
    bar.on_epoch_begin(0)
    for step in range(2):
        bar.on_train_batch_end(step)
    bar.on_epoch_end(0)
    assert capsys.readouterr() == ("", "")
