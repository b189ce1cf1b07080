"""Arrays of pixels: depth, scale, orientation, size."""

import cv2
import numpy as np

_BAND = 128  # Rows that are worked on at a time, to save memory.


def to_eight_bits(pixels: np.ndarray) -> np.ndarray:
    """Round uint16 to uint8; uint8 stays the same array."""
    if pixels.dtype != np.uint16:
        return pixels
    # 65535 / 257 = 255: a shift by eight bits would darken by up to one level.
    return cv2.convertScaleAbs(pixels, alpha=1 / 257)


def to_upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Return pixels upright that are stored in an EXIF orientation, 1 to 8."""
    if orientation in (5, 6, 7, 8):
        pixels = cv2.transpose(pixels)
    flip = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}.get(orientation)
    return pixels if flip is None else cv2.flip(pixels, flip)


def scale_samples(samples: np.ndarray, bits: int) -> np.ndarray:
    """Scale samples of any number type to uint8 or uint16.

    Unsigned integers of up to 16 bits have a white level of `2**bits - 1`, which becomes 255 (up
    to 8 bits) or 65535. Floats within 0..1 have a white level of 1. All others (signed integers,
    more than 16 bits, floats beyond 0..1) name no white: the least and the greatest value of the
    picture become 0 and 65535. What is no finite number becomes 0.

    Args:
        samples: `(height, width, channels)`.
        bits: per sample, as stored in the file.
    """
    kind = samples.dtype.kind
    if kind == "b":
        return samples.view(np.uint8) * np.uint8(255)
    if kind == "u" and bits <= 16:
        white, target = 2**bits - 1, (255 if bits <= 8 else 65535)
        dtype = np.uint8 if bits <= 8 else np.uint16
        if white == target:
            return samples.astype(dtype, copy=False)
        levels = (np.arange(white + 1) * target + white // 2) // white
        return levels.astype(dtype)[np.minimum(samples, white)]
    low, high = 0.0, 0.0
    finite = samples[np.isfinite(samples)] if kind == "f" else samples
    if finite.size:
        low, high = float(finite.min()), float(finite.max())
    if kind == "f" and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    scaled = np.zeros(samples.shape, np.uint16)
    for top in range(0, len(samples), _BAND):
        band = samples[top : top + _BAND].astype(np.float64)
        with np.errstate(invalid="ignore"):  # Infinity minus infinity.
            band = (band - low) * (65535 / (high - low) if high > low else 0)
        band[~np.isfinite(band)] = 0
        scaled[top : top + _BAND] = np.rint(band)
    return scaled


def divide_by_alpha(images: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Return colors that are no longer multiplied with alpha, of the same dtype.

    Args:
        images: uint8 or uint16 `(height, width, 3)`.
        alpha: `(height, width)` of the same dtype.
    """
    white = np.iinfo(images.dtype).max
    divided = np.empty_like(images)
    for top in range(0, len(images), _BAND):
        band = alpha[top : top + _BAND, :, None].astype(np.float32)
        colors = images[top : top + _BAND] * (white / np.maximum(band, 1))
        divided[top : top + _BAND] = np.minimum(np.rint(colors), white)
    return divided


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
