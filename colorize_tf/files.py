"""Write files atomically: a reader finds a whole file, or none."""

import contextlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and rename it to `path` on success.

    The temporary path has the same suffix and may become a file or a folder. If the block raises,
    it is removed, and an existing `path` stays unchanged. A folder never replaces another.

    Args:
        path: final location of the file or folder; its parent folder exists.

    Yields:
        The temporary path, where nothing exists yet.
    """
    path = Path(path)
    # Short, as the name may already be as long as the system allows. Suffixes name the format.
    temporary = path.with_name(f".{secrets.token_hex(8)}{''.join(path.suffixes[-2:])}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def check_writable_folder(path: str | Path) -> None:
    """Make a folder if it does not exist, and check that files can be written there.

    Args:
        path: the folder.

    Raises:
        ValueError: the folder is a file, cannot be made or cannot be written to.
    """
    path = Path(path)
    if path.exists() and not path.is_dir():
        raise ValueError(f"{path} is a file, expected a folder")
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path) as file:
            file.write(b"0")
    except OSError as error:
        raise ValueError(f"cannot write to folder {path}: {error.strerror}") from error
