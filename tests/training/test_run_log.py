import csv
import dataclasses
import types

import keras
import pytest

from colorize_tf import imagefiles
from colorize_tf.training.run_log import RunLog
from colorize_tf.training.stage_plan import Stage

RULE = {"monitor": "val_ab_rmse", "mode": "min"}
PRETRAIN = Stage("pretrain", "reconstruction", epochs=2, learning_rate=1e-3)
LAST = Stage("last", "reconstruction", epochs=2, learning_rate=1e-3)


def attach(callback, gan):
    callback.set_model(gan)
    return callback


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def gan():
    names = "epochs_done", "steps_done", "seconds_done"
    counters = {name: keras.Variable(0.0, dtype="float32") for name in names}
    return types.SimpleNamespace(
        stage=PRETRAIN,
        generator_optimizer=types.SimpleNamespace(learning_rate=keras.Variable(0.5)),
        discriminator_optimizer=types.SimpleNamespace(learning_rate=keras.Variable(0.25)),
        counters=counters,
        count=lambda name: int(counters[name].numpy()),
    )


@pytest.fixture
def log(tmp_path, gan):
    return attach(RunLog(tmp_path / "metrics.csv", tmp_path / "curves.png", **RULE), gan)


def test_each_epoch_is_a_row_and_a_point_on_the_curves(log, gan, tmp_path):
    log.on_epoch_end(0, {"reconstruction_loss": 0.5, "val_ab_rmse": 15.0})
    gan.stage = LAST
    figures = {"reconstruction_loss": 0.4, "val_ab_rmse": 14.0, "discriminator_loss": 0.7}
    log.on_epoch_end(1, figures)
    rows = read(tmp_path / "metrics.csv")
    assert [row["stage"] for row in rows] == ["pretrain", "last"]
    assert [row["learning_rate"] for row in rows] == ["0.5", "0.5"]
    assert [row["discriminator_learning_rate"] for row in rows] == ["0.25", "0.25"]
    assert [row["discriminator_loss"] for row in rows] == ["", "0.7"]
    assert imagefiles.read_image(tmp_path / "curves.png").std() > 0


def test_a_resumed_log_forgets_epochs_that_come_again(log, gan, tmp_path):
    for epoch in range(3):
        log.on_epoch_end(epoch, {"val_ab_rmse": 15.0 - epoch})
    gan.counters["epochs_done"].assign(2)
    resumed = attach(RunLog(log.metrics_path, log.curves_path, **RULE), gan)
    resumed.forget_after(2)
    resumed.on_epoch_end(2, {"val_ab_rmse": 20.0})
    assert [row["epoch"] for row in read(tmp_path / "metrics.csv")] == ["1", "2", "3"]
    assert not resumed.last_is_best()


def test_the_best_epoch_is_that_of_the_chosen_figure(log, gan, tmp_path):
    other = RunLog(tmp_path / "o.csv", tmp_path / "o.png", monitor="val_psnr", mode="max")
    attach(other, gan)
    for epoch, (error, psnr) in enumerate([(15.0, 22.0), (14.0, 21.0)]):
        log.on_epoch_end(epoch, {"val_ab_rmse": error})
        other.on_epoch_end(epoch, {"val_ab_rmse": error, "val_psnr": psnr})
    assert log.last_is_best() and not other.last_is_best()


def test_epochs_with_a_frozen_backbone_are_judged_with_those_after_them(log, gan):
    gan.stage = dataclasses.replace(PRETRAIN, name="frozen", frozen=True)
    log.on_epoch_end(0, {"val_ab_rmse": 13.0})
    gan.stage = PRETRAIN
    log.on_epoch_end(1, {"val_ab_rmse": 14.0})
    assert not log.last_is_best()


def test_only_the_epochs_of_a_stage_count_for_its_patience(log, gan):
    for epoch, error in enumerate([13.0, 14.0, 15.0]):
        log.on_epoch_end(epoch, {"val_ab_rmse": error})
    patient = dataclasses.replace(PRETRAIN, patience=2)
    assert log.is_exhausted(patient)
    assert not log.is_exhausted(dataclasses.replace(patient, name="last"))
    assert not log.is_exhausted(PRETRAIN)


def test_a_run_that_diverged_says_so(log):
    with pytest.raises(ValueError, match="training diverged: val_ab_rmse is nan after epoch 3"):
        log.on_epoch_end(2, {"val_ab_rmse": float("nan")})
