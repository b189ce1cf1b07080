"""Map colors outside the gamut of sRGB into it, at constant lightness and hue."""

import cv2
import numpy as np

from colorize_tf.color.lab import lab_to_linear

# In linear light. Clipping changes colors within this tolerance by a third of a level of 255, and
# L* by 0.03.
_TOLERANCE = 1e-4
# Bisection steps, which determine the chroma to a thousandth. Regula falsi needs half as many for
# most colors, but misses the boundary for some.
_BISECTIONS = 10


def lab_to_linear_in_gamut(lab: np.ndarray) -> np.ndarray:
    """Convert CIE L*a*b* to linear light inside the gamut of sRGB.

    Chroma of colors outside is reduced at constant L* and hue. Clipping red, green and blue instead
    changes both: a sky that is too blue would become lighter and purple.

    Args:
        lab: float32 `(height, width, 3)`; L* 0..100, a* and b* in Lab units.

    Returns:
        float32 `(height, width, 3)`, linear light in 0..1 within rounding.
    """
    linear = lab_to_linear(lab)
    outside = _outside(linear)
    if outside.any():
        linear[outside] = _reduce_chroma(lab[outside])
    return linear


def _outside(linear: np.ndarray) -> np.ndarray:
    inside = cv2.inRange(linear, (-_TOLERANCE,) * 3, (1 + _TOLERANCE,) * 3)
    return inside == 0


def _reduce_chroma(lab: np.ndarray) -> np.ndarray:
    """Return the linear light of `(count, 3)` colors with the largest chroma inside the gamut."""
    # As one row: OpenCV takes time for each row.
    l_star, a, b = (np.ascontiguousarray(plane)[np.newaxis] for plane in lab.T)
    factor = np.zeros_like(l_star)
    for step in 0.5 ** np.arange(1, _BISECTIONS + 1, dtype=np.float32):
        tried = factor + step
        outside = _outside(lab_to_linear(cv2.merge([l_star, a * tried, b * tried])))
        factor = np.where(outside, factor, tried)
    return lab_to_linear(cv2.merge([l_star, a * factor, b * factor]))[0]
