"""Locks on folders that only one command at a time may write to."""

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

try:
    import fcntl
except ImportError:  # Windows has no POSIX locks.
    fcntl = None  # type: ignore[assignment]

LOCK = ".lock"


@contextlib.contextmanager
def held(folder: str | Path) -> Iterator[None]:
    """Lock a folder against other commands, on this machine or on a shared file system.

    The OS releases the lock when the process exits, even after `kill -9`; the lock file that
    remains then locks nothing. On Windows and on file systems without locks, nothing is locked:
    there, two commands on one folder are not refused.

    Args:
        folder: exists and is writable.

    Raises:
        ValueError: another process holds the lock.
    """
    path = Path(folder, LOCK)
    with contextlib.ExitStack() as stack:
        if fcntl is not None:
            stack.callback(_acquire(path).close)
            # Removed while it is still locked, so that it never is another process' file.
            stack.callback(path.unlink, missing_ok=True)
        yield


def _acquire(path: Path) -> TextIO:
    while True:
        file = path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or "another command"
            file.close()
            raise ValueError(
                f"{path.parent} is in use by {holder}; wait until it has ended, or choose another "
                "folder"
            ) from error
        except OSError:  # a file system without locks
            return file
        if _is_at(file, path):
            break
        file.close()  # The process that held the lock has removed the file meanwhile.
    file.truncate(0)
    file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
    file.flush()
    return file


def _is_at(file: TextIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
