"""Kinds of TIFF files that OpenCV 5.0 decodes wrongly or in part, and how to get all of them.

Its decoder multiplies eight-bit colors with their alpha, drops the alpha of gray, takes
sixteen-bit negatives (0 is white) for positives, and says nothing of it.
"""

import struct
import zlib
from collections.abc import Callable

import cv2
import numpy as np

from colorize_tf.imagefiles import tags

_WIDTH, _BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLES = 256, 258, 259, 262, 277
_PREDICTOR, _TILE_WIDTH, _SAMPLE_FORMAT = 317, 322, 339
_STRIPS, _TILES = (273, 279), (324, 325)  # Where they are, and their lengths.
_DEFLATE = (8, 32946)
_WHITE_IS_ZERO, _RGB = 0, 2
_MULTIPLIED = 1  # What EXTRA_SAMPLES calls an alpha that the colors are multiplied with.
_BAND = 128
_PIECE = 2**16


def decode_tiff(
    data: bytes, decode: Callable[[bytes, int], np.ndarray | None]
) -> tuple[np.ndarray | None, int]:
    """Decode the first page of a TIFF file.

    Args:
        data: contents of the file.
        decode: `cv2.imdecode` that returns None where it fails.

    Returns:
        Pixels of the file's own dtype, as OpenCV orders them: `(height, width)` gray, or with 2
        (gray, alpha), 3 (BGR) or 4 (BGRA) channels, whose colors are not multiplied with alpha;
        None if they cannot be decoded. Then the EXIF orientation that they still are in.
    """
    page = next(tags.directories(data))

    def value(tag, otherwise):
        return tags.numbers(data, page[tag])[0] if tag in page else otherwise

    photometric, samples = value(_PHOTOMETRIC, _RGB), value(_SAMPLES, 1)
    bits, extra = value(_BITS, 1), value(tags.EXTRA_SAMPLES, 0)
    if photometric < _RGB and samples == 2 and bits in (8, 16) and _TILE_WIDTH not in page:
        pixels = _decode_gray_with_alpha(data, page, decode)
        if pixels is None:
            return None, 1
        if photometric == _WHITE_IS_ZERO:
            pixels[..., 0] = ~pixels[..., 0]
        if extra == _MULTIPLIED:
            _divide_by_alpha(pixels)
        return pixels, int(value(tags.ORIENTATION, 1))
    if photometric == _RGB and samples == 4 and bits == 8 and extra == 2:
        # Called multiplied, the values come as they are in the file.
        data = bytearray(data)
        tags.set_short(data, page[tags.EXTRA_SAMPLES], _MULTIPLIED)
    pixels = decode(data, cv2.IMREAD_UNCHANGED)
    if pixels is None:
        return None, 1
    if photometric == _WHITE_IS_ZERO and pixels.dtype == np.uint16:
        np.invert(pixels, out=pixels)
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        if photometric != _RGB:  # The fourth channel of CMYK is no alpha.
            return cv2.cvtColor(pixels, cv2.COLOR_BGRA2BGR), 1
        if extra == _MULTIPLIED:
            _divide_by_alpha(pixels)
    return pixels, 1


def find_damage(data: bytes) -> str | None:
    """Say what is damaged in the data of the first page; OpenCV shows it, and says nothing.

    Only deflated data have check sums. Of all other kinds nothing is told.

    Args:
        data: contents of the file.
    """
    page = next(tags.directories(data))
    if _COMPRESSION not in page or tags.numbers(data, page[_COMPRESSION])[0] not in _DEFLATE:
        return None
    pieces = _TILES if _TILE_WIDTH in page else _STRIPS
    if not page.keys() >= set(pieces):
        return None
    view = memoryview(data)
    for place, length in zip(*(tags.numbers(data, page[tag]) for tag in pieces), strict=False):
        end = min(int(place + length), len(data))
        unpacker = zlib.decompressobj()
        try:
            for start in range(int(place), end, _PIECE):
                unpacker.decompress(view[start : min(start + _PIECE, end)])
        except zlib.error as error:
            return str(error).rpartition(": ")[2]
    return None


def _decode_gray_with_alpha(data, page, decode):
    """Decode gray and alpha as one gray picture of twice the width."""
    order = tags.byte_order(data)
    width = int(tags.numbers(data, page[_WIDTH])[0])
    predictor = tags.numbers(data, page[_PREDICTOR])[0] if _PREDICTOR in page else 1
    data = bytearray(data)
    tags.set_long(data, page[_WIDTH], 2 * width)
    bits = int(tags.numbers(data, page[_BITS])[0])
    for tag, value in ((_BITS, bits), (_PHOTOMETRIC, 1), (_SAMPLES, 1), (_PREDICTOR, 1)):
        if tag in page:
            tags.set_short(data, page[tag], value)
    for tag in (tags.EXTRA_SAMPLES, tags.ORIENTATION, _SAMPLE_FORMAT):
        if tag in page:  # Under a number that nobody reads.
            data[page[tag].at : page[tag].at + 2] = struct.pack(order + "H", 0xFFFF)
    pixels = decode(data, cv2.IMREAD_UNCHANGED)
    if pixels is None:
        return None
    pixels = pixels.reshape(len(pixels), width, 2)
    if predictor == 2:  # Each value is stored as its difference from the one to the left.
        np.cumsum(pixels, axis=1, dtype=pixels.dtype, out=pixels)
    return pixels


def _divide_by_alpha(pixels):
    white = np.iinfo(pixels.dtype).max
    for top in range(0, len(pixels), _BAND):
        band = pixels[top : top + _BAND]
        alpha = band[..., -1:].astype(np.float32)
        colors = band[..., :-1] * (white / np.maximum(alpha, 1))
        band[..., :-1] = np.minimum(np.rint(colors), white)
