"""Compare a TFLite file with the generator it was made from."""

import keras
import numpy as np
from ai_edge_litert.interpreter import Interpreter, SignatureRunner

from colorize_tf.color.lab_tf import decode, encode, images_to_rgb, rgb_to_images, rgb_to_lab
from colorize_tf.metrics.pictures import ciede2000
from colorize_tf.models.generator import generate_ab, z_size_of

LIMITS = {
    "float32": ("largest_difference", 1e-4),
    "float16": ("largest_difference", 4e-3),
    "dynamic": ("mean_ciede2000", 0.5),
    "int8": ("mean_ciede2000", 1.0),
}
"""By quantization, the figure of `compare_tflite` that counts, and how large it may be."""

_BATCH_SIZE = 8
_Prediction = tuple[np.ndarray, np.ndarray]
"""`colorized` float32 `(size, size, 3)` in 0..1, and `ab` float32 `(1, size, size, 2)`."""


def compare_tflite(content: bytes, generator: keras.Model, images: np.ndarray) -> dict[str, float]:
    """Measure how far the predictions of a TFLite file are from those of the generator.

    Args:
        content: what `convert_to_tflite` returned.
        generator: what it was made from.
        images: real ones, float32 `(n, size, size, 3)`, sRGB 0..1.

    Returns:
        `largest_difference` of `colorized` in units of rgb (0..1), `mean_ciede2000` over pixels
        and images, and `largest_ab_difference` of signature `predict_ab` in units of ab. If the
        generator takes noise, `sample_ab` is compared too, on one random z for each image.
    """
    interpreter = Interpreter(model_content=content)
    names = interpreter.get_signature_list()
    runners = {name: interpreter.get_signature_runner(name) for name in names}
    random = np.random.default_rng(0)
    z_size = z_size_of(generator)
    differences, ab_differences, color_differences = [], [], []
    # Keras takes long for each call, so that one serves several images.
    for start in range(0, len(images), _BATCH_SIZE):
        batch = images[start : start + _BATCH_SIZE]
        lightness = encode(batch)[0].numpy()
        noises: list[np.ndarray | None] = [None]
        if z_size:
            noises.append(random.normal(size=(len(batch), z_size)).astype(np.float32))
        for noise in noises:
            expected_ab = generate_ab(generator, lightness, noise).numpy()
            expected = decode(lightness, expected_ab).numpy()
            predictions = [
                _predict(runners, batch[index], lightness[index : index + 1])
                if noise is None
                else _sample(runners, lightness[index : index + 1], noise[index : index + 1])
                for index in range(len(batch))
            ]
            colorized = np.stack([colorized for colorized, _ in predictions])
            ab = np.concatenate([ab for _, ab in predictions])
            differences.append(np.max(np.abs(colorized - expected)))
            ab_differences.append(np.max(np.abs(ab - expected_ab)))
            color_differences.extend(ciede2000(rgb_to_lab(colorized), rgb_to_lab(expected)).numpy())
    return {
        "largest_difference": float(np.max(differences)),
        "mean_ciede2000": float(np.mean(color_differences)),
        "largest_ab_difference": float(np.max(ab_differences)),
    }


def _predict(
    runners: dict[str, SignatureRunner], rgb: np.ndarray, lightness: np.ndarray
) -> _Prediction:
    """Predict with the signatures that take no z."""
    colorize = runners["serving_default"]
    is_float = colorize.get_input_details()["image"]["dtype"] == np.float32
    image = rgb if is_float else rgb_to_images(rgb).numpy()
    colorized = colorize(image=image[np.newaxis])["colorized"][0]
    if not is_float:
        colorized = images_to_rgb(colorized).numpy()
    return colorized, runners["predict_ab"](lightness=lightness)["ab"]


def _sample(
    runners: dict[str, SignatureRunner], lightness: np.ndarray, z: np.ndarray
) -> _Prediction:
    """Predict with `sample_ab`, which leaves decoding to its caller."""
    ab = runners["sample_ab"](lightness=lightness, z=z)["ab"]
    return decode(lightness, ab).numpy()[0], ab
