"""Evaluate colorizers on photographs beside references: gray, the truth, the mean color."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from colorize_tf.data.catalog import list_photographs
from colorize_tf.data.locations import expanded
from colorize_tf.evaluation.candidates import Candidate, Model, load_candidate, name_models
from colorize_tf.evaluation.color_statistics import ColorStatistics
from colorize_tf.evaluation.features import Features, load_features
from colorize_tf.evaluation.intervals import RESAMPLES, Interval, paired_differences, summarize
from colorize_tf.evaluation.matching import Thumbnails
from colorize_tf.evaluation.results import Evaluation
from colorize_tf.evaluation.robustness import DEFINITION, color_shifts
from colorize_tf.evaluation.scores import (
    PictureFigures,
    PredictsChroma,
    SetDistances,
    gray,
    mean_color,
    measure,
    saturated,
    truth,
)
from colorize_tf.inference.colorizer import Colorizer
from colorize_tf.metrics.mottling import EVEN_LIMIT, MOTTLED_LIMIT

GRAY, TRUTH = "gray (ab = 0)", "truth"
MINIMUM_SIZE = 16

_MOTTLING = (
    "Mottling: in windows of 3/16 of the side, the chroma that L* does not explain linearly; where "
    f"the photograph's is below {EVEN_LIMIT:g} Lab units, mean predicted over mean true, and the "
    f"share of these windows above {MOTTLED_LIMIT:g}"
)


def evaluate_colorizers(
    models: Model | Sequence[Model] | Mapping[str, Model] | None,
    photographs: str | Path | Sequence[Path],
    *,
    size: int = 256,
    features: str | Path | None = None,
    against: Model | None = None,
    robustness: bool = False,
    progress: bool = False,
) -> Evaluation:
    r"""Measure colorizers on color photographs, beside references.

    Args:
        models: what `Colorizer.load` takes or a `Colorizer`; one, several, or several by name;
            None is the model that comes with the package.
        photographs: a folder, of whose train/validation split the validation half is used, or
            paths.
        size: height and width of the squares compared, in pixels.
        features: network for KID and FID, as `features.load_features` takes it. Models that this
            network helped to train get neither, with a warning.
        against: a model whose figures are subtracted from those of the others, as they are and
            with the chroma of the paler one multiplied until both are equally colorful.
        robustness: whether to measure how far colors move with exposure and with size.
        progress: whether to show progress bars on standard error.

    Returns:
        The figures; `write_evaluation_report` makes a page of them.

    Raises:
        ValueError: a model or network cannot be loaded or fails, two models have the same name, or
            the photographs are missing or have no color.

    Example:
        evaluation = evaluate_colorizers(["runs/first", "runs/other"], "photos/val")
        print(*evaluation.notes(), *evaluation.tables(), sep="\n")
        write_evaluation_report(evaluation, "report")
    """
    if size < MINIMUM_SIZE:
        raise ValueError(f"size must be at least {MINIMUM_SIZE} pixels, got {size}")
    named = name_models(models, against, reserved=(GRAY, TRUTH))
    network = None if features is None else load_features(features)
    candidates = {name: load_candidate(model) for name, model in named.items()}
    if isinstance(photographs, str | Path):
        folder, paths = str(photographs), _list_color_photographs(photographs)
    else:
        paths = tuple(map(Path, photographs))
        if not paths:
            raise ValueError("no photographs were given; give at least one path, or a folder")
        folder = "a list" if len({path.parent for path in paths}) > 1 else str(paths[0].parent)
    measurements = _Measurements(paths, size, network, progress)
    colorizers = {name: candidate.colorizer for name, candidate in candidates.items()}
    colors, thumbnails = ColorStatistics(), Thumbnails(colorizers if against else ())
    compared: dict[str, PredictsChroma] = {GRAY: gray, TRUTH: truth, **_mean_colors(candidates)}
    measurements.measure({**compared, **colorizers}, colors, thumbnails)
    if against is not None:
        measurements.compare_with(list(colorizers)[-1], colorizers, thumbnails)
    if robustness:
        measurements.measure_shifts(colorizers)
    protocol = _protocol(folder, paths, size, network, robustness)
    if network and (reasons := _dependencies(network, candidates)):
        protocol["not_independent"] = reasons
        measurements.drop_features(reasons)
    for name, candidate in candidates.items():
        measurements.facts[name].update(candidate.facts)
    return Evaluation(
        photographs=paths,
        protocol=protocol,
        scores=measurements.scores(),
        differences=measurements.differences(),
        per_picture=measurements.figures,
        unmatched=measurements.unmatched,
        candidates=candidates,
        colors=colors,
    )


class _Measurements:
    """Measures colorizers on the same photographs, in as many passes as needed."""

    def __init__(self, paths: Sequence[Path], size: int, features: Features | None, progress: bool):
        self._paths, self._size, self._features = paths, size, features
        self._shows_progress = progress
        self.figures: dict[str, dict[str, np.ndarray]] = {}
        self.facts: dict[str, dict[str, float]] = {}
        self.unmatched: list[tuple[str, str]] = []
        self._pairs: list[tuple[str, str]] = []
        self._scaled: dict[str, str] = {}

    def measure(self, colorizers: Mapping[str, PredictsChroma], *observers: Any) -> None:
        """Measure more colorizers; observers get every photograph by their method `add`."""
        figures, distances = PictureFigures(), SetDistances(self._features)
        for measurement in measure(colorizers, self._photographs(), size=self._size):
            for observer in (figures, distances, *observers):
                observer.add(measurement)
        self.figures.update(figures.by_name())
        self.facts.update(distances.by_name())

    def compare_with(
        self, other: str, colorizers: Mapping[str, Colorizer], thumbnails: Thumbnails
    ) -> None:
        """Pair each colorizer with `other`, as they are and at equal colorfulness.

        The paler one of each pair is measured again with its chroma multiplied.
        """
        matched: dict[str, PredictsChroma] = {}
        for name in colorizers:
            if name == other:
                continue
            self._pairs.append((name, other))
            pale, vivid = sorted((name, other), key=self._mean_colorfulness)
            factor = thumbnails.matching_factor(pale, vivid)
            if factor is None:
                self.unmatched.append((pale, vivid))
                continue
            row = f"{pale}, chroma x{factor:.2f}"
            self._scaled[row] = pale
            matched[row] = saturated(colorizers[pale], factor)
            self._pairs.append((name, row) if pale == other else (row, other))
        if matched:
            self.measure(matched)

    def measure_shifts(self, colorizers: Mapping[str, PredictsChroma]) -> None:
        """Measure how far colors move with exposure and size."""
        shifts = color_shifts(colorizers, self._photographs(), size=self._size)
        for name, figures in shifts.items():
            self.figures[name].update(figures)

    def drop_features(self, names: Iterable[str]) -> None:
        """Remove KID and FID of these models."""
        dropped = set(names)
        for name, facts in self.facts.items():
            if self._scaled.get(name, name) in dropped:
                del facts["kid_times_1000"], facts["fid"]

    def scores(self) -> dict[str, dict[str, float | Interval]]:
        """Return means with intervals, then distances and facts, by name."""
        return {
            name: {**summarize(figures), **self.facts[name]}
            for name, figures in self.figures.items()
        }

    def differences(self) -> dict[str, dict[str, Interval]]:
        """Return the differences of the means of all pairs."""
        return {
            f"{name} less {other}": paired_differences(self.figures[name], self.figures[other])
            for name, other in self._pairs
        }

    def _photographs(self) -> Iterable[Path]:
        return tqdm(
            self._paths,
            desc="Coloring photographs",
            unit="file",
            delay=2,
            # None shows it on terminals only.
            disable=None if self._shows_progress else True,
        )

    def _mean_colorfulness(self, name: str) -> float:
        return self.figures[name]["colorfulness"].mean()


def _list_color_photographs(folder: str | Path) -> tuple[Path, ...]:
    try:
        return list_photographs(folder)
    except ValueError as error:
        if "monochrome" not in str(error):
            raise
        raise ValueError(f"{error}: gray ones have no true color to compare with") from error


def _mean_colors(candidates: Mapping[str, Candidate]) -> dict[str, PredictsChroma]:
    """Return the mean colors of what the runs were trained on, each once."""
    names: dict[tuple[float, float], str] = {}
    for name, candidate in candidates.items():
        if candidate.mean_ab:
            names.setdefault(candidate.mean_ab, name)
    return {
        "mean color" if len(names) == 1 else f"mean color of {name}": mean_color(ab)
        for ab, name in names.items()
    }


def _dependencies(features: Features, candidates: Mapping[str, Candidate]) -> dict[str, str]:
    """Return, by name, why a model gets no KID and FID: the network took part in its training."""
    reasons = {
        name: f"{name} has no KID and FID: a network of the family {features.family} trained it or "
        "chose its epoch; name another network with --features"
        for name, candidate in candidates.items()
        if features.family and candidate.uses(features.family)
    }
    for reason in reasons.values():
        warnings.warn(reason, stacklevel=3)
    return reasons


def _protocol(
    folder: str, paths: Sequence[Path], size: int, features: Features | None, robustness: bool
) -> dict[str, Any]:
    root = expanded(folder)
    names = "\n".join(
        # Photographs of a prepared set are elsewhere.
        path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
        for path in paths
    )
    protocol: dict[str, Any] = {
        "folder": folder,
        "pictures": len(paths),
        "file_list": hashlib.sha256(names.encode()).hexdigest()[:12],
        "size": size,
        "resize": "area average (cubic where a photograph is smaller)",
        "intervals": f"95 %, percentiles of {RESAMPLES} bootstrap resamples of the photographs",
        "mottling": _MOTTLING,
    }
    if features:
        protocol["features"] = features.source
    if robustness:
        protocol["robustness"] = DEFINITION
    return protocol
