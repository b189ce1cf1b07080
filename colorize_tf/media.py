"""Image files in and out with OpenCV, without TensorFlow.

Everything that enters is uint8 sRGB `(height, width, 3)`, upright. Whatever cannot be trusted
(cut short, damaged, enormous, not an image) is refused with one line that names the file.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from colorize_tf.files import written_aside
from colorize_tf.headers import ImageError, check_header

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")
WRITABLE_SUFFIXES = tuple(suffix for suffix in IMAGE_SUFFIXES if suffix != ".gif")

_QUALITY_FLAGS = {
    ".jpg": cv2.IMWRITE_JPEG_QUALITY,
    ".jpeg": cv2.IMWRITE_JPEG_QUALITY,
    ".webp": cv2.IMWRITE_WEBP_QUALITY,
}


def read_image(path: str | Path, *, max_megapixels: float = 200) -> np.ndarray:
    """Read a JPEG, PNG, WebP, BMP, TIFF or GIF (first frame) file.

    EXIF orientation is applied, grey becomes three equal channels, CMYK becomes RGB and 16 bits
    become 8. Alpha is dropped and the colour beneath it kept: a photograph seldom means anything by
    its alpha, and no background colour would be the right one. (TIFF is the exception: its decoder
    has already put transparent areas on black.) `has_transparency` tells when that matters.

    Args:
        path: the file.
        max_megapixels: a file whose header announces more is refused before it is decoded.

    Returns:
        The image, uint8 `(height, width, 3)`, sRGB.

    Raises:
        ImageError: a ValueError of one line, for a file that is missing, empty, truncated, corrupt,
            too large or not an image of these kinds.
    """
    return decode_image(read_bytes(path), path, max_megapixels=max_megapixels)


def read_bytes(path: str | Path) -> bytes:
    """Read a whole file; like `read_image`, raise ImageError if that is impossible."""
    path = Path(path)
    try:
        if path.is_dir():
            raise ImageError(path, "not a file", "it is a folder; name an image file")
        if path.exists() and not path.is_file():  # Reading a pipe would wait for ever.
            raise ImageError(path, "not a file", "it is a device or a pipe; name an image file")
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise ImageError(path, "missing", "there is no such file; check the path") from error
    except (OSError, ValueError) as error:
        if isinstance(error, ImageError):
            raise
        cause = getattr(error, "strerror", None) or error
        raise ImageError(path, "unreadable", f"{cause}; check its permissions") from error
    if not data:
        raise ImageError(path, "zero-byte", "the file is empty; copy it again")
    return data


def decode_image(
    data: bytes, name: str | Path = "image", *, max_megapixels: float = 200
) -> np.ndarray:
    """Decode the contents of an image file, exactly as `read_image` does.

    Args:
        data: contents of the file.
        name: what an error calls the file.
        max_megapixels: a header that announces more is refused before it is decoded.

    Returns:
        The image, uint8 `(height, width, 3)`, sRGB.

    Raises:
        ImageError: when the contents are no whole image of a known kind.
    """
    check_header(data, name, max_megapixels)
    # Not IMREAD_COLOR_RGB: with 16 bits, OpenCV 5.0's TIFF reader then mixes in stale memory.
    image = _decode(data, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    if image is None:
        raise ImageError(name, "corrupt", "its pixels cannot be decoded; copy or export it again")
    if image.dtype == np.uint16:
        # 65535 / 257 = 255: a shift by eight bits would darken by up to one level.
        image = cv2.convertScaleAbs(image, alpha=1 / 257)
    if image.dtype != np.uint8:
        detail = f"pixels are {image.dtype}, expected 8 or 16 bits; export it as PNG or JPEG"
        raise ImageError(name, "unsupported", detail)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def has_transparency(data: bytes) -> bool:
    """Say whether any pixel of an image file's contents is not fully opaque."""
    if data.startswith(b"\xff\xd8"):
        return False  # JPEG has no alpha: spare the second decoding.
    image = _decode(data, cv2.IMREAD_UNCHANGED)
    if image is None or image.ndim != 3 or image.shape[2] != 4:
        return False
    return bool(image[..., 3].min() < np.iinfo(image.dtype).max)


def write_image(path: str | Path, images: np.ndarray, *, quality: int = 95) -> None:
    """Write an image in the format that the suffix names, whole or not at all.

    Args:
        path: the file; an existing one is replaced.
        images: uint8 `(height, width, 3)`, sRGB.
        quality: 1 to 100, for JPEG and WebP; the other formats lose nothing.

    Raises:
        ValueError: for an unknown suffix, a wrong array, or a place that cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    check_writable_path(path)
    _check_image(path, images, quality)
    parameters = [_QUALITY_FLAGS[suffix], quality] if suffix in _QUALITY_FLAGS else []
    with _quiet_opencv():
        encoded, contents = cv2.imencode(
            suffix, cv2.cvtColor(images, cv2.COLOR_RGB2BGR), parameters
        )
    if not encoded:  # WebP and JPEG have a longest side.
        size = f"{images.shape[1]} x {images.shape[0]}"
        raise ValueError(f"cannot write {path}: {suffix} does not take {size}; try .png or .tiff")
    try:
        with written_aside(path) as aside:
            aside.write_bytes(contents.tobytes())
    except OSError as error:
        raise ValueError(
            f"cannot write {path}: {error.strerror}; free space or choose another place"
        ) from error


def resize_to_short_side(images: np.ndarray, short_side: int) -> np.ndarray:
    """Resize an image so that its shorter side has `short_side` pixels; the aspect is kept.

    Args:
        images: uint8 `(height, width, 3)`.
        short_side: in pixels, at least 1.

    Returns:
        uint8 `(new_height, new_width, 3)`; the same array where nothing changes.

    Raises:
        ValueError: for a short side below 1.
    """
    if short_side < 1:
        raise ValueError(f"short_side is {short_side}, expected at least 1; give a size in pixels")
    height, width = images.shape[:2]
    scale = short_side / min(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if size == (width, height):
        return images
    # Only INTER_AREA averages all the pixels that it leaves out; the others alias when shrinking.
    return cv2.resize(images, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)


def check_writable_path(path: str | Path) -> None:
    """Raise `ValueError` if no image can be written there: unknown suffix, or no such folder."""
    path = Path(path)
    if path.suffix.lower() not in WRITABLE_SUFFIXES:
        expected = ", ".join(WRITABLE_SUFFIXES)
        raise ValueError(
            f"cannot write {path}: suffix is {path.suffix.lower()!r}, expected one of {expected}"
        )
    if os.path.isdir(path):  # Unlike Path.is_dir, also an answer where looking is forbidden.
        raise ValueError(f"cannot write {path}: it is a folder; name a file in it")
    if not os.path.isdir(path.parent):
        raise ValueError(f"cannot write {path}: no folder {path.parent}; make it first")


def _check_image(path: Path, images: np.ndarray, quality: int) -> None:
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[2] != 3 or not images.size:
        came = f"{images.dtype} {images.shape}"
        raise ValueError(f"cannot write {path}: image is {came}, expected uint8 (height, width, 3)")
    if not 1 <= quality <= 100:
        raise ValueError(f"quality is {quality}, expected 1 to 100; 95 is a good choice")


_quiet_lock = threading.Lock()
_quiet_depth = 0
_loud_level = 0


@contextmanager
def _quiet_opencv() -> Iterator[None]:
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


def _decode(data: bytes, flags: int) -> np.ndarray | None:
    try:
        with _quiet_opencv():  # What it would log, the caller says in one line.
            return cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except (cv2.error, MemoryError):
        return None
