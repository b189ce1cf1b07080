"""Write an evaluation as a page: figures, pictures, and errors by color."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np

from colorize_tf import imagefiles
from colorize_tf.evaluation.charts import (
    colorfulness_chart,
    curve_chart,
    histogram_chart,
    hue_chart,
    lightness_chart,
)
from colorize_tf.evaluation.page import Chart, Row, Section, Tile, write_page
from colorize_tf.evaluation.results import Evaluation
from colorize_tf.evaluation.scores import Measurement, gray, measure
from colorize_tf.evaluation.tables import cells
from colorize_tf.inference.colorizer import Colorizer

_PER_RANK = 3
_LARGE_SIDE = 900
# CIEDE2000 that an error map shows as its lightest color.
_MAP_LIMIT = 30.0


def write_evaluation_report(evaluation: Evaluation, folder: str | Path) -> Path:
    """Write an evaluation to a new folder as one HTML page that needs no network.

    Args:
        evaluation: from `evaluate_colorizers`.
        folder: must not exist yet.

    Returns:
        Path of the page.

    Raises:
        ValueError: the folder exists already, or its parent does not.
    """
    candidates = evaluation.candidates
    colorizers = {name: candidate.colorizer for name, candidate in candidates.items()}
    sections = [
        Section("Figures", ". ".join(evaluation.notes()), table=cells(evaluation.scores)),
        *_difference_section(evaluation),
        _picture_section(evaluation, colorizers),
        _color_section(evaluation),
        Section(
            "Predicted colors",
            "Share of all pixels over the ab plane.",
            charts=[
                Chart(f"ab of {name or 'the photographs'}", histogram_chart(histogram, name))
                for name, histogram in evaluation.colors.histograms().items()
                if name in ("", *colorizers)
            ],
        ),
        *_curve_sections({name: one.log for name, one in candidates.items() if one.log}),
    ]
    return write_page(folder, f"Evaluation of {', '.join(colorizers)}", sections)


def choose_by_rank(errors: np.ndarray) -> dict[str, list[int]]:
    """Choose the best, the median and the worst pictures, each once.

    Args:
        errors: float `(pictures,)`, at least one.

    Returns:
        Up to three indices each for `best`, `median` and `worst`, the most typical one first.
    """
    order = np.argsort(errors, kind="stable")
    from_the_middle = sorted(range(len(order)), key=lambda rank: abs(2 * rank + 1 - len(order)))
    rankings = {"best": order, "worst": order[::-1], "median": order[from_the_middle]}
    chosen: dict[str, list[int]] = {name: [] for name in ("best", "median", "worst")}
    taken: set[int] = set()
    for _ in range(_PER_RANK):
        for name, ranking in rankings.items():
            index = next((int(one) for one in ranking if int(one) not in taken), None)
            if index is not None:
                taken.add(index)
                chosen[name].append(index)
    return chosen


def thumbnails(measurement: Measurement, names: Sequence[str]) -> list[Tile]:
    """Lay out gray (the first prediction), those of `names` with error maps, and the truth."""
    tiles = [Tile("gray", measurement.images[1])]
    for name in names:
        index = measurement.names.index(name)
        error = measurement.figures["ciede2000"][index]
        tiles.append(Tile(f"{name}, CIEDE2000 {error:.1f}", measurement.images[1 + index]))
        tiles.append(Tile(f"error of {name}", error_map(measurement.differences[index])))
    return [*tiles, Tile("true", measurement.images[0])]


def large_pictures(path: Path, colorizers: Mapping[str, Colorizer]) -> list[Tile]:
    """Colorize a photograph, reduced to at most 900 pixels, beside the photograph itself."""
    image = imagefiles.read_image(path)
    scale = min(1.0, _LARGE_SIDE / max(image.shape[:2]))
    image = imagefiles.resize_to_short_side(image, max(1, round(scale * min(image.shape[:2]))))
    predictions = [Tile(name, colorizer(image)) for name, colorizer in colorizers.items()]
    return [*predictions, Tile("true", image)]


def error_map(differences: np.ndarray) -> np.ndarray:
    """Draw CIEDE2000 `(height, width)` as uint8 RGB, from black for 0 to pale yellow for 30."""
    share = np.clip(differences / _MAP_LIMIT, 0, 1)
    return matplotlib.colormaps["inferno"](share, bytes=True)[..., :3]


def _difference_section(evaluation: Evaluation) -> Iterator[Section]:
    if evaluation.differences:
        text = "Differences of means over the same photographs, with 95 % paired bootstrap."
        yield Section("Differences", text, table=cells(evaluation.differences))


def _picture_section(evaluation: Evaluation, colorizers: Mapping[str, Colorizer]) -> Section:
    first = next(iter(colorizers))
    chosen = choose_by_rank(evaluation.per_picture[first]["ciede2000"])
    rows = []
    for rank, indices in chosen.items():
        paths = [evaluation.photographs[index] for index in indices]
        shown = {"gray": gray, **colorizers}
        for measurement in measure(shown, paths, size=evaluation.protocol["size"]):
            rows.append(
                Row(
                    f"{rank}: {measurement.path.name}",
                    thumbnails(measurement, list(colorizers)),
                    large_pictures(measurement.path, colorizers),
                )
            )
    text = (
        f"Best, median and worst photographs by the CIEDE2000 of {first}: the squares that were "
        f"measured, then the whole photograph at up to {_LARGE_SIDE} pixels. Error maps go from "
        f"black, no difference, to pale yellow, CIEDE2000 of {_MAP_LIMIT:g} and more."
    )
    return Section("Pictures", text, rows=rows)


def _color_section(evaluation: Evaluation) -> Section:
    colors = evaluation.colors
    return Section(
        "Errors by color",
        "Hue and lightness are those of the photographs; pixels below 5 Lab units of chroma have "
        "no hue. Chroma above that of the photographs in black and blown-out areas shows as "
        "blotches.",
        charts=[
            Chart(
                "colorfulness, a point for each photograph",
                colorfulness_chart(evaluation.per_picture),
            ),
            Chart("error by hue", hue_chart(colors.error_by_hue())),
            Chart("error by lightness", lightness_chart(colors.error_by_lightness(), "CIEDE2000")),
            Chart("chroma by lightness", lightness_chart(colors.chroma_by_lightness(), "chroma")),
        ],
    )


def _curve_sections(logs: Mapping[str, Sequence[dict[str, str]]]) -> Iterator[Section]:
    for name, rows in logs.items():
        measures = [key for key in rows[-1] if key.startswith("val_") or key.endswith("loss")]
        charts = [Chart(measure, curve_chart(rows, measure)) for measure in sorted(measures)]
        yield Section(f"Training of {name}", charts=charts)
