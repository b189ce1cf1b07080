"""All artifacts of a generator at once, each compared with it before anything is in place."""

import os
import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from colorize_tf.artifacts.keras_file import as_float32, load_generator, save_generator
from colorize_tf.artifacts.saved_model import load_saved_model, next_version, save_saved_model
from colorize_tf.artifacts.tflite import convert_to_tflite
from colorize_tf.artifacts.tflite_runner import load_tflite
from colorize_tf.color import decode, encode, images_to_rgb

# float32 against float32: what another order of additions makes of it, with room to spare.
_TOLERANCE = 1e-4


def export_artifacts(
    generator: keras.Model, folder: str | Path, *, name: str, image: np.ndarray
) -> dict[Path, float]:
    """Write a generator as `.keras`, SavedModel and TFLite.

    In `folder`: `NAME.keras`, `NAME.tflite` and `N/`, the SavedModel, where N counts up. They are
    written aside, compared with the generator on `image`, and only then moved into place.

    Args:
        generator: `lightness` to `ab`, under any dtype policy.
        folder: where to write; made if absent. Older files of this name are replaced.
        name: what to call the files.
        image: a real picture to compare on, uint8 `(size, size, 3)` of the generator's size.

    Returns:
        By each artifact's path its largest difference from the generator, in units of ab and rgb
        (0..1).

    Raises:
        ValueError: `folder` is a file, or an artifact answers otherwise than the generator.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; expected a folder to export to")
    folder.mkdir(parents=True, exist_ok=True)
    generator = as_float32(generator)
    version = str(next_version(folder))
    with tempfile.TemporaryDirectory(prefix=".export-", dir=folder) as aside:
        aside = Path(aside)
        save_generator(generator, aside / f"{name}.keras")
        save_saved_model(generator, aside / version)
        (aside / f"{name}.tflite").write_bytes(convert_to_tflite(generator))
        differences = _differences(generator, aside, name, version, image)
        for file, difference in differences.items():
            if not difference <= _TOLERANCE:
                raise ValueError(
                    f"{file} answers otherwise than the generator, by {difference:.2g} "
                    f"(at most {_TOLERANCE:.0e} is expected); nothing was exported"
                )
        for file in differences:
            os.replace(aside / file, folder / file)
    return {folder / file: difference for file, difference in differences.items()}


def _differences(
    generator: keras.Model, folder: Path, name: str, version: str, image: np.ndarray
) -> dict[str, float]:
    """Largest difference of each artifact in `folder` from `generator` on `image`."""
    rgb = images_to_rgb(image[np.newaxis])
    lightness, _ = encode(rgb)
    expected = generator(lightness, training=False)
    reloaded = load_generator(folder / f"{name}.keras")
    saved_model = load_saved_model(folder / version)
    on_server = saved_model.signatures["predict_ab"](lightness=lightness)["ab"]
    tflite = load_tflite(folder / f"{name}.tflite")
    colorized = tflite["serving_default"](image=rgb.numpy())["colorized"]
    on_phone = tflite["predict_ab"](lightness=lightness.numpy())["ab"]
    return {
        f"{name}.keras": _largest(reloaded(lightness, training=False), expected),
        version: _largest(on_server, expected),
        f"{name}.tflite": max(
            _largest(on_phone, expected), _largest(colorized, decode(lightness, expected))
        ),
    }


def _largest(answer: tf.Tensor | np.ndarray, expected: tf.Tensor) -> float:
    return float(np.max(np.abs(np.asarray(answer) - np.asarray(expected))))
