"""Figures side by side: for a terminal, for a README, for a page."""

from collections.abc import Mapping, Sequence

from colorize_tf.evaluation.intervals import Interval

Scores = Mapping[str, Mapping[str, float | Interval]]
"""Figures by name of the model and measure, such as `Evaluation.scores`."""

# Measure: heading and format, in the order of the columns.
_COLUMNS = {
    "ab_rmse": ("ab RMSE", "{:.2f}"),
    "psnr": ("PSNR", "{:.2f}"),
    "ssim": ("SSIM", "{:.3f}"),
    "ciede2000": ("CIEDE2000", "{:.2f}"),
    "colorfulness_ratio": ("colorfulness ratio", "{:.2f}"),
    "mottling_ratio": ("mottling ratio", "{:.2f}"),
    "mottled_share": ("windows above 6", "{:.1%}"),
    "colorfulness": ("colorfulness", "{:.1f}"),
    "extreme_chroma_ratio": ("chroma in black and white", "{:.2f}"),
    "out_of_gamut": ("out of gamut", "{:.1%}"),
    "sliced_wasserstein": ("sliced Wasserstein", "{:.2f}"),
    "kid_times_1000": ("KID x1000", "{:.0f}"),
    "fid": ("FID", "{:.1f}"),
    "exposure_shift": ("shift with exposure", "{:.2f}"),
    "size_shift": ("shift with size", "{:.2f}"),
    "input_size": ("input px", "{}"),
    "parameters": ("parameters", "{:,}"),
    "pictures": ("pictures seen", "{:,}"),
    "pictures_per_second": ("pictures/s", "{:.1f}"),
}

GROUPS = (
    ("ab_rmse", "psnr", "ssim", "ciede2000", "colorfulness_ratio"),
    ("mottling_ratio", "mottled_share", "sliced_wasserstein", "kid_times_1000", "fid"),
    ("colorfulness", "extreme_chroma_ratio", "out_of_gamut"),
    ("exposure_shift", "size_shift"),
    ("input_size", "parameters", "pictures", "pictures_per_second"),
)
"""Columns of the tables that a terminal shows one below the other: one table would be too wide."""


def table(
    scores: Scores, *, columns: Sequence[str] = tuple(_COLUMNS), markdown: bool = False
) -> str:
    """Format scores for a terminal, or as Markdown.

    Args:
        scores: by name and measure; unknown measures are left out.
        columns: which measures to show, where any name has them.
        markdown: whether to format a Markdown table.

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


def cells(scores: Scores, columns: Sequence[str] = tuple(_COLUMNS)) -> list[list[str]]:
    """Format scores as rows of cells: the headings, then one row for each name."""
    measures = [key for key in columns if any(key in figures for figures in scores.values())]
    rows = [["", *(_COLUMNS[key][0] for key in measures)]]
    for name, figures in scores.items():
        rows.append([name, *(_cell(key, figures.get(key)) for key in measures)])
    return rows


def _cell(key: str, figure: float | Interval | None) -> str:
    template = _COLUMNS[key][1]
    if figure is None:
        return "-"
    if not isinstance(figure, Interval):
        return template.format(figure)
    half = figure.half_width
    return template.format(figure.value) + ("" if half is None else f" ±{template.format(half)}")
