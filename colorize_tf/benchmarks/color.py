"""Color conversions, sRGB to Lab and back, beside scikit-image."""

import warnings
from collections.abc import Iterator

import numpy as np

from colorize_tf.benchmarks.measuring import Contender, Part, Stopwatch


def measure_color(watch: Stopwatch, *, side: int = 1000) -> Iterator[Part]:
    """Measure the conversions of training and serving, and those at full resolution.

    Args:
        watch: measures.
        side: height and width of the picture, in pixels.
    """
    import tensorflow as tf
    from skimage.color import lab2rgb, rgb2lab

    from colorize_tf.color.lab import images_to_lab, lab_to_linear, linear_to_images
    from colorize_tf.color.lab_tf import lab_to_rgb, rgb_to_lab

    images = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    rgb = np.float32(images) / 255
    lab = np.float32(rgb2lab(rgb))
    rgb_tensor, lab_tensor = tf.constant(rgb), tf.constant(lab)
    to_lab, to_rgb = tf.function(rgb_to_lab), tf.function(lab_to_rgb)
    megapixels = side * side / 1e6

    def scikit_lab_to_rgb() -> np.ndarray:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # rounding makes Z negative
            return lab2rgb(lab)

    conversions = {
        "sRGB to Lab": {
            "TensorFlow": lambda: to_lab(rgb_tensor).numpy(),
            "NumPy and OpenCV, from uint8": lambda: images_to_lab(images),
            "scikit-image": lambda: rgb2lab(rgb),
        },
        "Lab to sRGB": {
            "TensorFlow": lambda: to_rgb(lab_tensor).numpy(),
            "NumPy and OpenCV, to uint8": lambda: linear_to_images(
                lab_to_linear(lab), np.dtype(np.uint8)
            ),
            "scikit-image": scikit_lab_to_rgb,
        },
    }
    for (title, acts), share in watch.allot(list(conversions.items())):
        contenders = [Contender(name, act, megapixels) for name, act in acts.items()]
        yield share.compare(
            f"{title}: {megapixels:g} megapixels, float32", contenders, unit="megapixels/s"
        )
