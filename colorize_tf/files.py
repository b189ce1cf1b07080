"""Files that are either whole or not there."""

import contextlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Give a temporary sibling of `path` to write to, and rename it to `path` on success.

    The sibling has the same suffix and may become a file or a folder. Where the block fails, or is
    interrupted, it is removed and whatever stood at `path` stays as it was. A folder is only
    renamed to a path where nothing stands.

    Args:
        path: where the finished file or folder goes; its folder exists.

    Yields:
        The temporary sibling, where nothing stands yet.
    """
    path = Path(path)
    # Short, as the name may be as long as the system allows; the suffixes decide the format.
    aside = path.with_name(f".{secrets.token_hex(8)}{''.join(path.suffixes[-2:])}")
    try:
        yield aside
        os.replace(aside, path)
    finally:
        if aside.is_dir():
            shutil.rmtree(aside, ignore_errors=True)
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)


def check_writable_folder(path: str | Path) -> None:
    """Make a folder if need be, and try whether files can be written there.

    Args:
        path: the folder.

    Raises:
        ValueError: it is a file, or cannot be made or written to.
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
