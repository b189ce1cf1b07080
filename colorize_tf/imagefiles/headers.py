"""What an image file says of itself before it is decoded: kind, size, pages, whether it is whole.

OpenCV tells an image's size only after decoding it, too late for a decompression bomb, and cannot
tell a photograph that was cut short from one that is damaged.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from colorize_tf.imagefiles import tags


class ImageError(ValueError):
    """An image file that cannot be read.

    Attributes:
        reason: one stable word or two ("truncated", "zero-byte", ...), for counting.
        detail: what was found and what to do, without the file's name.
    """

    def __init__(self, name: str | Path, reason: str, detail: str):
        """Word the message as "cannot read NAME: REASON: DETAIL"."""
        super().__init__(f"cannot read {name}: {reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Header(NamedTuple):
    """Size in pixels as stored (before EXIF turns it), and how many frames or pages there are."""

    width: int
    height: int
    complete: bool = True
    frames: int = 1


def check_header(data: bytes, name: str | Path, max_megapixels: float) -> Header:
    """Check the contents of an image file as far as that goes without decoding them.

    Args:
        data: contents of the file.
        name: what an error calls the file.
        max_megapixels: the largest size that is accepted.

    Returns:
        What the contents say of themselves.

    Raises:
        ImageError: the contents are of no known kind, too large, cut short or damaged.
    """
    parse = next((_PARSERS[magic] for magic in _PARSERS if data.startswith(magic)), None)
    if parse is None or (parse is _webp_header and data[8:12] != b"WEBP"):
        known = "JPEG, PNG, WebP, BMP, TIFF or GIF"
        raise ImageError(name, "unsupported", f"expected the contents of a {known} file; export it")
    try:
        header = parse(data)
    except (struct.error, IndexError):  # The header itself goes beyond the end of the file.
        header = Header(0, 0, complete=False)
    except zlib.error as error:
        raise ImageError(name, "corrupt", f"{error}; copy or export it again") from error
    except NotImplementedError as error:
        raise ImageError(name, "unsupported", f"{error}; export it as PNG or JPEG") from error
    megapixels = header.width * header.height / 1e6
    if megapixels > max_megapixels:
        detail = f"{header.width} x {header.height} pixels, at most {max_megapixels:g} megapixels"
        raise ImageError(name, "too large", f"{detail} are read; make it smaller")
    if not header.complete:
        raise ImageError(name, "truncated", "the file ends too early; copy or download it again")
    return header


def jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
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
        if marker == 0xDA:
            return
        position += 2 + length


def png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start and end of the content of each chunk.

    Raises:
        struct.error: the contents end before the last chunk.
    """
    position, kind = 8, b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, position)
        yield kind, position + 8, position + 8 + length
        position += 12 + length


def webp_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start and end of the content of each whole chunk."""
    position = 12
    while position + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, position)
        yield kind, position + 8, position + 8 + length
        position += 8 + length + length % 2


def _jpeg_header(data: bytes) -> Header:
    width = height = 0
    for marker, start, _ in jpeg_segments(data):
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # Start of frame.
            height, width = struct.unpack_from(">HH", data, start + 1)
        if marker == 0xDA:
            # From the first scan on, FF D9 is the end of the image and nothing else (a thumbnail's
            # end comes earlier, data are byte-stuffed); what follows it, cameras have put there.
            return Header(width, height, data.find(b"\xff\xd9", start) >= 0)
    return Header(width, height, complete=False)


def _png_header(data: bytes) -> Header:
    width, height = struct.unpack_from(">II", data, 16)
    frames = 1
    for kind, start, end in png_chunks(data):
        (checksum,) = struct.unpack_from(">I", data, end)
        # Checked here since libpng would print its complaint on stderr. Small letters: optional.
        if kind[:1].isupper() and zlib.crc32(memoryview(data)[start - 4 : end]) != checksum:
            raise zlib.error("a PNG check sum is wrong")
        if kind == b"acTL":  # Animation Control
            (frames,) = struct.unpack_from(">I", data, start)
    return Header(width, height, frames=frames)


def _webp_header(data: bytes) -> Header:
    (size,) = struct.unpack_from("<I", data, 4)
    complete = size + 8 <= len(data)
    frames = 1
    if data[12:16] == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        frames = sum(kind == b"ANMF" for kind, *_ in webp_chunks(data)) or 1
    elif data[12:16] == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = (value & 0x3FFF for value in struct.unpack_from("<HH", data, 26))
    return Header(width, height, complete, frames)


def _bmp_header(data: bytes) -> Header:
    offset, header_size = struct.unpack_from("<II", data, 10)
    if header_size == 12:  # OS/2
        return Header(*struct.unpack_from("<HH", data, 18))
    width, height, _, bits, compression = struct.unpack_from("<iiHHI", data, 18)
    width, height = abs(width), abs(height)  # A negative height means that the top row comes first.
    row = (width * bits + 31) // 32 * 4
    return Header(width, height, compression != 0 or offset + row * height <= len(data))


def _gif_header(data: bytes) -> Header:
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    return Header(width, height, frames=max(1, _gif_frames(data, 13 + _gif_colors(flags))))


def _gif_colors(flags: int) -> int:
    """Return the size of the color table that comes next, in bytes."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _gif_frames(data: bytes, position: int) -> int:
    frames = 0
    while position < len(data) and data[position] in b"!,":
        if data[position : position + 1] == b",":  # A frame: its place, its colors, code size.
            if position + 10 > len(data):
                break
            frames += 1
            position += 10 + _gif_colors(data[position + 9]) + 1
        else:  # An extension: its label.
            position += 2
        while position < len(data) and data[position]:  # Blocks until an empty one.
            position += 1 + data[position]
        position += 1
    return frames


def _tiff_header(data: bytes) -> Header:
    pages = tags.directories(data)
    first = next(pages)

    def value(tag, otherwise=0):
        return tags.numbers(data, first[tag])[0] if tag in first else otherwise

    bits, photometric = value(258, 1), value(262)
    if value(284, 1) == 2:  # OpenCV 5.0 reads those of 16 bits wrongly, and does not say so.
        raise NotImplementedError("a TIFF with its colors in separate planes")
    if bits not in (1, 2, 4, 8, 16, 32, 64):
        raise NotImplementedError(f"a TIFF of {bits} bits")
    if bits == 16 and photometric > 2:
        raise NotImplementedError("a TIFF of 16 bits that is neither gray nor RGB")
    frames = 1
    try:
        for page in pages:  # Neither small copies nor masks count.
            frames += 254 not in page or not tags.numbers(data, page[254])[0] & 5
    except (struct.error, IndexError):  # Only the first page is read: no harm.
        pass
    return Header(value(256), value(257), frames=frames)


_PARSERS = {
    b"\xff\xd8\xff": _jpeg_header,
    b"\x89PNG\r\n\x1a\n": _png_header,
    b"RIFF": _webp_header,
    b"BM": _bmp_header,
    b"GIF8": _gif_header,
    b"II*\0": _tiff_header,
    b"MM\0*": _tiff_header,
}
