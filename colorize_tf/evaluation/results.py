"""The results of an evaluation."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from colorize_tf.evaluation.candidates import Candidate
from colorize_tf.evaluation.color_statistics import ColorStatistics
from colorize_tf.evaluation.intervals import Interval
from colorize_tf.evaluation.tables import GROUPS, table


@dataclass(frozen=True)
class Evaluation:
    """Figures of colorizers and of references on the same photographs.

    Attributes:
        photographs: that were measured, in order.
        protocol: how they were measured, such as `size` in pixels, `features`, `intervals`.
        scores: by name and measure, means over pictures with intervals, then distances between
            sets and facts about the model. The references come first: gray, the photographs
            themselves ("truth") and, of runs, the mean color of their training photographs.
        differences: by pair of names and measure, differences of the means.
        per_picture: by name and measure, float64 `(photographs,)`.
        unmatched: pairs of names of which the first cannot be made as colorful as the second by
            multiplying its chroma.
        candidates: the models, by name.
        colors: errors and colors by hue and lightness.
    """

    photographs: tuple[Path, ...]
    protocol: Mapping[str, Any]
    scores: Mapping[str, Mapping[str, float | Interval]]
    differences: Mapping[str, Mapping[str, Interval]]
    per_picture: Mapping[str, Mapping[str, np.ndarray]]
    unmatched: Sequence[tuple[str, str]]
    candidates: Mapping[str, Candidate]
    colors: ColorStatistics

    def tables(self, *, markdown: bool = False) -> list[str]:
        """Format scores and differences as tables, in groups of columns or in Markdown."""
        if markdown:
            formatted = [table(rows, markdown=True) for rows in (self.scores, self.differences)]
        else:
            formatted = [
                table(rows, columns=columns)
                for rows in (self.scores, self.differences)
                for columns in GROUPS
            ]
        return [one for one in formatted if one]

    def notes(self) -> Iterator[str]:
        """Describe in sentences how the figures were measured, and their limits."""
        protocol = self.protocol
        yield (
            f"{protocol['pictures']} photographs in {protocol['folder']} (file list "
            f"{protocol['file_list']}), short side to {protocol['size']} px, central square; "
            f"{protocol['resize']}"
        )
        yield f"± is half of an interval: {protocol['intervals']}"
        figures = [figure for rows in self.scores.values() for figure in rows.values()]
        if any(isinstance(one, Interval) and one.half_width is None for one in figures):
            yield (
                "A figure without ± is infinite, or is a ratio whose denominator is 0 in some "
                "resamples because too few photographs have such areas"
            )
        if any("mottling_ratio" in rows for rows in self.scores.values()):
            yield protocol["mottling"]
        if "features" in protocol:
            yield f"KID and FID compare only within these features: {protocol['features']}"
        yield from protocol.get("not_independent", {}).values()
        if "robustness" in protocol:
            yield protocol["robustness"]
        for pale, vivid in self.unmatched:
            yield f"{pale} cannot be made as colorful as {vivid} by multiplying its chroma"

    def as_json(self) -> dict[str, Any]:
        """Return protocol and figures as plain numbers; infinite and undefined ones are None."""

        def plain(figure: float) -> float | None:
            return figure if math.isfinite(figure) else None

        def each(rows: Mapping, convert: Callable[[Any], Any]) -> dict[str, dict[str, Any]]:
            return {
                name: {key: convert(figure) for key, figure in figures.items()}
                for name, figures in rows.items()
            }

        intervals = {
            name: {key: one[1:] for key, one in figures.items() if isinstance(one, Interval)}
            for name, figures in {**self.scores, **self.differences}.items()
        }
        return {
            **self.protocol,
            "scores": each(
                self.scores, lambda one: plain(one.value if isinstance(one, Interval) else one)
            ),
            "differences": each(self.differences, lambda one: plain(one.value)),
            "intervals_95": each(intervals, lambda ends: [plain(end) for end in ends]),
            "photographs": [path.name for path in self.photographs],
            "per_picture": each(self.per_picture, lambda values: [plain(one) for one in values]),
        }
