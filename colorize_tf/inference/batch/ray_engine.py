"""The Ray engine: colorizes archives in many processes, or on many machines, by Ray Data."""

import contextlib
import itertools
import os
import pickle
import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from colorize_tf.inference.batch.local_engine import Progress, prepare_folders
from colorize_tf.inference.batch.ray_cluster import Coordinator, running_cluster, share_out
from colorize_tf.inference.batch.ray_worker import RayWorker, Report
from colorize_tf.inference.batch.summary import Display, Outcome, Summary, report
from colorize_tf.inference.batch.tasks import Task
from colorize_tf.inference.errors import ModelUnavailableError

# Tasks that are repeated when a process dies. Scheduling a batch takes milliseconds.
_BATCH_SIZE = 16

Numbered = tuple[int, Task]


def colorize_with_ray(
    tasks: Sequence[Task],
    options: Mapping[str, Any],
    summary: Summary,
    *,
    progress: Progress,
    jobs: int | None = None,
    limit: int | None = None,
    address: str | None = None,
) -> None:
    """Colorize as `colorize_locally` does, in processes of Ray.

    When a process dies, another one gets its tasks. A task that kills two processes fails, and the
    rest goes on. On Ctrl-C, tasks in progress are finished and counted.

    Args:
        tasks: photographs and films; all machines find the files at the same paths.
        options: arguments of `load_processor`.
        summary: counts the outcomes.
        progress: makes a display for a number of items and their name.
        jobs: photographs that are read, and written, at the same time, in all processes together;
            by default one per processor.
        limit: stop when this many are done.
        address: of a cluster, as `running_cluster` takes it.

    Raises:
        ValueError: Ray is not installed, no cluster responds, the output folder is not writable,
            or the model cannot be loaded.
        ModelUnavailableError: the model stopped responding or Ray failed; the rest counts as
            failed.
    """
    prepare_folders(tasks)
    total = len(tasks) if limit is None else min(limit, len(tasks))
    with (
        open(os.devnull, "w") as devnull,
        # Ray prints a report for each process that dies.
        contextlib.redirect_stdout(devnull),
        running_cluster(address, jobs) as coordinator,
        progress(total, "files") as display,
    ):
        run = _Run(options, coordinator, summary, display, jobs=jobs, limit=limit)
        try:
            lost = run.colorize(list(enumerate(tasks)), _BATCH_SIZE)
            lost = run.colorize(lost, 1)
        except ModelUnavailableError:
            summary.fail_rest()
            raise
        for _, task in lost:
            line = f"error: {task.source}: each process that colorized it died; try it alone"
            report(Outcome("failed", "process died", line), summary, display)


class _Run:
    """The state of one call of `colorize_with_ray`, which documents the arguments."""

    def __init__(
        self,
        options: Mapping[str, Any],
        coordinator: Coordinator,
        summary: Summary,
        display: Display,
        *,
        jobs: int | None,
        limit: int | None,
    ):
        self._share = share_out(jobs, uses_gpus=_uses_gpus(options["model"]))
        self._worker = {
            "options": dict(options),
            "folder": os.getcwd(),
            "jobs": self._share.jobs,
            "coordinator": coordinator,
        }
        self._coordinator = coordinator
        self._batch_numbers = itertools.count()
        self._summary = summary
        self._display = display
        self._ended = 0
        self._limit = limit
        self._stopped_by: BaseException | None = None

    def colorize(self, waiting: Sequence[Numbered], batch_size: int) -> list[Numbered]:
        """Colorize until nothing is left, or the limit is reached.

        Returns:
            The tasks without an outcome, because their process died.
        """
        lost: list[Numbered] = []
        while waiting and (count := self._room(len(waiting))):
            now, waiting = waiting[:count], waiting[count:]
            ended = self._colorize_batches(_batches(now, batch_size))
            lost.extend(numbered for numbered in now if numbered[0] not in ended)
        return lost

    def _room(self, waiting: int) -> int:
        return waiting if self._limit is None else min(waiting, self._limit - self._summary.done)

    def _colorize_batches(self, batches: Sequence[Sequence[Numbered]]) -> set[int]:
        """Return the numbers of the tasks with an outcome, or raise what stopped the run."""
        ended: set[int] = set()
        reports = _in_thread(self._reports(batches))
        while True:
            try:
                received = reports.get()
                if received is None:
                    break
                if isinstance(received, Report):
                    self._receive(received, ended)
                elif os.environ.get("COLORIZE_TF_TRACEBACK"):
                    raise received
                else:
                    text = (str(received).splitlines() or [""])[0]
                    raise ModelUnavailableError(f"Ray failed: {type(received).__name__}: {text}")
            except KeyboardInterrupt as interrupt:
                if isinstance(self._stopped_by, KeyboardInterrupt):
                    raise  # The second Ctrl-C does not wait for tasks in progress.
                self._stop(interrupt)
        if self._stopped_by is not None:
            raise self._stopped_by
        return ended

    def _receive(self, received: Report, ended: set[int]) -> None:
        for number, outcome in received.outcomes:
            ended.add(number)
            report(outcome, self._summary, self._display)
        for note in received.notes:
            self._display.line(note)
        self._ended += len(received.outcomes)
        self._display.advance(self._ended)
        if received.setup_error is not None:
            self._stop(ValueError(received.setup_error))
        if received.model_error is not None:
            self._stop(ModelUnavailableError(received.model_error))

    def _stop(self, reason: BaseException) -> None:
        self._stopped_by = self._stopped_by or reason
        self._coordinator.stop()

    def _reports(self, batches: Sequence[Sequence[Numbered]]) -> Iterator[Report]:
        """Submit batches, and yield reports in the order in which they arrive."""
        import ray.data

        rows = [
            {"number": next(self._batch_numbers), "tasks": pickle.dumps(batch)} for batch in batches
        ]
        # One row per block, because Ray repeats the whole block when a process dies.
        listing = ray.data.from_items(rows, override_num_blocks=len(rows))
        colorized = listing.map(
            RayWorker,
            fn_constructor_kwargs=self._worker,
            compute=ray.data.ActorPoolStrategy(
                size=min(self._share.processes, len(rows)), max_tasks_in_flight_per_actor=2
            ),
            num_cpus=self._share.jobs,
            num_gpus=self._share.gpus or None,
        )
        for received in colorized.iter_batches(batch_size=None, batch_format="numpy"):
            yield from (pickle.loads(data) for data in received["report"])


def _batches(tasks: Sequence[Numbered], size: int) -> list[Sequence[Numbered]]:
    """Divide photographs into batches; each film, slower than any batch, is one at the end."""
    photographs = [numbered for numbered in tasks if not numbered[1].is_film]
    films = [[numbered] for numbered in tasks if numbered[1].is_film]
    return [
        *(photographs[start : start + size] for start in range(0, len(photographs), size)),
        *films,
    ]


def _in_thread(reports: Iterator[Report]) -> queue.SimpleQueue[Report | Exception | None]:
    """Iterate in a thread, so that Ctrl-C does not interrupt calls of Ray.

    Returns:
        The reports; after the last one None, or the error that ended them.
    """
    received: queue.SimpleQueue[Report | Exception | None] = queue.SimpleQueue()

    def iterate() -> None:
        try:
            for one in reports:
                received.put(one)
        except Exception as error:
            received.put(error)
        else:
            received.put(None)

    threading.Thread(target=iterate, daemon=True).start()
    return received


def _uses_gpus(model: str | None) -> bool:
    """Return whether TensorFlow runs the model here, rather than LiteRT or a server."""
    name = str(model).lower()
    return not (model is None or name.startswith("http") or name.endswith(".tflite"))
