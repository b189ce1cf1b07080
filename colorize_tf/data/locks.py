"""Folders that one command at a time writes to."""

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

LOCK = ".lock"


@contextlib.contextmanager
def held(folder: str | Path) -> Iterator[None]:
    """Hold a folder of this machine, or of one that it shares, against other commands.

    The system lets go of it when this process ends, be it by `kill -9`; the file that is left then
    holds nobody up. Where a file system knows no locks, nothing is held.

    Args:
        folder: is there, and can be written to.

    Raises:
        ValueError: another process holds it.
    """
    path = Path(folder, LOCK)
    with contextlib.ExitStack() as ending:
        if fcntl is not None:
            file = _taken(path)
            ending.callback(file.close)
            # Before it is let go, so that it is never another one's.
            ending.callback(path.unlink, missing_ok=True)
        yield


def _taken(path: Path) -> TextIO:
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
        except OSError:
            return file
        if _is_at(file, path):
            break
        file.close()  # Who held it removed it meanwhile.
    file.truncate(0)
    file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
    file.flush()
    return file


def _is_at(file: TextIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
