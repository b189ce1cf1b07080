"""Scores of colorizers over photographs, and baselines to compare them with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from colorize_tf import imagefiles
from colorize_tf.color.lab_tf import AB_SCALE, encode, images_to_lab, images_to_rgb, to_lab
from colorize_tf.evaluation.intervals import means
from colorize_tf.inference.colorizer import Colorizer
from colorize_tf.inference.rendering import join, resize
from colorize_tf.metrics.distributions import (
    color_samples,
    frechet_distance,
    kernel_distance,
    sliced_wasserstein,
)
from colorize_tf.metrics.mottling import mottling
from colorize_tf.metrics.pictures import (
    ab_rmse,
    color_differences,
    colorfulness,
    extreme_chroma,
    out_of_gamut,
    psnr,
    ssim,
)

if TYPE_CHECKING:
    from colorize_tf.evaluation.features import Features

# Input size of a constant color; any size would do.
_CONSTANT_SIZE = 8
# Figures that are left out where the photographs have no such areas.
_CONDITIONAL = {
    "true_extreme_chroma": ("extreme_chroma", "true_extreme_chroma"),
    "true_mottling": ("mottling", "true_mottling", "mottled_windows", "even_windows"),
}


class PredictsChroma(Protocol):
    """What can be measured: `Colorizer`, and the photographs' own colors."""

    def predict_one(self, images: np.ndarray, /) -> np.ndarray:
        """Return float32 `ab` `(h, w, 2)` for uint8 `(height, width, 3)`."""


class Measurement(NamedTuple):
    """One photograph with its predictions; in stacks of both, the photograph comes first.

    Attributes:
        path: of the photograph.
        names: of the colorizers.
        images: uint8 `(1 + predictions, size, size, 3)`.
        lightness: of `images`, float32 `(1 + predictions, size, size, 1)` in [-1, 1].
        ab: of `images`, float32 `(1 + predictions, size, size, 2)` in [-1, 1].
        predicted_ab: before mapping to sRGB, float32 `(predictions, size, size, 2)`.
        differences: CIEDE2000 of each pixel, float32 `(predictions, size, size)`.
        figures: by measure, float32 `(predictions,)`.
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
    """Read a photograph, resize its short side to `size` and take the central square.

    The result is uint8 `(size, size, 3)`.
    """
    return central_square(imagefiles.read_image(path), size)


def central_square(image: np.ndarray, size: int) -> np.ndarray:
    """Resize the short side to `size` and take the central square, uint8 `(size, size, 3)`."""
    image = imagefiles.resize_to_short_side(image, size)
    top, left = ((side - size) // 2 for side in image.shape[:2])
    return image[top : top + size, left : left + size]


def mean_color(ab: Sequence[float]) -> Colorizer:
    """Make a baseline that gives every pixel the same `ab`, two numbers in [-1, 1]."""
    constant = np.full((1, _CONSTANT_SIZE, _CONSTANT_SIZE, 2), ab, np.float32)
    return Colorizer(lambda lightness: constant, _CONSTANT_SIZE)


gray = mean_color([0, 0])
"""The baseline without any color (ab = 0)."""


class _Truth:
    def predict_one(self, images: np.ndarray, /) -> np.ndarray:
        return images_to_lab(images)[..., 1:] / np.float32(AB_SCALE)


truth = _Truth()
"""The reference that gives each photograph its own colors."""


def saturated(colorizer: Colorizer, factor: float) -> Colorizer:
    """Make a colorizer that multiplies the chroma of another one by `factor`, without noise."""
    return Colorizer(lambda lightness: factor * colorizer.predict_ab(lightness), colorizer.size)


def score(colorizer: PredictsChroma, paths: Iterable[Path], *, size: int) -> dict[str, float]:
    """Measure one colorizer on photographs, as `compare` does."""
    return compare({"this model": colorizer}, paths, size=size)["this model"]


def compare(
    colorizers: Mapping[str, PredictsChroma], paths: Iterable[Path], *, size: int
) -> dict[str, dict[str, float]]:
    """Measure colorizers on the same photographs, reading each photograph once.

    Args:
        colorizers: by name.
        paths: photographs, at least one.
        size: height and width of the squares compared, in pixels.

    Returns:
        By name, means over pictures: `ab_rmse` in Lab units, `psnr` in dB, `ssim`, `ciede2000`,
        `colorfulness`, `out_of_gamut` (share of pixels before colors are mapped to sRGB), and
        `colorfulness_ratio`, mean predicted over mean true. Where the photographs have even
        areas, `mottling_ratio` and `mottled_share` (see `metrics.mottling`); where they have flat
        black or white areas, `extreme_chroma` and its ratio.

    Raises:
        ValueError: the photographs have no color to compare with, or a model fails.
    """
    figures = PictureFigures()
    for measurement in measure(colorizers, paths, size=size):
        figures.add(measurement)
    return {
        name: {key: float(mean) for key, mean in means(values).items()}
        for name, values in figures.by_name().items()
    }


class PictureFigures:
    """Collects the figures of every picture."""

    def __init__(self) -> None:
        self._rows: list[dict[str, np.ndarray]] = []
        self._names: tuple[str, ...] = ()

    def add(self, measurement: Measurement) -> None:
        """Add one photograph."""
        self._names = measurement.names
        self._rows.append(measurement.figures)

    def by_name(self) -> dict[str, dict[str, np.ndarray]]:
        """Return float64 `(pictures,)` by name and measure, as `intervals.means` takes them.

        Raises:
            ValueError: the photographs have no color to compare with.
        """
        if not any(row["true_colorfulness"].any() for row in self._rows):
            raise ValueError("the photographs are gray: there is no true color to compare with")
        columns = {
            key: np.array([row[key] for row in self._rows], np.float64) for key in self._rows[0]
        }
        for condition, measures in _CONDITIONAL.items():
            if not columns[condition].any():
                for key in measures:
                    del columns[key]
        return {
            name: {key: column[:, index] for key, column in columns.items()}
            for index, name in enumerate(self._names)
        }


class SetDistances:
    """Collects samples and features of each photograph, a few kilobytes, for set distances.

    Args:
        features: network for KID and FID; None leaves both out.
    """

    def __init__(self, features: Features | None = None):
        self._features = features
        self._samples: list[np.ndarray] = []
        self._described: list[np.ndarray] = []
        self._names: tuple[str, ...] = ()

    def add(self, measurement: Measurement) -> None:
        """Add one photograph."""
        self._names = measurement.names
        samples = color_samples(measurement.lightness, measurement.ab)
        self._samples.append(samples.reshape(len(measurement.images), -1, samples.shape[-1]))
        if self._features:
            self._described.append(self._features.describe(measurement.images))

    def by_name(self) -> dict[str, dict[str, float]]:
        """Return `sliced_wasserstein` in Lab units and, with features, `kid_times_1000` and `fid`.

        Raises:
            ValueError: features of fewer than two photographs.
        """
        true_samples, *samples = np.concatenate(self._samples, axis=1)
        distances = {
            name: {"sliced_wasserstein": sliced_wasserstein(own, true_samples)}
            for name, own in zip(self._names, samples, strict=True)
        }
        if self._features:
            true_features, *described = np.stack(self._described, axis=1)
            for name, own in zip(self._names, described, strict=True):
                distances[name]["kid_times_1000"] = 1000 * kernel_distance(own, true_features)
                distances[name]["fid"] = frechet_distance(own, true_features)
        return distances


def measure(
    colorizers: Mapping[str, PredictsChroma], paths: Iterable[Path], *, size: int
) -> Iterator[Measurement]:
    """Colorize one photograph after the other and measure the predictions.

    Args:
        colorizers: by name, at least one.
        paths: photographs.
        size: height and width of the squares compared, in pixels.

    Yields:
        One photograph with all predictions.

    Raises:
        ValueError: a model fails; names it and the photograph.
    """
    for path in paths:
        image = evaluation_image(path, size)
        predicted_ab = np.stack(
            [predict_ab(name, one, image, path) for name, one in colorizers.items()]
        )
        images = np.stack([image, *(join(image, ab) for ab in predicted_ab)])
        tensors = tf.nest.map_structure(lambda one: one.numpy(), _measure(images, predicted_ab))
        yield Measurement(path, tuple(colorizers), images, predicted_ab=predicted_ab, **tensors)


def predict_ab(name: str, colorizer: PredictsChroma, image: np.ndarray, path: Path) -> np.ndarray:
    """Predict `ab` float32 `(height, width, 2)` of an image uint8 `(height, width, 3)`.

    Raises:
        ValueError: the model fails; the error has its name and the path of the photograph.
    """
    try:
        return resize(colorizer.predict_one(image), *image.shape[:2])
    except ValueError as error:
        raise ValueError(f"{name} cannot color {path}: {error}") from error


@tf.function(autograph=False)
def _measure(images: tf.Tensor, predicted_ab: tf.Tensor) -> dict[str, tf.Tensor | dict]:
    """Measure predictions `(1 + predictions, size, size, 3)` against the first picture."""
    rgb = images_to_rgb(images)
    lightness, ab = encode(rgb)
    lab = to_lab(lightness, ab)
    count = predicted_ab.shape[0]
    differences = color_differences(lab[:1], lab[1:])
    unmapped_lab = to_lab(tf.repeat(lightness[:1], count, axis=0), predicted_ab)
    vividness = colorfulness(rgb)
    in_extremes = extreme_chroma(lab, lightness[:1])
    figures = {
        "ab_rmse": ab_rmse(ab[:1], ab[1:]),
        "psnr": psnr(rgb[:1], rgb[1:]),
        "ssim": ssim(rgb[:1], rgb[1:]),
        "ciede2000": tf.reduce_mean(differences, axis=(1, 2)),
        "colorfulness": vividness[1:],
        "true_colorfulness": tf.repeat(vividness[:1], count),
        **mottling(lab[:1], lab[1:]),
        "extreme_chroma": in_extremes[1:],
        "true_extreme_chroma": tf.repeat(in_extremes[:1], count),
        "out_of_gamut": out_of_gamut(unmapped_lab),
    }
    return {"lightness": lightness, "ab": ab, "differences": differences, "figures": figures}
