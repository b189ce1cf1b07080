"""A limit to what holds Python up and cannot be interrupted."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

# Ends with the pipe to its standard input, be it that the watched process was killed.
_WATCHER = """
import os, select, signal, sys
if not select.select([0], [], [], float(sys.argv[1]))[0]:
    print(sys.argv[2], file=sys.stderr)
    os.kill(int(sys.argv[3]), signal.SIGKILL)
"""


@contextlib.contextmanager
def watchdog(seconds: float, message: str) -> Iterator[None]:
    """Print a message and kill this process, by SIGKILL, unless the block ends in time.

    For native code that waits without letting go of Python: neither a thread nor a signal's
    handler of this process would have its turn.

    Args:
        seconds: until then.
        message: to standard error, as it is when the block begins.
    """
    arguments = [str(seconds), message, str(os.getpid())]
    command = [sys.executable, "-S", "-E", "-c", _WATCHER, *arguments]
    # A session of its own: Ctrl+C is meant for this process.
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True):
        yield
