"""Measure how predicted colors change when a scan is darker, brighter, smaller or larger."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from colorize_tf import imagefiles
from colorize_tf.color.lab_tf import (
    encode,
    images_to_rgb,
    linear_to_rgb,
    rgb_to_images,
    rgb_to_linear,
    to_lab,
)
from colorize_tf.evaluation.scores import PredictsChroma, central_square, predict_ab
from colorize_tf.inference.rendering import resize
from colorize_tf.metrics.pictures import ciede2000

STOPS = (-0.5, 0.5)
"""Exposures relative to the photograph's own; highlights beyond white clip."""

SCALES = (0.5, 2.0)
"""Sizes relative to that of the evaluation."""

DEFINITION = (
    "Shift with exposure, with size: mean CIEDE2000 between the colors predicted for a photograph "
    "and for the same half a stop darker and brighter, half and twice as large, at its own "
    "lightness"
)


def color_shifts(
    colorizers: Mapping[str, PredictsChroma], paths: Iterable[Path], *, size: int
) -> dict[str, dict[str, np.ndarray]]:
    """Measure how far predicted colors move, as `DEFINITION` describes; 0 is unchanged.

    The arguments and errors are those of `scores.measure`.

    Returns:
        By name, `exposure_shift` and `size_shift`, float64 `(photographs,)`.
    """
    shifts: dict[str, dict[str, list[float]]] = {
        name: {"exposure_shift": [], "size_shift": []} for name in colorizers
    }
    for path in paths:
        photograph = imagefiles.read_image(path)
        image = central_square(photograph, size)
        variants = {
            "exposure_shift": _exposed(image),
            "size_shift": [central_square(photograph, round(size * scale)) for scale in SCALES],
        }
        for name, colorizer in colorizers.items():
            ab = predict_ab(name, colorizer, image, path)
            for measure, pictures in variants.items():
                moved = [predict_ab(name, colorizer, picture, path) for picture in pictures]
                moved_ab = np.stack([resize(one, size, size) for one in moved])
                shifts[name][measure].append(float(_mean_shift(image[np.newaxis], ab, moved_ab)))
    return {
        name: {measure: np.array(values) for measure, values in one.items()}
        for name, one in shifts.items()
    }


def _exposed(image: np.ndarray) -> list[np.ndarray]:
    linear = rgb_to_linear(images_to_rgb(image))
    return [rgb_to_images(linear_to_rgb(linear * 2.0**stops)).numpy() for stops in STOPS]


@tf.function(autograph=False)
def _mean_shift(images: tf.Tensor, ab: tf.Tensor, moved_ab: tf.Tensor) -> tf.Tensor:
    lightness = tf.repeat(encode(images_to_rgb(images))[0], moved_ab.shape[0], axis=0)
    lab = to_lab(lightness, tf.broadcast_to(ab, moved_ab.shape))
    return tf.reduce_mean(ciede2000(lab, to_lab(lightness, moved_ab)))
