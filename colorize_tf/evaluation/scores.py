"""Scores of colorizers over photographs, and of the answers that cost nothing."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from colorize_tf import media
from colorize_tf.color import encode, images_to_rgb, to_lab
from colorize_tf.inference.chroma import join
from colorize_tf.metrics import ab_rmse, ciede2000, colorfulness, psnr, ssim

# Key, heading and format of every figure that a table may show, in this order.
_COLUMNS = {
    "ab_rmse": ("ab RMSE", "{:.2f}"),
    "psnr": ("PSNR", "{:.2f}"),
    "ssim": ("SSIM", "{:.3f}"),
    "ciede2000": ("CIEDE2000", "{:.2f}"),
    "colorfulness_ratio": ("colourfulness ratio", "{:.2f}"),
    "input_size": ("input px", "{}"),
    "parameters": ("parameters", "{:,}"),
    "pictures": ("pictures seen", "{:,}"),
    "pictures_per_second": ("pictures/s", "{:.1f}"),
}


def evaluation_image(path: str | Path, size: int) -> np.ndarray:
    """Read a photograph as the evaluation sees it: short side to `size`, then the central square.

    Args:
        path: image file.
        size: height and width of the result, in pixels.

    Returns:
        uint8 `(size, size, 3)`.
    """
    image = media.resize_to_short_side(media.read_image(path), size)
    top, left = ((side - size) // 2 for side in image.shape[:2])
    return image[top : top + size, left : left + size]


def grey(image: np.ndarray) -> np.ndarray:
    """Answer with no colour at all (ab = 0), what doing nothing scores."""
    return join(image, np.zeros((1, 1, 2), np.float32))


def mean_color(ab: Sequence[float]) -> Callable[[np.ndarray], np.ndarray]:
    """Make the colorizer that gives every pixel the same chroma.

    Args:
        ab: two numbers in [-1, 1], such as the mean over a training set.

    Returns:
        uint8 `(height, width, 3)` to the same.
    """
    constant = np.array(ab, np.float32).reshape(1, 1, 2)
    return lambda image: join(image, constant)


def score(
    colorize: Callable[[np.ndarray], np.ndarray], paths: Iterable[Path], *, size: int
) -> dict[str, float]:
    """Measure one colorizer on photographs; `compare` tells how."""
    return compare({"this model": colorize}, paths, size=size)["this model"]


def compare(
    colorizers: dict[str, Callable[[np.ndarray], np.ndarray]], paths: Iterable[Path], *, size: int
) -> dict[str, dict[str, float]]:
    """Measure colorizers on the same photographs, each of which is read once.

    Args:
        colorizers: by name, uint8 `(size, size, 3)` to the same; a `Colorizer`, or `grey`.
        paths: photographs, at least one.
        size: of the squares that are compared, in pixels.

    Returns:
        By name: `ab_rmse` in Lab units, `psnr` in dB, `ssim` and `ciede2000`, means over pictures,
        and `colorfulness_ratio`, mean predicted over mean true.

    Raises:
        ValueError: the photographs have no colour to compare with, or a model cannot answer.
    """
    figures = []
    true_colorfulness = []
    for path in paths:
        image = evaluation_image(path, size)
        answers = [_answer(name, colorizers[name], image, path) for name in colorizers]
        rgb = images_to_rgb(image[np.newaxis])
        true_colorfulness.append(float(colorfulness(rgb)[0]))
        figures.append(_figures(rgb, images_to_rgb(np.stack(answers))))
    if not any(true_colorfulness):
        raise ValueError("the photographs are grey: there is no true colour to compare with")
    means = {measure: np.mean([one[measure] for one in figures], axis=0) for measure in figures[0]}
    means["colorfulness_ratio"] = means.pop("colorfulness") / np.mean(true_colorfulness)
    return {
        name: {measure: float(values[place]) for measure, values in means.items()}
        for place, name in enumerate(colorizers)
    }


def _answer(
    name: str, colorize: Callable[[np.ndarray], np.ndarray], image: np.ndarray, path: Path
) -> np.ndarray:
    try:
        return colorize(image)
    except ValueError as error:
        raise ValueError(f"{name} cannot colour {path}: {error}") from error


@tf.function
def _figures(rgb: tf.Tensor, generated_rgb: tf.Tensor) -> dict[str, tf.Tensor]:
    """Measure several answers `(count, size, size, 3)` to one picture `(1, size, size, 3)`."""
    lightness, ab = encode(rgb)
    generated_lightness, generated_ab = encode(generated_rgb)
    lab, generated_lab = to_lab(lightness, ab), to_lab(generated_lightness, generated_ab)
    return {
        "ab_rmse": ab_rmse(ab, generated_ab),
        "psnr": psnr(rgb, generated_rgb),
        "ssim": ssim(rgb, generated_rgb),
        "ciede2000": ciede2000(lab, generated_lab),
        "colorfulness": colorfulness(generated_rgb),
    }


def table(scores: dict[str, dict[str, float]], *, markdown: bool = False) -> str:
    """Lay scores out for a terminal, or for a README.

    Args:
        scores: what `compare` returns; `input_size`, `parameters`, `pictures` and
            `pictures_per_second` are shown too where a model has them.
        markdown: whether to draw a Markdown table.

    Returns:
        One line for each name, under a heading.
    """
    measures = [key for key in _COLUMNS if any(key in figures for figures in scores.values())]
    rows = [["", *(_COLUMNS[key][0] for key in measures)]]
    for name, figures in scores.items():
        formats = {key: _COLUMNS[key][1] for key in measures}
        cells = (f.format(figures[key]) if key in figures else "-" for key, f in formats.items())
        rows.append([name, *cells])
    if markdown:
        rows.insert(1, ["---", *("---:" for _ in measures)])
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        row[0].ljust(widths[0])
        + "".join(f"   {cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in rows
    )
