import json
import os
import signal
import socket
import subprocess
import sys
import types
from pathlib import Path

import keras
import pytest

from colorize_tf.training.callbacks import Counters
from colorize_tf.training.distribution import Distribution
from colorize_tf.training.errors import TerminatedError
from colorize_tf.training.termination import Abandonable, Termination

COUNTERS = ("seconds_done", "epochs_done", "epoch_first_step")


@pytest.fixture
def saved():
    return []


@pytest.fixture
def termination(saved):
    counters = {name: keras.Variable(5.0) for name in COUNTERS}
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


@pytest.mark.parametrize("moment", ["on_train_batch_begin", "on_test_batch_begin", "on_epoch_end"])
def test_a_run_that_is_asked_to_end_is_saved_with_its_time(termination, saved, moment):
    with termination.listening():
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(TerminatedError):
            getattr(termination, moment)(0)
    assert saved == [termination.model]
    assert float(saved[0].counters["seconds_done"]) >= 5.0


def test_after_training_the_signal_ends_the_process_again(termination):
    before = signal.getsignal(signal.SIGTERM)
    with termination.listening():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_what_one_process_measures_is_abandoned_and_the_epoch_comes_again(termination, saved):
    counters = termination.model.counters
    batches, seen = Abandonable("abc", termination), []
    assert list(batches) == list(batches) == ["a", "b", "c"]
    termination.on_epoch_begin(5)
    counters["epochs_done"].assign(6)
    counters["epoch_first_step"].assign(70)
    with termination.listening(), pytest.raises(TerminatedError):
        for batch in batches:
            seen.append(batch)
            os.kill(os.getpid(), signal.SIGTERM)
    assert seen == ["a"] and saved == [termination.model]
    assert [float(counters[name]) for name in COUNTERS[1:]] == [5, 5]


@pytest.mark.slow
def test_all_processes_abandon_a_validation_that_one_is_to_end_in():
    with socket.create_server(("localhost", 0)) as one, socket.create_server(("", 0)) as two:
        addresses = [f"localhost:{server.getsockname()[1]}" for server in (one, two)]
    command = [sys.executable, Path(__file__).with_name("ending.py")]
    processes = []
    for index in range(2):
        task = {"type": "worker", "index": index}
        config = json.dumps({"cluster": {"worker": addresses}, "task": task})
        environment = {**os.environ, "TF_CONFIG": config, "TF_CPP_MIN_LOG_LEVEL": "3"}
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        processes.append(subprocess.Popen(command, env=environment, **options))
    printed = [process.communicate()[0] for process in processes]
    # The first has 4 batches to validate on, the second 3.
    assert [text.splitlines()[-1] for text in printed] == ["ended 3 1 2 0"] * 2, printed
