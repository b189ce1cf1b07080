"""What an image file says of itself before it is decoded: its kind, its size, whether it is whole.

OpenCV tells an image's size only after decoding it, too late for a decompression bomb, and cannot
tell a photograph that was cut short from one that is damaged.
"""

import struct
import zlib
from pathlib import Path
from typing import NamedTuple


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


class _Header(NamedTuple):
    width: int
    height: int
    complete: bool = True


def check_header(data: bytes, name: str | Path, max_megapixels: float) -> None:
    """Check the contents of an image file as far as that goes without decoding them.

    Args:
        data: contents of the file.
        name: what an error calls the file.
        max_megapixels: the largest size that is accepted.

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
        header = _Header(0, 0, complete=False)
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


def _jpeg_header(data: bytes) -> _Header:
    width = height = 0
    position = 2
    while (position := data.find(b"\xff", position)) >= 0:
        marker = data[position + 1]
        if marker in (0x00, 0xFF):  # Fill bytes before the marker proper.
            position += 1
            continue
        (length,) = struct.unpack_from(">H", data, position + 2)
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # Start of frame.
            height, width = struct.unpack_from(">HH", data, position + 5)
        if marker == 0xDA:
            # From the first scan on, FF D9 is the end of the image and nothing else (a thumbnail's
            # end comes earlier, data are byte-stuffed); what follows it, cameras have put there.
            return _Header(width, height, data.find(b"\xff\xd9", position) >= 0)
        position += 2 + length
    return _Header(width, height, complete=False)


def _png_header(data: bytes) -> _Header:
    width, height = struct.unpack_from(">II", data, 16)
    position, kind = 8, b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 8 + length
        (checksum,) = struct.unpack_from(">I", data, end)
        # Checked here since libpng would print its complaint on stderr. Small letters: optional.
        if kind[:1].isupper() and zlib.crc32(memoryview(data)[position + 4 : end]) != checksum:
            raise zlib.error("a PNG check sum is wrong")
        position = end + 4
    return _Header(width, height)


def _webp_header(data: bytes) -> _Header:
    (size,) = struct.unpack_from("<I", data, 4)
    complete = size + 8 <= len(data)
    if data[12:16] == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
    elif data[12:16] == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = (value & 0x3FFF for value in struct.unpack_from("<HH", data, 26))
    return _Header(width, height, complete)


def _bmp_header(data: bytes) -> _Header:
    offset, header_size = struct.unpack_from("<II", data, 10)
    if header_size == 12:  # OS/2
        return _Header(*struct.unpack_from("<HH", data, 18))
    width, height, _, bits, compression = struct.unpack_from("<iiHHI", data, 18)
    width, height = abs(width), abs(height)  # A negative height means that the top row comes first.
    row = (width * bits + 31) // 32 * 4
    return _Header(width, height, compression != 0 or offset + row * height <= len(data))


def _gif_header(data: bytes) -> _Header:
    return _Header(*struct.unpack_from("<HH", data, 6))


def _tiff_header(data: bytes) -> _Header:
    order = "<" if data.startswith(b"II") else ">"
    (directory,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, directory)
    tags = {256: 0, 257: 0, 284: 1}  # ImageWidth, ImageLength, PlanarConfiguration.
    for entry in range(directory + 2, directory + 2 + 12 * count, 12):
        tag, kind = struct.unpack_from(order + "HH", data, entry)
        if tag in tags:  # Kind 3 is a 16-bit value.
            (tags[tag],) = struct.unpack_from(order + ("H" if kind == 3 else "I"), data, entry + 8)
    if tags[284] == 2:  # OpenCV 5.0 reads those of 16 bits wrongly, and does not say so.
        raise NotImplementedError("a TIFF with its colours in separate planes")
    return _Header(tags[256], tags[257])


_PARSERS = {
    b"\xff\xd8\xff": _jpeg_header,
    b"\x89PNG\r\n\x1a\n": _png_header,
    b"RIFF": _webp_header,
    b"BM": _bmp_header,
    b"GIF8": _gif_header,
    b"II*\0": _tiff_header,
    b"MM\0*": _tiff_header,
}
