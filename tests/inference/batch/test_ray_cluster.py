import os
import socket
import subprocess
import sys

import pytest

from colorize_tf.inference.batch import ray_cluster
from colorize_tf.inference.batch.ray_cluster import Share


def test_the_error_without_ray_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ValueError, match=r"pip install colorize_tf\[batch\]"):
        ray_cluster.import_ray()


@pytest.mark.parametrize("address", ["here", "ray://host:10001", "host:", "a b:1"])
def test_a_malformed_address_is_refused(address):
    with pytest.raises(ValueError, match="must be HOST:PORT, or auto.*got"):
        ray_cluster._check_address(address)


@pytest.mark.parametrize("port", [0, 99999])
def test_an_address_without_a_listener_is_refused(port):
    with pytest.raises(ValueError, match=f"no Ray cluster responds at 127.0.0.1:{port}: "):
        ray_cluster._check_address(f"127.0.0.1:{port}")


@pytest.mark.parametrize(
    ("seconds", "join", "words"),
    [
        (1.0, "import time; time.sleep(60)", "no Ray cluster responds at HERE within 1 s"),
        (30.0, "exit('it is no Ray')", "no Ray cluster responds at HERE: it is no Ray"),
        (30.0, "exit('ray.exceptions.AuthenticationError: no')", "HERE requires a token"),
    ],
)
def test_an_address_of_another_service_is_refused_in_time(monkeypatch, seconds, join, words):
    monkeypatch.setattr(ray_cluster, "_SECONDS_TO_JOIN", seconds)
    monkeypatch.setattr(ray_cluster, "_JOIN", join)
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(ValueError, match=f"^{words.replace('HERE', address)}"):
            ray_cluster._check_address(address)


class Ray:
    """A cluster of some size."""

    def __init__(self, **resources):
        self.resources = resources

    def cluster_resources(self):
        return {name: float(count) for name, count in self.resources.items()}


@pytest.mark.parametrize(
    ("resources", "jobs", "uses_gpus", "share"),
    [
        ({"CPU": 8}, None, True, Share(8, 1, 0)),
        ({"CPU": 8}, 3, True, Share(3, 1, 0)),
        ({"CPU": 32, "GPU": 4}, None, True, Share(4, 8, 1)),
        ({"CPU": 32, "GPU": 4}, None, False, Share(32, 1, 0)),
        ({"CPU": 32, "GPU": 4}, 2, True, Share(2, 1, 1)),
        ({"CPU": 2, "GPU": 4}, None, True, Share(2, 1, 1)),
    ],
)
def test_processors_are_divided_and_each_gpu_gets_one_worker(
    monkeypatch, resources, jobs, uses_gpus, share
):
    monkeypatch.setitem(sys.modules, "ray", Ray(**resources))
    assert ray_cluster.share_out(jobs, uses_gpus=uses_gpus) == share


def test_removing_a_folder_is_retried(tmp_path, monkeypatch):
    (tmp_path / "ray").mkdir()
    real, tries = ray_cluster.shutil.rmtree, []

    def rmtree(folder, ignore_errors):
        tries.append(folder)
        if len(tries) > 1:
            real(folder)

    monkeypatch.setattr(ray_cluster.shutil, "rmtree", rmtree)
    ray_cluster._remove(str(tmp_path / "ray"))
    assert len(tries) == 2 and not (tmp_path / "ray").exists()


def test_only_folders_of_killed_processes_are_removed(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    ours = ray_cluster._folder_prefix()
    kept = [f"{ours}{os.getpid()}-a", f"{ours}mine-a", f"ray-{ended.pid}", f"ray-0-{ended.pid}-a"]
    for name in (f"{ours}{ended.pid}-abc", *kept):
        (tmp_path / name / "session").mkdir(parents=True)
    ray_cluster._remove_stale_folders(tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted(kept)
