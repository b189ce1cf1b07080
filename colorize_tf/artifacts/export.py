"""All artifacts of a generator at once, each compared with it before anything is in place."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from colorize_tf.artifacts.keras_file import (
    as_float32,
    generate_ab,
    load_generator,
    save_generator,
    z_size_of,
)
from colorize_tf.artifacts.saved_model import load_saved_model, next_version, save_saved_model
from colorize_tf.artifacts.serving import write_serving_configs, write_warmup
from colorize_tf.artifacts.tflite import LIMITS, compare_tflite, convert_to_tflite
from colorize_tf.color import encode, images_to_rgb

# float32 against float32: what another order of additions makes of it, with room to spare.
_EXACT = ("largest_difference", 1e-4)


class Difference(NamedTuple):
    """How far an artifact is from the generator: what was measured, how much, at most how much."""

    measure: str
    value: float
    limit: float

    def __str__(self) -> str:
        return f"{self.measure.replace('_', ' ')} {self.value:.1e} from the generator"


def export_artifacts(
    generator: keras.Model,
    folder: str | Path,
    *,
    name: str,
    pictures: np.ndarray,
    quantizations: Sequence[str] = ("float32",),
    warmup: bool = False,
) -> dict[Path, Difference]:
    """Write a generator as `.keras`, SavedModel and TFLite.

    In `folder`: `NAME.keras`, `N/`, the SavedModel, where N counts up, and `NAME.tflite`, or
    `NAME-float16.tflite` and so on for other quantizations; with `warmup` also the two
    configurations of TensorFlow Serving. All are written aside, compared with the generator, and
    only then moved into place.

    Args:
        generator: `lightness` to `ab`, or `[lightness, z]` to `ab`, under any dtype policy.
        folder: where to write; made if absent. Older files of these names are replaced.
        name: what to call the files.
        pictures: real ones to compare on, uint8 `(n, size, size, 3)` of the generator's size; for
            int8 at least 100, which also calibrate it.
        quantizations: of TFLite, as `convert_to_tflite` takes them.
        warmup: whether to add warm-up requests and configurations for TensorFlow Serving.

    Returns:
        What was written, and how far it is from the generator.

    Raises:
        ValueError: `folder` is a file, `pictures` do not suffice, or an artifact answers otherwise
            than the generator.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; expected a folder to export to")
    folder.mkdir(parents=True, exist_ok=True)
    generator = as_float32(generator)
    rgb = images_to_rgb(pictures).numpy()
    version = str(next_version(folder))
    with tempfile.TemporaryDirectory(prefix=".export-", dir=folder) as aside:
        aside = Path(aside)
        save_generator(generator, aside / f"{name}.keras")
        save_saved_model(generator, aside / version)
        differences = _exact_differences(generator, aside, name, version, rgb[:1])
        for quantization in quantizations:
            file = name + ("" if quantization == "float32" else f"-{quantization}") + ".tflite"
            calibration = rgb if quantization == "int8" else None
            content = convert_to_tflite(
                generator, quantization=quantization, calibration=calibration
            )
            (aside / file).write_bytes(content)
            measure, limit = LIMITS[quantization]
            value = compare_tflite(content, generator, rgb[:8])[measure]
            differences[file] = Difference(measure, value, limit)
        for file, difference in differences.items():
            _check(file, difference)
        files = list(differences)
        if warmup:
            write_warmup(aside / version, pictures[0], z_size=z_size_of(generator))
            files += [path.name for path in write_serving_configs(aside, name)]
        for file in files:
            os.replace(aside / file, folder / file)
    return {folder / file: difference for file, difference in differences.items()}


def _exact_differences(
    generator: keras.Model, folder: Path, name: str, version: str, rgb: np.ndarray
) -> dict[str, Difference]:
    """Compare what is float32 throughout, on `ab`, with noise as well where there is any."""
    lightness, _ = encode(rgb)
    inputs = {"predict_ab": {"lightness": lightness}}
    if z_size := z_size_of(generator):
        z = np.random.default_rng(0).normal(size=(len(rgb), z_size)).astype(np.float32)
        inputs["sample_ab"] = {"lightness": lightness, "z": tf.constant(z)}
    reloaded = load_generator(folder / f"{name}.keras")
    served = load_saved_model(folder / version)
    largest = {f"{name}.keras": 0.0, version: 0.0}
    for signature, tensors in inputs.items():
        expected = generate_ab(generator, **tensors)
        answers = generate_ab(reloaded, **tensors), served.signatures[signature](**tensors)["ab"]
        for file, answer in zip(largest, answers, strict=True):
            largest[file] = np.maximum(largest[file], np.max(np.abs(answer - expected)))
    return {file: Difference(_EXACT[0], float(value), _EXACT[1]) for file, value in largest.items()}


def _check(file: str, difference: Difference) -> None:
    if not difference.value <= difference.limit:
        raise ValueError(
            f"{file} answers otherwise than the generator: {difference.measure.replace('_', ' ')} "
            f"is {difference.value:.2g}, at most {difference.limit:g} is expected; nothing was "
            "exported"
        )
