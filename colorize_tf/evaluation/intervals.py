"""Means over pictures and their bootstrap intervals, in NumPy."""

import functools
import math
from typing import NamedTuple

import numpy as np

RESAMPLES = 2000
"""Number of bootstrap resamples, which are drawn with a fixed seed."""

_RATIOS = {
    "colorfulness_ratio": ("colorfulness", "true_colorfulness"),
    "mottling_ratio": ("mottling", "true_mottling"),
    "mottled_share": ("mottled_windows", "even_windows"),
    "extreme_chroma_ratio": ("extreme_chroma", "true_extreme_chroma"),
}
# Figures that have no meaning outside their ratio.
_PARTS_OF_RATIOS = {part for parts in _RATIOS.values() for part in parts} - {
    "colorfulness",
    "extreme_chroma",
}


class Interval(NamedTuple):
    """A figure and its 95 % bootstrap interval, by percentiles.

    Both ends are NaN where a resample has no value, such as a ratio whose denominator is 0 in it.
    """

    value: float
    low: float
    high: float

    @property
    def half_width(self) -> float | None:
        """Half of the interval; None where there is none, or where it is infinite."""
        half = 0.5 * (self.high - self.low)
        return half if math.isfinite(half) else None


def means(figures: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Average over pictures.

    Args:
        figures: by measure, float `(..., pictures)`.

    Returns:
        By measure, float `(...)`. Ratios are of means: `colorfulness_ratio` is mean predicted over
        mean true colorfulness.
    """
    averages = {measure: values.mean(axis=-1) for measure, values in figures.items()}
    for ratio, (numerator, denominator) in _RATIOS.items():
        if numerator in averages:
            # A resample of few pictures may consist of those whose denominator is 0.
            with np.errstate(divide="ignore", invalid="ignore"):
                averages[ratio] = averages[numerator] / averages[denominator]
    return {key: mean for key, mean in averages.items() if key not in _PARTS_OF_RATIOS}


def summarize(figures: dict[str, np.ndarray]) -> dict[str, Interval]:
    """Average the figures of one model over pictures, with intervals, by measure.

    `figures` are float `(pictures,)` by measure, as `means` takes them.
    """
    resampled = _resampled_means(figures)
    return {key: _interval(float(value), resampled[key]) for key, value in means(figures).items()}


def paired_differences(
    figures: dict[str, np.ndarray], other_figures: dict[str, np.ndarray]
) -> dict[str, Interval]:
    """Subtract one model's means from another's on the same pictures, with intervals.

    Both have the same resamples, so that pictures that are hard for both do not widen the
    interval. The result has the measures that both models have.
    """
    averages, other_averages = means(figures), means(other_figures)
    resampled, other_resampled = _resampled_means(figures), _resampled_means(other_figures)
    # The difference of two infinite PSNRs is NaN.
    with np.errstate(invalid="ignore"):
        return {
            key: _interval(float(averages[key] - other_averages[key]), resampled[key] - other)
            for key, other in other_resampled.items()
            if key in averages
        }


def _resampled_means(figures: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    picked = _resamples(len(figures["colorfulness"]))
    return means({measure: values[picked] for measure, values in figures.items()})


@functools.lru_cache(maxsize=1)
def _resamples(pictures: int) -> np.ndarray:
    """Draw the pictures of each resample, int `(RESAMPLES, pictures)`."""
    return np.random.default_rng(0).integers(pictures, size=(RESAMPLES, pictures))


def _interval(value: float, resampled: np.ndarray) -> Interval:
    # Take a value that was drawn: nothing can be interpolated between two infinite PSNRs.
    low, high = np.percentile(resampled, [2.5, 97.5], method="inverted_cdf")
    return Interval(value, float(low), float(high))
