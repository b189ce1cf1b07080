"""A survey as a page: figures, pictures, and where the colors go wrong."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from colorize_tf.evaluation.charts import (
    colorfulness_chart,
    curve_chart,
    histogram_chart,
    hue_chart,
    lightness_chart,
)
from colorize_tf.evaluation.color_errors import ColorErrors
from colorize_tf.evaluation.gallery import choose, tiles
from colorize_tf.evaluation.page import Chart, Section, write_page
from colorize_tf.evaluation.scores import gray, measure
from colorize_tf.evaluation.survey import Survey
from colorize_tf.evaluation.tables import cells
from colorize_tf.inference.colorizer import Colorizer

_GRAY = "gray"


def write_report(
    folder: str | Path,
    survey: Survey,
    errors: ColorErrors,
    colorizers: dict[str, Colorizer],
    *,
    protocol: str,
    logs: dict[str, Sequence[dict[str, str]]],
) -> Path:
    """Write what a survey found to a new folder, as one page.

    Args:
        folder: where nothing stands yet.
        survey: of these colorizers, and of baselines.
        errors: looked on when they were measured.
        colorizers: by name, those whose answers are shown; the first one chooses the photographs.
        protocol: how it was measured, a paragraph.
        logs: by name, rows of the `metrics.csv` of those that are runs.

    Returns:
        The page's path.

    Raises:
        ValueError: something stands there, or its folder does not exist.
    """
    sections = [
        Section("Figures", protocol, table=cells(survey.scores())),
        *_differences(survey),
        _gallery(survey, colorizers),
        _color_section(survey, errors),
        Section(
            "Colors predicted",
            "How often each color of the ab plane comes, over all pixels.",
            charts=[
                Chart(f"ab of {name or 'the photographs'}", histogram_chart(one, name))
                for name, one in errors.histograms().items()
                if name in ("", *colorizers)
            ],
        ),
        *_curves(logs),
    ]
    return write_page(folder, f"Evaluation of {', '.join(colorizers)}", sections)


def _differences(survey: Survey) -> Iterator[Section]:
    if survey.pairs:
        text = "Of means over the same photographs, with 95 % bootstrap intervals of the pairs."
        yield Section("Differences", text, table=cells(survey.differences()))


def _gallery(survey: Survey, colorizers: dict[str, Colorizer]) -> Section:
    first = next(iter(colorizers))
    rows = []
    for kind, places in choose(survey.figures[first]["ciede2000"]).items():
        paths = [survey.paths[place] for place in places]
        shown = {_GRAY: gray, **colorizers}
        rows += [
            (f"{kind}: {measured.path.name}", tiles(measured, list(colorizers), _GRAY))
            for measured in measure(shown, paths, size=survey.size)
        ]
    text = (
        f"Best, median and worst photographs by the CIEDE2000 of {first}. "
        "Error maps go from black, no difference, to pale yellow, CIEDE2000 of 30 and more."
    )
    return Section("Pictures", text, rows=rows)


def _color_section(survey: Survey, errors: ColorErrors) -> Section:
    chroma = errors.chroma_by_lightness()
    return Section(
        "Where it errs",
        "Hue and lightness are the photographs'; pixels of less than 5 Lab units of chroma have no "
        "hue. Chroma above the photographs' in the dark and in the blown out shows as blotches.",
        charts=[
            Chart("colorfulness, a point for each photograph", colorfulness_chart(survey.figures)),
            Chart("error by hue", hue_chart(errors.error_by_hue())),
            Chart(
                "error by lightness",
                lightness_chart(errors.error_by_lightness(), "CIEDE2000"),
            ),
            Chart("chroma by lightness", lightness_chart(chroma, "chroma")),
        ],
    )


def _curves(logs: dict[str, Sequence[dict[str, str]]]) -> Iterator[Section]:
    for name, rows in logs.items():
        measures = [key for key in rows[-1] if key.startswith("val_") or key.endswith("loss")]
        charts = [Chart(measure, curve_chart(rows, measure)) for measure in sorted(measures)]
        yield Section(f"Training of {name}", charts=charts)
