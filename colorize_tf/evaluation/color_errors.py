"""Where in the space of colors the answers err: sums over all pixels of a set of pictures."""

import numpy as np

from colorize_tf.color.lab_tf import AB_SCALE, LIGHTNESS_SCALE
from colorize_tf.evaluation.scores import Measured

HUES = 12
"""Steps of 30 degrees of true hue."""

LIGHTNESSES = 10
"""Steps of 10 of true L*."""

HISTOGRAM_STEP = 5.0
"""Side of a cell of the ab histograms, in Lab units."""

# Pixels of less chroma have no hue to speak of.
_LEAST_CHROMA = 5.0
_CELLS = int(2 * AB_SCALE / HISTOGRAM_STEP)


class ColorErrors:
    """Adds up errors and colors by true hue, by true lightness and over the ab plane.

    Everything comes by name; "" stands for the photographs themselves.
    """

    def __init__(self):
        self._hue_sums = {}
        self._lightness_sums = {}
        self._chroma_sums = {}
        self._cell_counts = {}

    def add(self, measured: Measured) -> None:
        """Add one photograph."""
        lab_ab = measured.ab * AB_SCALE
        chroma = np.linalg.norm(lab_ab, axis=-1)
        lightness = (measured.lightness[0, ..., 0] + 1) * LIGHTNESS_SCALE
        step = np.clip(lightness * (LIGHTNESSES / 100), 0, LIGHTNESSES - 1).astype(int)
        angle = np.arctan2(lab_ab[0, ..., 1], lab_ab[0, ..., 0]) / (2 * np.pi) % 1
        hue = np.minimum((angle * HUES).astype(int), HUES - 1)
        has_hue = chroma[0] >= _LEAST_CHROMA
        cells = np.clip((lab_ab + AB_SCALE) / HISTOGRAM_STEP, 0, _CELLS - 1).astype(int)
        for place, name in enumerate(("", *measured.names)):
            column, row = cells[place, ..., 0], cells[place, ..., 1]
            counts = np.bincount((row * _CELLS + column).ravel(), minlength=_CELLS**2)
            _add(self._cell_counts, name, counts)
            _add(self._chroma_sums, name, _counts_and_sums(step, chroma[place], LIGHTNESSES))
        for name, differences in zip(measured.names, measured.differences, strict=True):
            sums = _counts_and_sums(hue[has_hue], differences[has_hue], HUES)
            _add(self._hue_sums, name, sums)
            _add(self._lightness_sums, name, _counts_and_sums(step, differences, LIGHTNESSES))

    def error_by_hue(self) -> dict[str, np.ndarray]:
        """Return the mean CIEDE2000, float64 `(HUES,)`; NaN where no pixel is."""
        return {name: _mean(sums) for name, sums in self._hue_sums.items()}

    def error_by_lightness(self) -> dict[str, np.ndarray]:
        """Return the mean CIEDE2000, float64 `(LIGHTNESSES,)`."""
        return {name: _mean(sums) for name, sums in self._lightness_sums.items()}

    def chroma_by_lightness(self) -> dict[str, np.ndarray]:
        """Return the mean chroma in Lab units, float64 `(LIGHTNESSES,)`."""
        return {name: _mean(sums) for name, sums in self._chroma_sums.items()}

    def histograms(self) -> dict[str, np.ndarray]:
        """Return shares of the pixels, `(cells, cells)`: a to the right, b upwards."""
        return {
            name: counts.reshape(_CELLS, _CELLS) / counts.sum()
            for name, counts in self._cell_counts.items()
        }


def _counts_and_sums(steps: np.ndarray, values: np.ndarray, length: int) -> np.ndarray:
    """Count the values of each step and add them up, float64 `(2, length)`."""
    steps = steps.ravel()
    return np.stack(
        [np.bincount(steps, weights, length) for weights in (np.ones(len(steps)), values.ravel())]
    )


def _add(totals: dict[str, np.ndarray], name: str, values: np.ndarray) -> None:
    totals[name] = totals.get(name, 0) + values


def _mean(counts_and_sums: np.ndarray) -> np.ndarray:
    counts, sums = counts_and_sums
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
