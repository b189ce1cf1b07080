"""Chroma of a network's size at the size of the photograph, so that it stops where objects do.

The fast guided filter (He and Sun 2015): around each pixel of the small picture chroma is taken as
a straight line in L*, and the lines, brought to full size, read the L* that is there. What they
leave unsaid of the small chroma is added back, so that nothing of it is lost.
"""

import cv2
import numpy as np

# In pixels of the small picture. On photographs whose own chroma was shrunk to 256 pixels, chroma
# around strong edges then errs by 3.3 Lab units; by 5.3 where it is only interpolated.
_RADIUS = 2
# Squared steps of L*: flatter surroundings than two of them are noise, and guide nothing.
_FLAT = 4.0
# Steps of chroma for one of L*. Chroma of photographs seldom climbs faster; noise would, and grain
# would become colored speckles.
_STEEPEST = 1.5


class GuidedChroma:
    """Chroma to be read at full size, some rows at a time.

    Args:
        ab: float32 `(h, w, 2)`, in whichever unit it is to be read.
        lightness: L* of the photograph at that size, float32 `(h, w)`; None where `ab` is of the
            photograph's own size and needs no guide.
        height: of the photograph, in pixels.
        width: of the photograph, in pixels.
    """

    def __init__(self, ab: np.ndarray, lightness: np.ndarray | None, height: int, width: int):
        self.height = height
        self.width = width
        self._slopes = None
        self._offsets = np.ascontiguousarray(np.moveaxis(ab, -1, 0), np.float32)
        if lightness is not None:
            self._slopes = np.stack([_slopes(lightness, plane) for plane in self._offsets])
            self._offsets = self._offsets - self._slopes * lightness

    def rows(self, top: int, lightness: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return a and b, float32 `(rows, width)` each, from row `top` on.

        Args:
            top: the first row.
            lightness: L* of those rows of the photograph, float32 `(rows, width)`.
        """
        a, b = self._enlarged(self._offsets, top, len(lightness))
        if self._slopes is not None:
            slope_a, slope_b = self._enlarged(self._slopes, top, len(lightness))
            a += slope_a * lightness
            b += slope_b * lightness
        return a, b

    def _enlarged(self, planes: np.ndarray, top: int, rows: int) -> list[np.ndarray]:
        """Interpolate rows by hand, since OpenCV has no bands, and columns by OpenCV."""
        last = planes.shape[1] - 1
        position = (np.arange(top, top + rows) + 0.5) * (planes.shape[1] / self.height) - 0.5
        above = np.clip(np.floor(position), 0, last).astype(int)
        below = np.minimum(above + 1, last)
        share = np.clip(position - above, 0, 1).astype(np.float32)[:, np.newaxis]
        band = planes[:, above] * (1 - share) + planes[:, below] * share
        size = (self.width, rows)
        return [cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR) for plane in band]


def _slopes(lightness: np.ndarray, plane: np.ndarray) -> np.ndarray:
    mean, plane_mean = _box(lightness), _box(plane)
    variance = _box(lightness * lightness) - mean * mean
    covariance = _box(lightness * plane) - mean * plane_mean
    return _box(np.clip(covariance / (np.maximum(variance, 0) + _FLAT), -_STEEPEST, _STEEPEST))


def _box(plane: np.ndarray) -> np.ndarray:
    side = 2 * _RADIUS + 1
    return cv2.blur(plane, (side, side), borderType=cv2.BORDER_REFLECT)
