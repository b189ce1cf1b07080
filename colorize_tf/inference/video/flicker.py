"""How much the colors of a film flicker."""

from collections.abc import Iterable

import cv2
import numpy as np

from colorize_tf.color.lab import images_to_lab
from colorize_tf.inference.rendering import resize

# Long side in pixels at which frames are compared, and what counts as the same lightness there.
_SIZE = 256
_STILL = 1.5
# Less of a frame than this is no region to judge it by: a cut leaves a few pixels alike by chance.
_LEAST_SHARE = 0.05


def flicker(source: Iterable[np.ndarray], colored: Iterable[np.ndarray]) -> float:
    """Measure how much chroma changes from frame to frame where the picture stands still.

    A pixel is still between two frames if its L* in `source`, at 256 pixels and blurred by two
    (sigma), changed by less than 1.5 beyond the median change of the frame, and so did all of its
    neighbors within two pixels. Pairs of frames that are still in less than a twentieth of their
    pixels, as at cuts, are left out. What is still follows from `source` alone, so that two ways of
    coloring one film are measured at the same pixels.

    Args:
        source: the frames of the film as it was, uint8 `(height, width, 3)`, sRGB.
        colored: the same number of frames, colored.

    Returns:
        The mean distance in the ab plane between neighboring frames, in Lab units.

    Raises:
        ValueError: the films differ in length, or nothing in them is still.
    """
    total, count, last = 0.0, 0, None
    for frame, painted in zip(source, colored, strict=True):
        lightness = cv2.GaussianBlur(_small_lab(frame)[..., 0], (0, 0), 2)
        chroma = _small_lab(painted)[..., 1:]
        if last is not None:
            still = _still(lightness - last[0])
            if still.mean() >= _LEAST_SHARE:
                total += float(np.linalg.norm(chroma - last[1], axis=-1)[still].sum())
                count += int(still.sum())
        last = lightness, chroma
    if not count:
        raise ValueError("nothing in this film is still for two frames; flicker has no meaning")
    return total / count


def _small_lab(images):
    height, width = images.shape[:2]
    scale = _SIZE / max(height, width)
    return images_to_lab(resize(images, *(max(1, round(side * scale)) for side in (height, width))))


def _still(change):
    unchanged = np.abs(change - np.median(change)) < _STILL
    return cv2.erode(unchanged.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
