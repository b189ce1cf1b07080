import os
import signal
import types

import keras
import pytest

from colorize_tf.training.callbacks import Counters
from colorize_tf.training.distribute import Distribution
from colorize_tf.training.termination import Terminated, Termination


@pytest.fixture
def saved():
    return []


@pytest.fixture
def termination(saved):
    counters = {"seconds_done": keras.Variable(5.0)}
    counting = Counters(0, Distribution())
    counting.on_train_begin()
    termination = Termination(counting, saved.append)
    termination.set_model(types.SimpleNamespace(counters=counters, statistics=[]))
    return termination


def test_a_run_that_nobody_ends_goes_on(termination, saved):
    with termination.listening():
        termination.on_train_batch_begin(0)
        termination.on_epoch_end(0)
    assert saved == []


@pytest.mark.parametrize("moment", ["on_train_batch_begin", "on_epoch_end"])
def test_a_run_that_is_asked_to_end_is_saved_with_its_time(termination, saved, moment):
    with termination.listening():
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Terminated):
            getattr(termination, moment)(0)
    assert saved == [termination.model]
    assert float(saved[0].counters["seconds_done"]) >= 5.0


def test_after_training_the_signal_ends_the_process_again(termination):
    before = signal.getsignal(signal.SIGTERM)
    with termination.listening():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
