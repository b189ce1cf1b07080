"""The generator as each artifact computes it, beside what its multiply-adds take at least."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from colorize_tf.benchmarks.machine import matrix_product, multiply_adds
from colorize_tf.benchmarks.measuring import Contender, Part, Row, compare

if TYPE_CHECKING:
    import keras


def measure_generator(
    *,
    names: Sequence[str] = ("compact_unet", "efficientnet_unet"),
    image_size: int = 256,
    **options: float,
) -> list[Part]:
    """Measure one picture at a time through each artifact of untrained generators.

    Args:
        names: in `GENERATORS`; by default the one that `train` builds and the one that ships.
        image_size: height and width in pixels.
        **options: `rounds` and `seconds` of `compare`.
    """
    return [_measure(name, image_size, options) for name in names]


def _measure(name: str, image_size: int, options: dict[str, float]) -> Part:
    from colorize_tf.artifacts.keras_file import as_float32
    from colorize_tf.models import GENERATORS

    generator = as_float32(GENERATORS[name](image_size))
    random = np.random.default_rng(0)
    lightness = random.uniform(-1, 1, (1, image_size, image_size, 1)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        contenders = [
            *_lite(generator, lightness, Path(folder), random),
            *_tensorflow(generator, lightness, Path(folder)),
        ]
        *rows, product = compare([*contenders, matrix_product("float32")], **options)
    counted, rate = multiply_adds(generator), product.value
    bound = Row("bound: the float32 matrix rate", rate / counted, "pictures/s")
    rows = [dataclasses.replace(row, share=row.value * counted / rate) for row in rows]
    return Part(
        f"generator: {name} at {image_size} px, {counted / 1e9:.2f} G multiply-adds a "
        f"picture, {rate / 1e9:.0f} G a second",
        [*rows, bound],
    )


def _lite(
    generator: keras.Model, lightness: np.ndarray, folder: Path, random: np.random.Generator
) -> list[Contender]:
    from colorize_tf import cli
    from colorize_tf.artifacts.tflite import (
        FEWEST_CALIBRATION_PICTURES,
        QUANTIZATIONS,
        convert_to_tflite,
    )
    from colorize_tf.artifacts.tflite_runner import load_tflite

    size = lightness.shape[1]
    # What is on them decides which errors int8 makes, not how fast it is.
    noise = random.random((FEWEST_CALIBRATION_PICTURES, size, size, 3), np.float32)
    contenders = []
    for quantization in QUANTIZATIONS:
        path = folder / f"{quantization}.tflite"
        calibration = noise if quantization == "int8" else None
        with cli.native_logs_hidden():
            path.write_bytes(
                convert_to_tflite(generator, quantization=quantization, calibration=calibration)
            )
            predict = load_tflite(path, threads=os.cpu_count())["predict_ab"]
        contenders.append(
            Contender(f"LiteRT, {quantization}", lambda run=predict: run(lightness=lightness))
        )
    return contenders


def _tensorflow(generator: keras.Model, lightness: np.ndarray, folder: Path) -> list[Contender]:
    import tensorflow as tf

    from colorize_tf.artifacts.saved_model import load_saved_model, save_saved_model
    from colorize_tf.models.generator import generate_ab

    save_saved_model(generator, folder / "1")
    loaded = load_saved_model(folder / "1")
    # Kept: the signatures are its only while it lives.
    predict, colorize = loaded.signatures["predict_ab"], loaded.signatures["colorize"]
    batch = tf.constant(lightness)
    photograph = tf.repeat(tf.cast(255 * (batch + 1) / 2, tf.uint8), 3, axis=-1)
    compiled = tf.function(lambda one: generate_ab(generator, one))
    return [
        Contender("SavedModel", lambda: predict(lightness=batch)["ab"].numpy()),
        Contender(
            "SavedModel, photograph to photograph",
            lambda: colorize(images=photograph)["colorized"].numpy(),
        ),
        Contender("Keras, in a graph", lambda: compiled(batch).numpy()),
        Contender("Keras, called", lambda: generate_ab(generator, batch).numpy()),
        Contender("Keras, predict", lambda: generator.predict(lightness, verbose=0)),
    ]
