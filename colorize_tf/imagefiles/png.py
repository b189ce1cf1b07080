"""PNG files. imagecodecs decodes them with libpng, at their own depth; OpenCV encodes them."""

import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import imagecodecs
import numpy as np

from colorize_tf.imagefiles import opencv
from colorize_tf.imagefiles.base import (
    CorruptImageError,
    Header,
    ImageFormat,
    Pixels,
    TruncatedImageError,
    UnsupportedImageError,
    check_plausible,
)
from colorize_tf.imagefiles.metadata import METERS_PER_INCH, Metadata, per_meter

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_XMP_KEYWORD = b"XML:com.adobe.xmp"
# Keywords of the text chunks in which ImageMagick, exiv2 and digiKam store metadata.
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
_PIECE = 1 << 16
# Deflate compresses at most 1032 bytes into one.
_DEFLATE_RATIO = 1040
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_BITS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
# First row and column of each pass, and the steps down and right (PNG, 8.2).
_ADAM7 = (
    (0, 0, 8, 8),
    (0, 4, 8, 8),
    (4, 0, 8, 4),
    (0, 2, 4, 4),
    (2, 0, 4, 2),
    (0, 1, 2, 2),
    (1, 0, 2, 1),
)


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
    if data[12:16] == b"CgBI":
        raise UnsupportedImageError("a PNG of Apple's own kind; export it as PNG or JPEG")
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
    width, height, bits, color, *methods, interlacing = struct.unpack_from(">IIBBBBB", data, 16)
    if bits not in _BITS.get(color, ()) or any(methods) or interlacing > 1 or not width * height:
        raise CorruptImageError("its header has invalid values; copy or export it again")
    bits_per_pixel = bits * _CHANNELS[color]
    check_plausible(Header(width, height), len(data), 8 * _DEFLATE_RATIO / bits_per_pixel)
    passes = [  # Rows and columns of each pass that has any.
        (-(-(height - top) // down), -(-(width - left) // right), (top, left, down, right))
        for top, left, down, right in (_ADAM7 if interlacing else ((0, 0, 1, 1),))
        if top < height and left < width
    ]
    sizes = [rows * (1 + (columns * bits_per_pixel + 7) // 8) for rows, columns, _ in passes]
    palette, packed = _read_needed_chunks(data)
    if not interlacing and _unpacks_to(packed, sizes[0]):
        files = [_join([(b"IHDR", data[16:29]), *palette], packed)]
    else:
        sized = [(*part[:2], size) for part, size in zip(passes, sizes, strict=True)]
        files = _split_passes(packed, sized, data[24:28], palette)
    del packed  # It may be large.
    parts = [imagecodecs.png_decode(file) for file in files]
    pixels = parts[0]
    if interlacing:
        pixels = np.empty((height, width, *pixels.shape[2:]), pixels.dtype)
        for part, (_, _, (top, left, down, right)) in zip(parts, passes, strict=True):
            pixels[top::down, left::right] = part
    pixels = pixels.reshape(height, width, -1)
    colors, alpha = pixels, None
    if pixels.shape[2] in (2, 4):
        colors, alpha = pixels[..., :-1], np.ascontiguousarray(pixels[..., -1])
    return Pixels(np.ascontiguousarray(np.broadcast_to(colors, (height, width, 3))), alpha)


def _read_needed_chunks(data: bytes) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Return the chunks that decoding needs besides the pixels, and the compressed pixels.

    The other chunks do not change pixels. libpng would print its complaints about them, and about
    more pixels than there should be.
    """
    needed: dict[bytes, bytes] = {}
    packed = []
    try:
        for kind, start, end in _chunks(data):
            if kind not in (b"IHDR", b"PLTE", b"tRNS", b"IDAT"):
                continue
            if end + 4 > len(data):
                raise TruncatedImageError
            (checksum,) = struct.unpack_from(">I", data, end)
            if zlib.crc32(memoryview(data)[start - 4 : end]) != checksum:
                raise CorruptImageError("a PNG check sum is wrong; copy or export it again")
            if kind == b"IDAT":
                packed.append(data[start:end])
            elif not packed:
                needed.setdefault(kind, data[start:end])
    except struct.error as error:
        raise TruncatedImageError from error
    return _palette_chunks(data[24], data[25], needed), b"".join(packed)


def _unpacks_to(packed: bytes, length: int) -> bool:
    """Whether compressed pixels are sound and have exactly this length, in bytes."""
    inflater = zlib.decompressobj()
    count = 0
    for at in range(0, len(packed), _PIECE):  # All at once, it would take much memory.
        count += len(inflater.decompress(packed[at : at + _PIECE]))
    return inflater.eof and count == length and not inflater.unused_data


def _split_passes(
    packed: bytes,
    passes: list[tuple[int, int, int]],
    depth_and_color: bytes,
    palette: list[tuple[bytes, bytes]],
) -> list[bytes]:
    """Return each pass as a PNG file of its own, as imagecodecs decodes no interlaced files.

    Args:
        packed: compressed pixels; what exceeds the passes is dropped.
        passes: rows, columns and bytes of each.
        depth_and_color: bytes of the header between the size and the interlacing.
        palette: chunks that belong into each file.
    """
    inflater = zlib.decompressobj()
    length = sum(size for *_, size in passes)
    content = inflater.decompress(packed, length)
    inflater.decompress(inflater.unconsumed_tail, 1)  # Compares the checksum behind the pixels.
    if len(content) < length:
        raise CorruptImageError("some of its pixels are missing; copy or export it again")
    files, position = [], 0
    for rows, columns, size in passes:
        header = struct.pack(">II", columns, rows) + depth_and_color + b"\0"
        part = zlib.compress(content[position : position + size], 0)
        files.append(_join([(b"IHDR", header), *palette], part))
        position += size
    return files


def _palette_chunks(bits: int, color: int, chunks: dict[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    """Return the palette and what is transparent, if they are sound."""
    palette, transparent = chunks.get(b"PLTE", b""), chunks.get(b"tRNS", b"")
    if color == 3:
        colors = min(len(palette) // 3, 2**bits)
        if not colors:
            raise CorruptImageError("it has no palette; copy or export it again")
        kept = [(b"PLTE", palette[: 3 * colors])]
        return [*kept, (b"tRNS", transparent[:colors])] if transparent else kept
    if len(transparent) != {0: 2, 2: 6}.get(color):
        return []
    levels = struct.unpack(f">{len(transparent) // 2}H", transparent)
    return [(b"tRNS", transparent)] if max(levels) < 2**bits else []


def _join(chunks: list[tuple[bytes, bytes]], rows: bytes) -> bytes:
    chunks = [*chunks, (b"IDAT", rows), (b"IEND", b"")]
    return b"".join([_SIGNATURE, *(_chunk(kind, content) for kind, content in chunks)])


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def _encode(
    images: np.ndarray, alpha: np.ndarray | None, metadata: Metadata, quality: int
) -> Sequence[bytes | memoryview]:
    contents = opencv.encode(".png", images, alpha)
    parts: list[bytes | memoryview] = [contents[:33]]  # Signature and header.
    if metadata.icc:
        parts.append(_chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.icc)))
    if metadata.dpi:
        parts.append(_chunk(b"pHYs", struct.pack(">IIB", *per_meter(metadata.dpi), 1)))
    if metadata.exif:
        parts.append(_chunk(b"eXIf", metadata.exif))
    if metadata.xmp:
        parts.append(_chunk(b"iTXt", _XMP_KEYWORD + bytes(5) + metadata.xmp))
    if metadata.iptc:
        text = b"\niptc\n%8d\n%s\n" % (len(metadata.iptc), metadata.iptc.hex().encode())
        parts.append(_chunk(b"zTXt", b"Raw profile type iptc\0\0" + zlib.compress(text)))
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
