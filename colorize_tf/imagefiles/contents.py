"""The contents of files: read and written whole."""

import os
from collections.abc import Sequence
from pathlib import Path

from colorize_tf.files import atomic_write
from colorize_tf.imagefiles.base import CorruptImageError, ImageFileError


def read_bytes(path: str | Path) -> bytes:
    """Read a whole file; raise ImageFileError if it cannot be read."""
    if not isinstance(path, str | os.PathLike):
        raise ValueError(f"expected the path of an image file, got {type(path).__name__}")
    path = Path(path)
    try:
        if path.is_dir():
            raise ImageFileError(
                "it is a folder; name an image file", reason="not a file", name=path
            )
        if path.exists() and not path.is_file():  # Reading a pipe would wait for ever.
            raise ImageFileError(
                "it is a device or a pipe; name an image file", reason="not a file", name=path
            )
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise ImageFileError(
            "there is no such file; check the path", reason="missing", name=path
        ) from error
    except (OSError, ValueError) as error:
        if isinstance(error, ImageFileError):
            raise
        cause = getattr(error, "strerror", None) or error
        raise ImageFileError(f"{cause}; check its permissions", name=path) from error
    if not data:
        raise CorruptImageError("the file is empty; copy it again", reason="zero-byte", name=path)
    return data


def write_contents(path: str | Path, parts: Sequence[bytes | bytearray | memoryview]) -> None:
    """Write a file that consists of parts, whole or not at all.

    Raises:
        ValueError: for a location that cannot be written, or a full disk.
    """
    try:
        with atomic_write(path) as temporary, open(temporary, "wb") as file:
            file.writelines(parts)
    except OSError as error:
        raise ValueError(
            f"cannot write {path}: {error.strerror}; free space or choose another location"
        ) from error
