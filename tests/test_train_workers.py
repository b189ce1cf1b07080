"""Training by several processes of this machine, as a user starts it."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from colorize_tf.train import main

pytestmark = pytest.mark.slow

FLAGS = [
    *("--recipe", "tiny", "--dataset", "synthetic", "--synthetic-count", "24"),
    *("--image-size", "32", "--batch-size", "6", "--validation-limit", "4"),
    *("--pretrain-epochs", "1", "--adversarial-epochs", "1", "--precision", "float32"),
]


def addresses(count):
    servers = [socket.create_server(("localhost", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in servers]
    for server in servers:
        server.close()
    return [f"localhost:{port}" for port in ports]


class Workers:
    """Processes that were started together, and what they print."""

    def __init__(self, folder, count, environment, flags):
        cluster = {"worker": addresses(count)}
        self.outputs = [folder / f"worker-{index}.txt" for index in range(count)]
        self.processes = []
        for index, path in enumerate(self.outputs):
            task = {"type": "worker", "index": index}
            config = json.dumps({"cluster": cluster, "task": task})
            with path.open("w") as output:
                self.processes.append(
                    subprocess.Popen(
                        [sys.executable, "-m", "colorize_tf.train", *map(str, flags)],
                        env={**os.environ, **environment, "TF_CONFIG": config},
                        stdout=output,
                        stderr=subprocess.STDOUT,
                    )
                )

    def wait_until(self, is_so):
        while not is_so() and all(process.poll() is None for process in self.processes):
            time.sleep(0.02)
        assert is_so(), self.printed()

    def end(self):
        """Wait for all; return their exit codes."""
        return [process.wait() for process in self.processes]

    def printed(self):
        return [path.read_text() for path in self.outputs]


@pytest.fixture
def start(tmp_path, cache_home):
    """Starts workers, with a cache that knows the landscapes, and leaves none behind."""
    started = []

    def start(count, *flags):
        environment = {"XDG_CACHE_HOME": str(cache_home), "COLORIZE_TF_DATA": ""}
        folder = tmp_path / f"printed-{len(started)}"
        folder.mkdir()
        started.append(Workers(folder, count, environment, [*FLAGS, *flags]))
        return started[-1]

    yield start
    for workers in started:
        for process in workers.processes:
            process.kill()
            process.wait()


def rows_of(run):
    with (run / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def counter(run, name):
    with np.load(run / "state.npz") as content:
        return int(content[f"counter.{name}"])


def test_a_killed_worker_ends_all_and_the_same_command_goes_on(start, tmp_path):
    run = tmp_path / "run"
    again = ["--run-dir", run, "--restartable"]
    workers = start(2, *again)
    workers.wait_until((run / "samples/epoch-001.png").exists)
    workers.processes[1].kill()
    codes = workers.end()
    assert codes == [143, -signal.SIGKILL], workers.printed()
    assert "is gone; start all of them again, with --resume" in workers.printed()[0]
    assert not (run / "export").exists(), "the run was over before a worker was killed"
    workers = start(2, *again)
    assert workers.end() == [0, 0], workers.printed()
    chief, other = workers.printed()
    assert [(row["epoch"], row["stage"], row["steps"]) for row in rows_of(run)] == [
        ("1", "pretrain", "4"),
        ("2", "adversarial", "8"),
    ]
    assert "2 replicas" in chief and "this run" in chief
    assert other.strip() == chief.splitlines()[0]  # the choice for the processor
    assert (run / "export/1/saved_model.pb").is_file()


def test_sigterm_to_one_of_two_saves_and_ends_both(start, tmp_path):
    run = tmp_path / "run"
    workers = start(2, "--run-dir", run, "--steps-per-epoch", 100)
    workers.wait_until((run / "samples/epoch-001.png").exists)
    workers.processes[1].terminate()
    assert workers.end() == [143] * 2, workers.printed()
    chief, other = workers.printed()
    assert (
        "ended by SIGTERM, and saved; continue with python -m colorize_tf.train --resume" in chief
    )
    assert other.strip() == chief.splitlines()[0]  # the choice for the processor
    assert 100 <= counter(run, "steps_done") < 200


@pytest.fixture
def two(monkeypatch):
    """This process is the chief of two."""
    chief, other = addresses(2)
    config = {"cluster": {"worker": [chief, other]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    return other


def line_of(capsys, *arguments):
    assert main([str(argument) for argument in arguments]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    return line


def test_a_worker_that_never_comes_is_named(two, tmp_path, capsys):
    line = line_of(capsys, *FLAGS, "--run-dir", tmp_path / "run", "--worker-timeout", "0.2")
    assert line.startswith(f"error: worker 1 ({two}) did not connect within 0.2 s")
    assert not (tmp_path / "run").exists()


def test_a_malformed_tf_config_is_one_line(monkeypatch, capsys):
    monkeypatch.setenv("TF_CONFIG", "{")
    assert line_of(capsys, *FLAGS).startswith("error: TF_CONFIG is malformed: ")


def test_several_workers_need_to_be_named(monkeypatch, capsys):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    line = line_of(capsys, *FLAGS, "--strategy", "multi-worker")
    assert "--strategy multi-worker needs several processes; start each with TF_CONFIG" in line
