"""Colorizes files: `colorize_files`, and its two steps, which the command calls itself."""

import contextlib
import dataclasses
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from colorize_tf.inference.batch.local_engine import Progress, colorize_locally
from colorize_tf.inference.batch.processor import load_processor
from colorize_tf.inference.batch.summary import Summary
from colorize_tf.inference.batch.tasks import Task, list_tasks, names_one_file, task_of_one
from colorize_tf.inference.options import ColorizeOptions

_log = logging.getLogger(__name__)


def colorize_files(
    inputs: str | os.PathLike | Sequence[str | os.PathLike],
    output: str | os.PathLike,
    **options: Any,
) -> Summary:
    """Colorize photographs and films, as the command `colorize` does.

    A file that cannot be colorized does not stop the others: `failed` and `messages` of the result
    describe it. In a folder, files that exist are skipped, so that a second call continues the
    first.

    Example:
        >>> from colorize_tf import colorize_files
        >>> summary = colorize_files("scans", "scans-in-color", format="png")
        >>> print(summary)
        2 done

    Args:
        inputs: files, folders and patterns such as `"scans/**/*.tif"`.
        output: folder of the results, or for one input, the file to write.
        **options: fields of `ColorizeOptions`: model, intensity, ensemble, samples, seed,
            side_by_side, force, recursive, limit, format, quality, overwrite, skip_existing, jobs,
            max_megapixels, engine and ray_address.

    Returns:
        The numbers of files that are done, skipped, failed and left.

    Raises:
        ValueError: there is no input, the output cannot be written or exists, the model cannot be
            loaded, or an option is not allowed.
        ModelUnavailableError: the model stopped responding.
    """
    chosen = ColorizeOptions(**options)
    names = [inputs] if isinstance(inputs, str | os.PathLike) else inputs
    plan = plan_files([os.fspath(name) for name in names], os.fspath(output), chosen)
    run_plan(plan, chosen)
    return plan.summary


@dataclasses.dataclass
class Plan:
    """Files to colorize.

    Attributes:
        tasks: the files that have no result yet.
        summary: counts all files; those that are refused or have a result are counted already.
        notes: describe files and subfolders that are ignored.
        is_single: whether the output is one file, rather than a folder.
    """

    tasks: list[Task]
    summary: Summary
    notes: list[str]
    is_single: bool


def plan_files(inputs: Sequence[str], output: str, options: ColorizeOptions) -> Plan:
    """List the files to colorize.

    Raises:
        ValueError: there is no input, or the output cannot be written or exists.
    """
    if names_one_file(inputs, output):
        if options.format:
            raise ValueError(f"--format is for folders; {output} has its format in its suffix")
        task = task_of_one(Path(inputs[0]), Path(output), options.samples)
        if is_done(task.targets, options):
            return Plan([], _done_before(1, total=1), [], is_single=True)
        return Plan([task], Summary(1), [], is_single=True)
    found = list_tasks(
        inputs,
        Path(output),
        recursive=options.recursive,
        suffix=options.suffix,
        samples=options.samples,
    )
    notes = found.left_out()
    refused = sum(refusal.files for refusal in found.refused)
    if not found.tasks:
        texts = [refusal.text for refusal in found.refused[:3]]
        texts = texts or [f"no photographs or films in {', '.join(inputs)}"]
        raise ValueError("; ".join([*texts, *notes]))
    tasks = [task for task in found.tasks if options.overwrite or not task.is_done]
    summary = _done_before(len(found.tasks) - len(tasks), total=len(found.tasks) + refused)
    for refusal in found.refused:
        summary.failed[refusal.reason] += refusal.files
        summary.messages.append(f"error: {refusal.text}")
    return Plan(tasks, summary, notes, is_single=False)


def is_done(targets: Sequence[Path], options: ColorizeOptions) -> bool:
    """Return whether all targets of a single input exist and are to be skipped.

    Raises:
        ValueError: a target exists, and no option allows to skip or replace it.
    """
    existing = [target for target in targets if os.path.lexists(target)]
    if existing and not (options.overwrite or options.skip_existing):
        raise ValueError(
            f"{existing[0]} exists already; choose another -o, or replace it with --overwrite"
        )
    return len(existing) == len(targets) and options.skip_existing


def run_plan(
    plan: Plan,
    options: ColorizeOptions,
    *,
    progress: Progress | None = None,
    startup: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext,
) -> None:
    """Load the model, colorize the files of a plan, and count the outcomes in its summary.

    Args:
        plan: the files.
        options: how to colorize them.
        progress: makes a display for a number of items and their name; by default progress and
            messages are logged.
        startup: entered while native libraries start; the command hides their logs.

    Raises:
        ValueError: the model cannot be loaded, or the output folder is not writable.
        ModelUnavailableError: the model stopped responding.
    """
    if not plan.tasks:
        return
    progress = progress or _logged_progress
    if options.engine == "ray":
        from colorize_tf.inference.batch.ray_engine import colorize_with_ray

        with startup():  # Ray and its processes write logs all the time.
            colorize_with_ray(
                plan.tasks,
                options.processor_options(),
                plan.summary,
                progress=progress,
                jobs=options.jobs,
                limit=options.limit,
                address=options.ray_address,
            )
        return
    with startup():
        processor = load_processor(**options.processor_options())
    colorize_locally(
        plan.tasks,
        processor,
        plan.summary,
        jobs=options.local_jobs,
        progress=progress,
        limit=options.limit,
    )


def _done_before(count: int, total: int) -> Summary:
    summary = Summary(total)
    summary.skipped["done before"] += count
    return summary


class _LogDisplay:
    def __init__(self, items: str):
        self._items = items

    def advance(self, done: int, total: int | None = None) -> None:
        _log.debug("%d of %s %s done", done, total or "?", self._items)

    def line(self, text: str) -> None:
        _log.info("%s", text)


@contextlib.contextmanager
def _logged_progress(total: int | None, items: str) -> Iterator[_LogDisplay]:
    yield _LogDisplay(items)
