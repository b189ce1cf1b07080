"""Scores of a colorizer over photographs, and of the answers that cost nothing."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from skimage.color import deltaE_ciede2000

from colorize_tf import media
from colorize_tf.color import encode, images_to_lab, images_to_rgb
from colorize_tf.inference.chroma import join
from colorize_tf.metrics import ab_rmse, colorfulness, psnr


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


def score(
    colorize: Callable[[np.ndarray], np.ndarray], paths: Sequence[Path], *, size: int
) -> dict[str, float]:
    """Measure a colorizer on photographs.

    Args:
        colorize: uint8 `(size, size, 3)` to the same; a `Colorizer`, or `grey`.
        paths: photographs.
        size: of the squares that are compared, in pixels.

    Returns:
        `ab_rmse` in Lab units, `psnr` in dB and `ciede2000` (mean over pixels), means over
        pictures, and `colorfulness_ratio`, mean predicted over mean true.

    Raises:
        ValueError: the photographs have no colour to compare with.
    """
    images = (evaluation_image(path, size) for path in paths)
    figures = [_figures(image, colorize(image)) for image in images]
    means = {name: float(np.mean([f[name] for f in figures])) for name in figures[0]}
    true_colorfulness = means.pop("true_colorfulness")
    if true_colorfulness == 0:
        raise ValueError("the photographs are grey: there is no true colour to compare with")
    means["colorfulness_ratio"] = means.pop("colorfulness") / true_colorfulness
    return means


def _figures(image: np.ndarray, colorized: np.ndarray) -> dict[str, float]:
    rgb, generated_rgb = (images_to_rgb(one[np.newaxis]) for one in (image, colorized))
    values = {
        "ab_rmse": ab_rmse(encode(rgb)[1], encode(generated_rgb)[1]),
        "psnr": psnr(rgb, generated_rgb),
        "colorfulness": colorfulness(generated_rgb),
        "true_colorfulness": colorfulness(rgb),
    }
    figures = {name: float(tf.squeeze(value)) for name, value in values.items()}
    differences = deltaE_ciede2000(images_to_lab(image), images_to_lab(colorized))
    return {**figures, "ciede2000": float(np.mean(differences))}


def table(scores: dict[str, dict[str, float]]) -> str:
    """Lay scores out for a terminal.

    Args:
        scores: what `score` returns, by the name to print.

    Returns:
        One line for each name, under a heading.
    """
    heading = f"{'':16}{'ab RMSE':>10}{'PSNR':>10}{'CIEDE2000':>12}{'colourfulness ratio':>22}"
    return "\n".join([heading, *(_row(name, figures) for name, figures in scores.items())])


def _row(name: str, figures: dict[str, float]) -> str:
    return (
        f"{name:16}{figures['ab_rmse']:10.2f}{figures['psnr']:10.2f}{figures['ciede2000']:12.2f}"
        f"{figures['colorfulness_ratio']:22.2f}"
    )
