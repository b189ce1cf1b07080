"""The local engine: colorizes many photographs and films in threads of this process."""

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from colorize_tf.files import check_writable_folder
from colorize_tf.inference.batch.pipeline import run_pipeline
from colorize_tf.inference.batch.processor import PhotographProcessor
from colorize_tf.inference.batch.summary import Display, Summary, outcome_of, report
from colorize_tf.inference.batch.tasks import Task
from colorize_tf.inference.batch.temporary_files import remove_stale_temporary_files
from colorize_tf.inference.errors import ModelUnavailableError

# Decoded photographs in memory, for each job: a megapixel takes about ten MB from reading to
# writing.
MEGAPIXELS_PER_JOB = 16

Progress = Callable[[int | None, str], AbstractContextManager[Display]]
"""Makes a display for a number of items (None: unknown) and their name."""


def colorize_locally(
    tasks: Sequence[Task],
    processor: PhotographProcessor,
    summary: Summary,
    *,
    jobs: int,
    progress: Progress,
    limit: int | None = None,
) -> None:
    """Colorize photographs, then films; a failure is reported and does not stop the others.

    Args:
        tasks: the photographs and films.
        processor: the model and its options.
        summary: counts the outcomes.
        jobs: number of photographs to read, and to write, at the same time.
        progress: makes a display for the photographs, and for each film.
        limit: stop when this many are done.

    Raises:
        ValueError: the output folder is not writable.
        ModelUnavailableError: the model stopped responding; the rest counts as failed.
    """
    prepare_folders(tasks)
    if limit is None:
        limit = len(tasks)
    photographs = [task for task in tasks if not task.is_film]
    megapixels = jobs * MEGAPIXELS_PER_JOB
    done = 0
    try:
        with progress(min(limit, len(photographs)), "photographs") as display:
            results = run_pipeline(
                photographs, processor, jobs=jobs, megapixels=megapixels, limit=limit
            )
            for ended, (task, error) in enumerate(results, 1):
                done += error is None
                report(outcome_of(error, task.source), summary, display)
                display.advance(ended)
        for task in tasks:
            if task.is_film and done < limit:
                with progress(None, f"frames of {task.source.name}") as display:
                    error = colorize_film_task(task, processor, display.advance, display.line)
                    done += error is None
                    report(outcome_of(error, task.source), summary, display)
    except ModelUnavailableError:
        summary.fail_rest()
        raise


def prepare_folders(tasks: Sequence[Task]) -> None:
    """Check that the output folder is writable, and remove stale temporary files.

    Raises:
        ValueError: the folder that holds all results is not writable.
    """
    folders = sorted({target.parent for task in tasks for target in task.targets})
    check_writable_folder(os.path.commonpath([folder.absolute() for folder in folders]))
    remove_stale_temporary_files(folders)


def colorize_film_task(
    task: Task,
    processor: PhotographProcessor,
    advance: Callable[[int, int | None], None],
    note: Callable[[str], None],
) -> Exception | None:
    """Colorize a film; return its error, if any, and pass each line about the result to `note`."""
    try:
        film = processor.film(task, advance)
    except ModelUnavailableError:
        raise
    except Exception as error:
        return error
    for text in film.notes:
        note(f"{task.targets[0]}: {text}")
    return None
