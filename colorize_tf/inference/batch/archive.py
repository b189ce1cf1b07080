"""Archives: photographs and films colored in many processes, or on many machines, by Ray Data."""

import contextlib
import itertools
import os
import pickle
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from colorize_tf.inference.batch.archive_worker import ArchiveWorker, Report
from colorize_tf.inference.batch.cluster import Coordinator, running_cluster, share_out
from colorize_tf.inference.batch.session import Display, prepare_folders, tell
from colorize_tf.inference.batch.summary import Ending, Tally
from colorize_tf.inference.batch.tasks import Task
from colorize_tf.inference.errors import ModelUnavailableError

# What a process takes with it when it dies, to be done again. Handing out a batch takes some
# milliseconds.
_BATCH_SIZE = 16

Numbered = tuple[int, Task]


def colorize_archive(
    tasks: Sequence[Task],
    choices: Mapping[str, Any],
    tally: Tally,
    *,
    progress: Callable[[int | None, str], AbstractContextManager[Display]],
    jobs: int | None = None,
    limit: int | None = None,
    address: str | None = None,
) -> None:
    """Color as `colorize_tasks` does, in processes of Ray.

    What a process had when it died is given to another. What no process survives fails, and the
    rest goes on. On Ctrl-C, whatever is being colored is finished and counted.

    Args:
        tasks: what there is to do; all machines find the files under the same names.
        choices: arguments of `load_processor`.
        tally: where it is counted what became of each.
        progress: makes a display for so many of a kind.
        jobs: photographs that are read, and written, at the same time, in all processes together;
            by default one per processor.
        limit: stop when so many are done.
        address: of a cluster, as `running_cluster` takes it.

    Raises:
        ValueError: Ray is not installed, no cluster answers, nothing can be written where all
            results go, or the model cannot be loaded.
        ModelUnavailableError: the model or Ray gave up; the rest counts as failed.
    """
    prepare_folders(tasks)
    before = tally.ended()
    whole = len(tasks) if limit is None else min(limit, len(tasks))
    with (
        open(os.devnull, "w") as nowhere,
        # Where Ray tells at length of each process that died.
        contextlib.redirect_stdout(nowhere),
        running_cluster(address, jobs) as coordinator,
        progress(whole, "files") as display,
    ):
        archive = _Archive(choices, coordinator, tally, display, jobs=jobs, limit=limit)
        try:
            lost = archive.color(list(enumerate(tasks)), _BATCH_SIZE)
            lost = archive.color(lost, 1)
        except ModelUnavailableError:
            tally.failed["no answer of the model"] += len(tasks) - (tally.ended() - before)
            raise
        for _, task in lost:
            line = f"error: {task.source}: each process that colored it died; try it alone"
            tell(Ending("failed", "process died", line), tally, display)


class _Archive:
    """What is done with all batches, and counted."""

    def __init__(
        self,
        choices: Mapping[str, Any],
        coordinator: Coordinator,
        tally: Tally,
        display: Display,
        *,
        jobs: int | None,
        limit: int | None,
    ):
        self._share = share_out(jobs, uses_gpus=_gains_by_gpus(choices["model"]))
        self._worker = {
            "choices": dict(choices),
            "folder": os.getcwd(),
            "jobs": self._share.jobs,
            "coordinator": coordinator,
        }
        self._foreman = coordinator
        self._numbered = itertools.count()
        self._tally = tally
        self._display = display
        self._before = tally.ended()
        self._limit = limit
        self._stopped_by: BaseException | None = None

    def color(self, waiting: Sequence[Numbered], batch_size: int) -> list[Numbered]:
        """Color until there is nothing left, or the limit is reached.

        Returns:
            What was lost with processes that died.
        """
        lost = []
        while waiting and (count := self._room(len(waiting))):
            now, waiting = waiting[:count], waiting[count:]
            told = self._color_all(_batches(now, batch_size))
            lost.extend(numbered for numbered in now if numbered[0] not in told)
        return lost

    def _room(self, waiting: int) -> int:
        return waiting if self._limit is None else min(waiting, self._limit - self._tally.done)

    def _color_all(self, batches: Sequence[Sequence[Numbered]]) -> set[int]:
        """Return the numbers of those that ended, or raise what stopped all."""
        told = set()
        arriving = _fetched(self._reports(batches))
        while True:
            try:
                arrived = arriving.get()
                if arrived is None:
                    break
                if isinstance(arrived, Report):
                    self._tell(arrived, told)
                elif os.environ.get("COLORIZE_TF_TRACEBACK"):
                    raise arrived
                else:
                    text = (str(arrived).splitlines() or [""])[0]
                    raise ModelUnavailableError(f"Ray gave up: {type(arrived).__name__}: {text}")
            except KeyboardInterrupt as interrupt:
                if isinstance(self._stopped_by, KeyboardInterrupt):
                    raise  # Who asks twice is in a hurry.
                self._stop(interrupt)
        if self._stopped_by is not None:
            raise self._stopped_by
        return told

    def _tell(self, report: Report, told: set[int]) -> None:
        for number, ending in report.endings:
            told.add(number)
            tell(ending, self._tally, self._display)
        for note in report.notes:
            self._display.line(note)
        self._display.advance(self._tally.ended() - self._before)
        if report.wrong is not None:
            self._stop(ValueError(report.wrong))
        if report.gone is not None:
            self._stop(ModelUnavailableError(report.gone))

    def _stop(self, reason: BaseException) -> None:
        self._stopped_by = self._stopped_by or reason
        self._foreman.stop()

    def _reports(self, batches: Sequence[Sequence[Numbered]]) -> Iterator[Report]:
        """Have batches colored, and yield reports in the order in which they come."""
        import ray.data

        rows = [{"number": next(self._numbered), "tasks": pickle.dumps(batch)} for batch in batches]
        # A row is a block, as what dies with a process is a block.
        listing = ray.data.from_items(rows, override_num_blocks=len(rows))
        colored = listing.map(
            ArchiveWorker,
            fn_constructor_kwargs=self._worker,
            compute=ray.data.ActorPoolStrategy(
                size=min(self._share.processes, len(rows)), max_tasks_in_flight_per_actor=2
            ),
            num_cpus=self._share.jobs,
            num_gpus=self._share.gpus or None,
        )
        for arrived in colored.iter_batches(batch_size=None, batch_format="numpy"):
            yield from (pickle.loads(report) for report in arrived["report"])


def _batches(tasks: Sequence[Numbered], size: int) -> list[Sequence[Numbered]]:
    """Put photographs into batches; films, which take longer than any batch, come alone, later."""
    photographs = [numbered for numbered in tasks if not numbered[1].is_film]
    films = [[numbered] for numbered in tasks if numbered[1].is_film]
    return [
        *(photographs[start : start + size] for start in range(0, len(photographs), size)),
        *films,
    ]


def _fetched(reports: Iterator[Report]) -> queue.SimpleQueue[Report | Exception | None]:
    """Fetch in a thread, which Ctrl-C does not reach: what is asked of Ray there goes on.

    Returns:
        Reports as they come; after the last one None, or the error that there was.
    """
    arriving = queue.SimpleQueue()

    def fetch():
        try:
            for report in reports:
                arriving.put(report)
        except Exception as error:
            arriving.put(error)
        else:
            arriving.put(None)

    threading.Thread(target=fetch, daemon=True).start()
    return arriving


def _gains_by_gpus(model: str | None) -> bool:
    """Return whether TensorFlow runs the model here, rather than LiteRT or a server."""
    name = str(model).lower()
    return not (model is None or name.startswith("http") or name.endswith(".tflite"))
