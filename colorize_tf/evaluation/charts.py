"""Draw the charts of an evaluation as PNG data, without a display or pyplot's global state."""

import io
from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from colorize_tf.color.lab_tf import AB_SCALE
from colorize_tf.evaluation.color_statistics import HUE_BINS, LIGHTNESS_BINS

# Inches: narrow enough for a phone, with letters that are legible there.
_WIDTH, _HEIGHT, _DOTS_PER_INCH = 3.9, 3.0, 200
_HUE_NAMES = {0: "red", 90: "yellow", 180: "green", 270: "blue"}
_PHOTOGRAPHS = "photographs"


def colorfulness_chart(figures: Mapping[str, Mapping[str, np.ndarray]]) -> bytes:
    """Plot `colorfulness` against `true_colorfulness`, a point for each picture of each name."""
    figure, axes = _chart("true colorfulness", "predicted colorfulness")
    for name, one in figures.items():
        axes.scatter(
            one["true_colorfulness"], one["colorfulness"], s=9, alpha=0.6, label=_label(name)
        )
    axes.axline((0, 0), slope=1, color="0.6", linewidth=1)
    axes.set(xlim=0, ylim=0)
    axes.legend()
    return _png(figure)


def hue_chart(errors: dict[str, np.ndarray]) -> bytes:
    """Plot the mean CIEDE2000 by true hue, as `ColorStatistics.error_by_hue` returns it."""
    figure, axes = _chart("true hue", "CIEDE2000")
    centers = (np.arange(HUE_BINS) + 0.5) * (360 / HUE_BINS)
    for name, values in errors.items():
        axes.plot(centers, values, marker=".", label=_label(name))
    axes.set_xticks(list(_HUE_NAMES), [f"{angle}°\n{name}" for angle, name in _HUE_NAMES.items()])
    axes.set(xlim=(0, 360), ylim=0)
    axes.legend()
    return _png(figure)


def lightness_chart(values_by_name: dict[str, np.ndarray], measure: str) -> bytes:
    """Plot a measure by true lightness; the name "" stands for the photographs.

    Args:
        values_by_name: float `(LIGHTNESS_BINS,)`, as `ColorStatistics` returns it.
        measure: label of the axis.
    """
    figure, axes = _chart("true L*", measure)
    centers = (np.arange(LIGHTNESS_BINS) + 0.5) * (100 / LIGHTNESS_BINS)
    for name, values in values_by_name.items():
        label, color = (_label(name), None) if name else (_PHOTOGRAPHS, "black")
        axes.plot(centers, values, marker=".", label=label, color=color)
    axes.set(xlim=(0, 100), ylim=0)
    axes.legend()
    return _png(figure)


def histogram_chart(histogram: np.ndarray, name: str) -> bytes:
    """Plot the share of pixels over the ab plane, on a logarithmic scale.

    Args:
        histogram: share of the pixels, `(cells, cells)`: columns are a, rows are b.
        name: of the colorizer; "" stands for the photographs.
    """
    figure, axes = _chart("a*", "b*", title=_shortened(name) or _PHOTOGRAPHS)
    extent = (-AB_SCALE, AB_SCALE, -AB_SCALE, AB_SCALE)
    drawn = axes.imshow(
        np.where(histogram > 0, histogram, np.nan),
        origin="lower",
        extent=extent,
        # One scale for all charts, so that they can be compared.
        norm=LogNorm(1e-6, 1),
        cmap="viridis",
    )
    figure.colorbar(drawn, label="share of pixels")
    return _png(figure)


def curve_chart(rows: Sequence[dict[str, str]], measure: str) -> bytes:
    """Plot one column of a run's `metrics.csv` over its steps; leave out rows without a value."""
    figure, axes = _chart("steps", "", title=measure)
    known = [row for row in rows if row.get(measure)]
    axes.plot(
        [int(row["steps"]) for row in known],
        [float(row[measure]) for row in known],
        marker=".",
    )
    return _png(figure)


def _chart(x_label: str, y_label: str, title: str = "") -> tuple[Figure, matplotlib.axes.Axes]:
    with matplotlib.rc_context({"font.size": 9, "legend.fontsize": 8, "axes.titlesize": 10}):
        figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot(xlabel=x_label, ylabel=y_label)
        # A file name is no formula, whatever characters it has.
        axes.set_title(title, parse_math=False)
        axes.grid(alpha=0.3)
    return figure, axes


def _label(name: str) -> str:
    """Escape dollars, which begin a formula in legends."""
    return _shortened(name).replace("$", r"\$")


def _shortened(name: str) -> str:
    """Keep the end of a long name, where paths differ."""
    return name if len(name) <= 32 else f"...{name[-29:]}"


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, dpi=_DOTS_PER_INCH, format="png")
    return file.getvalue()
