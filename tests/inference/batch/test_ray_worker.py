import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest

from colorize_tf import imagefiles
from colorize_tf.data.synthetic.landscapes import render_landscape
from colorize_tf.inference.batch.ray_worker import RayWorker
from colorize_tf.inference.batch.summary import Outcome
from colorize_tf.inference.batch.tasks import list_tasks
from colorize_tf.inference.colorizer import Colorizer
from colorize_tf.inference.errors import ModelUnavailableError


class Coordinator:
    """Answers as one in a cluster would."""

    def __init__(self, tries=0, goes_on_for=1000):
        self.tries = tries
        self.left = goes_on_for

    def begin(self, batch):
        return self.tries

    def is_stopping(self):
        self.left -= 1
        return self.left < 0


@pytest.fixture
def box(tmp_path, monkeypatch):
    """A folder `in` of four photographs; `tmp_path` is the current one."""
    monkeypatch.chdir(tmp_path)
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        monkeypatch.setenv(name, "1")  # Rather than what the worker would leave behind.
    Path("in").mkdir()
    for seed in range(4):
        gray = cv2.cvtColor(render_landscape(seed, 40, 60), cv2.COLOR_RGB2GRAY)
        imagefiles.write_image(f"in/{seed}.png", np.repeat(gray[..., np.newaxis], 3, axis=-1))
    yield tmp_path
    cv2.setNumThreads(-1)


def work(coordinator, *, folder=None, **choices):
    """Have the files of `in` colored to `out` as a batch; return the report."""
    batch = list(enumerate(list_tasks(["in"], Path("out")).tasks))
    worker = RayWorker(choices, folder=str(folder or Path.cwd()), jobs=1, coordinator=coordinator)
    return pickle.loads(worker({"number": 7, "tasks": pickle.dumps(batch)})["report"])


def test_a_batch_is_colorized_and_reported_by_number(box, tiny_tflite):
    report = work(Coordinator(), model=tiny_tflite)
    assert sorted(report.outcomes) == [(number, Outcome("done")) for number in range(4)]
    assert (report.notes, report.setup_error, report.model_error) == ([], None, None)
    expected = Colorizer.load(tiny_tflite)(imagefiles.read_image("in/2.png"))
    np.testing.assert_array_equal(imagefiles.read_image("out/2.png"), expected)


def test_paths_are_relative_to_the_folder_of_the_command(box, tiny_tflite, monkeypatch):
    (box / "elsewhere").mkdir()
    batch = list(enumerate(list_tasks(["in"], Path("out")).tasks))
    monkeypatch.chdir(box / "elsewhere")
    worker = RayWorker({"model": tiny_tflite}, folder=str(box), jobs=1, coordinator=Coordinator())
    worker({"number": 0, "tasks": pickle.dumps(batch)})
    assert len(list((box / "out").iterdir())) == 4


def test_messages_are_those_of_the_local_engine(box, tiny_tflite):
    Path("in/1.png").write_bytes(b"text")
    imagefiles.write_image("in/2.png", render_landscape(1, 70, 110))
    outcomes = dict(work(Coordinator(), model=tiny_tflite).outcomes)
    assert [outcomes[number].status for number in range(4)] == ["done", "failed", "skipped", "done"]
    assert outcomes[1].reason == "unsupported"
    assert outcomes[1].message.startswith("error: cannot read in/1.png: unsupported")
    assert outcomes[2].message == "in/2.png is in color already; --force colorizes it anyway"


@pytest.mark.filterwarnings("default")
def test_a_warning_becomes_a_note(box, tiny_tflite):
    pages = [render_landscape(seed, 40, 60)[..., 0] for seed in (1, 2)]
    cv2.imwritemulti("in/pages.tif", pages)
    report = work(Coordinator(), model=tiny_tflite)
    assert report.notes == ["warning: in/pages.tif has 2 frames or pages; only the first is used"]


def test_files_that_a_killed_process_wrote_are_not_repeated(box, tiny_tflite):
    Path("out").mkdir()
    Path("out/1.png").write_bytes(b"written")
    report = work(Coordinator(tries=1), model=tiny_tflite)
    assert dict(report.outcomes) == dict.fromkeys(range(4), Outcome("done"))
    assert Path("out/1.png").read_bytes() == b"written"
    work(Coordinator(tries=1), model=tiny_tflite, overwrite=True)
    assert imagefiles.read_image("out/1.png").shape == (40, 60, 3)


def test_a_batch_that_killed_two_processes_is_given_up(box, tiny_tflite):
    assert work(Coordinator(tries=2), model=tiny_tflite).outcomes == []
    assert not Path("out").exists()


def test_tasks_after_a_stop_are_not_reported(box, tiny_tflite, monkeypatch):
    monkeypatch.setattr("colorize_tf.inference.batch.ray_worker._SECONDS_BETWEEN_QUESTIONS", 0)
    report = work(Coordinator(goes_on_for=2), model=tiny_tflite)
    assert len(report.outcomes) == 2
    assert len(list(Path("out").iterdir())) == 2


def test_a_missing_model_is_reported(box):
    report = work(Coordinator(), model="gone.tflite")
    assert report.setup_error.startswith("no model at gone.tflite")
    assert report.outcomes == []


def test_a_missing_working_folder_is_reported(box, tiny_tflite):
    report = work(Coordinator(), model=tiny_tflite, folder=box / "gone")
    assert "No such file or directory" in report.setup_error


def test_an_unavailable_model_is_reported_apart_from_outcomes(box, monkeypatch):
    def predict_ab(lightness):
        raise ModelUnavailableError("no answer from http://host")

    monkeypatch.setattr(Colorizer, "load", lambda model: Colorizer(predict_ab, 32))
    report = work(Coordinator(), model="http://host")
    assert report.model_error == "no answer from http://host"
    assert report.outcomes == []


def test_a_batch_may_contain_a_film(box, tiny_tflite):
    writer = cv2.VideoWriter("in/film.avi", cv2.VideoWriter_fourcc(*"MJPG"), 12, (64, 48))
    for seed in range(3):
        gray = cv2.cvtColor(render_landscape(seed, 48, 64), cv2.COLOR_RGB2GRAY)
        writer.write(cv2.merge([gray, gray, gray]))
    writer.release()
    report = work(Coordinator(), model=tiny_tflite)
    assert len(report.outcomes) == 5 and {outcome.status for _, outcome in report.outcomes} == {
        "done"
    }
    assert cv2.VideoCapture("out/film.mp4").get(cv2.CAP_PROP_FRAME_COUNT) == 3
