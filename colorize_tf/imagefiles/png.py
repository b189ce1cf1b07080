"""PNG files. imagecodecs decodes them with libpng, at their own depth; OpenCV encodes them."""

import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import imagecodecs
import numpy as np

from colorize_tf.imagefiles.base import (
    CorruptImageError,
    Header,
    ImageFormat,
    Pixels,
    TruncatedImageError,
)
from colorize_tf.imagefiles.metadata import METERS_PER_INCH, Metadata, per_meter

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_XMP_KEYWORD = b"XML:com.adobe.xmp"
# What ImageMagick, exiv2 and digiKam call metadata that they put into text chunks.
_RAW_PROFILES = {
    b"Raw profile type exif": "exif",
    b"Raw profile type APP1": "exif",
    b"Raw profile type xmp": "xmp",
    b"Raw profile type iptc": "photoshop",
    b"Raw profile type 8bim": "photoshop",
    b"Raw profile type icc": "icc",
    b"Raw profile type icm": "icc",
}
_UNPACKED_LIMIT = 16 << 20
# Deflate packs at most 1032 bytes into one.
_DEFLATE_RATIO = 1040
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start and end of the content of each chunk.

    Raises:
        struct.error: the contents end before the last chunk.
    """
    position, kind = 8, b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, position)
        yield kind, position + 8, position + 8 + length
        position += 12 + length


def _read_header(data: bytes) -> Header:
    frames = 1
    try:
        width, height = struct.unpack_from(">II", data, 16)
        for kind, start, _ in _chunks(data):
            if kind == b"acTL":  # Animation Control
                (frames,) = struct.unpack_from(">I", data, start)
    except struct.error as error:
        raise TruncatedImageError from error
    return Header(width, height, frames)


def _read_metadata(data: bytes) -> Iterator[tuple[str, Any]]:
    for kind, start, end in _chunks(data):
        content = data[start:end]
        if kind == b"eXIf":
            yield "exif", content
        elif kind == b"iCCP":
            yield "icc", _unpack(content[content.index(b"\0") + 2 :])
        elif kind == b"pHYs":
            across, down, unit = struct.unpack(">IIB", content)
            if unit == 1 and across and down:
                yield "dpi", (across * METERS_PER_INCH, down * METERS_PER_INCH)
        elif kind in (b"tEXt", b"zTXt", b"iTXt"):
            yield from _read_text(kind, content)


def _read_text(kind: bytes, content: bytes) -> Iterator[tuple[str, bytes]]:
    keyword, _, text = content.partition(b"\0")
    if kind == b"iTXt" and keyword == _XMP_KEYWORD:
        packed = text[:1] == b"\1"
        text = text[2:].split(b"\0", 2)[2]  # Behind the language and the keyword in it.
        yield "xmp", _unpack(text) if packed else text
    elif keyword in _RAW_PROFILES and kind != b"iTXt":
        text = _unpack(text[1:]) if kind == b"zTXt" else text
        # A line each for the name and the length, then lines of hexadecimal digits.
        content = bytes.fromhex(b"".join(text.split(b"\n", 3)[3].split()).decode("ascii"))
        name = _RAW_PROFILES[keyword]
        if name == "exif" and content.startswith(b"http://ns.adobe.com/xap/1.0/\0"):
            name, content = "xmp", content.partition(b"\0")[2]
        elif name == "photoshop" and not content.startswith(b"8BIM"):
            name = "iptc"
        yield name, content


def _unpack(content: bytes) -> bytes:
    return zlib.decompressobj().decompress(content, _UNPACKED_LIMIT)


def _decode(data: bytes, allow_damage: bool) -> Pixels:
    width, height, bits, color = struct.unpack_from(">IIBB", data, 16)
    if width * height * bits * _CHANNELS.get(color, 4) / 8 > _DEFLATE_RATIO * len(data):
        detail = f"{len(data)} bytes cannot hold {width} x {height} pixels; copy it again"
        raise TruncatedImageError(detail)
    # The other chunks do not change pixels, and libpng prints its complaints about them.
    needed: list[bytes | memoryview] = [_SIGNATURE]
    try:
        for kind, start, end in _chunks(data):
            if kind not in (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"):
                continue
            if end + 4 > len(data):
                raise TruncatedImageError
            chunk = memoryview(data)[start - 8 : end + 4]
            if zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:], "big"):
                raise CorruptImageError("a PNG check sum is wrong; copy or export it again")
            needed.append(chunk)
    except struct.error as error:
        raise TruncatedImageError from error
    pixels = imagecodecs.png_decode(b"".join(needed))
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    colors, alpha = pixels, None
    if pixels.shape[2] in (2, 4):
        colors, alpha = pixels[..., :-1], np.ascontiguousarray(pixels[..., -1])
    return Pixels(np.ascontiguousarray(np.broadcast_to(colors, (*pixels.shape[:2], 3))), alpha)


def _encode(
    images: np.ndarray, alpha: np.ndarray | None, metadata: Metadata, quality: int
) -> Sequence[bytes | memoryview]:
    if alpha is None:
        pixels = cv2.cvtColor(images, cv2.COLOR_RGB2BGR)
    else:
        pixels = cv2.cvtColor(images, cv2.COLOR_RGB2BGRA)
        cv2.insertChannel(alpha, pixels, 3)
    encoded, array = cv2.imencode(".png", pixels)
    if not encoded:  # OpenCV does not say so where it gets no memory.
        raise MemoryError("not enough memory to write a PNG file")
    contents = array.data

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    parts: list[bytes | memoryview] = [contents[:33]]  # Signature and header.
    if metadata.icc:
        parts.append(chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.icc)))
    if metadata.dpi:
        parts.append(chunk(b"pHYs", struct.pack(">IIB", *per_meter(metadata.dpi), 1)))
    if metadata.exif:
        parts.append(chunk(b"eXIf", metadata.exif))
    if metadata.xmp:
        parts.append(chunk(b"iTXt", _XMP_KEYWORD + bytes(5) + metadata.xmp))
    if metadata.iptc:
        text = b"\niptc\n%8d\n%s\n" % (len(metadata.iptc), metadata.iptc.hex().encode())
        parts.append(chunk(b"zTXt", b"Raw profile type iptc\0\0" + zlib.compress(text)))
    return [*parts, contents[33:]]


FORMAT = ImageFormat(
    name="PNG",
    suffixes=(".png",),
    matches=lambda start: start.startswith(_SIGNATURE),
    read_header=_read_header,
    read_metadata=_read_metadata,
    decode=_decode,
    encode=_encode,
    depth=16,
    alpha=True,
)
