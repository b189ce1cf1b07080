"""Charts of an evaluation as PNG files in memory, without a display or pyplot's global state."""

import io
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from colorize_tf.color.lab_tf import AB_SCALE
from colorize_tf.evaluation.color_errors import HUES, LIGHTNESSES

# Narrow enough for a phone, with letters that can still be read there.
_WIDTH, _HEIGHT, _DOTS_PER_INCH = 3.9, 3.0, 200
_HUE_NAMES = {0: "red", 90: "yellow", 180: "green", 270: "blue"}
_PHOTOGRAPHS = "photographs"


def colorfulness_chart(figures: dict[str, dict[str, np.ndarray]]) -> bytes:
    """Scatter predicted over true colorfulness, a point for each picture.

    Args:
        figures: by name, `colorfulness` and `true_colorfulness` of every picture.
    """
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
    """Draw the mean CIEDE2000 by true hue, as `ColorErrors` has it."""
    figure, axes = _chart("true hue", "CIEDE2000")
    centers = (np.arange(HUES) + 0.5) * (360 / HUES)
    for name, values in errors.items():
        axes.plot(centers, values, marker=".", label=_label(name))
    axes.set_xticks(list(_HUE_NAMES), [f"{angle}°\n{name}" for angle, name in _HUE_NAMES.items()])
    axes.set(xlim=(0, 360), ylim=0)
    axes.legend()
    return _png(figure)


def lightness_chart(values_by_name: dict[str, np.ndarray], measure: str) -> bytes:
    """Draw a measure by true lightness, as `ColorErrors` has it; "" are the photographs."""
    figure, axes = _chart("true L*", measure)
    centers = (np.arange(LIGHTNESSES) + 0.5) * (100 / LIGHTNESSES)
    for name, values in values_by_name.items():
        style = {"label": _label(name)} if name else {"label": _PHOTOGRAPHS, "color": "black"}
        axes.plot(centers, values, marker=".", **style)
    axes.set(xlim=(0, 100), ylim=0)
    axes.legend()
    return _png(figure)


def histogram_chart(histogram: np.ndarray, name: str) -> bytes:
    """Draw how often each color of the ab plane comes, on a logarithmic scale.

    Args:
        histogram: share of the pixels, `(cells, cells)`: a to the right, b upwards.
        name: whose colors; "" are the photographs.
    """
    figure, axes = _chart("a*", "b*", title=_shortened(name) or _PHOTOGRAPHS)
    extent = (-AB_SCALE, AB_SCALE, -AB_SCALE, AB_SCALE)
    drawn = axes.imshow(
        np.where(histogram > 0, histogram, np.nan),
        origin="lower",
        extent=extent,
        # One scale for all, so that they compare.
        norm=LogNorm(1e-6, 1),
        cmap="viridis",
    )
    figure.colorbar(drawn, label="share of pixels")
    return _png(figure)


def curve_chart(rows: Sequence[dict[str, str]], measure: str) -> bytes:
    """Draw one figure of a run's log over its steps.

    Args:
        rows: of `metrics.csv`, in order.
        measure: a column; rows without it are left out.
    """
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
        # A file's name is no formula, whatever signs it has.
        axes.set_title(title, parse_math=False)
        axes.grid(alpha=0.3)
    return figure, axes


def _label(name: str) -> str:
    """A legend takes what is between dollars for a formula."""
    return _shortened(name).replace("$", r"\$")


def _shortened(name: str) -> str:
    """Keep the end of a long name, where paths differ."""
    return name if len(name) <= 32 else f"...{name[-29:]}"


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, dpi=_DOTS_PER_INCH, format="png")
    return file.getvalue()
