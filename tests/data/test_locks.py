import errno
import os
import signal
import socket
import subprocess
import sys

import pytest

from colorize_tf.data import locks
from colorize_tf.data.locks import held

HOLDER = """
import sys
from colorize_tf.data.locks import held
with held(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path):
    """Another process that holds the folder."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_holder_of_a_lock_is_named(other, tmp_path):
    who = f"{tmp_path} is in use by process {other.pid} on {socket.gethostname()}; wait"
    with pytest.raises(ValueError, match=who), held(tmp_path):
        pass


def test_killed_process_releases_its_lock(other, tmp_path):
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert (tmp_path / ".lock").is_file()
    with held(tmp_path):
        pass
    assert os.listdir(tmp_path) == []


def test_lock_is_released_after_an_exception(tmp_path):
    for _ in range(2):
        with pytest.raises(KeyError), held(tmp_path):
            raise KeyError
    assert os.listdir(tmp_path) == []


def test_lock_file_that_was_removed_meanwhile_is_made_again(tmp_path, monkeypatch):
    taken, found = [], locks._is_at

    def is_at(file, path):
        taken.append(file)
        if len(taken) == 1:
            path.unlink()
        return found(file, path)

    monkeypatch.setattr(locks, "_is_at", is_at)
    with held(tmp_path):
        assert len(taken) == 2 and os.listdir(tmp_path) == [".lock"]


def test_file_systems_without_locks_lock_nothing(tmp_path, monkeypatch):
    def flock(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks.fcntl, "flock", flock)
    with held(tmp_path), held(tmp_path):
        pass


def test_windows_locks_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "fcntl", None)
    with held(tmp_path), held(tmp_path):
        assert os.listdir(tmp_path) == []
