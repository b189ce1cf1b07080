"""Scales photographs to the network's square, and joins predicted chroma at full resolution.

Imports NumPy and OpenCV only, so that a `.tflite` model starts without TensorFlow.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np

from colorize_tf.color.gamut import f_to_images, images_to_f_y
from colorize_tf.color.lab import AB_SCALE, LIGHTNESS_SCALE, images_to_l_star
from colorize_tf.inference.upsampling import RowUpsampler, chroma_lines

# Photographs are joined in bands: the intermediate values of a whole photograph would take many
# times its memory, and those of a band of this size stay in the cache of a processor.
_BAND_PIXELS = 2**16


def fit_square(images: np.ndarray, size: int) -> tuple[np.ndarray, tuple[slice, slice]]:
    """Scale a photograph so that its long side is `size`, and pad it to a square by reflection.

    Args:
        images: uint8 or uint16 `(height, width, 3)`.
        size: height and width of the result, in pixels.

    Returns:
        square: `(size, size, 3)`, of the same dtype.
        window: rows and columns of the photograph in the square.
    """
    height, width = images.shape[:2]
    scale = size / max(height, width)
    inner_height, inner_width = (max(1, round(length * scale)) for length in (height, width))
    inner = resize(images, inner_height, inner_width)
    top, left = (size - inner_height) // 2, (size - inner_width) // 2
    square = cv2.copyMakeBorder(
        inner,
        top,
        size - inner_height - top,
        left,
        size - inner_width - left,
        cv2.BORDER_REFLECT_101,
    )
    return square, (slice(top, top + inner_height), slice(left, left + inner_width))


def lightness_of(images: np.ndarray) -> np.ndarray:
    """Return the network's input for one picture, float32 `(height, width, 1)` in [-1, 1]."""
    return images_to_l_star(images)[..., np.newaxis] / np.float32(LIGHTNESS_SCALE) - 1


def join(
    images: np.ndarray, ab: np.ndarray, *, intensity: float = 1.0, threads: int | None = None
) -> np.ndarray:
    """Combine the lightness of a photograph with predicted chroma.

    Chroma is upsampled along the edges of the photograph. Outside the gamut of sRGB it is reduced
    at constant lightness and hue.

    Args:
        images: uint8 or uint16 `(height, width, 3)`.
        ab: float32 `(h, w, 2)` in [-1, 1], of any size.
        intensity: factor of the chroma; 0 gives gray.
        threads: number of threads; by default one per processor, up to eight.

    Returns:
        `(height, width, 3)`, of the dtype of `images`.
    """
    height, width = images.shape[:2]
    lines = RowUpsampler(_f_lines(images, ab * np.float32(AB_SCALE * intensity)), height, width)
    joined = np.empty_like(images)

    def join_band(top: int) -> None:
        band = images[top : top + rows]
        f_y = images_to_f_y(band)
        slope_x, offset_x, slope_z, offset_z = lines.rows(top, len(band))
        d_x, d_z = slope_x * f_y, slope_z * f_y
        d_x += offset_x
        d_z += offset_z
        f_to_images(f_y, d_x, d_z, joined[top : top + rows])

    rows = max(1, _BAND_PIXELS // width)
    # NumPy and OpenCV release the interpreter lock while they compute.
    with ThreadPoolExecutor(threads or min(8, os.cpu_count() or 1)) as pool:
        for _ in pool.map(join_band, range(0, height, rows)):
            pass
    return joined


def _f_lines(images: np.ndarray, chroma: np.ndarray) -> np.ndarray:
    """Return f(X) - f(Y) and f(Z) - f(Y) as functions of f(Y): slope, offset, slope, offset.

    The functions of L*, `a = slope * L* + offset`, are converted by L* = 116 f(Y) - 16,
    f(X) - f(Y) = a / 500 and f(Z) - f(Y) = -b / 200.
    """
    height, width = images.shape[:2]
    h, w = min(len(chroma), height), min(chroma.shape[1], width)
    if chroma.shape[:2] != (h, w):
        chroma = resize(chroma, h, w)
    is_full_size = (h, w) == (height, width)
    l_star = None if is_full_size else images_to_l_star(resize(images, h, w))
    slopes, offsets = chroma_lines(chroma, l_star)
    per_unit = np.array([1 / 500, -1 / 200], np.float32)
    f_slopes = 116 * slopes * per_unit
    f_offsets = (offsets - 16 * slopes) * per_unit
    return np.stack([f_slopes, f_offsets], axis=-1).reshape(h, w, 4)


def resize(array: np.ndarray, height: int, width: int) -> np.ndarray:
    """Scale an array `(h, w, channels)` to `(height, width, channels)`."""
    if height * width >= array.shape[0] * array.shape[1]:
        # OpenCV 5 truncates interpolated integers. Round half up, as other implementations do.
        precise = array.astype(np.float32)
        enlarged = cv2.resize(precise, (width, height), interpolation=cv2.INTER_LINEAR)
        return enlarged if array.dtype == np.float32 else (enlarged + 0.5).astype(array.dtype)
    # Average whole blocks first: OpenCV takes four times as long to average parts of them. The rest
    # is so much larger than the result that photographs differ by a fifth of a level on average.
    rows, columns = _block(array.shape[0], height), _block(array.shape[1], width)
    if rows * columns > 1:
        blocks = array.shape[1] // columns, array.shape[0] // rows
        array = cv2.resize(array, blocks, interpolation=cv2.INTER_AREA)
    return cv2.resize(array, (width, height), interpolation=cv2.INTER_AREA)


def _block(length: int, target: int) -> int:
    """Return the largest divisor of a length that leaves at least four times the target, or 1."""
    return max((n for n in range(2, length // (4 * target) + 1) if length % n == 0), default=1)
