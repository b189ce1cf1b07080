"""Encoding with OpenCV, which writes JPEG and PNG files faster than Pillow and imagecodecs."""

import cv2
import numpy as np


def encode(
    suffix: str, images: np.ndarray, alpha: np.ndarray | None = None, *parameters: int
) -> memoryview:
    """Return the contents of a file without metadata.

    Args:
        suffix: the format, such as ".png".
        images: uint8 or uint16 `(height, width, 3)`, sRGB.
        alpha: `(height, width)` of the same dtype, or None.
        *parameters: pairs of a flag of OpenCV and its value.

    Raises:
        MemoryError or cv2.error: there is not enough memory.
    """
    if alpha is None:
        pixels = cv2.cvtColor(images, cv2.COLOR_RGB2BGR)
    else:
        pixels = cv2.cvtColor(images, cv2.COLOR_RGB2BGRA)
        cv2.insertChannel(alpha, pixels, 3)
    encoded, contents = cv2.imencode(suffix, pixels, parameters)
    if not encoded:  # OpenCV does not always say that it was for a lack of memory.
        raise MemoryError(f"not enough memory to write a {suffix} file")
    return contents.data
