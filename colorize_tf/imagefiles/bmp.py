"""BMP files of Windows and OS/2.

Pillow decodes them, except run lengths: it misreads odd numbers of literal pixels of four bits.
"""

import functools
import io
import struct
from collections.abc import Sequence

import numpy as np
from PIL import BmpImagePlugin, Image

from colorize_tf.imagefiles import pillow
from colorize_tf.imagefiles.base import (
    Header,
    ImageFormat,
    Pixels,
    TruncatedImageError,
    check_plausible,
)
from colorize_tf.imagefiles.metadata import Metadata

_RLE8, _RLE4 = 1, 2
# A run takes two bytes and has 255 pixels; the rest is for what moves and ends leave out.
_PIXELS_PER_BYTE = 4096
_END_OF_ROW, _END_OF_IMAGE, _MOVE = 0, 1, 2


def _decode(data: bytes, allow_damage: bool) -> Pixels:
    image = BmpImagePlugin.BmpImageFile(io.BytesIO(data))
    compression = image.info.get("compression")
    if compression not in (_RLE8, _RLE4):
        return pillow.decode(BmpImagePlugin.BmpImageFile, data)
    width, height = image.size
    check_plausible(Header(width, height), len(data), _PIXELS_PER_BYTE)
    start = image.tile[0].offset
    rows = _decode_run_lengths(data, start, width, height, four_bits=compression == _RLE4)
    indices = np.frombuffer(rows, np.uint8).reshape(height, width)
    if image.palette:
        order, entries = image.palette.getdata()
        palette = np.frombuffer(entries, np.uint8).reshape(-1, len(order))[:, 2::-1]
    else:  # Gray, or black and white.
        palette = np.linspace(0, 255, 2 if image.mode == "1" else 256, dtype=np.uint8)
        palette = palette[:, None].repeat(3, axis=1)
    if struct.unpack_from("<i", data, 22)[0] > 0:  # The bottom row comes first.
        indices = indices[::-1]
    return Pixels(palette[np.minimum(indices, len(palette) - 1)])


def _decode_run_lengths(
    data: bytes, start: int, width: int, height: int, *, four_bits: bool
) -> bytearray:
    """Return a byte for each pixel, the index of its color, in the order of the file.

    What exceeds a row is dropped: encoders fill rows up to a multiple of four bytes.
    """
    indices = bytearray(width * height)
    x = y = 0
    position = start
    while y < height:
        if position + 2 > len(data):
            raise TruncatedImageError
        count, value = data[position], data[position + 1]
        position += 2
        run = b""
        if count:
            pair = (value >> 4, value & 15) if four_bits else (value, value)
            run = (bytes(pair) * ((count + 1) // 2))[:count]
        elif value == _END_OF_ROW:
            x, y = 0, y + 1
        elif value == _END_OF_IMAGE:
            break
        elif value == _MOVE:
            moves = data[position : position + 2]
            x, y = x + sum(moves[:1]), y + sum(moves[1:])
            position += 2
        else:
            length = (value + 1) // 2 if four_bits else value
            run = data[position : position + length]
            if four_bits:
                run = bytes(nibble for byte in run for nibble in (byte >> 4, byte & 15))
            run = run[:value]
            position += length + length % 2  # Literal pixels take a multiple of two bytes.
        room = max(0, min(len(run), width - x))
        indices[y * width + x : y * width + x + room] = run[:room]
        x += len(run)
    return indices


def _encode(
    images: np.ndarray, alpha: np.ndarray | None, metadata: Metadata, quality: int
) -> Sequence[bytes | memoryview]:
    file = io.BytesIO()
    Image.fromarray(images).save(file, "BMP", dpi=metadata.dpi or (0, 0))
    return [file.getbuffer()]


FORMAT = ImageFormat(
    name="BMP",
    suffixes=(".bmp",),
    matches=lambda start: start.startswith(b"BM"),
    read_header=functools.partial(pillow.read_header, BmpImagePlugin.BmpImageFile),
    read_metadata=functools.partial(pillow.read_metadata, BmpImagePlugin.BmpImageFile),
    decode=_decode,
    encode=_encode,
)
