"""Write all artifacts of a generator, and compare each with it before any is moved into place."""

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from colorize_tf.artifacts.card import put_in_saved_model, put_in_tflite, write_card
from colorize_tf.artifacts.keras_file import (
    as_float32,
    describe_generator,
    load_generator,
    save_generator,
)
from colorize_tf.artifacts.model_card import MODEL_CARD, model_card
from colorize_tf.artifacts.saved_model import load_saved_model, save_saved_model
from colorize_tf.artifacts.serving import write_serving_configs, write_warmup
from colorize_tf.artifacts.signatures import saved_model_signatures, tflite_signatures
from colorize_tf.artifacts.tflite.compare import LIMITS, compare_tflite
from colorize_tf.artifacts.tflite.convert import convert_to_tflite
from colorize_tf.artifacts.versions import next_version
from colorize_tf.color.lab_tf import encode, images_to_rgb
from colorize_tf.models.generator import generate_ab, z_size_of

# Accepted between float32 computations, which may add in different orders.
_LARGEST_FLOAT32_DIFFERENCE = 1e-4

# Number of images to compare on, spread evenly. With fewer, the mean depends on which they are:
# 0.44 to 0.53 was measured.
_COMPARED = 32


class Difference(NamedTuple):
    """How far an artifact is from the generator: a measure, its value and the largest accepted."""

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
    calibration: np.ndarray | None = None,
    quantizations: Sequence[str] = ("float32",),
    saved_model: bool = True,
    image_dtype: str = "float32",
    warmup: bool = False,
    description: dict | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[Path, Difference]:
    """Write a generator as `.keras`, SavedModel and TFLite.

    The files in `folder` are `NAME.keras`, `N/`, the SavedModel, where N counts up, and
    `NAME.tflite`, or `NAME-float16.tflite` and so on for other quantizations; with `warmup` also
    the two configurations of TensorFlow Serving. Each contains its description, a `.tflite` also in
    a `.json` beside it, and `MODEL_CARD.md` describes them for people. All are written to a
    temporary folder, compared with the generator, and only then moved into place.

    Args:
        generator: `lightness` to `ab`, or `[lightness, z]` to `ab`, under any dtype policy.
        folder: where to write; made if absent. Older files of these names are replaced.
        name: of the files.
        pictures: real images to compare on, uint8 `(n, size, size, 3)` of the generator's size.
        calibration: for int8 only, at least 100 images like `pictures`.
        quantizations: of TFLite, as `convert_to_tflite` takes them.
        saved_model: whether to write the SavedModel.
        image_dtype: of the images that TFLite files take and return, `"float32"` in 0..1 or
            `"uint8"` in 0..255.
        warmup: whether to add warm-up requests and configurations for TensorFlow Serving.
        description: how the generator was made, with the keys of `card.PROVENANCE`, and
            `figures` as `model_card` takes them; missing keys count as unknown.
        progress: called with the number of artifacts written, and of all.

    Returns:
        The difference of each artifact from the generator, by path.

    Raises:
        ValueError: `folder` is a file, `pictures` do not suffice, or an artifact differs from the
            generator.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; expected a folder to export to")
    folder.mkdir(parents=True, exist_ok=True)
    progress = progress or (lambda done, total: None)
    progress(0, 1 + len(quantizations))
    generator = as_float32(generator)
    rgb = images_to_rgb(pictures).numpy()
    version = str(next_version(folder))
    description = {**(description or {}), "name": name, "export": int(version)}
    card = describe_generator(generator, description)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=folder) as temporary:
        staging = Path(temporary)
        save_generator(generator, staging / f"{name}.keras", description)
        if saved_model:
            save_saved_model(generator, staging / version)
            signatures = saved_model_signatures(card["input_size"], card["z_size"])
            put_in_saved_model(staging / version, {**card, "signatures": signatures})
        differences = _float32_differences(generator, staging, name, version, rgb[:1])
        for done, quantization in enumerate(quantizations, start=1):
            progress(done, 1 + len(quantizations))
            stem = name + ("" if quantization == "float32" else f"-{quantization}")
            differences[f"{stem}.tflite"] = _write_tflite(
                generator, staging / stem, card, quantization, image_dtype, rgb, calibration
            )
        for file, difference in differences.items():
            _check(file, difference)
        if warmup and saved_model:
            write_warmup(staging / version, pictures[0], z_size=z_size_of(generator))
            write_serving_configs(staging, name)
        (staging / MODEL_CARD).write_text(model_card(card, staging))
        for path in sorted(staging.iterdir()):
            os.replace(path, folder / path.name)
    return {folder / file: difference for file, difference in differences.items()}


def _float32_differences(
    generator: keras.Model, folder: Path, name: str, version: str, rgb: np.ndarray
) -> dict[str, Difference]:
    """Compare the `ab` of the `.keras` file and the SavedModel, also with noise if there is any."""
    lightness, _ = encode(rgb)
    inputs = {"predict_ab": {"lightness": lightness}}
    if z_size := z_size_of(generator):
        z = np.random.default_rng(0).normal(size=(len(rgb), z_size)).astype(np.float32)
        inputs["sample_ab"] = {"lightness": lightness, "z": tf.constant(z)}
    reloaded = load_generator(folder / f"{name}.keras")
    largest = {f"{name}.keras": 0.0}
    served = None
    if (folder / version).is_dir():
        served = load_saved_model(folder / version)
        largest[version] = 0.0
    for signature, tensors in inputs.items():
        expected = generate_ab(generator, **tensors)
        predictions = [generate_ab(reloaded, **tensors)]
        if served is not None:
            predictions.append(served.signatures[signature](**tensors)["ab"])
        for file, ab in zip(largest, predictions, strict=True):
            largest[file] = np.maximum(largest[file], np.max(np.abs(ab - expected)))
    return {
        file: Difference("largest_difference", float(value), _LARGEST_FLOAT32_DIFFERENCE)
        for file, value in largest.items()
    }


def _write_tflite(
    generator: keras.Model,
    stem: Path,
    card: dict,
    quantization: str,
    image_dtype: str,
    rgb: np.ndarray,
    calibration: np.ndarray | None,
) -> Difference:
    """Write `STEM.tflite`, and its description also as `STEM.json`."""
    signatures = tflite_signatures(card["input_size"], card["z_size"], image_dtype)
    card = {**card, "quantization": quantization, "signatures": signatures}
    if quantization != "int8":
        calibration = None
    elif calibration is not None:
        calibration = images_to_rgb(calibration).numpy()
    content = convert_to_tflite(
        generator, quantization=quantization, calibration=calibration, image_dtype=image_dtype
    )
    content = put_in_tflite(content, card)
    Path(f"{stem}.tflite").write_bytes(content)
    write_card(f"{stem}.json", card)
    measure, limit = LIMITS[quantization]
    if image_dtype == "uint8" and measure == "largest_difference":
        limit += 0.5 / 255  # Exact predictions are rounded to a level.
    compared = rgb[:: max(1, len(rgb) // _COMPARED)]
    return Difference(measure, compare_tflite(content, generator, compared)[measure], limit)


def _check(file: str, difference: Difference) -> None:
    if not difference.value <= difference.limit:  # NaN fails as well.
        raise ValueError(
            f"the predictions of {file} differ from the generator's: "
            f"{difference.measure.replace('_', ' ')} is {difference.value:.2g}, expected at most "
            f"{difference.limit:g}; nothing was exported"
        )
