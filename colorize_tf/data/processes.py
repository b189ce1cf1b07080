"""Processes that share work, and go on without what ends one of them, as a decoder's crash does."""

import concurrent.futures
import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

import cv2

# What a process is given at a time.
_CHUNK = 8

Given = TypeVar("Given")
Result = TypeVar("Result")


class Processes:
    """Calls functions in so many processes; a context manager.

    Args:
        count: 1 calls them in this process, which nothing protects.
    """

    def __init__(self, count: int):
        self._count = count
        self._pool = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._end()

    def map(
        self,
        function: Callable[[Given], Result],
        given: Sequence[Given],
        instead: Callable[[Given], Result],
    ) -> Iterator[Result]:
        """Yield what the function makes of each, in order.

        Args:
            function: of what can be sent to another process.
            given: its arguments.
            instead: makes what is yielded for one that ended its process.

        Raises:
            ValueError: no process starts.
        """
        if self._count == 1:
            yield from map(function, given)
            return
        done = 0
        while done < len(given):
            try:
                for result in self._running().map(function, given[done:], chunksize=_CHUNK):
                    yield result
                    done += 1
            except BrokenProcessPool:
                for result in self._one_by_one(function, given[done:], instead):
                    yield result
                    done += 1

    def _one_by_one(self, function, given, instead) -> Iterator:
        """Find out what has ended a process; it is among what all had and the next ones."""
        for one in given[: 2 * self._count * _CHUNK]:
            try:
                yield self._again().submit(function, one).result()
            except BrokenProcessPool:
                self._end()
                warnings.warn(f"{one} ended the process that read it; left out", stacklevel=2)
                yield instead(one)
                return
        warnings.warn(
            "a process that converts photographs was ended, perhaps for want of memory; if that "
            "comes again, choose fewer --jobs",
            stacklevel=2,
        )

    def _running(self) -> concurrent.futures.ProcessPoolExecutor:
        if self._pool is None:
            spawn = multiprocessing.get_context("spawn")
            options = {"mp_context": spawn, "initializer": _begin_process}
            self._pool = concurrent.futures.ProcessPoolExecutor(self._count, **options)
        return self._pool

    def _again(self) -> concurrent.futures.ProcessPoolExecutor:
        """Return processes of which all are well, so that who ends one is known."""
        try:
            self._running().submit(os.getpid).result()
        except BrokenProcessPool:
            self._end()
            try:
                self._running().submit(os.getpid).result()
            except BrokenProcessPool as error:
                raise ValueError(
                    "processes that convert photographs do not start, perhaps for want of memory; "
                    "give the same command again, with fewer --jobs"
                ) from error
        return self._pool

    def _end(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        self._pool = None


def _begin_process() -> None:
    # Ctrl-C goes to all: who has begun them ends them. Each has one core's worth of work.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    cv2.setNumThreads(1)


def _end_with_parent() -> None:
    """Leave nothing behind where who has begun this process was killed and could end nobody."""
    multiprocessing.parent_process().join()
    os._exit(1)
