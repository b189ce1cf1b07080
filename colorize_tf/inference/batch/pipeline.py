"""A pipeline that reads, predicts and writes at the same time with bounded memory."""

import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from typing import Any, Protocol

from colorize_tf.inference.batch.tasks import Task
from colorize_tf.inference.errors import ModelUnavailableError


class Stages(Protocol):
    """The stages of a photograph, in order; each may raise."""

    def open(self, task: Task) -> tuple[Any, float]:
        """Return the input of `decode`, and the size of its result in megapixels."""

    def decode(self, task: Task, opened: Any) -> Any:
        """Return the photograph."""

    def predict(self, photographs: Sequence[Any]) -> list[Any]:
        """Return one prediction for each photograph."""

    def write(self, task: Task, photograph: Any, prediction: Any) -> None:
        """Write the results."""


class Budget:
    """A limited resource, such as memory, that threads share.

    Args:
        most: the total amount; a larger amount is granted while nothing else is in use.
    """

    def __init__(self, most: float):
        self._most = most
        self._used: list[float] = []
        self._closed = False
        self._changed = threading.Condition()

    def acquire(self, amount: float) -> None:
        """Wait until the amount is available.

        Raises:
            CancelledError: the budget was closed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._has(amount))
            if self._closed:
                raise CancelledError
            self._used.append(amount)

    def release(self, amount: float) -> None:
        """Return an amount."""
        with self._changed:
            self._used.remove(amount)
            self._changed.notify_all()

    def close(self) -> None:
        """Cancel all who wait."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _has(self, amount: float) -> bool:
        return not self._used or sum(self._used) + amount <= self._most


Result = tuple[Task, Exception | None]
Results = Iterator[Result]

# A task, its photograph, and the megapixels that it holds of the budget.
_Read = tuple[Task, Any, float]


def run_pipeline(
    tasks: Iterable[Task],
    stages: Stages,
    *,
    jobs: int,
    megapixels: float,
    limit: int | None = None,
    batch_size: int = 8,
) -> Results:
    """Run the stages of many tasks at the same time: `predict` here, the others in threads.

    A task that fails does not stop the others. On Ctrl-C, and when the model is unavailable, the
    pipeline finishes and yields the tasks that are being written, then raises the error.

    Args:
        tasks: the photographs.
        stages: what to do with each.
        jobs: number of threads that read, and of threads that write.
        megapixels: how many may be in memory at once; a larger photograph is processed alone.
        limit: stop when this many have been written.
        batch_size: the most photographs in one call of `predict`.

    Yields:
        Each task when it ends, and the error that stopped it, or None.

    Raises:
        ModelUnavailableError: `predict` raised it; tasks that were not yielded are not done.
    """
    return _Pipeline(tasks, stages, jobs, megapixels, limit, batch_size).run()


class _Pipeline:
    """The state of one run of `run_pipeline`, which documents the arguments."""

    def __init__(
        self,
        tasks: Iterable[Task],
        stages: Stages,
        jobs: int,
        megapixels: float,
        limit: int | None,
        batch_size: int,
    ):
        self._waiting = iter(tasks)
        self._stages = stages
        self._limit = limit
        self._batch_size = batch_size
        # Read ahead, so that no reader waits for the thread that predicts.
        self._most_reading = 2 * jobs + batch_size
        self._budget = Budget(megapixels)
        self._readers, self._writers = (
            ThreadPoolExecutor(jobs, name) for name in ("reader", "writer")
        )
        self._reading: dict[Future[tuple[Any, float]], Task] = {}
        self._writing: dict[Future[None], Task] = {}
        self._done = 0

    def run(self) -> Results:
        try:
            self._start_reading()
            while self._reading or self._writing:
                running: list[Future] = [*self._reading, *self._writing]
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                yield from self._written(finished)
                ready = yield from self._read(finished)
                for start in range(0, len(ready), self._batch_size):
                    yield from self._predict(ready[start : start + self._batch_size])
                self._start_reading()
        except (KeyboardInterrupt, ModelUnavailableError):
            self._budget.close()
            self._writers.shutdown(cancel_futures=True)
            yield from self._written({one for one in self._writing if not one.cancelled()})
            raise
        finally:
            self._budget.close()
            self._readers.shutdown(cancel_futures=True)
            self._writers.shutdown(cancel_futures=True)

    def _start_reading(self) -> None:
        while len(self._reading) < self._most_reading:
            started = self._done + len(self._reading) + len(self._writing)
            if self._limit is not None and started >= self._limit:
                return
            if (task := next(self._waiting, None)) is None:
                return
            self._reading[self._readers.submit(self._read_one, task)] = task

    def _read_one(self, task: Task) -> tuple[Any, float]:
        opened, weight = self._stages.open(task)
        self._budget.acquire(weight)
        try:
            return self._stages.decode(task, opened), weight
        except BaseException:
            self._budget.release(weight)
            raise

    def _read(self, finished: set[Future]) -> Generator[Result, None, list[_Read]]:
        """Yield the tasks that could not be read; return the others with what was read."""
        ready: list[_Read] = []
        for future in [future for future in self._reading if future in finished]:
            task = self._reading.pop(future)
            if (error := _error_of(future)) is None:
                ready.append((task, *future.result()))
            else:
                yield task, error
        return ready

    def _predict(self, batch: list[_Read]) -> Results:
        """Predict a batch and start to write it; yield the tasks without a prediction."""
        predictions = _predict(self._stages.predict, [photograph for _, photograph, _ in batch])
        for (task, photograph, weight), prediction in zip(batch, predictions, strict=True):
            if isinstance(prediction, Exception):
                self._budget.release(weight)
                yield task, prediction
            else:
                future = self._writers.submit(self._write, task, photograph, prediction, weight)
                self._writing[future] = task

    def _write(self, task: Task, photograph: Any, prediction: Any, weight: float) -> None:
        try:
            self._stages.write(task, photograph, prediction)
        finally:
            self._budget.release(weight)

    def _written(self, finished: set[Future]) -> Results:
        for future in finished & self._writing.keys():
            error = _error_of(future)
            self._done += error is None
            yield self._writing.pop(future), error


def _error_of(future: Future) -> Exception | None:
    error = future.exception()
    if error is None or isinstance(error, Exception):
        return error
    raise error


def _predict(predict: Callable[[Sequence[Any]], list[Any]], photographs: list[Any]) -> list[Any]:
    """Predict a batch; if that fails, predict one by one and return the error in its place."""
    try:
        return predict(photographs)
    except ModelUnavailableError:
        raise
    except Exception as error:
        if len(photographs) == 1:
            return [error]
        return [prediction for one in photographs for prediction in _predict(predict, [one])]
