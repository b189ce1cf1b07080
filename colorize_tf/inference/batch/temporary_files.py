"""What a killed process leaves behind: the files that it was writing."""

import contextlib
import re
import time
from collections.abc import Iterable
from pathlib import Path

# The names that `files.atomic_write` gives to photographs and films.
_ASIDE = re.compile(r"\.[0-9a-f]{16}\.\w+")
# What was written to later, another process may be writing still; a film is finished in passes.
_IDLE_SECONDS = {".mp4": 3600.0}
_IDLE_SECONDS_OF_PHOTOGRAPHS = 60.0


def remove_stale_temporary_files(folders: Iterable[Path]) -> None:
    """Remove half-written photographs and films of processes that were killed.

    Args:
        folders: where to look, not below them; need not exist.
    """
    now = time.time()
    for folder in folders:
        with contextlib.suppress(OSError):
            for path in list(folder.iterdir()):
                idle = _IDLE_SECONDS.get(path.suffix, _IDLE_SECONDS_OF_PHOTOGRAPHS)
                if _ASIDE.fullmatch(path.name) and now - path.lstat().st_mtime > idle:
                    path.unlink()
