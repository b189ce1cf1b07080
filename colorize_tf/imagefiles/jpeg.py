"""JPEG files.

simplejpeg decodes them with libjpeg-turbo and reports damage, which OpenCV and Pillow do not.
imagecodecs decodes lossless files and those of more than 8 bits. OpenCV encodes.
"""

import re
import struct
from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import imagecodecs
import numpy as np
import simplejpeg
from PIL.JpegImagePlugin import JpegImageFile

from colorize_tf.imagefiles import opencv, pillow
from colorize_tf.imagefiles.arrays import scale_samples
from colorize_tf.imagefiles.base import (
    CorruptImageError,
    Header,
    ImageFormat,
    Pixels,
    TruncatedImageError,
    UnsupportedImageError,
    check_plausible,
)
from colorize_tf.imagefiles.exif import CENTIMETERS_PER_INCH
from colorize_tf.imagefiles.metadata import EXIF_MARK, Metadata, to_photoshop

_END = b"\xff\xd9"
_SCAN = 0xDA
_JPEG_LS = 0xF7
_START_OF_FRAME = {*range(0xC0, 0xD0), _JPEG_LS} - {0xC4, 0xC8, 0xCC}
_LOSSLESS, _ARITHMETIC = (0xC3, 0xC7, 0xCB, 0xCF), range(0xC9, 0xD0)
_ICC_MARK, _XMP_MARK = b"ICC_PROFILE\0", b"http://ns.adobe.com/xap/1.0/\0"
_PHOTOSHOP_MARK = b"Photoshop 3.0\0"
_SEGMENT_LIMIT = 65533
_SIDE_LIMIT = 65500

# Every block of 8 x 8 pixels takes at least one bit of Huffman codes, in the first scan.
_PIXELS_PER_BYTE = 512
# Each of the about ten scans of a progressive file takes as long as a picture of its own.
_WORK_PER_BYTE = 16 * _PIXELS_PER_BYTE

# Warnings of libjpeg about the pixel data; its other warnings are about headers.
_DAMAGE = ("Corrupt JPEG data: ", "Premature end", "Inconsistent progression")
_PADDED = re.compile(r"Corrupt JPEG data: (\d+) extraneous bytes before marker 0xd9")


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield marker, start and end of the content of each segment up to the first scan's.

    Raises:
        struct.error or IndexError: the contents end before.
    """
    position = 2
    while (position := data.find(b"\xff", position)) >= 0:
        marker = data[position + 1]
        if marker in (0x00, 0xFF):  # Fill bytes before the marker proper.
            position += 1
            continue
        (length,) = struct.unpack_from(">H", data, position + 2)
        yield marker, position + 4, position + 2 + length
        if marker == _SCAN:
            return
        position += 2 + length


def _read_frame(data: bytes) -> tuple[int, int, int, int, int]:
    """Return the kind of frame, bits, width, height, and where the first scan begins."""
    frame = (0, 0, 0, 0)
    try:
        for marker, start, _ in _segments(data):
            if marker in _START_OF_FRAME:
                bits, height, width = struct.unpack_from(">BHH", data, start)
                frame = (marker, bits, width, height)
            if marker == _SCAN:
                return *frame, start
    except (struct.error, IndexError):
        pass
    raise TruncatedImageError


def _read_header(data: bytes) -> Header:
    _, _, width, height, _ = _read_frame(data)
    return Header(width, height)


def _read_metadata(data: bytes) -> Iterator[tuple[str, Any]]:
    profile: dict[int, bytes] = {}
    photoshop = b""
    for marker, start, end in _segments(data):
        content = data[start:end]
        if marker == 0xE0 and content.startswith(b"JFIF\0"):
            unit, across, down = struct.unpack_from(">BHH", content, 7)
            if unit in (1, 2) and across and down:  # Per inch or per centimeter.
                scale = 1 if unit == 1 else CENTIMETERS_PER_INCH
                yield "dpi", (across * scale, down * scale)
        elif marker == 0xE1 and content.startswith(EXIF_MARK):
            yield "exif", content
        elif marker == 0xE1 and content.startswith(_XMP_MARK):
            yield "xmp", content[len(_XMP_MARK) :]
        elif marker == 0xE2 and content.startswith(_ICC_MARK):
            profile[content[12]] = content[14:]
            if len(profile) == content[13]:
                yield "icc", b"".join(profile[number] for number in sorted(profile))
        elif marker == 0xED and content.startswith(_PHOTOSHOP_MARK):
            photoshop += content[len(_PHOTOSHOP_MARK) :]
    yield "photoshop", photoshop


def _decode(data: bytes, allow_damage: bool) -> Pixels:
    """Decode the contents of a JPEG file.

    JPEG has no checksums. Of 768 files that lacked a piece of their data, 86 % were recognized as
    damaged; of 768 files with one flipped bit, 27 %. In most of the others less than 1 % of the
    pixels differ visibly.
    """
    kind, bits, width, height, scan = _read_frame(data)
    # After the start of the first scan, FF D9 can only be the end of the image: a thumbnail ends
    # earlier, and the data are byte-stuffed. Some cameras append data of their own.
    end = data.find(_END, scan)
    ended = end >= 0
    length = (end if ended else len(data)) - scan
    if kind == _JPEG_LS:
        raise UnsupportedImageError("a JPEG-LS file; export it as PNG or JPEG")
    if not height:
        raise UnsupportedImageError("a JPEG that names its height at its end; export it as PNG")
    if kind not in _ARITHMETIC:
        check_plausible(Header(width, height), length, _PIXELS_PER_BYTE)
    scans = 1 + data.count(b"\xff\xda", scan)
    if width * height * scans > _WORK_PER_BYTE * length:
        detail = f"{length} bytes ask for {scans} scans of {width} x {height} pixels"
        raise UnsupportedImageError(f"{detail}; save it again as JPEG or PNG")
    if bits != 8 or kind in _LOSSLESS:
        samples = imagecodecs.jpeg8_decode(data)
        samples = scale_samples(samples.reshape(*samples.shape[:2], -1), bits)
        if samples.shape[2] not in (1, 3):
            raise UnsupportedImageError("a deep JPEG of unusual colors; export it as TIFF or PNG")
        return Pixels(np.ascontiguousarray(np.broadcast_to(samples, (*samples.shape[:2], 3))))
    if not ended:
        data += _END
    warning = damage = None
    try:
        images = simplejpeg.decode_jpeg(data)
    except ValueError as error:
        warning = str(error)
        if warning.startswith(_DAMAGE) and not (ended and _is_padded(data, warning)):
            damage = warning.removeprefix(_DAMAGE[0])
    if not ended and not allow_damage and (warning or not _has_all_scans(data, scan)):
        raise TruncatedImageError
    if damage and not allow_damage:
        raise CorruptImageError(f"parts of it are lost ({damage}); copy it again", reason="damaged")
    if warning is None:
        return Pixels(images)
    try:
        return Pixels(simplejpeg.decode_jpeg(data, strict=False), damage=damage)
    except ValueError:  # Pillow takes what simplejpeg does not: unusual sampling, odd headers.
        return pillow.decode(JpegImageFile, _remove_exif(data))


def _remove_exif(data: bytes) -> bytes:
    """Return the file without EXIF, of which Pillow would warn if it is damaged."""
    kept, end = [data[:2]], 2
    for marker, start, end in _segments(data):
        if marker != 0xE1:
            kept.append(data[start - 4 : end])
    return b"".join([*kept, data[end:]])


def _has_all_scans(data: bytes, scan: int) -> bool:
    """Whether the scans hold every coefficient of every component with all its bits.

    Args:
        data: contents of the file.
        scan: where the header of the first scan begins.
    """
    lowest_bits: dict[tuple[int, int], int] = {}
    while scan > 1:
        count = data[scan]
        first, last, bits = data[scan + 1 + 2 * count : scan + 4 + 2 * count]
        for index in range(count):
            for coefficient in (first, last):
                lowest_bits[data[scan + 1 + 2 * index], coefficient] = bits & 15
        scan = data.find(b"\xff\xda", scan) + 4
        scan = 0 if scan < 4 else scan
    names = {name for name, _ in lowest_bits}
    return all((name, end) in lowest_bits for name in names for end in (0, 63)) and not any(
        lowest_bits.values()
    )


def _is_padded(data: bytes, warning: str) -> bool:
    """Whether the warning is only about zeros before the end, which some cameras write."""
    padded = _PADDED.fullmatch(warning)
    end = data.rfind(_END)
    return padded is not None and not any(data[end - int(padded[1]) : end])


def _encode(
    images: np.ndarray, alpha: np.ndarray | None, metadata: Metadata, quality: int
) -> Sequence[bytes | memoryview]:
    """Encode a JPEG file. EXIF, XMP and IPTC that exceed a segment are left out."""
    contents = opencv.encode(".jpg", images, None, cv2.IMWRITE_JPEG_QUALITY, quality)
    # The file begins with a JFIF segment, whose density is at 13 to 18.
    density: bytes | memoryview = contents[13:18]
    if metadata.dpi:
        density = struct.pack(">BHH", 1, *(min(max(1, round(dpi)), 65535) for dpi in metadata.dpi))
    parts: list[bytes | memoryview] = [contents[:13], density, contents[18:20]]

    def add_segment(marker: int, content: bytes) -> None:
        if len(content) <= _SEGMENT_LIMIT:
            parts.append(struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content)

    if metadata.exif:
        add_segment(0xE1, EXIF_MARK + metadata.exif)
    if metadata.xmp:
        add_segment(0xE1, _XMP_MARK + metadata.xmp)
    room = _SEGMENT_LIMIT - len(_ICC_MARK) - 2
    profile = metadata.icc or b""
    pieces = [profile[at : at + room] for at in range(0, len(profile), room)]
    if len(pieces) <= 255:
        for number, piece in enumerate(pieces, start=1):
            add_segment(0xE2, _ICC_MARK + bytes([number, len(pieces)]) + piece)
    if metadata.iptc:
        add_segment(0xED, _PHOTOSHOP_MARK + to_photoshop(metadata.iptc))
    return [*parts, contents[20:]]


FORMAT = ImageFormat(
    name="JPEG",
    suffixes=(".jpg", ".jpeg", ".jpe", ".jfif"),
    matches=lambda start: start.startswith(b"\xff\xd8\xff"),
    read_header=_read_header,
    read_metadata=_read_metadata,
    decode=_decode,
    encode=_encode,
    longest_side=_SIDE_LIMIT,
)
