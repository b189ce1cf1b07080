"""EXIF, ICC profile and resolution, found in the contents of an image file without decoding it.

OpenCV 5.0 finds EXIF and ICC in JPEG, PNG and WebP, but nothing in TIFF, and no resolution.
"""

import struct
import zlib
from dataclasses import dataclass

from colorize_tf.imagefiles import tags
from colorize_tf.imagefiles.headers import jpeg_segments, png_chunks, webp_chunks

INCH = 0.0254
"""Metres in an inch."""

# What a camera or a scanner writes into the first directory of EXIF, and a TIFF file into its own:
# names, notes, dates and resolution, nothing that says how the pixels are stored.
CARRIED_TAGS = {
    11,
    269,
    270,
    271,
    272,
    274,
    282,
    283,
    285,
    296,
    297,
    305,
    306,
    315,
    316,
    33432,
    34665,
}
CARRIED_TAGS |= {34853, 40091, 40092, 40093, 40094, 40095}
_PROFILE_LIMIT = 16 << 20
JPEG_EXIF, JPEG_ICC = b"Exif\0\0", b"ICC_PROFILE\0"


@dataclass(frozen=True)
class Metadata:
    """What a photograph carries besides its pixels.

    Attributes:
        exif: EXIF as a TIFF file without pixels; upright, and without a thumbnail.
        icc: ICC profile of an RGB color space.
        dpi: pixels per inch, across and down.
    """

    exif: bytes | None = None
    icc: bytes | None = None
    dpi: tuple[float, float] | None = None


def find_metadata(data: bytes) -> tuple[Metadata, int]:
    """Find what the contents of an image file carry; what is damaged counts as not there.

    EXIF's thumbnail goes, as it would show the photograph before it was colored. A profile of
    another color space than RGB goes too: OpenCV has turned such pixels into RGB.

    Args:
        data: contents of the file, of a kind that `check_header` lets pass.

    Returns:
        The metadata, and the EXIF orientation: 1 to 8, as stored in the file.
    """
    found = {}
    try:
        for kind, content in _FINDERS[bytes(data[:2])](data):
            found.setdefault(kind, content)
    except (struct.error, IndexError, zlib.error):
        pass
    orientation, dpi = 1, found.get("dpi")
    exif = found.get("exif")
    if exif is not None:
        try:
            exif, orientation, exif_dpi = _upright(exif)
            dpi = dpi or exif_dpi
        except (struct.error, IndexError):
            exif = None
    icc = found.get("icc")
    if icc is not None and (icc[16:20] != b"RGB " or icc[36:40] != b"acsp"):
        icc = None
    return Metadata(exif, icc, dpi), orientation


def _in_jpeg(data):
    pieces = {}
    for marker, start, end in jpeg_segments(data):
        if marker == 0xE0 and data[start : start + 5] == b"JFIF\0":
            unit, across, down = struct.unpack_from(">BHH", data, start + 7)
            if unit in (1, 2) and across and down:  # Per inch or per centimeter.
                scale = 1 if unit == 1 else 2.54
                yield "dpi", (across * scale, down * scale)
        elif marker == 0xE1 and data[start : start + 6] == JPEG_EXIF:
            yield "exif", data[start + 6 : end]
        elif marker == 0xE2 and data[start : start + 12] == JPEG_ICC:
            pieces[data[start + 12]] = data[start + 14 : end]
            if len(pieces) == data[start + 13]:
                yield "icc", b"".join(pieces[number] for number in sorted(pieces))


def _in_png(data):
    for kind, start, end in png_chunks(data):
        if kind == b"eXIf":
            yield "exif", data[start:end]
        elif kind == b"iCCP":
            name = data.index(b"\0", start, end) if b"\0" in data[start:end] else end
            unpacked = zlib.decompressobj().decompress(data[name + 2 : end], _PROFILE_LIMIT)
            yield "icc", unpacked
        elif kind == b"pHYs":
            across, down, unit = struct.unpack_from(">IIB", data, start)
            if unit == 1 and across and down:
                yield "dpi", (across * INCH, down * INCH)


def _in_webp(data):
    for kind, start, end in webp_chunks(data):
        if kind == b"EXIF":  # Some writers keep the mark that it has in a JPEG.
            yield "exif", data[start:end].removeprefix(JPEG_EXIF)
        elif kind == b"ICCP":
            yield "icc", data[start:end]


def _in_bmp(data):
    (header_size,) = struct.unpack_from("<I", data, 14)
    if header_size >= 40:
        across, down = struct.unpack_from("<ii", data, 38)
        if across > 0 and down > 0:
            yield "dpi", (across * INCH, down * INCH)


def _in_tiff(data):
    tree = tags.unpack(data)
    if tags.ICC_PROFILE in tree:
        yield "icc", tree[tags.ICC_PROFILE][1]
    carried = {tag: value for tag, value in tree.items() if tag in CARRIED_TAGS}
    if carried:
        yield "exif", b"II*\0\x08\0\0\0" + tags.pack(carried, 8)


_FINDERS = {
    b"\xff\xd8": _in_jpeg,
    b"\x89P": _in_png,
    b"RI": _in_webp,
    b"BM": _in_bmp,
    b"GI": lambda data: (),
    b"II": _in_tiff,
    b"MM": _in_tiff,
}


def _upright(exif):
    """Return EXIF without orientation and thumbnail, and its orientation and resolution.

    It is changed in place, as the notes of camera makers point to where things stand in it.
    """
    exif = bytearray(exif)
    pages = list(tags.directories(exif))
    first = pages[0]
    orientation = 1
    if tags.ORIENTATION in first:
        orientation = int(tags.numbers(exif, first[tags.ORIENTATION])[0])
        tags.set_short(exif, first[tags.ORIENTATION], 1)
    dpi = resolution(exif, first)
    order = tags.byte_order(exif)
    (start,) = struct.unpack_from(order + "I", exif, 4)
    end = start + 2 + 12 * struct.unpack_from(order + "H", exif, start)[0]
    if len(pages) > 1:
        struct.pack_into(order + "I", exif, end, 0)
        if {513, 514} <= pages[1].keys():  # Where the thumbnail begins, and its length.
            at, length = (int(tags.numbers(exif, pages[1][tag])[0]) for tag in (513, 514))
            length = max(0, min(length, len(exif) - at))
            exif[at : at + length] = bytes(length)
            if at + length == len(exif):
                del exif[at:]
    return bytes(exif), orientation if 1 <= orientation <= 8 else 1, dpi


def resolution(exif: bytes, directory: dict[int, tags.Entry]) -> tuple[float, float] | None:
    """Return the pixels per inch, across and down, that a directory of EXIF names, if it does."""
    try:
        across, down = (
            tags.numbers(exif, directory[tag])[0] for tag in (tags.X_RESOLUTION, tags.Y_RESOLUTION)
        )
        unit = tags.numbers(exif, directory[tags.RESOLUTION_UNIT])[0]
    except (KeyError, IndexError, struct.error):
        return None
    if unit not in (2, 3) or not (across > 0 and down > 0):
        return None
    scale = 1 if unit == 2 else 2.54
    return across * scale, down * scale
