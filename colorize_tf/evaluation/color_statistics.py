"""Errors and colors by hue and lightness: sums over all pixels of a set of pictures."""

import numpy as np

from colorize_tf.color.lab_tf import AB_SCALE, LIGHTNESS_SCALE
from colorize_tf.evaluation.scores import Measurement

HUE_BINS = 12
"""Bins of 30 degrees of true hue."""

LIGHTNESS_BINS = 10
"""Bins of 10 of true L*."""

_AB_BIN = 5.0  # side of a cell of the ab histograms, in Lab units
_CELLS = int(2 * AB_SCALE / _AB_BIN)
# Below this chroma, in Lab units, hue is noise.
_MINIMUM_CHROMA = 5.0


class ColorStatistics:
    """Sums errors and colors by true hue, by true lightness and over the ab plane.

    Results come by name of the colorizer; "" stands for the photographs themselves.
    """

    def __init__(self) -> None:
        self._hue_sums: dict[str, np.ndarray] = {}
        self._lightness_sums: dict[str, np.ndarray] = {}
        self._chroma_sums: dict[str, np.ndarray] = {}
        self._cell_counts: dict[str, np.ndarray] = {}

    def add(self, measurement: Measurement) -> None:
        """Add one photograph."""
        lab_ab = measurement.ab * AB_SCALE
        chroma = np.linalg.norm(lab_ab, axis=-1)
        l_star = (measurement.lightness[0, ..., 0] + 1) * LIGHTNESS_SCALE
        l_bin = np.clip(l_star * (LIGHTNESS_BINS / 100), 0, LIGHTNESS_BINS - 1).astype(int)
        angle = np.arctan2(lab_ab[0, ..., 1], lab_ab[0, ..., 0]) / (2 * np.pi) % 1
        hue_bin = np.minimum((angle * HUE_BINS).astype(int), HUE_BINS - 1)
        has_hue = chroma[0] >= _MINIMUM_CHROMA
        cells = np.clip((lab_ab + AB_SCALE) / _AB_BIN, 0, _CELLS - 1).astype(int)
        for index, name in enumerate(("", *measurement.names)):
            column, row = cells[index, ..., 0], cells[index, ..., 1]
            counts = np.bincount((row * _CELLS + column).ravel(), minlength=_CELLS**2)
            _add(self._cell_counts, name, counts)
            _add(self._chroma_sums, name, _counts_and_sums(l_bin, chroma[index], LIGHTNESS_BINS))
        for name, differences in zip(measurement.names, measurement.differences, strict=True):
            sums = _counts_and_sums(hue_bin[has_hue], differences[has_hue], HUE_BINS)
            _add(self._hue_sums, name, sums)
            sums = _counts_and_sums(l_bin, differences, LIGHTNESS_BINS)
            _add(self._lightness_sums, name, sums)

    def error_by_hue(self) -> dict[str, np.ndarray]:
        """Return the mean CIEDE2000, float64 `(HUE_BINS,)`; NaN in empty bins."""
        return {name: _mean(sums) for name, sums in self._hue_sums.items()}

    def error_by_lightness(self) -> dict[str, np.ndarray]:
        """Return the mean CIEDE2000, float64 `(LIGHTNESS_BINS,)`; NaN in empty bins."""
        return {name: _mean(sums) for name, sums in self._lightness_sums.items()}

    def chroma_by_lightness(self) -> dict[str, np.ndarray]:
        """Return the mean chroma in Lab units, float64 `(LIGHTNESS_BINS,)`."""
        return {name: _mean(sums) for name, sums in self._chroma_sums.items()}

    def histograms(self) -> dict[str, np.ndarray]:
        """Return shares of the pixels over the ab plane, `(cells, cells)`: rows are b."""
        return {
            name: counts.reshape(_CELLS, _CELLS) / counts.sum()
            for name, counts in self._cell_counts.items()
        }


def _counts_and_sums(bins: np.ndarray, values: np.ndarray, length: int) -> np.ndarray:
    """Count the values of each bin and sum them, float64 `(2, length)`."""
    bins = bins.ravel()
    weights = (np.ones(len(bins)), values.ravel())
    return np.stack([np.bincount(bins, one, length) for one in weights])


def _add(totals: dict[str, np.ndarray], name: str, values: np.ndarray) -> None:
    totals[name] = totals.get(name, 0) + values


def _mean(counts_and_sums: np.ndarray) -> np.ndarray:
    counts, sums = counts_and_sums
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
