"""What a photograph carries besides its pixels: EXIF, ICC profile, XMP, IPTC and resolution.

The modules of the formats find the pieces in a file and put them into another; what a piece means
is known here.
"""

import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from colorize_tf.imagefiles import exif

METERS_PER_INCH = 0.0254
EXIF_MARK = b"Exif\0\0"
"""What precedes EXIF in a JPEG file, and in files of some writers of other formats."""

# What a camera or a scanner writes into the first directory of EXIF, and a TIFF file into its own:
# names, notes, dates and resolution, nothing that says how the pixels are stored.
CARRIED_TAGS = {11, 269, 270, 271, 272, 274, 282, 283, 285, 296, 297, 305, 306, 315, 316, 33432}
CARRIED_TAGS |= {34665, 34853, 40091, 40092, 40093, 40094, 40095}

_XMP_ORIENTATION = re.compile(rb"(tiff:Orientation(?:>\s*|\s*=\s*[\"']))[2-8]")
_XMP_THUMBNAILS = re.compile(rb"<(xmp|xap):Thumbnails\b.*?</\1:Thumbnails>", re.DOTALL)
_IPTC_RESOURCE = 0x0404


@dataclass(frozen=True)
class Metadata:
    """What a photograph carries besides its pixels.

    Attributes:
        exif: EXIF as a TIFF file without pixels; upright, and without a thumbnail.
        icc: ICC profile of an RGB color space.
        dpi: pixels per inch, across and down.
        xmp: the XMP packet, UTF-8; upright, and without thumbnails.
        iptc: IPTC-IIM data sets.
    """

    exif: bytes | None = None
    icc: bytes | None = None
    dpi: tuple[float, float] | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None


def find_metadata(
    read: Callable[[bytes], Iterator[tuple[str, Any]]], data: bytes
) -> tuple[Metadata, int]:
    """Find what the contents of an image file carry; damaged pieces count as not there.

    EXIF's thumbnail is removed, as it shows the photograph before it was colored. A profile of
    another color space than RGB is removed, too: decoding turns such pixels into RGB.

    Args:
        read: `ImageFormat.read_metadata` of their format. It yields pairs of a kind and a
            content: "exif", "icc", "xmp", "iptc" and "photoshop" (image resources) with bytes,
            "dpi" with two numbers, "upright" with True where the orientation that EXIF names is
            applied by the decoder. The first of a kind counts.
        data: contents of the file.

    Returns:
        The metadata, and the EXIF orientation that decoded pixels are still in: 1 to 8.
    """
    found: dict[str, Any] = {}
    try:
        for kind, content in read(data):
            found.setdefault(kind, content)
    except Exception:  # Libraries raise errors of many types; the pixels may be sound.
        pass
    orientation, dpi, upright_exif = 1, found.get("dpi"), None
    if found.get("exif"):
        try:
            upright_exif, orientation, exif_dpi = exif.to_upright(
                found["exif"].removeprefix(EXIF_MARK)
            )
            dpi = dpi or exif_dpi
        except (struct.error, IndexError):
            pass
    icc = found.get("icc")
    if icc is not None and (icc[16:20] != b"RGB " or icc[36:40] != b"acsp"):
        icc = None
    xmp = found.get("xmp")
    if xmp is not None:
        xmp = _XMP_THUMBNAILS.sub(b"", _XMP_ORIENTATION.sub(rb"\g<1>1", xmp))
    iptc = found.get("iptc") or _iptc_of_photoshop(found.get("photoshop", b""))
    metadata = Metadata(upright_exif, icc, dpi, xmp or None, iptc or None)
    return metadata, 1 if found.get("upright") else orientation


def to_photoshop(iptc: bytes) -> bytes:
    """Return IPTC as the one image resource of a block as Photoshop writes it."""
    padding = bytes(len(iptc) % 2)
    return struct.pack(">4sHHI", b"8BIM", _IPTC_RESOURCE, 0, len(iptc)) + iptc + padding


def per_meter(dpi: tuple[float, float]) -> tuple[int, int]:
    """Return a resolution in whole pixels per meter, across and down."""
    across, down = (min(round(value / METERS_PER_INCH), 2**31 - 1) for value in dpi)
    return across, down


def _iptc_of_photoshop(block: bytes) -> bytes | None:
    position = 0
    while block[position : position + 4] == b"8BIM" and position + 12 <= len(block):
        (resource,) = struct.unpack_from(">H", block, position + 4)
        name = 1 + block[position + 6]
        start = position + 6 + name + name % 2
        if start + 4 > len(block):
            return None
        (length,) = struct.unpack_from(">I", block, start)
        if resource == _IPTC_RESOURCE:
            return block[start + 4 : start + 4 + length]
        position = start + 4 + length + length % 2
    return None
