"""How far the colors move when a scan is darker, brighter, smaller or larger than another."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import tensorflow as tf

from colorize_tf.color.lab_tf import (
    encode,
    images_to_rgb,
    linear_to_rgb,
    rgb_to_images,
    rgb_to_linear,
    to_lab,
)
from colorize_tf.evaluation.scores import central_square, predict_chroma
from colorize_tf.imagefiles import media
from colorize_tf.inference.colorizer import Colorizer
from colorize_tf.inference.rendering import resize
from colorize_tf.metrics.pictures import ciede2000

STOPS = (-0.5, 0.5)
"""Exposures beside the photograph's own; whites that leave the scale are blown out."""

SCALES = (0.5, 2.0)
"""Sizes beside that of the evaluation."""

DEFINITION = (
    "moved by exposure, by size: mean CIEDE2000 between the chroma predicted for a photograph and "
    "for the same half a stop darker and brighter, half and twice as large, on its own lightness"
)


def color_shifts(
    colorizers: dict[str, Colorizer], paths: Iterable[Path], *, size: int
) -> dict[str, dict[str, np.ndarray]]:
    """Measure how far the colors move, as `DEFINITION` says; 0 is not at all.

    Args:
        colorizers: by name.
        paths: photographs.
        size: of the squares that are compared, in pixels.

    Returns:
        By name, `exposure_shift` and `size_shift`, float64 `(photographs,)`.

    Raises:
        ValueError: a model cannot answer; names it and the photograph.
    """
    shifts = {name: {"exposure_shift": [], "size_shift": []} for name in colorizers}
    for path in paths:
        photograph = media.read_image(path)
        image = central_square(photograph, size)
        others = {
            "exposure_shift": _exposed(image),
            "size_shift": [central_square(photograph, round(size * scale)) for scale in SCALES],
        }
        for name, colorizer in colorizers.items():
            ab = predict_chroma(name, colorizer, image, path)
            for measure, pictures in others.items():
                moved = [predict_chroma(name, colorizer, one, path) for one in pictures]
                moved = np.stack([resize(one, size, size) for one in moved])
                shifts[name][measure].append(float(_mean_shift(image[np.newaxis], ab, moved)))
    return {
        name: {measure: np.array(values) for measure, values in one.items()}
        for name, one in shifts.items()
    }


def _exposed(image: np.ndarray) -> list[np.ndarray]:
    linear = rgb_to_linear(images_to_rgb(image))
    return [rgb_to_images(linear_to_rgb(linear * 2.0**stops)).numpy() for stops in STOPS]


@tf.function
def _mean_shift(images: tf.Tensor, ab: tf.Tensor, moved_ab: tf.Tensor) -> tf.Tensor:
    lightness = tf.repeat(encode(images_to_rgb(images))[0], moved_ab.shape[0], axis=0)
    lab = to_lab(lightness, tf.broadcast_to(ab, moved_ab.shape))
    return tf.reduce_mean(ciede2000(lab, to_lab(lightness, moved_ab)))
