"""Image files in and out with OpenCV, without TensorFlow.

Everything that enters is uint8 sRGB `(height, width, 3)`, upright. Whatever cannot be trusted
(cut short, damaged, enormous, not an image) is refused with one line that names the file.
"""

import os
import struct
from collections.abc import Sequence
from pathlib import Path
from warnings import warn

import cv2
import numpy as np

from colorize_tf.files import atomic_write
from colorize_tf.imagefiles.headers import ImageError, check_header
from colorize_tf.imagefiles.metadata import Metadata, find_metadata
from colorize_tf.imagefiles.pixels import decode_pixels, encode_pixels, to_eight_bits

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")
WRITABLE_SUFFIXES = tuple(suffix for suffix in IMAGE_SUFFIXES if suffix != ".gif")
LONGEST_SIDES = {".jpg": 65500, ".jpeg": 65500, ".webp": 16383}
"""In pixels: what fits the fields of the format, and the libraries that write it."""

# For each pixel, and each byte of its depth: what codecs need at most, beside the picture itself.
_CODEC_BYTES = 24

# Where it gets no memory, OpenCV 5.0 ends the whole process instead of raising an error.
_ABORTING_SUFFIXES = (".tif", ".tiff")


def read_image(path: str | Path, *, max_megapixels: float = 200) -> np.ndarray:
    """Read a JPEG, PNG, WebP, BMP, TIFF or GIF (first frame) file.

    EXIF orientation is applied, gray becomes three equal channels, CMYK becomes RGB and 16 bits
    become 8. Alpha is dropped and the color beneath it kept: a photograph seldom means anything by
    its alpha, and no background color would be the right one. `has_transparency` tells when that
    matters; `photograph.read_photograph` keeps alpha, 16 bits and metadata.

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
    images, *_ = decode(data, name, max_megapixels)
    return to_eight_bits(images)


def decode(
    data: bytes, name: str | Path, max_megapixels: float, *, allow_damage: bool = False
) -> tuple[np.ndarray, np.ndarray | None, Metadata, int]:
    """Decode the contents of an image file with all that comes with them.

    Args:
        data: contents of the file.
        name: what an error calls the file.
        max_megapixels: a header that announces more is refused before it is decoded.
        allow_damage: decode what there is of damaged pixels, and warn, instead of refusing them.

    Returns:
        The image, uint8 or uint16 `(height, width, 3)`, upright sRGB; its alpha
        `(height, width)` of the same dtype, or None; its metadata; how many frames there are.

    Raises:
        ImageError: when the contents are no whole image of a known kind.
        MemoryError: there is not enough memory for it.
    """
    header = check_header(data, name, max_megapixels)
    metadata, orientation = find_metadata(data)
    try:
        decoded = decode_pixels(data, orientation)
    except (struct.error, IndexError) as error:
        raise ImageError(name, "corrupt", "its tags are damaged; export it again") from error
    except cv2.error as error:
        if is_out_of_memory(error):
            raise MemoryError(f"cannot read {name}: not enough memory") from error
        raise
    if decoded is None:
        _check_memory(header.height, header.width, 1)
        raise ImageError(name, "corrupt", "its pixels cannot be decoded; copy or export it again")
    images, alpha, damage = decoded
    if images.dtype not in (np.uint8, np.uint16):
        detail = f"pixels are {images.dtype}, expected 8 or 16 bits; export it as PNG or JPEG"
        raise ImageError(name, "unsupported", detail)
    if damage and not allow_damage:
        raise ImageError(name, "damaged", f"parts of it are lost ({damage}); copy it again")
    if damage:
        warn(f"{name} is damaged ({damage}); what is left of it is taken", stacklevel=2)
    return images, alpha, metadata, header.frames


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether an error is a lack of memory, for which OpenCV has words of its own."""
    if isinstance(error, cv2.error):
        return error.code == cv2.Error.StsNoMem or "bad_alloc" in str(error)
    return isinstance(error, MemoryError)


def has_transparency(data: bytes) -> bool:
    """Say whether any pixel of an image file's contents is not fully opaque."""
    if data.startswith(b"\xff\xd8"):
        return False  # JPEG has no alpha: spare the second decoding.
    decoded = decode_pixels(data, 1)
    if decoded is None or decoded.alpha is None:
        return False
    alpha = decoded.alpha
    return bool(alpha.min() < np.iinfo(alpha.dtype).max)


def write_image(path: str | Path, images: np.ndarray, *, quality: int = 95) -> None:
    """Write an image in the format that the suffix names, whole or not at all.

    Args:
        path: the file; an existing one is replaced.
        images: uint8 `(height, width, 3)`, sRGB.
        quality: 1 to 100, for JPEG and WebP; the other formats lose nothing.

    Raises:
        ValueError: for an unknown suffix, a wrong array, or a place that cannot be written.
    """
    check_writable_path(path)
    _check_images(path, images, "uint8")
    write_contents(path, [encode(path, images, quality=quality)])


def encode(
    name: str | Path,
    images: np.ndarray,
    alpha: np.ndarray | None = None,
    *,
    suffix: str | None = None,
    quality: int = 95,
) -> memoryview:
    """Encode an image, checked, in the format that the suffix names.

    Args:
        name: what an error calls the file.
        images: uint8 or uint16 `(height, width, 3)`, sRGB.
        alpha: `(height, width)` of the same dtype, or None.
        suffix: the format; None for that of the name.
        quality: 1 to 100, for JPEG and WebP.

    Returns:
        The contents of the file.

    Raises:
        ValueError: for an unknown suffix, a wrong array or quality, or too long a side.
        MemoryError or cv2.error: there is not enough memory.
    """
    suffix = (Path(name).suffix if suffix is None else suffix).lower()
    _check_suffix(name, suffix)
    _check_images(name, images, "uint8", "uint16")
    if not 1 <= quality <= 100:
        raise ValueError(f"quality is {quality}, expected 1 to 100; 95 is a good choice")
    contents = None
    if max(images.shape[:2]) <= LONGEST_SIDES.get(suffix, max(images.shape[:2])):
        if suffix in _ABORTING_SUFFIXES:
            _check_memory(*images.shape[:2], images.itemsize)
        contents = encode_pixels(suffix, images, alpha, quality)
        if contents is None:
            _check_memory(*images.shape[:2], images.itemsize)
    if contents is None:
        size = f"{images.shape[1]} x {images.shape[0]}"
        limit = f", at most {LONGEST_SIDES[suffix]} a side" if suffix in LONGEST_SIDES else ""
        raise ValueError(
            f"cannot write {name}: {suffix} does not take {size}{limit}; try .png or .tiff"
        )
    return contents


def write_contents(path: str | Path, parts: Sequence[bytes | memoryview]) -> None:
    """Write a file that consists of parts, whole or not at all.

    Raises:
        ValueError: for a place that cannot be written, or a full disk.
    """
    try:
        with atomic_write(path) as aside, open(aside, "wb") as file:
            file.writelines(parts)
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
    _check_suffix(path, path.suffix.lower())
    if os.path.isdir(path):  # Unlike Path.is_dir, also an answer where looking is forbidden.
        raise ValueError(f"cannot write {path}: it is a folder; name a file in it")
    if not os.path.isdir(path.parent):
        raise ValueError(f"cannot write {path}: no folder {path.parent}; make it first")


def _check_memory(height, width, depth):
    """Raise MemoryError where that is why a codec fails: most of them do not say so."""
    np.empty((height, width, depth, _CODEC_BYTES), np.uint8)


def _check_suffix(name, suffix):
    if suffix not in WRITABLE_SUFFIXES:
        expected = ", ".join(WRITABLE_SUFFIXES)
        raise ValueError(f"cannot write {name}: suffix is {suffix!r}, expected one of {expected}")


def _check_images(name, images, *dtypes):
    if images.dtype not in dtypes or images.ndim != 3 or images.shape[2] != 3 or not images.size:
        came, expected = f"{images.dtype} {images.shape}", " or ".join(dtypes)
        raise ValueError(
            f"cannot write {name}: image is {came}, expected {expected} (height, width, 3)"
        )
