"""The engine's bookkeeping without Ray; with it, see `test_archive_ray.py`."""

import contextlib
import threading
from pathlib import Path

import pytest

from colorize_tf.inference.batch import archive
from colorize_tf.inference.batch.archive_worker import Report
from colorize_tf.inference.batch.cluster import Share
from colorize_tf.inference.batch.summary import Ending, Tally
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
    """Answers batches as processes would; kills whoever is given a name in `deadly`."""

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
                yield Report([(number, Ending("done")) for number, _ in batch], [])
        if isinstance(self.last, Exception):
            raise self.last
        if self.last is not None:
            yield self.last


@pytest.fixture
def color(tmp_path, monkeypatch):
    """Has numbered files colored by an `Engine`; returns tally and display."""

    def run(engine, names, **options):
        @contextlib.contextmanager
        def running_cluster(address, jobs):
            yield engine

        monkeypatch.setattr(archive, "running_cluster", running_cluster)
        monkeypatch.setattr(archive, "share_out", lambda jobs, uses_gpus: Share(2, 1, 0))
        monkeypatch.setattr(
            archive._Archive, "_reports", lambda _, batches: engine.reports(batches)
        )
        tasks = [Task(Path("in", name), (tmp_path / name,)) for name in names]
        display = Display()
        progress = contextlib.nullcontext(display)
        run.tally = Tally()
        archive.colorize_archive(
            tasks, {"model": None}, run.tally, progress=lambda *_: progress, **options
        )
        return run.tally, display

    return run


def named(count):
    return [f"{number}.jpg" for number in range(count)]


def test_photographs_come_in_batches_and_films_alone_after_them(color):
    engine = Engine()
    names = ["a.mov", *named(40)]
    tally, display = color(engine, names)
    assert [len(batch) for batch in engine.batches] == [16, 16, 8, 1]
    assert engine.batches[-1] == ["a.mov"]
    assert (tally.done, display.done, display.lines) == (41, 41, [])


def test_what_was_lost_is_tried_again_alone_and_only_what_kills_fails(color):
    engine = Engine(deadly=["17.jpg"])
    tally, display = color(engine, named(40))
    assert engine.batches[3:] == [[f"{number}.jpg"] for number in range(16, 32)]
    assert tally.summary(left=0) == "39 done, 1 failed (1 process died)"
    assert display.lines == ["error: in/17.jpg: each process that colored it died; try it alone"]


def test_a_limit_counts_what_is_done(color):
    engine = Engine(deadly=["1.jpg"])
    tally, _ = color(engine, named(9), limit=3)
    # Three are lost with the first batch, so that the next three come; then it is enough.
    assert engine.batches == [named(3), [f"{number}.jpg" for number in (3, 4, 5)]]
    assert (tally.done, tally.ended()) == (3, 3)


def test_a_model_that_is_gone_stops_all_and_what_is_left_has_failed(color):
    engine = Engine(last=Report([], [], gone="no answer from http://host"), deadly=["20.jpg"])
    with pytest.raises(ModelUnavailableError, match="no answer from http://host"):
        color(engine, named(40))
    assert engine.stopped
    assert color.tally.summary(left=0) == "24 done, 16 failed (16 no answer of the model)"


def test_a_model_that_cannot_be_loaded_is_a_wrong_call(color):
    engine = Engine(last=Report([], [], wrong="no model at gone.tflite"))
    with pytest.raises(ValueError, match="no model at gone.tflite") as error:
        color(engine, named(2))
    assert engine.stopped and not isinstance(error.value, ModelUnavailableError)


def test_where_ray_gives_up_what_is_left_has_failed(color):
    engine = Engine(last=RuntimeError("no machine left\nat all"), deadly=["0.jpg"])
    with pytest.raises(ModelUnavailableError, match="Ray gave up: RuntimeError: no machine left$"):
        color(engine, named(20))
    assert color.tally.summary(left=0) == "4 done, 16 failed (16 no answer of the model)"


def test_notes_are_told(color):
    _, display = color(Engine(last=Report([], ["warning: two pages"])), named(2))
    assert display.lines == ["warning: two pages"]


class Patient(Engine):
    """Does two batches, and goes on when it is told to stop."""

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


def test_an_interruption_has_all_stop_and_counts_what_still_comes(color, monkeypatch):
    def interrupted(display, done, total=None):
        if done == 16:
            raise KeyboardInterrupt

    monkeypatch.setattr(Display, "advance", interrupted)
    engine = Patient()
    with pytest.raises(KeyboardInterrupt):
        color(engine, named(100))
    assert engine.stopped
    assert color.tally.summary(left=68) == "32 done, 68 left"


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
def test_only_what_tensorflow_runs_gets_gpus(model, gains):
    assert archive._gains_by_gpus(model) is gains
