"""Converts what callers of `Colorizer` have (paths, bytes, PIL images, arrays) to photographs."""

import os
from typing import Any

import numpy as np

from colorize_tf.imagefiles import Photograph, decode_photograph, read_photograph

_EXPECTED = (
    "expected a path, the bytes of an image file, a PIL image, or an array of uint8 or uint16 "
    "(height, width), (height, width, 3) RGB or (height, width, 4) RGBA"
)


def to_photograph(source: Any) -> Photograph:
    """Convert an input of `Colorizer` to a photograph.

    Args:
        source: a path, the bytes of an image file, a PIL image, a `Photograph`, or an array of
            uint8 or uint16: gray `(height, width)`, RGB or RGBA.

    Raises:
        ValueError: it is none of these, or the file cannot be decoded.
    """
    if isinstance(source, Photograph):
        return source
    if isinstance(source, str | os.PathLike):
        return read_photograph(os.fspath(source))
    if isinstance(source, bytes | bytearray | memoryview):
        return decode_photograph(bytes(source))
    return _from_array(_from_pil(source) if _is_pil(source) else source)


def from_photograph(photograph: Photograph, source: Any) -> Any:
    """Convert a photograph to the type of `source`, the input that `to_photograph` took.

    Returns:
        A `Photograph` or a PIL image for one of these; otherwise an array, RGBA if the photograph
        has alpha and RGB if not.
    """
    if isinstance(source, Photograph):
        return photograph
    pixels = photograph.images
    if photograph.alpha is not None:
        pixels = np.dstack([pixels, photograph.alpha])
    if not _is_pil(source):
        return pixels
    from PIL import Image

    return Image.fromarray(pixels)


def _from_array(array: Any) -> Photograph:
    if not hasattr(array, "__array__"):
        raise ValueError(f"{_EXPECTED}; got {type(array).__name__}")
    array = np.asarray(array)
    channels = 1 if array.ndim == 2 else array.shape[-1] if array.ndim == 3 else 0
    if array.dtype not in (np.uint8, np.uint16) or channels not in (1, 3, 4):
        raise ValueError(f"{_EXPECTED}; got {array.dtype} {array.shape}")
    if not array.size:
        raise ValueError(f"the photograph is empty: its shape is {array.shape}")
    if channels == 1:
        return Photograph(np.repeat(array.reshape(*array.shape[:2], 1), 3, axis=-1))
    alpha = array[..., 3] if channels == 4 else None
    return Photograph(np.ascontiguousarray(array[..., :3]), alpha)


def _is_pil(source: Any) -> bool:
    return any(base.__module__ == "PIL.Image" for base in type(source).__mro__)


def _from_pil(image: Any) -> np.ndarray:
    """Return the 8-bit pixels of a PIL image, upright, gray, RGB or RGBA."""
    from PIL import ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):  # PIL has no 16-bit RGB for the result.
        return np.rint(np.asarray(image) / 257).astype(np.uint8)
    if image.mode in ("I", "F"):
        raise ValueError(
            f"the PIL image has mode {image.mode}, whose white is not defined; convert it to L, "
            "I;16 or RGB"
        )
    is_transparent = "A" in image.getbands() or "transparency" in image.info
    return np.asarray(image.convert("RGBA" if is_transparent else "RGB"))
