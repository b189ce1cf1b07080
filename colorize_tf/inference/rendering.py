"""Between a photograph and the network's square: scaling down, and joining chroma at full size.

NumPy and OpenCV only, so that coloring with a `.tflite` never waits for TensorFlow.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np

from colorize_tf.color.gamut import lab_to_linear_in_gamut
from colorize_tf.color.lab import (
    AB_SCALE,
    LIGHTNESS_SCALE,
    images_to_l_star,
    linear_to_images,
)
from colorize_tf.inference.upsampling import GuidedChroma

# A photograph is joined in bands: in float32 Lab it would take many times its own memory. As large
# as this, what a thread works on stays in its processor's cache.
_BAND_PIXELS = 2**16


def fit_square(images: np.ndarray, size: int) -> tuple[np.ndarray, tuple[slice, slice]]:
    """Scale a photograph so that its long side is `size`, and reflect it to fill the square.

    Args:
        images: uint8 or uint16 `(height, width, 3)`.
        size: height and width of the result, in pixels.

    Returns:
        square: `(size, size, 3)`, of the same dtype.
        window: where in the square the photograph is, rows and columns.
    """
    height, width = images.shape[:2]
    scale = size / max(height, width)
    inner_height, inner_width = (max(1, round(side * scale)) for side in (height, width))
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
    """Return the networks' input for one picture, float32 `(height, width, 1)` in [-1, 1]."""
    return images_to_l_star(images)[..., np.newaxis] / np.float32(LIGHTNESS_SCALE) - 1


def join(
    images: np.ndarray, ab: np.ndarray, *, intensity: float = 1.0, threads: int | None = None
) -> np.ndarray:
    """Give a photograph the chroma that was predicted for it; its lightness stays.

    Chroma is brought to full size along the photograph's own edges, and where a screen cannot show
    it, it is lowered at constant lightness and hue.

    Args:
        images: uint8 or uint16 `(height, width, 3)`.
        ab: float32 `(h, w, 2)` in [-1, 1], of any size.
        intensity: what chroma is multiplied by; 0 gives gray.
        threads: how many to compute on; by default one per processor, up to eight.

    Returns:
        `(height, width, 3)`, of the dtype of `images`.
    """
    height, width = images.shape[:2]
    chroma = _guided(images, ab * np.float32(AB_SCALE * intensity))
    joined = np.empty_like(images)

    def join_band(top):
        band = images[top : top + rows]
        lightness = images_to_l_star(band)
        a, b = chroma.rows(top, lightness)
        linear = lab_to_linear_in_gamut(cv2.merge([lightness, a, b]))
        joined[top : top + rows] = linear_to_images(linear, images.dtype)

    rows = max(1, _BAND_PIXELS // width)
    # NumPy and OpenCV let go of the interpreter while they compute.
    with ThreadPoolExecutor(threads or min(8, os.cpu_count() or 1)) as pool:
        for _ in pool.map(join_band, range(0, height, rows)):
            pass
    return joined


def _guided(images: np.ndarray, ab: np.ndarray) -> GuidedChroma:
    height, width = images.shape[:2]
    h, w = min(len(ab), height), min(ab.shape[1], width)
    if ab.shape[:2] != (h, w):
        ab = resize(ab, h, w)
    if (h, w) == (height, width):
        return GuidedChroma(ab, None, height, width)
    return GuidedChroma(ab, images_to_l_star(resize(images, h, w)), height, width)


def resize(array: np.ndarray, height: int, width: int) -> np.ndarray:
    """Scale a photograph or its chroma `(h, w, channels)` to `(height, width, channels)`."""
    if height * width >= array.shape[0] * array.shape[1]:
        # OpenCV 5 truncates interpolated integers. Round half up, as other implementations do.
        precise = array.astype(np.float32)
        enlarged = cv2.resize(precise, (width, height), interpolation=cv2.INTER_LINEAR)
        return enlarged if array.dtype == np.float32 else (enlarged + 0.5).astype(array.dtype)
    # Whole blocks first: OpenCV takes four times as long to average parts of them. What is left is
    # so much larger than the result that photographs come out within a fifth of a level on average.
    rows, columns = _block(array.shape[0], height), _block(array.shape[1], width)
    if rows * columns > 1:
        blocks = array.shape[1] // columns, array.shape[0] // rows
        array = cv2.resize(array, blocks, interpolation=cv2.INTER_AREA)
    return cv2.resize(array, (width, height), interpolation=cv2.INTER_AREA)


def _block(length: int, target: int) -> int:
    """The largest divisor of a length that leaves four times the target or more; without one, 1."""
    return max((n for n in range(2, length // (4 * target) + 1) if length % n == 0), default=1)
