"""A metric of color flicker in films."""

from collections.abc import Iterable

import cv2
import numpy as np

from colorize_tf.color.lab import images_to_lab
from colorize_tf.inference.rendering import resize

# Long side of the frames that are compared, in pixels, and the change of L* that counts as none.
_SIZE = 256
_STILL = 1.5
# Smaller still regions are ignored: a cut leaves a few pixels unchanged by chance.
_LEAST_SHARE = 0.05


def flicker(source: Iterable[np.ndarray], colored: Iterable[np.ndarray]) -> float:
    """Measure the change of chroma from frame to frame where the picture is still.

    A pixel is still between two frames if its L* in `source`, at 256 pixels and blurred by two
    (sigma), changed by less than 1.5 beyond the median change of the frame, and so did all of its
    neighbors within two pixels. Pairs of frames with less than a twentieth of still pixels, as at
    cuts, are left out. The still pixels depend on `source` alone, so that two colorings of one film
    are measured at the same pixels.

    Args:
        source: frames of the original film, uint8 `(height, width, 3)`, sRGB.
        colored: the same number of frames, colorized.

    Returns:
        The mean distance in the ab plane between neighboring frames, in Lab units.

    Raises:
        ValueError: the films differ in length, or no part of them is still.
    """
    total, count = 0.0, 0
    last: tuple[np.ndarray, np.ndarray] | None = None
    for frame, colored_frame in zip(source, colored, strict=True):
        l_star = cv2.GaussianBlur(_small_lab(frame)[..., 0], (0, 0), 2)
        chroma = _small_lab(colored_frame)[..., 1:]
        if last is not None:
            still = _still(l_star - last[0])
            if still.mean() >= _LEAST_SHARE:
                total += float(np.linalg.norm(chroma - last[1], axis=-1)[still].sum())
                count += int(still.sum())
        last = l_star, chroma
    if not count:
        raise ValueError(
            "no part of this film is still for two frames, so that flicker is undefined"
        )
    return total / count


def _small_lab(images: np.ndarray) -> np.ndarray:
    height, width = images.shape[:2]
    scale = _SIZE / max(height, width)
    return images_to_lab(resize(images, *(max(1, round(side * scale)) for side in (height, width))))


def _still(change: np.ndarray) -> np.ndarray:
    unchanged = np.abs(change - np.median(change)) < _STILL
    return cv2.erode(unchanged.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
