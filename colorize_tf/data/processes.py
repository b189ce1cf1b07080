"""Processes that share work and survive the crash of one of them, such as a decoder's."""

import concurrent.futures
import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

import cv2

# Arguments that a process gets at a time.
_CHUNK = 8

Given = TypeVar("Given")
Result = TypeVar("Result")


class Processes:
    """Calls functions in several processes; a context manager.

    Args:
        count: number of processes; 1 calls the functions in this process, without protection.
    """

    def __init__(self, count: int):
        self._count = count
        self._pool: concurrent.futures.ProcessPoolExecutor | None = None

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *_: object) -> None:
        self._shut_down()

    def map(
        self,
        function: Callable[[Given], Result],
        arguments: Sequence[Given],
        on_crash: Callable[[Given], Result],
    ) -> Iterator[Result]:
        """Yield the function's results in order.

        Args:
            function: can be pickled, as must be its arguments and results.
            arguments: one for each call.
            on_crash: makes the result of an argument that crashed its process.

        Raises:
            ValueError: no process starts.
        """
        if self._count == 1:
            yield from map(function, arguments)
            return
        done = 0
        while done < len(arguments):
            try:
                for result in self._start().map(function, arguments[done:], chunksize=_CHUNK):
                    yield result
                    done += 1
            except BrokenProcessPool:
                for result in self._map_singly(function, arguments[done:], on_crash):
                    yield result
                    done += 1

    def _map_singly(
        self,
        function: Callable[[Given], Result],
        arguments: Sequence[Given],
        on_crash: Callable[[Given], Result],
    ) -> Iterator[Result]:
        """Find the argument that crashed a process, among those the processes had at that time."""
        for argument in arguments[: 2 * self._count * _CHUNK]:
            try:
                yield self._restart().submit(function, argument).result()
            except BrokenProcessPool:
                self._shut_down()
                warnings.warn(f"{argument} crashed the process that read it; skipped", stacklevel=2)
                yield on_crash(argument)
                return
        warnings.warn(
            "a process that converts photographs was killed, perhaps for lack of memory; if that "
            "happens again, choose fewer --jobs",
            stacklevel=2,
        )

    def _start(self) -> concurrent.futures.ProcessPoolExecutor:
        if self._pool is None:
            options: dict[str, Any] = {"initializer": _initialize}
            options["mp_context"] = multiprocessing.get_context("spawn")
            self._pool = concurrent.futures.ProcessPoolExecutor(self._count, **options)
        return self._pool

    def _restart(self) -> concurrent.futures.ProcessPoolExecutor:
        """Return a working pool, so that a crash can be attributed to one argument."""
        try:
            self._start().submit(os.getpid).result()
        except BrokenProcessPool:
            self._shut_down()
            try:
                self._start().submit(os.getpid).result()
            except BrokenProcessPool as error:
                raise ValueError(
                    "processes that convert photographs do not start, perhaps for lack of memory; "
                    "give the same command again, with fewer --jobs"
                ) from error
        return self._start()

    def _shut_down(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        self._pool = None


def _initialize() -> None:
    # Ctrl-C reaches all processes; the parent ends its children itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    cv2.setNumThreads(1)  # Each process has one core's worth of work.


def _exit_with_parent() -> None:
    """Exit when the parent was killed and could not shut the pool down."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
