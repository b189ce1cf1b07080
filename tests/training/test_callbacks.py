import types

import keras
import numpy as np
import pytest

from colorize_tf.training.callbacks import Counters, TimeLimit
from colorize_tf.training.distribution import Distribution


def attach(callback, gan):
    callback.set_model(gan)
    return callback


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
