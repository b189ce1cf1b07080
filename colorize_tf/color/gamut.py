"""Colors that a screen cannot show become ones that it can: as light, of the same hue, paler."""

import cv2
import numpy as np

from colorize_tf.color.lab import lab_to_linear

# Of linear light: what clipping then does is a third of a level of 255, and 0.03 of L*.
_TOLERANCE = 1e-4
# Halvings of the chroma, which leave a thousandth of it to find. Rules of false position need half
# as many on most colors, and miss the boundary on some.
_HALVINGS = 10


def lab_to_screen(lab: np.ndarray) -> np.ndarray:
    """Convert CIE L*a*b* to linear light inside the gamut of sRGB.

    Chroma outside is lowered at constant L* and hue. Clipping red, green and blue instead, each by
    itself, moves both: a sky that is too blue would become lighter and turn purple.

    Args:
        lab: float32 `(height, width, 3)`; L* 0..100, a* and b* in Lab units.

    Returns:
        float32 `(height, width, 3)`, linear light in 0..1 but for rounding.
    """
    linear = lab_to_linear(lab)
    outside = _outside(linear)
    if outside.any():
        linear[outside] = _lowered(lab[outside])
    return linear


def _outside(linear: np.ndarray) -> np.ndarray:
    inside = cv2.inRange(linear, (-_TOLERANCE,) * 3, (1 + _TOLERANCE,) * 3)
    return inside == 0


def _lowered(lab: np.ndarray) -> np.ndarray:
    """Linear light of `(count, 3)` colors, paler by a factor that bisection finds for each."""
    # One row, not one column: OpenCV pays for each row.
    lightness, a, b = (np.ascontiguousarray(plane)[np.newaxis] for plane in lab.T)
    factor = np.zeros_like(lightness)
    for step in 0.5 ** np.arange(1, _HALVINGS + 1, dtype=np.float32):
        tried = factor + step
        outside = _outside(lab_to_linear(cv2.merge([lightness, a * tried, b * tried])))
        factor = np.where(outside, factor, tried)
    return lab_to_linear(cv2.merge([lightness, a * factor, b * factor]))[0]
