"""Means over pictures and how sure they are: bootstrap over pictures, in NumPy."""

import functools
from typing import NamedTuple

import numpy as np

RESAMPLES = 2000
"""How many sets of as many pictures are drawn, with replacement and always the same ones."""


class Interval(NamedTuple):
    """A figure and its 95 % bootstrap interval, by percentiles."""

    value: float
    low: float
    high: float


def means(figures: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Average over pictures.

    Args:
        figures: by measure, float `(..., pictures)`; for some, such as `colorfulness`, also what
            the truth has, `true_colorfulness`.

    Returns:
        By measure, float `(...)`; in the place of `true_colorfulness` comes `colorfulness_ratio`,
        mean predicted over mean true.
    """
    averages = {measure: values.mean(axis=-1) for measure, values in figures.items()}
    for measure in [measure for measure in averages if measure.startswith("true_")]:
        predicted = measure.removeprefix("true_")
        true_mean = averages.pop(measure)
        # Of very few pictures a resample may hold those alone that have none of it.
        with np.errstate(divide="ignore", invalid="ignore"):
            averages[f"{predicted}_ratio"] = averages[predicted] / true_mean
    return averages


def summarize(figures: dict[str, np.ndarray]) -> dict[str, Interval]:
    """Average over pictures, with intervals.

    Args:
        figures: of one model, as `means` takes them, float `(pictures,)`.

    Returns:
        By measure; percentiles of the resampled means.
    """
    resampled = _resampled_means(figures)
    return {key: _interval(value, resampled[key]) for key, value in means(figures).items()}


def paired_differences(
    figures: dict[str, np.ndarray], other_figures: dict[str, np.ndarray]
) -> dict[str, Interval]:
    """Subtract one model's means from another's on the same pictures, with intervals.

    Both are resampled alike, so that what makes a picture hard for both does not widen them.

    Args:
        figures: of one model, as `summarize` takes them.
        other_figures: of the other one, which are subtracted.

    Returns:
        By measure that both have.
    """
    averages, other_averages = means(figures), means(other_figures)
    resampled, other_resampled = _resampled_means(figures), _resampled_means(other_figures)
    # Two perfect answers to one picture, both of infinite PSNR, have no difference to tell.
    with np.errstate(invalid="ignore"):
        return {
            key: _interval(averages[key] - other_averages[key], resampled[key] - other)
            for key, other in other_resampled.items()
            if key in averages
        }


def _resampled_means(figures: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    picked = _resamples(len(figures["colorfulness"]))
    return means({measure: values[picked] for measure, values in figures.items()})


@functools.lru_cache(maxsize=1)
def _resamples(pictures: int) -> np.ndarray:
    """Indices of the pictures in each resample, int `(RESAMPLES, pictures)`."""
    return np.random.default_rng(0).integers(pictures, size=(RESAMPLES, pictures))


def _interval(value: float, resampled: np.ndarray) -> Interval:
    # A value that was drawn, as between two infinite PSNRs there is nothing to interpolate.
    low, high = np.percentile(resampled, [2.5, 97.5], method="inverted_cdf")
    return Interval(float(value), float(low), float(high))
