"""Figures side by side: for a terminal, for a README, for a page."""

from collections.abc import Sequence

from colorize_tf.evaluation.intervals import Interval

# Key, heading and format of every figure that a table may show, in this order.
_COLUMNS = {
    "ab_rmse": ("ab RMSE", "{:.2f}"),
    "psnr": ("PSNR", "{:.2f}"),
    "ssim": ("SSIM", "{:.3f}"),
    "ciede2000": ("CIEDE2000", "{:.2f}"),
    "colorfulness_ratio": ("colorfulness ratio", "{:.2f}"),
    "colorfulness": ("colorfulness", "{:.1f}"),
    "extreme_chroma_ratio": ("chroma in black and white", "{:.2f}"),
    "out_of_gamut": ("out of gamut", "{:.1%}"),
    "sliced_wasserstein": ("sliced Wasserstein", "{:.2f}"),
    "kid_times_1000": ("KID x1000", "{:.0f}"),
    "fid": ("FID", "{:.1f}"),
    "exposure_shift": ("moved by exposure", "{:.2f}"),
    "size_shift": ("moved by size", "{:.2f}"),
    "input_size": ("input px", "{}"),
    "parameters": ("parameters", "{:,}"),
    "pictures": ("pictures seen", "{:,}"),
    "pictures_per_second": ("pictures/s", "{:.1f}"),
}

GROUPS = (
    ("ab_rmse", "psnr", "ssim", "ciede2000", "colorfulness_ratio"),
    ("colorfulness", "extreme_chroma_ratio", "out_of_gamut", "sliced_wasserstein"),
    ("kid_times_1000", "fid", "exposure_shift", "size_shift"),
    ("input_size", "parameters", "pictures", "pictures_per_second"),
)
"""Columns that a terminal shows one below the other: with intervals, one table is too wide."""


def table(
    scores: dict[str, dict[str, float | Interval]],
    *,
    columns: Sequence[str] = tuple(_COLUMNS),
    markdown: bool = False,
) -> str:
    """Lay scores out for a terminal, or for a README.

    Args:
        scores: by name and measure, as `compare` and `summarize` return them; `input_size`,
            `parameters`, `pictures` and `pictures_per_second` too where a model has them.
        columns: which measures, where any name has them.
        markdown: whether to draw a Markdown table.

    Returns:
        One line for each name, under a heading; empty if no name has any of the columns.
    """
    heading, *lines = cells(scores, columns)
    if not heading[1:]:
        return ""
    if markdown:
        rule = ["---", *("---:" for _ in heading[1:])]
        return "\n".join(f"| {' | '.join(row)} |" for row in (heading, rule, *lines))
    widths = [max(map(len, column)) for column in zip(heading, *lines, strict=True)]
    return "\n".join(
        row[0].ljust(widths[0])
        + "".join(f"   {cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in (heading, *lines)
    )


def cells(
    scores: dict[str, dict[str, float | Interval]], columns: Sequence[str] = tuple(_COLUMNS)
) -> list[list[str]]:
    """Write scores as `table` shows them: a row of headings, then one for each name."""
    measures = [key for key in columns if any(key in figures for figures in scores.values())]
    rows = [["", *(_COLUMNS[key][0] for key in measures)]]
    for name, figures in scores.items():
        rows.append([name, *(_cell(key, figures.get(key)) for key in measures)])
    return rows


def _cell(key: str, figure: float | Interval | None) -> str:
    form = _COLUMNS[key][1]
    if figure is None:
        return "-"
    if isinstance(figure, Interval):
        half = 0.5 * (figure.high - figure.low)
        return f"{form.format(figure.value)} ±{form.format(half)}"
    return form.format(figure)
