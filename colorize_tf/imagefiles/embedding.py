"""EXIF, ICC profile and resolution, put into the contents of an image file as OpenCV writes it.

OpenCV 5.0 puts EXIF and ICC into JPEG, PNG and WebP, but no profile above 64 KiB into a JPEG (those
of scanners are larger), nothing into TIFF, and no resolution.
"""

import struct
import zlib

from colorize_tf.imagefiles import tags
from colorize_tf.imagefiles.metadata import (
    CARRIED_TAGS,
    INCH,
    JPEG_EXIF,
    JPEG_ICC,
    Metadata,
    resolution,
)

_JPEG_LIMIT = 65533


def with_metadata(contents: bytes, metadata: Metadata, *, alpha: bool = False) -> list[bytes]:
    """Put metadata into the contents of a JPEG, PNG, WebP, BMP or TIFF file as OpenCV writes it.

    A BMP holds the resolution only. EXIF of more than 64 KiB fits no JPEG and is left out there.

    Args:
        contents: of the file, without metadata.
        metadata: what to put into it.
        alpha: whether the file has an alpha channel, which a TIFF should call by its name.

    Returns:
        The new contents in pieces, of which the largest is a view into the old.
    """
    view = memoryview(contents)
    start = bytes(view[:2])
    if start == b"\xff\xd8":
        return _into_jpeg(view, metadata)
    if start == b"\x89P":
        return _into_png(view, metadata)
    if start == b"RI":
        return _into_webp(view, metadata)
    if start == b"BM":
        return _into_bmp(view, metadata)
    return _into_tiff(view, metadata, alpha)


def _resolution_tags(dpi):
    fractions = (struct.pack("<II", min(round(value * 1000), 2**32 - 1), 1000) for value in dpi)
    across, down = ((tags.RATIONAL, fraction) for fraction in fractions)
    unit = (tags.SHORT, struct.pack("<H", 2))
    return {tags.X_RESOLUTION: across, tags.Y_RESOLUTION: down, tags.RESOLUTION_UNIT: unit}


def _per_meter(dpi):
    return [min(round(value / INCH), 2**31 - 1) for value in dpi]


def _into_jpeg(contents, metadata):
    # OpenCV's file begins with a JFIF segment, whose density is at 13 to 18.
    density = contents[13:18]
    if metadata.dpi:
        density = struct.pack(">BHH", 1, *(min(max(1, round(dpi)), 65535) for dpi in metadata.dpi))
    parts = [contents[:13], density, contents[18:20]]

    def segment(marker, content):
        parts.append(struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content)

    if metadata.exif and len(metadata.exif) + 6 <= _JPEG_LIMIT:
        segment(0xE1, JPEG_EXIF + metadata.exif)
    room = _JPEG_LIMIT - len(JPEG_ICC) - 2
    profile = metadata.icc or b""
    pieces = [profile[at : at + room] for at in range(0, len(profile), room)]
    if len(pieces) <= 255:
        for number, piece in enumerate(pieces, start=1):
            segment(0xE2, JPEG_ICC + bytes([number, len(pieces)]) + piece)
    return [*parts, contents[20:]]


def _into_png(contents, metadata):
    def chunk(kind, content):
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    parts = [contents[:33]]  # Signature and header.
    if metadata.icc:
        parts.append(chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.icc)))
    if metadata.dpi:
        parts.append(chunk(b"pHYs", struct.pack(">IIB", *_per_meter(metadata.dpi), 1)))
    if metadata.exif:
        parts.append(chunk(b"eXIf", metadata.exif))
    return [*parts, contents[33:]]


def _into_webp(contents, metadata):
    exif = metadata.exif
    if metadata.dpi and _resolution_of(exif) is None:  # A WebP has no other place for it.
        tree = tags.unpack(exif) if exif else {}
        exif = b"II*\0\x08\0\0\0" + tags.pack({**tree, **_resolution_tags(metadata.dpi)}, 8)
    kind = contents[12:16]
    if kind == b"VP8X":
        flags, size, rest = contents[20], contents[24:30], contents[30:]
    else:
        flags, rest = 0, contents[12:]
        if kind == b"VP8L":
            (bits,) = struct.unpack_from("<I", contents, 21)
            width, height, flags = bits & 0x3FFF, bits >> 14 & 0x3FFF, bits >> 24 & 0x10
        else:
            width, height = (
                (value & 0x3FFF) - 1 for value in struct.unpack_from("<HH", contents, 26)
            )
        size = width.to_bytes(3, "little") + height.to_bytes(3, "little")

    def chunk(kind, content):
        return struct.pack("<4sI", kind, len(content)) + content + bytes(len(content) % 2)

    flags |= (0x20 if metadata.icc else 0) | (0x08 if exif else 0)
    parts = [chunk(b"VP8X", bytes([flags, 0, 0, 0]) + bytes(size))]
    parts += [chunk(b"ICCP", metadata.icc)] if metadata.icc else []
    parts += [rest]
    parts += [chunk(b"EXIF", exif)] if exif else []
    return [struct.pack("<4sI4s", b"RIFF", 4 + sum(map(len, parts)), b"WEBP"), *parts]


def _resolution_of(exif):
    return resolution(exif, next(tags.directories(exif))) if exif else None


def _into_bmp(contents, metadata):
    if not metadata.dpi:
        return [contents]
    return [contents[:38], struct.pack("<ii", *_per_meter(metadata.dpi)), contents[46:]]


def _into_tiff(contents, metadata, alpha):
    tree = tags.unpack(contents)
    if metadata.exif:
        carried = tags.unpack(metadata.exif)
        tree |= {tag: value for tag, value in carried.items() if tag in CARRIED_TAGS}
    if metadata.dpi:
        tree |= _resolution_tags(metadata.dpi)
    if metadata.icc:
        tree[tags.ICC_PROFILE] = (tags.UNDEFINED, metadata.icc)
    if alpha:
        tree[tags.EXTRA_SAMPLES] = (tags.SHORT, struct.pack("<H", 2))  # Not multiplied with it.
    padding = bytes(len(contents) % 2)
    start = len(contents) + len(padding)
    header = struct.pack("<4sI", b"II*\0", start)
    return [header, contents[8:], padding, tags.pack(tree, start)]
