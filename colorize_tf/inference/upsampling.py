"""Upsampling of predicted chroma along the edges of the photograph.

The fast guided filter (He and Sun 2015): around each pixel of the small picture, chroma is a linear
function of L*. These functions are upsampled and applied to the L* of the photograph. The residual
of the small chroma is added to them, so that none of it is lost.
"""

import cv2
import numpy as np

# In pixels of the small picture. On photographs whose own chroma was shrunk to 256 pixels, chroma
# near strong edges then has an error of 3.3 Lab units; bilinear interpolation has 5.3.
_RADIUS = 2
# Squared steps of L*: neighborhoods with less variance are noise and do not guide.
_FLAT = 4.0
# Steps of chroma for one of L*. Chroma of photographs seldom has a steeper slope; noise would, and
# film grain would become colored speckles.
_STEEPEST = 1.5


def chroma_lines(chroma: np.ndarray, l_star: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Fit chroma around each pixel as `slopes * l_star + offsets`.

    Args:
        chroma: a and b, float32 `(h, w, 2)`.
        l_star: L* at that size, float32 `(h, w)`; None for slopes of 0.

    Returns:
        slopes: float32 `(h, w, 2)`.
        offsets: float32 `(h, w, 2)`; at each pixel, the line reproduces its chroma.
    """
    if l_star is None:
        return np.zeros_like(chroma), chroma
    slopes = cv2.merge([_slopes(l_star, plane) for plane in cv2.split(chroma)])
    return slopes, chroma - slopes * l_star[..., np.newaxis]


class RowUpsampler:
    """Bilinear upsampling to the size of a photograph, some rows at a time.

    Args:
        planes: float32 `(h, w, channels)`.
        height: of the photograph, in pixels.
        width: of the photograph, in pixels.
    """

    def __init__(self, planes: np.ndarray, height: int, width: int):
        wide = cv2.resize(planes, (width, len(planes)), interpolation=cv2.INTER_LINEAR)
        # Contiguous rows, one for each channel.
        self._wide = np.ascontiguousarray(np.moveaxis(wide, -1, 1))
        self._scale = len(planes) / height

    def rows(self, top: int, count: int) -> np.ndarray:
        """Return rows `top` to `top + count`, float32 `(channels, count, width)`."""
        last = len(self._wide) - 1
        position = (np.arange(top, top + count) + 0.5) * self._scale - 0.5
        above = np.clip(np.floor(position), 0, last).astype(int)
        below = np.minimum(above + 1, last)
        weight = np.clip(position - above, 0, 1)
        band = np.empty((count, *self._wide.shape[1:]), np.float32)
        for row in range(count):
            upper, lower = self._wide[above[row]], self._wide[below[row]]
            cv2.addWeighted(upper, 1 - weight[row], lower, weight[row], 0, band[row])
        return np.moveaxis(band, 1, 0)


def _slopes(l_star: np.ndarray, plane: np.ndarray) -> np.ndarray:
    mean, plane_mean = _box(l_star), _box(plane)
    variance = _box(l_star * l_star) - mean * mean
    covariance = _box(l_star * plane) - mean * plane_mean
    return _box(np.clip(covariance / (np.maximum(variance, 0) + _FLAT), -_STEEPEST, _STEEPEST))


def _box(plane: np.ndarray) -> np.ndarray:
    size = 2 * _RADIUS + 1
    return cv2.blur(plane, (size, size), borderType=cv2.BORDER_REFLECT)
