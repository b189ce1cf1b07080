"""Codecs: the contents of an image file to pixels and back, at their own depth.

OpenCV's, but for the decoding of JPEG.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import cv2
import numpy as np

from colorize_tf.imagefiles import tiff
from colorize_tf.imagefiles.headers import png_chunks
from colorize_tf.imagefiles.jpeg import decode_jpeg

QUALITY_FLAGS = {
    ".jpg": cv2.IMWRITE_JPEG_QUALITY,
    ".jpeg": cv2.IMWRITE_JPEG_QUALITY,
    ".webp": cv2.IMWRITE_WEBP_QUALITY,
}
ALPHA_SUFFIXES = (".png", ".webp", ".tif", ".tiff")
DEEP_SUFFIXES = (".png", ".tif", ".tiff")
_BAND = 128


class Decoded(NamedTuple):
    """What was decoded.

    Attributes:
        images: `(height, width, 3)`, sRGB, upright, of the file's own dtype; gray is three equal
            channels.
        alpha: `(height, width)`, of the same dtype; None where there is no such channel.
        damage: what of the data is lost, in a few words; None where nothing is known to be.
    """

    images: np.ndarray
    alpha: np.ndarray | None = None
    damage: str | None = None


def decode_pixels(data: bytes, orientation: int) -> Decoded | None:
    """Decode the contents of an image file, the first frame or page of several.

    Damage inside the data is found in JPEG and in TIFFs that are deflated; the other kinds of TIFF,
    BMP and lossy WebP have nothing to tell it by. A damaged PNG or GIF is not decoded.

    Args:
        data: contents that `check_header` has let pass.
        orientation: the EXIF orientation that the file names.

    Returns:
        The pixels; None for contents that cannot be decoded.

    Raises:
        MemoryError or cv2.error: there is not enough memory.
    """
    if data[:2] == b"\xff\xd8":
        images, damage = decode_jpeg(data, _decode_rgb)
        return None if images is None else Decoded(turned(images, orientation), damage=damage)
    damage = None
    if data[:2] in (b"II", b"MM"):  # OpenCV turns TIFFs itself.
        pixels, orientation = tiff.decode_tiff(data, _decode)
        damage = tiff.find_damage(data)
    else:
        # The only flag with alpha; gray comes with one channel, and nothing is turned.
        pixels = _decode(data, cv2.IMREAD_UNCHANGED)
    if pixels is None:
        return None
    pixels = turned(pixels, orientation)
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    if channels == 4:
        images = cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGB)
        return Decoded(images, cv2.extractChannel(pixels, 3), damage)
    if channels == 2:
        gray, alpha = cv2.split(pixels)
        return Decoded(cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB), alpha, damage)
    if channels == 1:
        images = cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB)
        return Decoded(images, _gray_png_alpha(data, pixels), damage)
    _swap_in_bands(pixels)
    return Decoded(pixels, None, damage)


def encode_pixels(
    suffix: str, images: np.ndarray, alpha: np.ndarray | None = None, quality: int = 95
) -> memoryview | None:
    """Encode an image in the format that a suffix names.

    Args:
        suffix: like ".png", in small letters.
        images: uint8 or uint16 `(height, width, 3)`, sRGB; 16 bits are rounded to 8 where the
            format has no more.
        alpha: `(height, width)` of the same dtype; left out where the format has none.
        quality: 1 to 100, for JPEG and WebP.

    Returns:
        The contents of the file, or None if the format does not take such a size.
    """
    if suffix not in ALPHA_SUFFIXES:
        alpha = None
    if suffix not in DEEP_SUFFIXES:
        images, alpha = (
            to_eight_bits(part) if part is not None else None for part in (images, alpha)
        )
    if alpha is None:
        pixels = cv2.cvtColor(images, cv2.COLOR_RGB2BGR)
    else:
        pixels = np.empty((*images.shape[:2], 4), images.dtype)
        cv2.cvtColor(images, cv2.COLOR_RGB2BGRA, dst=pixels)
        cv2.insertChannel(alpha, pixels, 3)
    parameters = [QUALITY_FLAGS[suffix], quality] if suffix in QUALITY_FLAGS else []
    with quiet_opencv():
        encoded, contents = cv2.imencode(suffix, pixels, parameters)
    return contents.data if encoded else None


def to_eight_bits(pixels: np.ndarray) -> np.ndarray:
    """Round uint16 to uint8; uint8 stays the same array."""
    if pixels.dtype != np.uint16:
        return pixels
    # 65535 / 257 = 255: a shift by eight bits would darken by up to one level.
    return cv2.convertScaleAbs(pixels, alpha=1 / 257)


def turned(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Return pixels upright that are stored in an EXIF orientation, 1 to 8."""
    if orientation in (5, 6, 7, 8):
        pixels = cv2.transpose(pixels)
    flip = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}.get(orientation)
    return pixels if flip is None else cv2.flip(pixels, flip)


_quiet_lock = threading.Lock()
_quiet_depth = 0
_loud_level = 0


@contextmanager
def quiet_opencv() -> Iterator[None]:
    """Silence OpenCV's log while any thread is inside; its level is one for the whole process."""
    global _quiet_depth, _loud_level
    with _quiet_lock:
        if _quiet_depth == 0:
            _loud_level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        _quiet_depth += 1
    try:
        yield
    finally:
        with _quiet_lock:
            _quiet_depth -= 1
            if _quiet_depth == 0:
                cv2.utils.logging.setLogLevel(_loud_level)


def _decode(data, flags):
    try:
        with quiet_opencv():  # What it would log, the caller says in one line.
            return cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise
        return None


def _decode_rgb(data):
    pixels = _decode(data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if pixels is not None:
        _swap_in_bands(pixels)
    return pixels


def _swap_in_bands(pixels):
    """Turn BGR into RGB in place: a second copy of a large photograph is a lot of memory."""
    for top in range(0, len(pixels), _BAND):
        band = pixels[top : top + _BAND]
        band[:] = cv2.cvtColor(band, cv2.COLOR_BGR2RGB)


def _gray_png_alpha(data, gray):
    """Return the alpha of a gray PNG that calls one level transparent; OpenCV forgets it."""
    if not data.startswith(b"\x89PNG"):
        return None
    bits = data[24]
    for kind, start, end in png_chunks(data):
        if kind == b"tRNS":
            level = int.from_bytes(data[start:end], "big")
            white = np.iinfo(gray.dtype).max
            clear = gray == level * white // (2**bits - 1)
            return np.where(clear, 0, white).astype(gray.dtype)
    return None
