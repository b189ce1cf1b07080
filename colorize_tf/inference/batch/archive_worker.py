"""What one process of an archive's engine does: it holds the model, and colors batch after batch.

It knows nothing of the engine: batches come, and reports go, as bytes.
"""

import contextlib
import math
import os
import pickle
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import cv2

from colorize_tf.inference.batch.cluster import Coordinator
from colorize_tf.inference.batch.pipelining import pipelined
from colorize_tf.inference.batch.processor import PhotographProcessor, load_processor
from colorize_tf.inference.batch.session import MEGAPIXELS_PER_JOB, ending_of
from colorize_tf.inference.batch.summary import Ending
from colorize_tf.inference.batch.tasks import Task
from colorize_tf.inference.errors import ModelUnavailableError

# How long an interruption may go unnoticed: asking takes about a millisecond.
_SECONDS_BETWEEN_QUESTIONS = 0.5

# To how many processes a batch is given, one after the other, if they die.
_TRIES = 2


class Report(NamedTuple):
    """What became of a batch.

    Attributes:
        endings: how each of its tasks ended, by number; those that are left are missing.
        notes: lines to tell.
        wrong: what makes all work impossible here, such as a model that is not there.
        gone: that the model does not answer any more.
    """

    endings: list[tuple[int, Ending]]
    notes: list[str]
    wrong: str | None = None
    gone: str | None = None


class Interrupted(Exception):
    """A task that was not begun, or not finished, because all is to stop."""


class ArchiveWorker:
    """Colors batches as the command at a desk does.

    Args:
        choices: arguments of `load_processor`.
        folder: what relative names are relative to.
        jobs: photographs that are read, and written, at the same time; also the processors to use.
        coordinator: whom to ask whether a batch is to be begun, and to go on.
    """

    def __init__(
        self,
        choices: Mapping[str, Any],
        *,
        folder: str,
        jobs: int,
        coordinator: Coordinator,
    ):
        self._jobs = jobs
        self._foreman = coordinator
        # The processors of a machine are shared out; by default each process would use all.
        cv2.setNumThreads(jobs)
        for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
            os.environ.setdefault(name, str(jobs))
        # Told in reports: an error here would only make the engine try and try again.
        self._processor, self._wrong = None, None
        try:
            os.chdir(folder)
            is_stopping = _seldom(coordinator.is_stopping, _SECONDS_BETWEEN_QUESTIONS)
            self._processor = _Stoppable(load_processor(**choices, threads=jobs), is_stopping)
        except (ValueError, OSError) as error:
            self._wrong = str(error)

    def __call__(self, row: Mapping[str, Any]) -> dict[str, bytes]:
        """Color the pickled `tasks` of batch `number`; return the pickled `report`."""
        report = Report([], [], wrong=self._wrong)
        # What nobody survives would otherwise be tried forever.
        if self._processor is not None and self._foreman.begin(int(row["number"])) < _TRIES:
            self._notes = report.notes
            with _warnings_noted(report.notes):
                try:
                    for numbered in self._work(dict(pickle.loads(row["tasks"]))):
                        report.endings.append(numbered)
                except ModelUnavailableError as error:
                    report = report._replace(gone=str(error))
        return {"report": pickle.dumps(report)}

    def _work(self, batch: dict[int, Task]) -> Iterator[tuple[int, Ending]]:
        numbers = {task: number for number, task in batch.items()}
        waiting = []
        for task, number in numbers.items():
            # Written by a process that died before it could report the whole batch.
            if task.is_done and not self._processor.overwrite:
                yield number, Ending("done")
            else:
                waiting.append(task)
        for task, error in self._outcomes(waiting):
            if not isinstance(error, Interrupted):
                yield numbers[task], ending_of(task, error)

    def _outcomes(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Exception | None]]:
        photographs = [task for task in tasks if not task.is_film]
        megapixels = self._jobs * MEGAPIXELS_PER_JOB
        yield from pipelined(photographs, self._processor, jobs=self._jobs, megapixels=megapixels)
        for task in tasks:
            if task.is_film:
                yield task, self._film(task)

    def _film(self, task: Task) -> Exception | None:
        try:
            notes = self._processor.film(task)
        except ModelUnavailableError:
            raise
        except Exception as error:
            return error
        self._notes.extend(f"{task.targets[0]}: {note}" for note in notes)
        return None


class _Stoppable:
    """The stages of a processor, none of which begins once all is to stop."""

    def __init__(self, processor: PhotographProcessor, is_stopping: Callable[[], bool]):
        self._processor = processor
        self._is_stopping = is_stopping
        self.overwrite = processor.overwrite
        self.decode = processor.decode
        self.predict = processor.predict
        self.write = processor.write

    def open(self, task: Task) -> tuple[bytes, float]:
        self._check()
        return self._processor.open(task)

    def film(self, task: Task) -> Sequence[str]:
        self._check()
        return self._processor.film(task, lambda done, total: self._check()).notes

    def _check(self):
        if self._is_stopping():
            raise Interrupted


@contextlib.contextmanager
def _warnings_noted(notes: list[str]) -> Iterator[None]:
    """Note warnings as the command words them."""
    shown = warnings.showwarning
    warnings.showwarning = lambda message, *_: notes.append(
        f"warning: {' '.join(str(message).split())}"
    )
    try:
        yield
    finally:
        warnings.showwarning = shown


def _seldom(ask: Callable[[], bool], seconds: float) -> Callable[[], bool]:
    """Return `ask`, answered from memory for so long."""
    asked, answer = -math.inf, False

    def remembered():
        nonlocal asked, answer
        if time.monotonic() - asked >= seconds:
            answer, asked = ask(), time.monotonic()
        return answer

    return remembered
