"""A process of the Ray engine: it loads the model once and colorizes batch after batch.

It does not import Ray: batches and reports are pickled bytes.
"""

import contextlib
import dataclasses
import math
import os
import pickle
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import cv2

from colorize_tf.imagefiles import ImageFile
from colorize_tf.inference.batch.local_engine import MEGAPIXELS_PER_JOB, colorize_film_task
from colorize_tf.inference.batch.pipeline import run_pipeline
from colorize_tf.inference.batch.processor import PhotographProcessor, load_processor
from colorize_tf.inference.batch.ray_cluster import Coordinator
from colorize_tf.inference.batch.summary import Outcome, outcome_of
from colorize_tf.inference.batch.tasks import Task
from colorize_tf.inference.errors import ModelUnavailableError
from colorize_tf.inference.video.film import FilmReport

# The coordinator is asked this often whether to stop; a question takes about a millisecond.
_SECONDS_BETWEEN_QUESTIONS = 0.5

# A batch that killed this many processes is given up.
_TRIES = 2


class Report(NamedTuple):
    """The results of a batch.

    Attributes:
        outcomes: outcomes of its tasks, by number; tasks that were not finished are missing.
        notes: lines to display.
        setup_error: why this process cannot work at all, such as a missing model.
        model_error: why the model stopped responding.
    """

    outcomes: list[tuple[int, Outcome]]
    notes: list[str]
    setup_error: str | None = None
    model_error: str | None = None


class Interrupted(Exception):
    """The run was stopped before the task was finished."""


class RayWorker:
    """Colorizes batches as the local engine does.

    Args:
        options: arguments of `load_processor`.
        folder: the folder that relative paths refer to.
        jobs: photographs to read, and to write, at the same time; also the processors to use.
        coordinator: counts the tries of each batch, and says whether to stop.
    """

    def __init__(
        self,
        options: Mapping[str, Any],
        *,
        folder: str,
        jobs: int,
        coordinator: Coordinator,
    ):
        self._jobs = jobs
        self._coordinator = coordinator
        # The processes share the processors of a machine; by default each would use all.
        cv2.setNumThreads(jobs)
        for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
            os.environ.setdefault(name, str(jobs))
        # Errors are reported, because Ray would start a process that raises again and again.
        self._processor: PhotographProcessor | None = None
        self._setup_error = None
        try:
            os.chdir(folder)
            is_stopping = _cached(coordinator.is_stopping, _SECONDS_BETWEEN_QUESTIONS)
            processor = load_processor(**options, threads=jobs)
            self._processor = _StoppableProcessor(**vars(processor), is_stopping=is_stopping)
        except (ValueError, OSError) as error:
            self._setup_error = str(error)

    def __call__(self, row: Mapping[str, Any]) -> dict[str, bytes]:
        """Colorize the pickled `tasks` of batch `number`; return the pickled `report`."""
        report = Report([], [], setup_error=self._setup_error)
        processor = self._processor
        # Without this limit, Ray would repeat a batch that kills processes forever.
        if processor is not None and self._coordinator.begin(int(row["number"])) < _TRIES:
            numbers = {task: number for number, task in pickle.loads(row["tasks"])}
            with _warnings_as_notes(report.notes):
                try:
                    for task, outcome in self._outcomes(processor, list(numbers), report.notes):
                        report.outcomes.append((numbers[task], outcome))
                except ModelUnavailableError as error:
                    report = report._replace(model_error=str(error))
        return {"report": pickle.dumps(report)}

    def _outcomes(
        self, processor: PhotographProcessor, tasks: Sequence[Task], notes: list[str]
    ) -> Iterator[tuple[Task, Outcome]]:
        waiting = []
        for task in tasks:
            # A process that died may have written it before it could report the batch.
            if task.is_done and not processor.overwrite:
                yield task, Outcome("done")
            else:
                waiting.append(task)
        for task, error in self._results(processor, waiting, notes):
            if not isinstance(error, Interrupted):
                yield task, outcome_of(error, task.source)

    def _results(
        self, processor: PhotographProcessor, tasks: Sequence[Task], notes: list[str]
    ) -> Iterator[tuple[Task, Exception | None]]:
        photographs = [task for task in tasks if not task.is_film]
        megapixels = self._jobs * MEGAPIXELS_PER_JOB
        yield from run_pipeline(photographs, processor, jobs=self._jobs, megapixels=megapixels)
        for task in tasks:
            if task.is_film:
                yield task, colorize_film_task(task, processor, lambda *_: None, notes.append)


@dataclasses.dataclass(frozen=True)
class _StoppableProcessor(PhotographProcessor):
    """A processor that begins no photograph and no frame once the run is to stop."""

    is_stopping: Callable[[], bool] = bool

    def open(self, task: Task) -> tuple[ImageFile, float]:
        self._check()
        return super().open(task)

    def film(self, task: Task, progress: Callable[[int, int | None], None]) -> FilmReport:
        self._check()
        return super().film(task, lambda done, total: self._check())

    def _check(self) -> None:
        if self.is_stopping():
            raise Interrupted


@contextlib.contextmanager
def _warnings_as_notes(notes: list[str]) -> Iterator[None]:
    """Append warnings to notes, in the words of the command."""
    shown = warnings.showwarning
    warnings.showwarning = lambda message, *_: notes.append(
        f"warning: {' '.join(str(message).split())}"
    )
    try:
        yield
    finally:
        warnings.showwarning = shown


def _cached(ask: Callable[[], bool], seconds: float) -> Callable[[], bool]:
    """Return a function that calls `ask` at most once in so many seconds."""
    asked, result = -math.inf, False

    def cached() -> bool:
        nonlocal asked, result
        if time.monotonic() - asked >= seconds:
            result, asked = ask(), time.monotonic()
        return result

    return cached
