"""sRGB to Lab and back, beside scikit-image."""

import warnings

import numpy as np

from colorize_tf.benchmarks.measuring import Contender, Part, compare


def measure_color(*, side: int = 1000, **options: float) -> list[Part]:
    """Measure the crossings of training and serving, and those of full resolution.

    Args:
        side: height and width of the picture, in pixels.
        **options: `rounds` and `seconds` of `compare`.
    """
    import tensorflow as tf
    from skimage.color import lab2rgb, rgb2lab

    from colorize_tf.color.lab import images_to_lab, lab_to_linear, linear_to_images
    from colorize_tf.color.lab_tf import lab_to_rgb, rgb_to_lab

    images = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    rgb = np.float32(images) / 255
    lab = np.float32(rgb2lab(rgb))
    tensors = tf.constant(rgb), tf.constant(lab)
    to_lab, to_rgb = tf.function(rgb_to_lab), tf.function(lab_to_rgb)
    amount = side * side / 1e6

    def back_to_images():
        return linear_to_images(lab_to_linear(lab), np.uint8)

    def peer_back():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of negative Z, which rounding makes
            return lab2rgb(lab)

    crossings = {
        "sRGB to Lab": {
            "TensorFlow": lambda: to_lab(tensors[0]).numpy(),
            "NumPy and OpenCV, from uint8": lambda: images_to_lab(images),
            "scikit-image": lambda: rgb2lab(rgb),
        },
        "Lab to sRGB": {
            "TensorFlow": lambda: to_rgb(tensors[1]).numpy(),
            "NumPy and OpenCV, to uint8": back_to_images,
            "scikit-image": peer_back,
        },
    }
    return [
        Part(
            f"{title}: {amount:g} megapixels, float32",
            compare(
                [Contender(name, act, amount) for name, act in acts.items()],
                unit="megapixels/s",
                **options,
            ),
        )
        for title, acts in crossings.items()
    ]
