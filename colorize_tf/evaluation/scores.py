"""Scores of colorizers over photographs, and of the answers that cost nothing."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from colorize_tf.color.lab_tf import encode, images_to_rgb, to_lab
from colorize_tf.evaluation.intervals import means
from colorize_tf.imagefiles import media
from colorize_tf.inference.colorizer import Colorizer
from colorize_tf.inference.rendering import join, resize
from colorize_tf.metrics.pictures import (
    ab_rmse,
    color_differences,
    colorfulness,
    extreme_chroma,
    out_of_gamut,
    psnr,
    ssim,
)

# What a constant color pretends to see: any size would do.
_CONSTANT_SIZE = 8


class Measured(NamedTuple):
    """One photograph and the answers to it; where they come together, the photograph is first.

    Attributes:
        path: of the photograph.
        names: who answered.
        images: uint8 `(1 + answers, size, size, 3)`.
        lightness: of `images`, float32 `(1 + answers, size, size, 1)` in [-1, 1].
        ab: of `images`, float32 `(1 + answers, size, size, 2)` in [-1, 1].
        predicted_ab: what the answers were joined from, float32 `(answers, size, size, 2)`.
        differences: CIEDE2000 of each pixel, float32 `(answers, size, size)`.
        figures: by measure, float32 `(answers,)`.
    """

    path: Path
    names: tuple[str, ...]
    images: np.ndarray
    lightness: np.ndarray
    ab: np.ndarray
    predicted_ab: np.ndarray
    differences: np.ndarray
    figures: dict[str, np.ndarray]


def evaluation_image(path: str | Path, size: int) -> np.ndarray:
    """Read a photograph as the evaluation sees it: short side to `size`, then the central square.

    Args:
        path: image file.
        size: height and width of the result, in pixels.

    Returns:
        uint8 `(size, size, 3)`.
    """
    return central_square(media.read_image(path), size)


def central_square(image: np.ndarray, size: int) -> np.ndarray:
    """Scale a picture's short side to `size` and cut out the middle, uint8 `(size, size, 3)`."""
    image = media.resize_to_short_side(image, size)
    top, left = ((side - size) // 2 for side in image.shape[:2])
    return image[top : top + size, left : left + size]


def mean_color(ab: Sequence[float]) -> Colorizer:
    """Make the colorizer that gives every pixel the same chroma.

    Args:
        ab: two numbers in [-1, 1], such as the mean over a training set.
    """
    constant = np.full((1, _CONSTANT_SIZE, _CONSTANT_SIZE, 2), ab, np.float32)
    return Colorizer(lambda lightness: constant, _CONSTANT_SIZE)


gray = mean_color([0, 0])
"""The colorizer that gives no color at all (ab = 0): what doing nothing scores."""


def saturated(colorizer: Colorizer, factor: float) -> Colorizer:
    """Make the colorizer that multiplies another one's chroma by `factor`, noise left out."""
    return Colorizer(lambda lightness: factor * colorizer.predict_ab(lightness), colorizer.size)


def score(colorizer: Colorizer, paths: Iterable[Path], *, size: int) -> dict[str, float]:
    """Measure one colorizer on photographs; `compare` tells how."""
    return compare({"this model": colorizer}, paths, size=size)["this model"]


def compare(
    colorizers: dict[str, Colorizer], paths: Iterable[Path], *, size: int
) -> dict[str, dict[str, float]]:
    """Measure colorizers on the same photographs, each of which is read once.

    Args:
        colorizers: by name.
        paths: photographs, at least one.
        size: of the squares that are compared, in pixels.

    Returns:
        By name: `ab_rmse` in Lab units, `psnr` in dB, `ssim`, `ciede2000`, `colorfulness` and
        `out_of_gamut` (the share of pixels, before colors are mapped to sRGB), means over
        pictures, and `colorfulness_ratio`, mean predicted over mean true; `extreme_chroma` and its
        ratio where the photographs have flat areas of black or white at all.

    Raises:
        ValueError: the photographs have no color to compare with, or a model cannot answer.
    """
    figures = PictureFigures()
    for measured in measure(colorizers, paths, size=size):
        figures.add(measured)
    return {
        name: {key: float(mean) for key, mean in means(one).items()}
        for name, one in figures.by_name().items()
    }


class PictureFigures:
    """Keeps the figures of every picture."""

    def __init__(self):
        self.rows = []
        self.names = ()

    def add(self, measured: Measured) -> None:
        """Keep one photograph's."""
        self.names = measured.names
        self.rows.append(measured.figures)

    def by_name(self) -> dict[str, dict[str, np.ndarray]]:
        """Return float64 `(pictures,)` by name and measure, `true_colorfulness` among these.

        Raises:
            ValueError: the photographs have no color to compare with.
        """
        if not any(row["true_colorfulness"].any() for row in self.rows):
            raise ValueError("the photographs are gray: there is no true color to compare with")
        values = {
            key: np.array([row[key] for row in self.rows], np.float64) for key in self.rows[0]
        }
        if not values["true_extreme_chroma"].any():
            del values["true_extreme_chroma"], values["extreme_chroma"]
        return {
            name: {key: column[:, place] for key, column in values.items()}
            for place, name in enumerate(self.names)
        }


def measure(
    colorizers: dict[str, Colorizer], paths: Iterable[Path], *, size: int
) -> Iterator[Measured]:
    """Let colorizers answer, one photograph after the other, and measure the answers.

    Args:
        colorizers: by name, at least one.
        paths: photographs.
        size: of the squares that are compared, in pixels.

    Yields:
        One photograph with all answers.

    Raises:
        ValueError: a model cannot answer; names it and the photograph.
    """
    for path in paths:
        image = evaluation_image(path, size)
        predicted_ab = np.stack(
            [predict_chroma(name, one, image, path) for name, one in colorizers.items()]
        )
        images = np.stack([image, *(join(image, ab) for ab in predicted_ab)])
        tensors = tf.nest.map_structure(lambda one: one.numpy(), _measure(images, predicted_ab))
        yield Measured(path, tuple(colorizers), images, predicted_ab=predicted_ab, **tensors)


def predict_chroma(name: str, colorizer: Colorizer, image: np.ndarray, path: Path) -> np.ndarray:
    """Ask for the chroma of one picture, and name who was asked for what if that fails.

    Args:
        name: what to call the colorizer.
        colorizer: is asked.
        image: uint8 `(height, width, 3)`.
        path: of the photograph that the picture comes from.

    Returns:
        float32 `ab` `(height, width, 2)`.
    """
    try:
        return resize(colorizer.chroma(image), *image.shape[:2])
    except ValueError as error:
        raise ValueError(f"{name} cannot color {path}: {error}") from error


@tf.function
def _measure(images: tf.Tensor, predicted_ab: tf.Tensor) -> dict[str, tf.Tensor | dict]:
    """Measure answers `(1 + answers, size, size, 3)` to the first picture."""
    rgb = images_to_rgb(images)
    lightness, ab = encode(rgb)
    lab = to_lab(lightness, ab)
    differences = color_differences(lab[:1], lab[1:])
    wanted_lab = to_lab(tf.repeat(lightness[:1], predicted_ab.shape[0], axis=0), predicted_ab)
    vividness = colorfulness(rgb)
    blotches = extreme_chroma(lab, lightness[:1])
    figures = {
        "ab_rmse": ab_rmse(ab[:1], ab[1:]),
        "psnr": psnr(rgb[:1], rgb[1:]),
        "ssim": ssim(rgb[:1], rgb[1:]),
        "ciede2000": tf.reduce_mean(differences, axis=(1, 2)),
        "colorfulness": vividness[1:],
        "true_colorfulness": tf.repeat(vividness[:1], predicted_ab.shape[0]),
        "extreme_chroma": blotches[1:],
        "true_extreme_chroma": tf.repeat(blotches[:1], predicted_ab.shape[0]),
        "out_of_gamut": out_of_gamut(wanted_lab),
    }
    return {"lightness": lightness, "ab": ab, "differences": differences, "figures": figures}
