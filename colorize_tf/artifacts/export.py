"""All artifacts of a generator at once, each compared with it before anything is in place."""

import os
import tempfile
from collections.abc import Sequence
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
from colorize_tf.artifacts.tflite import LIMITS, compare_tflite, convert_to_tflite
from colorize_tf.artifacts.versions import next_version
from colorize_tf.color.lab_tf import encode, images_to_rgb
from colorize_tf.models.generator import generate_ab, z_size_of

# float32 against float32: what another order of additions makes of it, with room to spare.
_EXACT = ("largest_difference", 1e-4)

# Of the pictures, evenly: the mean of fewer depends on which they are (0.44 to 0.53 was seen).
_COMPARED = 32


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
    calibration: np.ndarray | None = None,
    quantizations: Sequence[str] = ("float32",),
    image_dtype: str = "float32",
    warmup: bool = False,
    description: dict | None = None,
) -> dict[Path, Difference]:
    """Write a generator as `.keras`, SavedModel and TFLite.

    In `folder`: `NAME.keras`, `N/`, the SavedModel, where N counts up, and `NAME.tflite`, or
    `NAME-float16.tflite` and so on for other quantizations; with `warmup` also the two
    configurations of TensorFlow Serving. Each says of itself what it is, a `.tflite` also in a
    `.json` beside it, and `MODEL_CARD.md` says it to people. All are written aside, compared with
    the generator, and only then moved into place.

    Args:
        generator: `lightness` to `ab`, or `[lightness, z]` to `ab`, under any dtype policy.
        folder: where to write; made if absent. Older files of these names are replaced.
        name: what to call the files.
        pictures: real ones to compare on, uint8 `(n, size, size, 3)` of the generator's size.
        calibration: for int8 alone, at least 100 pictures like them.
        quantizations: of TFLite, as `convert_to_tflite` takes them.
        image_dtype: of the photographs that TFLite files take and give, `"float32"` in 0..1 or
            `"uint8"` in 0..255.
        warmup: whether to add warm-up requests and configurations for TensorFlow Serving.
        description: how the generator came about, with the keys of `card.PROVENANCE`, and
            `figures` as `model_card` takes them; what is left out is not known.

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
    description = {**(description or {}), "name": name, "export": int(version)}
    card = describe_generator(generator, description)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=folder) as aside:
        aside = Path(aside)
        save_generator(generator, aside / f"{name}.keras", description)
        save_saved_model(generator, aside / version)
        signatures = saved_model_signatures(card["input_size"], card["z_size"])
        put_in_saved_model(aside / version, {**card, "signatures": signatures})
        differences = _exact_differences(generator, aside, name, version, rgb[:1])
        for quantization in quantizations:
            stem = name + ("" if quantization == "float32" else f"-{quantization}")
            differences[f"{stem}.tflite"] = _write_tflite(
                generator, aside / stem, card, quantization, image_dtype, rgb, calibration
            )
        for file, difference in differences.items():
            _check(file, difference)
        if warmup:
            write_warmup(aside / version, pictures[0], z_size=z_size_of(generator))
            write_serving_configs(aside, name)
        (aside / MODEL_CARD).write_text(model_card(card, aside))
        for path in sorted(aside.iterdir()):
            os.replace(path, folder / path.name)
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


def _write_tflite(
    generator: keras.Model,
    stem: Path,
    card: dict,
    quantization: str,
    image_dtype: str,
    rgb: np.ndarray,
    calibration: np.ndarray | None,
) -> Difference:
    """Write `STEM.tflite` and, beside it, what is inside it as `STEM.json`."""
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
        limit += 0.5 / 255  # exact answers are rounded to a level
    compared = rgb[:: max(1, len(rgb) // _COMPARED)]
    return Difference(measure, compare_tflite(content, generator, compared)[measure], limit)


def _check(file: str, difference: Difference) -> None:
    if not difference.value <= difference.limit:
        raise ValueError(
            f"{file} answers otherwise than the generator: {difference.measure.replace('_', ' ')} "
            f"is {difference.value:.2g}, at most {difference.limit:g} is expected; nothing was "
            "exported"
        )
