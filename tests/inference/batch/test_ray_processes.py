"""`colorize --engine ray` with real processes, on a Ray that all tests share."""

import contextlib
import gc
import http.server
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from colorize_tf import colorize, imagefiles
from colorize_tf.data.synthetic.landscapes import render_landscape
from colorize_tf.inference.batch import ray_cluster

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not importlib.util.find_spec("ray"), reason="needs Ray: pip install colorize_tf[batch]"
    ),
    # Ray's own.
    pytest.mark.filterwarnings("ignore"),
]


class Server(http.server.ThreadingHTTPServer):
    """A model that answers a few times, and then no more until it `goes_on`."""

    def __init__(self, answers):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = answers
        self.waiting = threading.Event()
        self.goes_on = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/v1/models/reddish"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        names = {"inputs": {"lightness": [-1, 32, 32, 1]}, "outputs": {"ab": [-1, 32, 32, 2]}}
        signature = {
            way: {name: tensor(shape) for name, shape in tensors.items()}
            for way, tensors in names.items()
        }
        self.answer({"metadata": {"signature_def": {"signature_def": {"predict_ab": signature}}}})

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.answers -= 1
        if self.server.answers < 0:
            self.server.waiting.set()
            self.server.goes_on.wait(120)
        answers = np.full((len(asked["instances"]), 32, 32, 2), 0.25)
        self.answer({"predictions": answers.tolist()})

    def answer(self, content):
        body = json.dumps(content).encode()
        with contextlib.suppress(OSError):  # Who asked may have been killed.
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_):
        pass


def tensor(shape):
    return {"tensor_shape": {"dim": [{"size": str(size)} for size in shape]}}


@pytest.fixture
def server():
    """Starts a server that answers so many times."""
    servers = []

    def start(answers):
        servers.append(Server(answers))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return servers[-1]

    yield start
    for one in servers:
        one.goes_on.set()
        one.shutdown()
        one.server_close()


@pytest.fixture(scope="module")
def ray_here():
    """Ray with two processors, found by every call of the command in this module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("no_proxy", "*")
        with ray_cluster.running_cluster(None, 2):
            yield
    # Ray leaves files open, which Python would tell at the end of all tests.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()


@pytest.fixture
def box(tmp_path, monkeypatch):
    """A folder `in` of twenty photographs in two folders; `tmp_path` is the current one."""
    monkeypatch.chdir(tmp_path)
    for seed in range(20):
        path = Path("in", "even" if seed % 2 == 0 else "odd", f"{seed:02}.jpg")
        path.parent.mkdir(parents=True, exist_ok=True)
        gray = cv2.cvtColor(render_landscape(seed, 40, 60), cv2.COLOR_RGB2GRAY)
        imagefiles.write_image(path, np.repeat(gray[..., np.newaxis], 3, axis=-1))
    return tmp_path


def run(*arguments):
    return colorize.main(["in", "--recursive", *map(str, arguments)])


def contents(folder):
    """The contents of all files below a folder, hidden ones included, by name."""
    paths = [path for path in Path(folder).rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def started_by(pid):
    """Command lines of the processes that a process has started, by their number."""
    listed = subprocess.run(["ps", "-wweo", "pid=,ppid=,args="], capture_output=True, text=True)
    rows = [line.split(None, 2) for line in listed.stdout.splitlines()]
    found, parents = {}, {str(pid)}
    while parents:
        children = {row[0]: row[2] for row in rows if row[1] in parents}
        parents = set(children)
        found |= children
    return found


def wait_for(condition, seconds=60):
    """Wait until there is something, and return it."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := condition():
            return found
        time.sleep(0.05)
    raise TimeoutError


# Before any other Ray is started, as two take long to start.
def test_ctrl_c_leaves_no_processes_and_no_temporary_files(box, server):
    gated = server(answers=1)
    command = [sys.executable, "-m", "colorize_tf.colorize", "in", "-o", "out", "--recursive"]
    command += ["--model", gated.url, "--engine", "ray", "--jobs", "1"]
    (box / "home").mkdir()
    process = subprocess.Popen(
        command,
        env={**os.environ, "HOME": str(box / "home")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert gated.waiting.wait(120)
    started = started_by(process.pid)
    (folder,) = set(re.findall(r"(/\S*/ray-[\w-]+)/session", " ".join(started.values())))
    os.killpg(process.pid, signal.SIGINT)  # As a terminal does.
    time.sleep(1)
    gated.goes_on.set()
    output, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (130, "interrupted; the same command continues\n")
    count = len(contents("out"))
    assert output == f"out: {count} done, {20 - count} left\n"
    assert 1 <= count < 20
    assert all(re.fullmatch(r"\w+/\d+\.jpg", name) for name in contents("out"))
    assert not Path(folder).exists()
    assert not (box / "home" / ".ray").exists()
    wait_for(lambda: not any(Path("/proc", pid).exists() for pid in started))


def test_the_ray_engine_equals_the_local_engine(ray_here, box, tiny_tflite, capfd):
    Path("in/bad.jpg").write_bytes(b"text")
    Path("in/cut.jpg").write_bytes(Path("in/odd/01.jpg").read_bytes()[:-100])
    imagefiles.write_image("in/color.jpg", render_landscape(1, 70, 110))
    code = run("-o", "here", "--model", tiny_tflite)
    here = capfd.readouterr()
    assert run("-o", "there", "--model", tiny_tflite, "--engine", "ray", "--jobs", 2) == code == 1
    there = capfd.readouterr()
    assert contents("there") == contents("here")
    assert len(contents("there")) == 20
    assert there.out == here.out.replace("here", "there")
    assert sorted(there.err.splitlines()) == sorted(here.err.splitlines())
    os.unlink("there/odd/01.jpg")
    assert run("-o", "there", "--model", tiny_tflite, "--engine", "ray") == 1
    assert (
        "there: 1 done, 20 skipped (19 done before, 1 in color already)" in capfd.readouterr().out
    )
    assert contents("there") == contents("here")


def test_the_tasks_of_a_killed_process_are_repeated(ray_here, box, server, capfd):
    gated, free = server(answers=1), server(answers=1000)
    run("-o", "here", "--model", free.url)
    capfd.readouterr()
    flags = ["-o", "there", "--model", gated.url, "--engine", "ray", "--jobs", 1]
    with ThreadPoolExecutor() as pool:
        code = pool.submit(run, *flags)
        assert gated.waiting.wait(120)
        names = started_by(os.getpid())
        (worker,) = [pid for pid, name in names.items() if "RayWorker" in name]
        os.kill(int(worker), signal.SIGKILL)
        gated.goes_on.set()
        assert code.result(timeout=120) == 0
    assert capfd.readouterr() == ("there: 20 done\n", "")
    assert contents("there") == contents("here")
