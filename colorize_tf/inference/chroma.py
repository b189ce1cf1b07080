"""Between a photograph and the network's square: scaling down, and joining chroma at full size.

NumPy and OpenCV only, so that colouring with a `.tflite` never waits for TensorFlow.
"""

import cv2
import numpy as np

from colorize_tf.color import AB_SCALE, LIGHTNESS_SCALE, images_to_lab, lab_to_images

# A photograph is joined in strips: in float32 Lab it would take many times its own memory.
_STRIP_ROWS = 256


def fit_square(images: np.ndarray, size: int) -> tuple[np.ndarray, tuple[slice, slice]]:
    """Scale a photograph so that its long side is `size`, and reflect it to fill the square.

    Args:
        images: uint8 `(height, width, 3)`.
        size: height and width of the result, in pixels.

    Returns:
        square: uint8 `(size, size, 3)`.
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
    return images_to_lab(images)[..., :1] / np.float32(LIGHTNESS_SCALE) - 1


def join(images: np.ndarray, ab: np.ndarray) -> np.ndarray:
    """Give a photograph the chroma that was predicted for it; its lightness stays.

    Args:
        images: uint8 `(height, width, 3)`.
        ab: float32 `(h, w, 2)` in [-1, 1], of any size.

    Returns:
        uint8 `(height, width, 3)`.
    """
    ab = resize(ab, *images.shape[:2])
    joined = np.empty_like(images)
    for top in range(0, len(images), _STRIP_ROWS):
        rows = slice(top, top + _STRIP_ROWS)
        lab = images_to_lab(images[rows])
        lab[..., 1:] = ab[rows] * AB_SCALE
        joined[rows] = lab_to_images(lab)
    return joined


def resize(array: np.ndarray, height: int, width: int) -> np.ndarray:
    """Scale a photograph or its chroma `(h, w, channels)` to `(height, width, channels)`."""
    shrinks = height * width < array.shape[0] * array.shape[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(array, (width, height), interpolation=interpolation)
