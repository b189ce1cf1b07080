"""AVIF and HEIC files. Pillow decodes AVIF, pi-heif (extra `formats`) decodes HEIC."""

import functools
import io
from collections.abc import Iterator
from typing import Any

from PIL import ImageFile
from PIL.AvifImagePlugin import AvifImageFile

from colorize_tf.imagefiles import pillow
from colorize_tf.imagefiles.base import Header, ImageFormat, Pixels, UnsupportedImageError

_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}


def _brands(start: bytes) -> set[bytes]:
    """Return the brands that an ISO base media file names (ISO 14496-12, 4.3)."""
    if start[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(start[:4], "big"), len(start), 256)
    return {start[8:12], *(start[at : at + 4] for at in range(16, end, 4))}


def _is_heic(start: bytes) -> bool:
    return start[8:12] in _HEIC_BRANDS and bool(_brands(start)) and not _is_avif(start)


def _is_avif(start: bytes) -> bool:
    brands = _brands(start)
    return start[8:12] in _AVIF_BRANDS | {b"mif1", b"msf1"} and bool(brands & _AVIF_BRANDS)


def _open_heic(file: io.BytesIO) -> ImageFile.ImageFile:
    try:
        from pi_heif.as_plugin import HeifImageFile
    except ImportError as error:
        raise UnsupportedImageError(
            "HEIC needs extra formats: pip install 'colorize_tf[formats]', or export it as JPEG"
        ) from error
    return HeifImageFile(file)


def _read_heic_header(data: bytes) -> Header:
    # Further images of a file are variants and depth maps, not frames.
    return pillow.read_header(_open_heic, data)._replace(frames=1)


def _read_heic_metadata(data: bytes) -> Iterator[tuple[str, Any]]:
    yield "upright", True  # libheif applies the orientation.
    yield from pillow.read_metadata(_open_heic, data)


def _decode_avif(data: bytes, allow_damage: bool) -> Pixels:
    return pillow.decode(AvifImageFile, data)


def _decode_heic(data: bytes, allow_damage: bool) -> Pixels:
    return pillow.decode(_open_heic, data)


AVIF = ImageFormat(
    name="AVIF",
    suffixes=(".avif",),
    matches=_is_avif,
    read_header=functools.partial(pillow.read_header, AvifImageFile),
    read_metadata=functools.partial(pillow.read_metadata, AvifImageFile),
    decode=_decode_avif,
)
HEIC = ImageFormat(
    name="HEIC",
    suffixes=(".heic", ".heif"),
    matches=_is_heic,
    read_header=_read_heic_header,
    read_metadata=_read_heic_metadata,
    decode=_decode_heic,
)
