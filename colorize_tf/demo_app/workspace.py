"""The temporary folder that holds every file of the demo and is removed with it."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows has no flock; folders of killed demos stay there.
    fcntl = None  # type: ignore[assignment]

_PREFIX = "colorize_tf-demo-"
_LOCK = "lock"


@contextlib.contextmanager
def open_workspace(parent: Path | None = None) -> Iterator[Path]:
    """Yield a temporary folder that only its owner can read; remove it at the end.

    Folders that killed demos left behind are removed too. A running demo holds a lock on its
    folder, which the OS releases when the process exits.

    Args:
        parent: where to create the folder; by default the system's temporary folder.
    """
    parent = Path(parent or tempfile.gettempdir())
    _remove_abandoned(parent)
    # Gradio serves a file only by its path without links.
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent)).resolve()
    try:
        with open(folder / _LOCK, "w") as lock:
            if fcntl is not None:
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned(parent: Path) -> None:
    if fcntl is None:
        return
    for folder in parent.glob(f"{_PREFIX}*"):
        # Opening fails for another user's folder, locking for that of a running demo.
        with contextlib.suppress(OSError), open(folder / _LOCK, "r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
