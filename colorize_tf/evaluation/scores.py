"""Scores of a colorizer over photographs, and of the answers that cost nothing."""

import numpy as np
import tensorflow as tf

from colorize_tf import media
from colorize_tf.color import encode, images_to_rgb
from colorize_tf.inference.chroma import join
from colorize_tf.metrics import ab_rmse, colorfulness, psnr


def evaluation_image(path, size):
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


def grey(image):
    """Answer with no colour at all (ab = 0), what doing nothing scores."""
    return join(image, np.zeros((1, 1, 2), np.float32))


def score(colorize, paths, *, size):
    """Measure a colorizer on photographs.

    Args:
        colorize: uint8 `(size, size, 3)` to the same; a `Colorizer`, or `grey`.
        paths: photographs.
        size: of the squares that are compared, in pixels.

    Returns:
        dict: `ab_rmse` in Lab units and `psnr` in dB, means over pictures, and
        `colorfulness_ratio`, mean predicted over mean true.

    Raises:
        ValueError: the photographs have no colour to compare with.
    """
    figures = [_figures(image, colorize(image)) for image in _images(paths, size)]
    means = {name: float(np.mean([f[name] for f in figures])) for name in figures[0]}
    true_colorfulness = means.pop("true_colorfulness")
    if true_colorfulness < 1.0:
        raise ValueError("the photographs are grey: there is no true colour to compare with")
    means["colorfulness_ratio"] = means.pop("colorfulness") / true_colorfulness
    return means


def _images(paths, size):
    for path in paths:
        yield evaluation_image(path, size)


def _figures(image, colorized):
    rgb, generated_rgb = (images_to_rgb(one[np.newaxis]) for one in (image, colorized))
    values = {
        "ab_rmse": ab_rmse(encode(rgb)[1], encode(generated_rgb)[1]),
        "psnr": psnr(rgb, generated_rgb),
        "colorfulness": colorfulness(generated_rgb),
        "true_colorfulness": colorfulness(rgb),
    }
    return {name: float(tf.squeeze(value)) for name, value in values.items()}


def table(scores):
    """Lay scores out for a terminal.

    Args:
        scores: dict of a name to what `score` returns.

    Returns:
        str of one line for each name, under a heading.
    """
    lines = [f"{'':24}{'ab RMSE':>10}{'PSNR':>10}{'colourfulness':>16}"]
    for name, s in scores.items():
        lines.append(
            f"{name:24}{s['ab_rmse']:10.2f}{s['psnr']:10.2f}{s['colorfulness_ratio']:16.2f}"
        )
    return "\n".join(lines)
