"""Container formats of films: detect the format, and detect truncated files.

Decoders read a truncated film without an error. The containers store their length, which reveals
the truncation before anything is decoded.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_ATOMS = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"uuid", b"styp")
_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"


class FilmError(ValueError):
    """A film that cannot be read.

    Attributes:
        reason: one or two constant words to count by, as those of `ImageFileError`.
    """

    def __init__(self, reason: str, message: str):
        """Store the reason and the message, which names the file."""
        super().__init__(message)
        self.reason = reason


def check_container(path: str | Path) -> str:
    """Validate the container of a film without decoding frames.

    Args:
        path: the file.

    Returns:
        "mp4" (also .mov), "avi" or "matroska" (also .webm), detected by content.

    Raises:
        FilmError: the file is missing, empty, unreadable, a folder, no film or truncated; the
            message is one line and names the file.
    """
    path = Path(path)
    try:
        if os.path.isdir(path):
            raise FilmError("not a file", f"{path} is a folder; name a film in it")
        if path.exists() and not path.is_file():  # Reading a pipe would block.
            raise FilmError("not a file", f"{path} is a device or a pipe; name a film")
        with open(path, "rb") as file:
            kind, end = _read_extent(file)
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise FilmError("missing", f"{path} is missing; check the path") from error
    except OSError as error:
        raise FilmError(
            "unreadable", f"cannot read {path}: {error.strerror}; check its permissions"
        ) from error
    if not size:
        raise FilmError("zero-byte", f"{path} is empty; copy it again")
    if kind is None:
        raise FilmError(
            "unsupported",
            f"{path} is no film of a known format; expected MP4, QuickTime, AVI, Matroska or WebM",
        )
    if end > size:
        raise FilmError(
            "truncated",
            f"{path} is truncated: it has {size} bytes of {end}; copy it again",
        )
    return kind


def film_kind(start: bytes) -> str | None:
    """Return the container format of a file by its first 12 bytes; None if it is no film."""
    if start[4:8] in _ATOMS:
        return "mp4"
    if start[:4] == b"RIFF" and start[8:12] == b"AVI ":
        return "avi"
    return "matroska" if start[:4] == _EBML else None


def _read_extent(file: BinaryIO) -> tuple[str | None, int]:
    """Return the container format, None for no film, and the file size that it stores."""
    kind = film_kind(file.read(12))
    if kind == "mp4":
        return kind, max(_atom_ends(file))
    if kind == "avi":
        return kind, max(_riff_ends(file))
    return kind, _segment_end(file) if kind else 0


def _atom_ends(file: BinaryIO) -> Iterator[int]:
    """Yield the end of each top-level atom of MP4 or QuickTime (ISO 14496-12, 4.2)."""
    position = 0
    while True:
        file.seek(position)
        header = file.read(16)
        size = int.from_bytes(header[:4], "big")
        if size == 1:
            size = int.from_bytes(header[8:16], "big")
        # Size 0 means "to the end of the file"; atoms without a name are padding.
        if len(header) < 8 or size < 8 or not header[4:8].isascii() or not header[4:8].isalnum():
            yield position
            return
        position += size
        yield position


def _riff_ends(file: BinaryIO) -> Iterator[int]:
    """Yield the end of each RIFF chunk of an AVI; long films have several."""
    position = 0
    while True:
        file.seek(position)
        header = file.read(8)
        size = int.from_bytes(header[4:8], "little")
        # A camera that loses power leaves a size of 0.
        if len(header) < 8 or header[:4] != b"RIFF" or not size:
            yield position
            return
        position += 8 + size
        yield position
        position += size % 2


def _segment_end(file: BinaryIO) -> int:
    """Return the end of the segment of a Matroska file, 0 if it is not stored (RFC 8794)."""
    file.seek(4)
    header_size = _element_size(file)
    if header_size is None:
        return 0
    file.seek(header_size, os.SEEK_CUR)
    if file.read(4) != _SEGMENT:
        return 0
    size = _element_size(file)
    return 0 if size is None else file.tell() + size


def _element_size(file: BinaryIO) -> int | None:
    """Read a size of variable length; None if it is unknown, as in live recordings."""
    first = int.from_bytes(file.read(1), "big")
    length = 9 - first.bit_length()
    if length > 8:
        return None
    marked = int.from_bytes(bytes([first]) + file.read(length - 1), "big")
    size = marked - (1 << 7 * length)
    return None if size == (1 << 7 * length) - 1 else size
