import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from colorize_tf.training.distribution import Distribution, choose_distribution, use_xla

PROGRAM = Path(__file__).with_name("replicas.py")


def start(kind, path, **environment):
    return subprocess.Popen(
        [sys.executable, PROGRAM, kind, path],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def results(process, path):
    output, _ = process.communicate()
    assert process.returncode == 0, output
    with np.load(path) as content:
        return dict(content)


@pytest.fixture(scope="module")
def devices(tmp_path_factory):
    """What one device and two of the same process came to."""
    path = tmp_path_factory.mktemp("devices") / "results.npz"
    return results(start("devices", path), path)


@pytest.fixture(scope="module")
def workers(tmp_path_factory):
    """What each of two processes came to."""
    folder = tmp_path_factory.mktemp("workers")
    with socket.create_server(("localhost", 0)) as one, socket.create_server(("", 0)) as two:
        addresses = [f"localhost:{server.getsockname()[1]}" for server in (one, two)]
    processes = []
    for index in range(2):
        task = {"type": "worker", "index": index}
        config = json.dumps({"cluster": {"worker": addresses}, "task": task})
        processes.append(start("workers", folder / f"{index}.npz", TF_CONFIG=config))
    return [results(process, folder / f"{i}.npz") for i, process in enumerate(processes)]


def of(results, prefix):
    return {
        name.removeprefix(prefix): value
        for name, value in results.items()
        if name.startswith(prefix)
    }


def assert_same_training(came, expected):
    """Noise, both losses, clipped gradients, the average of the weights, counters, measures."""
    for name, value in expected.items():
        if name != "counter.seconds_done":
            np.testing.assert_allclose(came[name], value, rtol=1e-5, atol=1e-5, err_msg=name)
    assert came["counter.steps_done"] == 3
    assert any(name.startswith("ema_generator") for name in expected)
    assert {"figure.val_psnr", "figure.adversarial_loss"} <= expected.keys()


@pytest.mark.slow
def test_two_replicas_with_half_of_each_batch_train_as_one_with_the_whole(devices):
    assert_same_training(of(devices, "two."), of(devices, "one."))


@pytest.mark.slow
def test_two_processes_train_as_one_and_end_with_equal_weights(devices, workers):
    for worker in workers:
        assert_same_training(worker, of(devices, "one."))
    for name, value in workers[0].items():
        np.testing.assert_array_equal(value, workers[1][name], err_msg=name)


@pytest.mark.slow
def test_statistics_of_replicas_drift_apart_until_they_are_averaged(devices):
    np.testing.assert_allclose(devices["apart"], devices["true"], atol=1e-6)
    np.testing.assert_allclose(devices["averaged"], [np.mean(devices["true"])] * 2, atol=1e-6)


@pytest.mark.slow
def test_each_replica_drops_other_places(devices):
    assert not np.array_equal(*devices["seeds"])


@pytest.mark.slow
def test_a_step_that_overflows_in_one_replica_is_left_out_by_all(devices):
    assert devices["overflow.unmoved"].all() and devices["overflow.equal"].all()
    assert devices["overflow.moved"].all(), "the next step counts again"
    np.testing.assert_array_equal(devices["overflow.scales"], [32.0, 32.0])


@pytest.mark.slow
def test_processes_agree_on_what_the_chief_says_and_on_what_any_wishes(workers):
    for worker in workers:
        assert worker["told"] == 0.25
        assert worker["wishes"].tolist() == [False, True]
        assert worker["averaged"].tolist() == [[0.5, 4.0]]
        assert (worker["copied"].tolist(), int(worker["counted"])) == ([1.5, 2.0], 7)


def test_a_process_that_is_alone_agrees_with_itself():
    alone = Distribution()
    assert (alone.replicas, alone.shard, alone.is_chief) == (1, (0, 1), True)
    assert alone.from_chief(2.5) == 2.5
    assert alone.any_worker(True) and not alone.any_worker(False)


def test_where_there_is_one_device_auto_has_no_strategy():
    assert choose_distribution("auto", None).strategy is tf.distribute.get_strategy()


def test_a_batch_is_shared_out_in_equal_parts():
    two = Distribution()
    two.replicas = 2
    assert two.part_of(6) == 3
    with pytest.raises(ValueError, match="a batch of 7 cannot be divided equally among 2 replicas"):
        two.part_of(7)


def test_xla_is_for_one_replica_and_by_itself_for_a_gpu(monkeypatch):
    assert use_xla("on", 1)
    assert not use_xla("auto", 1) and not use_xla("off", 1)
    with pytest.raises(ValueError, match="--jit on works with one replica, there are 2"):
        use_xla("on", 2)
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind])
    assert use_xla("auto", 1) and not use_xla("auto", 2) and not use_xla("off", 1)
