"""Many photographs and films in one go, with what is told meanwhile."""

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from colorize_tf.files import check_writable_folder
from colorize_tf.inference.batch.pipelining import pipelined
from colorize_tf.inference.batch.processor import AlreadyInColor, PhotographProcessor
from colorize_tf.inference.batch.summary import Ending, Tally, in_a_line, reason_of
from colorize_tf.inference.batch.tasks import Task
from colorize_tf.inference.batch.temporary_files import remove_stale_temporary_files
from colorize_tf.inference.errors import ModelUnavailableError

# Of decoded photographs, for each job: a megapixel takes about ten MB from reading to writing.
MEGAPIXELS_PER_JOB = 16


class Display(Protocol):
    """Where it is shown how far the work has come, and what is to be told."""

    def advance(self, done: int, total: int | None = None) -> None:
        """Show that so many are done, of so many."""

    def line(self, text: str) -> None:
        """Show a line."""


def colorize_tasks(
    tasks: Sequence[Task],
    processor: PhotographProcessor,
    tally: Tally,
    *,
    jobs: int,
    progress: Callable[[int | None, str], AbstractContextManager[Display]],
    limit: int | None = None,
) -> None:
    """Color photographs, then films; what fails is told, and the rest goes on.

    Args:
        tasks: what there is to do.
        processor: how it is done.
        tally: where it is counted what became of each.
        jobs: photographs that are read, and written, at the same time.
        progress: makes a display for so many (None: not known) of a kind.
        limit: stop when so many are done.

    Raises:
        ValueError: nothing can be written where all results go.
        ModelUnavailableError: the model stopped answering; the rest counts as failed.
    """
    prepare_folders(tasks)
    if limit is None:
        limit = len(tasks)
    photographs = [task for task in tasks if not task.is_film]
    megapixels = jobs * MEGAPIXELS_PER_JOB
    before = tally.ended()
    try:
        with progress(min(limit, len(photographs)), "photographs") as display:
            for task, error in pipelined(
                photographs, processor, jobs=jobs, megapixels=megapixels, limit=limit
            ):
                tell(ending_of(task, error), tally, display)
                display.advance(tally.ended() - before)
        for task in tasks:
            if task.is_film and tally.done < limit:
                with progress(None, f"frames of {task.source.name}") as display:
                    error = _film(task, processor, display)
                    tell(ending_of(task, error), tally, display)
    except ModelUnavailableError:
        tally.failed["no answer of the model"] += len(tasks) - (tally.ended() - before)
        raise


def prepare_folders(tasks: Sequence[Task]) -> None:
    """See that results can be written, and sweep what killed processes left half-written.

    Raises:
        ValueError: nothing can be written where all results go.
    """
    folders = sorted({target.parent for task in tasks for target in task.targets})
    check_writable_folder(os.path.commonpath([folder.absolute() for folder in folders]))
    remove_stale_temporary_files(folders)


def ending_of(task: Task, error: Exception | None) -> Ending:
    """Put into words how a task ended; for developers, let an error through instead."""
    if error is None:
        return Ending("done")
    if isinstance(error, AlreadyInColor):
        return Ending("skipped", "in color already", str(error))
    if os.environ.get("COLORIZE_TF_TRACEBACK"):
        raise error
    return Ending("failed", reason_of(error), in_a_line(error, task.source))


def tell(ending: Ending, tally: Tally, display: Display) -> None:
    """Count how a task ended, and show what there is to tell of it."""
    tally.count(ending)
    if ending.line is not None:
        display.line(ending.line)


def _film(task: Task, processor: PhotographProcessor, display: Display) -> Exception | None:
    try:
        report = processor.film(task, display.advance)
    except ModelUnavailableError:
        raise
    except Exception as error:
        return error
    for note in report.notes:
        display.line(f"{task.targets[0]}: {note}")
    return None
