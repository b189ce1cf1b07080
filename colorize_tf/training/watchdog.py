"""Watchdog for native calls that block and cannot be interrupted."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

# Ends when the pipe to its standard input closes, also when the watched process is killed.
_WATCHER = """
import os, select, signal, sys
if not select.select([0], [], [], float(sys.argv[1]))[0]:
    print(sys.argv[2], file=sys.stderr)
    os.kill(int(sys.argv[3]), signal.SIGKILL)
"""


@contextlib.contextmanager
def watchdog(seconds: float, message: str) -> Iterator[None]:
    """Print a message and send this process SIGKILL unless the block ends in time.

    For native code that blocks while it holds the interpreter: no thread and no signal handler of
    this process would run.

    Args:
        seconds: timeout.
        message: for the standard error of the time when the block begins.
    """
    arguments = [str(seconds), message, str(os.getpid())]
    command = [sys.executable, "-S", "-E", "-c", _WATCHER, *arguments]
    # Its own session, because Ctrl-C is for this process.
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True):
        yield
