"""The generator as each artifact computes it, beside the bound of its multiply-adds."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from colorize_tf.benchmarks.machine import (
    matrix_product,
    multiply_adds,
    relate_to_matrix_product,
    usable_cores,
)
from colorize_tf.benchmarks.measuring import Contender, Part, Stopwatch

if TYPE_CHECKING:
    import keras


def measure_generator(
    watch: Stopwatch,
    *,
    names: Sequence[str] = ("compact_unet", "efficientnet_unet"),
    image_size: int = 256,
) -> Iterator[Part]:
    """Measure one picture at a time through each artifact of untrained generators.

    Args:
        watch: measures.
        names: in `GENERATORS`; by default the default recipe's and the shipped model's.
        image_size: height and width in pixels.
    """
    for name, share in watch.allot(names):
        yield _measure_network(share, name, image_size)


def _measure_network(watch: Stopwatch, name: str, image_size: int) -> Part:
    from colorize_tf.artifacts.keras_file import as_float32
    from colorize_tf.models import GENERATORS

    generator = as_float32(GENERATORS[name](image_size))
    random = np.random.default_rng(0)
    lightness = random.uniform(-1, 1, (1, image_size, image_size, 1)).astype(np.float32)
    counted = multiply_adds(generator)
    title = f"generator: {name} at {image_size} px, {counted / 1e9:.2f} G multiply-adds a picture"
    watch.report(title, "conversion")
    with tempfile.TemporaryDirectory() as folder:
        contenders = [
            *_make_lite_contenders(generator, lightness, Path(folder), random),
            *_make_tensorflow_contenders(generator, lightness, Path(folder)),
        ]
        # Second, so that the time limit does not leave it out.
        contenders.insert(1, matrix_product("float32"))
        part = watch.compare(title, contenders)
    return relate_to_matrix_product(part, counted, with_bound=True)


def _make_lite_contenders(
    generator: keras.Model, lightness: np.ndarray, folder: Path, random: np.random.Generator
) -> list[Contender]:
    from colorize_tf import cli
    from colorize_tf.artifacts.tflite import QUANTIZATIONS
    from colorize_tf.artifacts.tflite.convert import FEWEST_CALIBRATION_IMAGES, convert_to_tflite
    from colorize_tf.artifacts.tflite.runner import load_tflite

    size = lightness.shape[1]
    # The contents of calibration pictures affect int8's errors but not its speed.
    noise = random.random((FEWEST_CALIBRATION_IMAGES, size, size, 3), np.float32)
    contenders = []
    for quantization in QUANTIZATIONS:
        path = folder / f"{quantization}.tflite"
        calibration = noise if quantization == "int8" else None
        with cli.native_logs_hidden():
            path.write_bytes(
                convert_to_tflite(generator, quantization=quantization, calibration=calibration)
            )
            predict = load_tflite(path, threads=usable_cores())["predict_ab"]
        contenders.append(
            Contender(f"LiteRT, {quantization}", partial(predict, lightness=lightness))
        )
    return contenders


def _make_tensorflow_contenders(
    generator: keras.Model, lightness: np.ndarray, folder: Path
) -> list[Contender]:
    import tensorflow as tf

    from colorize_tf.artifacts.saved_model import load_saved_model, save_saved_model
    from colorize_tf.models.generator import generate_ab

    save_saved_model(generator, folder / "1")
    loaded = load_saved_model(folder / "1")
    batch = tf.constant(lightness)
    photograph = tf.repeat(tf.cast(255 * (batch + 1) / 2, tf.uint8), 3, axis=-1)
    compiled = tf.function(lambda one: generate_ab(generator, one))
    # `loaded` must stay referenced: its signatures hold only weak references to their variables.
    return [
        Contender("SavedModel", lambda: loaded.signatures["predict_ab"](batch)["ab"].numpy()),
        Contender(
            "SavedModel, photograph to photograph",
            lambda: loaded.signatures["colorize"](photograph)["colorized"].numpy(),
        ),
        Contender("Keras, in a graph", lambda: compiled(batch).numpy()),
        Contender("Keras, called", lambda: generate_ab(generator, batch).numpy()),
        Contender("Keras, predict", lambda: generator.predict(lightness, verbose=0)),
    ]
