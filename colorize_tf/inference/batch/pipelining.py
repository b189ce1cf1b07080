"""Reading, coloring and writing at the same time, with a bound on the pixels in memory."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from typing import Any, NamedTuple, Protocol

from colorize_tf.inference.batch.tasks import Task
from colorize_tf.inference.errors import ModelUnavailableError


class Stages(Protocol):
    """What is done with a photograph, in this order; each may raise."""

    def open(self, task: Task) -> tuple[Any, float]:
        """Return what `decode` takes, and how many megapixels that will make."""

    def decode(self, task: Task, opened: Any) -> Any:
        """Return the photograph."""

    def predict(self, photographs: Sequence[Any]) -> list[Any]:
        """Return what `write` needs besides each photograph."""

    def write(self, task: Task, photograph: Any, predicted: Any) -> None:
        """Write the results."""


class Outcome(NamedTuple):
    """A task that has ended, and what stopped it, if anything did."""

    task: Task
    error: Exception | None


class Budget:
    """Something that many share and wait for, such as memory.

    Args:
        most: how much may be taken at once; a larger amount is given while nothing else is taken.
    """

    def __init__(self, most: float):
        self._most = most
        self._taken = []
        self._closed = False
        self._changed = threading.Condition()

    def take(self, amount: float) -> None:
        """Wait until there is enough left.

        Raises:
            CancelledError: the budget was closed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._has(amount))
            if self._closed:
                raise CancelledError
            self._taken.append(amount)

    def give_back(self, amount: float) -> None:
        """Let others have what was taken."""
        with self._changed:
            self._taken.remove(amount)
            self._changed.notify_all()

    def close(self) -> None:
        """Wake and refuse all who wait."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _has(self, amount: float) -> bool:
        return not self._taken or sum(self._taken) + amount <= self._most


def pipelined(
    tasks: Iterable[Task],
    stages: Stages,
    *,
    jobs: int,
    megapixels: float,
    limit: int | None = None,
    predict_at_once: int = 8,
) -> Iterator[Outcome]:
    """Run the stages of many tasks at the same time: `predict` here, the others in threads.

    A task that fails is reported, and the rest goes on. On Ctrl-C, and where the model is gone,
    whatever is being written is finished and reported before the error goes on.

    Args:
        tasks: what there is to do.
        stages: what is done with each.
        jobs: threads that read, and threads that write.
        megapixels: how many may be in memory at once; a photograph that is larger comes alone.
        limit: stop when so many have been written.
        predict_at_once: the most photographs that `predict` is given.

    Yields:
        Each task as it ends.

    Raises:
        ModelUnavailableError: `predict` raised it; the tasks that were not reported are not done.
    """
    budget = Budget(megapixels)
    waiting = iter(tasks)
    reading: dict[Future, Task] = {}
    writing: dict[Future, Task] = {}
    done = 0
    readers, writers = (ThreadPoolExecutor(jobs, name) for name in ("reader", "writer"))
    try:
        while True:
            # A few more than can be read at once, so that no reader waits for this thread.
            while len(reading) < 2 * jobs + predict_at_once:
                if limit is not None and done + len(reading) + len(writing) >= limit:
                    break
                if (task := next(waiting, None)) is None:
                    break
                reading[readers.submit(_read, stages, budget, task)] = task
            if not reading and not writing:
                return
            finished, _ = wait([*reading, *writing], return_when=FIRST_COMPLETED)
            for future in finished & writing.keys():
                done += future.exception() is None
                yield Outcome(writing.pop(future), future.exception())
            ready = []
            for future in [future for future in reading if future in finished]:
                task = reading.pop(future)
                if future.exception() is None:
                    ready.append((task, *future.result()))
                else:
                    yield Outcome(task, future.exception())
            for start in range(0, len(ready), predict_at_once):
                batch = ready[start : start + predict_at_once]
                answers = _predict(stages.predict, [photograph for _, photograph, _ in batch])
                for (task, photograph, weight), answer in zip(batch, answers, strict=True):
                    if isinstance(answer, Exception):
                        budget.give_back(weight)
                        yield Outcome(task, answer)
                    else:
                        arguments = (stages, budget, task, photograph, answer, weight)
                        writing[writers.submit(_write, *arguments)] = task
    except (KeyboardInterrupt, ModelUnavailableError):
        budget.close()
        writers.shutdown(cancel_futures=True)
        for future, task in writing.items():
            if not future.cancelled():
                yield Outcome(task, future.exception())
        raise
    finally:
        budget.close()
        readers.shutdown(cancel_futures=True)
        writers.shutdown(cancel_futures=True)


def _read(stages: Stages, budget: Budget, task: Task) -> tuple[Any, float]:
    opened, weight = stages.open(task)
    budget.take(weight)
    try:
        return stages.decode(task, opened), weight
    except BaseException:
        budget.give_back(weight)
        raise


def _predict(predict: Callable[[Sequence[Any]], list[Any]], photographs: list[Any]) -> list[Any]:
    """Predict together; where that fails, one by one, to find out for which."""
    try:
        return predict(photographs)
    except ModelUnavailableError:
        raise
    except Exception as error:
        if len(photographs) == 1:
            return [error]
        return [answer for one in photographs for answer in _predict(predict, [one])]


def _write(
    stages: Stages, budget: Budget, task: Task, photograph: Any, answer: Any, weight: float
) -> None:
    try:
        stages.write(task, photograph, answer)
    finally:
        budget.give_back(weight)
