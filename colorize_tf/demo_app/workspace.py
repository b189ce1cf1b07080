"""The one folder that holds whatever visitors give and get, and that goes with the demo."""

import contextlib
import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_PREFIX = "colorize_tf-demo-"
_LOCK = "lock"


@contextlib.contextmanager
def open_workspace(parent: Path | None = None) -> Iterator[Path]:
    """Give a temporary folder, and remove it at the end with all that is in it.

    Folders of demos that were killed are removed, too; those of demos that run are locked.

    Args:
        parent: where to make it; by default where the system keeps temporary files.

    Yields:
        The folder, which only its owner can read.
    """
    parent = Path(parent or tempfile.gettempdir())
    _sweep(parent)
    # Resolved, since gradio serves a file only by the path that it has without links.
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent)).resolve()
    try:
        with open(folder / _LOCK, "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(parent: Path) -> None:
    for folder in parent.glob(f"{_PREFIX}*"):
        # Another user's cannot be opened, and one that runs is locked.
        with contextlib.suppress(OSError), open(folder / _LOCK, "r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
