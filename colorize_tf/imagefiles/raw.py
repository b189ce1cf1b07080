"""DNG and the raw files of cameras, developed by LibRaw (rawpy of extra `formats`)."""

import io
import struct
from collections.abc import Iterator
from typing import Any

from colorize_tf.imagefiles import exif, tiff
from colorize_tf.imagefiles.base import Header, ImageFormat, Pixels, UnsupportedImageError

_SIGNATURES: tuple[bytes, ...] = (
    b"FUJIFILMCCD-RAW",
    b"II*\0\x10\0\0\0CR",
    b"IIRO",
    b"IIRS",
    b"MMOR",
    b"IIU\0",
    b"\0MRM",
)
_SUBFILE_TYPE, _PHOTOMETRIC, _SUBDIRECTORIES, _DNG_VERSION = 254, 262, 330, 50706
_COLOR_FILTER_ARRAY = 32803


def _matches(start: bytes) -> bool:
    if start.startswith(_SIGNATURES) or start[4:12] == b"ftypcrx ":
        return True
    if not tiff.FORMAT.matches(start):
        return False
    try:
        first = next(exif.directories(start))
    except (struct.error, IndexError):
        return False
    # Raw files of many makers are TIFF files whose first page is a thumbnail.
    thumbnail = int(exif.first_number(start, first, _SUBFILE_TYPE)) & 1
    return (
        _DNG_VERSION in first
        or exif.first_number(start, first, _PHOTOMETRIC) == _COLOR_FILTER_ARRAY
        or bool(thumbnail and _SUBDIRECTORIES in first)
    )


def _open(data: bytes) -> Any:
    try:
        import rawpy
    except ImportError as error:
        raise UnsupportedImageError(
            "raw files need extra formats: pip install 'colorize_tf[formats]', or export it as TIFF"
        ) from error
    try:
        return rawpy.imread(io.BytesIO(data))
    except rawpy.LibRawFileUnsupportedError as error:
        raise UnsupportedImageError(
            "LibRaw does not know this camera; export it as TIFF or JPEG"
        ) from error


def _read_header(data: bytes) -> Header:
    with _open(data) as raw:
        return Header(raw.sizes.width, raw.sizes.height)


def _read_metadata(data: bytes) -> Iterator[tuple[str, Any]]:
    yield "upright", True  # LibRaw applies the orientation.
    yield from tiff.FORMAT.read_metadata(data)


def _decode(data: bytes, allow_damage: bool) -> Pixels:
    with _open(data) as raw:
        return Pixels(raw.postprocess(use_camera_wb=True, output_bps=16))


FORMAT = ImageFormat(
    name="raw",
    suffixes=(".dng", ".nef", ".cr2", ".cr3", ".arw", ".raf", ".orf", ".rw2", ".pef"),
    matches=_matches,
    read_header=_read_header,
    read_metadata=_read_metadata,
    decode=_decode,
)
