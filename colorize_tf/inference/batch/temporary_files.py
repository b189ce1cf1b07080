"""Removal of the temporary files that killed processes leave."""

import contextlib
import re
import time
from collections.abc import Iterable
from pathlib import Path

# Names that `files.atomic_write` gives to photographs and films.
_TEMPORARY_NAME = re.compile(r"\.[0-9a-f]{16}\.\w+")
# Another process may still write to a file that changed later; a film is finished in passes.
_IDLE_SECONDS = {".mp4": 3600.0}
_IDLE_SECONDS_OF_PHOTOGRAPHS = 60.0


def remove_stale_temporary_files(folders: Iterable[Path]) -> None:
    """Remove temporary photographs and films that no process has written to for a while.

    Args:
        folders: folders to search, not recursively; they need not exist.
    """
    now = time.time()
    for folder in folders:
        with contextlib.suppress(OSError):
            for path in list(folder.iterdir()):
                idle = _IDLE_SECONDS.get(path.suffix, _IDLE_SECONDS_OF_PHOTOGRAPHS)
                if _TEMPORARY_NAME.fullmatch(path.name) and now - path.lstat().st_mtime > idle:
                    path.unlink()
