"""The Ray engine with a fake cluster; `test_ray_processes.py` uses a real one."""

import contextlib
import threading
from pathlib import Path

import pytest

from colorize_tf.inference.batch import ray_engine
from colorize_tf.inference.batch.ray_cluster import Share
from colorize_tf.inference.batch.ray_worker import Report
from colorize_tf.inference.batch.summary import Outcome, Summary
from colorize_tf.inference.batch.tasks import Task
from colorize_tf.inference.errors import ModelUnavailableError


class Display:
    def __init__(self):
        self.lines = []
        self.done = 0

    def advance(self, done, total=None):
        self.done = done

    def line(self, text):
        self.lines.append(text)


class Engine:
    """Reports batches as workers would, but not those with a name in `deadly`."""

    def __init__(self, deadly=(), last=None):
        self.deadly = set(deadly)
        self.last = last
        self.batches = []
        self.stopped = False

    def stop(self):
        self.stopped = True

    def reports(self, batches):
        for batch in batches:
            names = [task.source.name for _, task in batch]
            self.batches.append(names)
            if self.deadly.isdisjoint(names) and not self.stopped:
                yield Report([(number, Outcome("done")) for number, _ in batch], [])
        if isinstance(self.last, Exception):
            raise self.last
        if self.last is not None:
            yield self.last


@pytest.fixture
def color(tmp_path, monkeypatch):
    """Colorizes numbered files with an `Engine`; returns summary and display."""

    def run(engine, names, **options):
        @contextlib.contextmanager
        def running_cluster(address, jobs):
            yield engine

        monkeypatch.setattr(ray_engine, "running_cluster", running_cluster)
        monkeypatch.setattr(ray_engine, "share_out", lambda jobs, uses_gpus: Share(2, 1, 0))
        monkeypatch.setattr(ray_engine._Run, "_reports", lambda _, batches: engine.reports(batches))
        tasks = [Task(Path("in", name), (tmp_path / name,)) for name in names]
        display = Display()
        progress = contextlib.nullcontext(display)
        run.summary = Summary(len(names))
        ray_engine.colorize_with_ray(
            tasks, {"model": None}, run.summary, progress=lambda *_: progress, **options
        )
        return run.summary, display

    return run


def named(count):
    return [f"{number}.jpg" for number in range(count)]


def test_photographs_come_in_batches_and_films_alone_at_the_end(color):
    engine = Engine()
    names = ["a.mov", *named(40)]
    summary, display = color(engine, names)
    assert [len(batch) for batch in engine.batches] == [16, 16, 8, 1]
    assert engine.batches[-1] == ["a.mov"]
    assert (summary.done, display.done, display.lines) == (41, 41, [])


def test_lost_tasks_are_retried_alone_and_only_a_deadly_one_fails(color):
    engine = Engine(deadly=["17.jpg"])
    summary, display = color(engine, named(40))
    assert engine.batches[3:] == [[f"{number}.jpg"] for number in range(16, 32)]
    assert str(summary) == "39 done, 1 failed (1 process died)"
    assert display.lines == ["error: in/17.jpg: each process that colorized it died; try it alone"]


def test_the_limit_counts_done_tasks(color):
    engine = Engine(deadly=["1.jpg"])
    summary, _ = color(engine, named(9), limit=3)
    # Three are lost with the first batch, so that the next three come; then it is enough.
    assert engine.batches == [named(3), [f"{number}.jpg" for number in (3, 4, 5)]]
    assert (summary.done, summary.left) == (3, 6)


def test_an_unavailable_model_stops_the_run_and_the_rest_fails(color):
    engine = Engine(
        last=Report([], [], model_error="no answer from http://host"), deadly=["20.jpg"]
    )
    with pytest.raises(ModelUnavailableError, match="no answer from http://host"):
        color(engine, named(40))
    assert engine.stopped
    assert str(color.summary) == "24 done, 16 failed (16 model unavailable)"


def test_a_model_that_cannot_be_loaded_is_a_value_error(color):
    engine = Engine(last=Report([], [], setup_error="no model at gone.tflite"))
    with pytest.raises(ValueError, match="no model at gone.tflite") as error:
        color(engine, named(2))
    assert engine.stopped and not isinstance(error.value, ModelUnavailableError)


def test_an_error_of_ray_stops_the_run_and_the_rest_fails(color):
    engine = Engine(last=RuntimeError("no machine left\nat all"), deadly=["0.jpg"])
    with pytest.raises(ModelUnavailableError, match="Ray failed: RuntimeError: no machine left$"):
        color(engine, named(20))
    assert str(color.summary) == "4 done, 16 failed (16 model unavailable)"


def test_notes_are_displayed(color):
    _, display = color(Engine(last=Report([], ["warning: two pages"])), named(2))
    assert display.lines == ["warning: two pages"]


class Patient(Engine):
    """Reports two batches, and the rest when it is told to stop."""

    def __init__(self):
        super().__init__()
        self.told = threading.Event()

    def stop(self):
        super().stop()
        self.told.set()

    def reports(self, batches):
        for count, report in enumerate(super().reports(batches), 1):
            yield report
            if count == 2:
                self.told.wait(30)


def test_ctrl_c_stops_the_workers_and_counts_tasks_in_progress(color, monkeypatch):
    def interrupted(display, done, total=None):
        if done == 16:
            raise KeyboardInterrupt

    monkeypatch.setattr(Display, "advance", interrupted)
    engine = Patient()
    with pytest.raises(KeyboardInterrupt):
        color(engine, named(100))
    assert engine.stopped
    assert str(color.summary) == "32 done, 68 left"


@pytest.mark.parametrize(
    ("model", "gains"),
    [
        (None, False),
        ("new.tflite", False),
        ("http://host:8501/v1/models/m", False),
        ("runs/mine", True),
        ("new.keras", True),
    ],
)
def test_only_models_that_tensorflow_runs_use_gpus(model, gains):
    assert ray_engine._uses_gpus(model) is gains
