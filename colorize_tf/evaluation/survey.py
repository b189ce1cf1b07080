"""Everything that is measured of colorizers on one set of photographs."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from colorize_tf.evaluation.features import Features
from colorize_tf.evaluation.intervals import Interval, paired_differences, summarize
from colorize_tf.evaluation.matching import Thumbnails
from colorize_tf.evaluation.robustness import color_shifts
from colorize_tf.evaluation.scores import Measured, PictureFigures, measure, saturated
from colorize_tf.evaluation.sets import SetDistances
from colorize_tf.inference.colorizer import Colorizer


class Observer(Protocol):
    """What looks at every photograph with its answers, and keeps what it needs."""

    def add(self, measured: Measured) -> None:
        """Look at one photograph."""


class Survey:
    """Measures colorizers on the same photographs, in as many passes as it takes.

    Args:
        paths: photographs, at least one.
        size: of the squares that are compared, in pixels.
        features: for KID and FID; None leaves them out.
        progress: wraps the photographs of each pass, such as in a bar.

    Attributes:
        figures: of each picture, float64 `(pictures,)` by name and measure.
        facts: by name, what is not a mean over pictures: distances between sets, and what a caller
            adds.
        pairs: whose means are subtracted from whose.
        unmatched: who cannot be made as colorful as whom.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        size: int,
        features: Features | None = None,
        progress: Callable[[Iterable[Path]], Iterable[Path]] = iter,
    ):
        self.paths = paths
        self.size = size
        self.features = features
        self.progress = progress
        self.figures = {}
        self.facts = {}
        self.pairs = []
        self.unmatched = []

    def measure(self, colorizers: dict[str, Colorizer], *observers: Observer) -> None:
        """Measure more colorizers.

        Args:
            colorizers: by name.
            *observers: look on.

        Raises:
            ValueError: the photographs have no color to compare with, or a model cannot answer.
        """
        figures, distances = PictureFigures(), SetDistances(self.features)
        for measured in measure(colorizers, self.progress(self.paths), size=self.size):
            for observer in (figures, distances, *observers):
                observer.add(measured)
        self.figures.update(figures.by_name())
        self.facts.update(distances.by_name())

    def set_against(
        self, other: str, colorizers: dict[str, Colorizer], thumbnails: Thumbnails
    ) -> None:
        """Compare colorizers with one of them, as they are and equally colorful.

        Of each pair, the paler one is measured once more with its chroma multiplied.

        Args:
            other: which one.
            colorizers: all of them, by name; measured before.
            thumbnails: looked on then.
        """
        matched = {}
        for name in colorizers:
            if name == other:
                continue
            self.pairs.append((name, other))
            pale, vivid = sorted((name, other), key=self._mean_colorfulness)
            factor = thumbnails.matching_factor(pale, vivid)
            if factor is None:
                self.unmatched.append((pale, vivid))
                continue
            row = f"{pale}, chroma x{factor:.2f}"
            matched[row] = saturated(colorizers[pale], factor)
            self.pairs.append((name, row) if pale == other else (row, other))
        if matched:
            self.measure(matched)

    def measure_shifts(self, colorizers: dict[str, Colorizer]) -> None:
        """Measure how far colors move with exposure and size; see `robustness`."""
        shifts = color_shifts(colorizers, self.progress(self.paths), size=self.size)
        for name, figures in shifts.items():
            self.figures[name].update(figures)

    def scores(self) -> dict[str, dict[str, float | Interval]]:
        """Return everything by name: means over pictures with intervals, then facts."""
        return {
            name: {**summarize(figures), **self.facts[name]}
            for name, figures in self.figures.items()
        }

    def differences(self) -> dict[str, dict[str, Interval]]:
        """Return the differences of all pairs' means."""
        return {
            f"{name} less {other}": paired_differences(self.figures[name], self.figures[other])
            for name, other in self.pairs
        }

    def _mean_colorfulness(self, name: str) -> float:
        return self.figures[name]["colorfulness"].mean()
