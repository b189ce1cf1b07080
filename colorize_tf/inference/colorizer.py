"""Colorizer: any artifact, any photograph."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from colorize_tf.inference.chroma import fit_square, join, lightness_of
from colorize_tf.runs import RunFolder


class Colorizer:
    """Colours photographs of any size; lightness stays, chroma comes from the network.

    Args:
        predict_ab: float32 `lightness` `(batch, size, size, 1)` to float32 `ab`
            `(batch, size, size, 2)`, both in [-1, 1].
        size: height and width in pixels that `predict_ab` takes.
    """

    def __init__(self, predict_ab: Callable[[np.ndarray], np.ndarray], size: int):
        self.predict_ab = predict_ab
        self.size = size

    @classmethod
    def load(cls, model: str | Path) -> Colorizer:
        """Load an artifact; TensorFlow is only imported where the artifact needs it.

        Args:
            model: run folder, `.keras` file, SavedModel version or base folder, `.tflite` file, or
                the URL of a model that TensorFlow Serving serves.

        Raises:
            ValueError: nothing there, or nothing that can be loaded.
        """
        if str(model).lower().startswith(("http://", "https://")):
            return cls(*_connect(str(model)))
        path = Path(model)
        if not path.exists():
            raise ValueError(
                f"no model at {path}; expected a run folder, a .keras or .tflite file, "
                "a SavedModel folder, or http://HOST:8501/v1/models/NAME"
            )
        if (path / "config.json").is_file() and not (path / RunFolder.GENERATOR).is_file():
            raise ValueError(
                f"the run in {path} has no generator yet; go on with it by --resume --run-dir"
            )
        if path.is_file() and path.suffix not in (".keras", ".tflite"):
            raise ValueError(f"{path} is no model; expected a .keras or .tflite file")
        if path.suffix == ".tflite":
            return cls(*_load_tflite(path))
        if path.is_dir() and not (path / RunFolder.GENERATOR).is_file():
            return cls(*_load_saved_model(path))
        return cls(*_load_keras(path / RunFolder.GENERATOR if path.is_dir() else path))

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Colour one photograph or a batch of one size.

        Args:
            images: uint8 `(height, width, 3)` or `(batch, height, width, 3)`.

        Returns:
            uint8, same shape.

        Raises:
            ValueError: another dtype or shape, or a model that answers NaN.
        """
        images = np.asarray(images)
        if images.dtype != np.uint8 or images.ndim not in (3, 4) or images.shape[-1] != 3:
            raise ValueError(
                "images must be uint8 (height, width, 3) or (batch, height, width, 3), "
                f"got {images.dtype} {images.shape}"
            )
        if 0 in images.shape:
            raise ValueError(f"images must not be empty, got shape {images.shape}")
        if images.ndim == 4:
            return np.stack([self(image) for image in images])
        square, window = fit_square(images, self.size)
        ab = self.predict_ab(lightness_of(square)[np.newaxis])[0]
        if not np.isfinite(ab).all():
            raise ValueError("the model answered NaN or infinity for this photograph")
        return join(images, ab[window])


def _connect(url: str) -> tuple[Callable[[np.ndarray], np.ndarray], int]:
    from colorize_tf.inference.remote import RemotePredictor

    predictor = RemotePredictor(url)
    return predictor, predictor.size


def _load_tflite(path: Path) -> tuple[Callable[[np.ndarray], np.ndarray], int]:
    from colorize_tf.artifacts.tflite_runner import input_size, load_tflite

    runner = load_tflite(path)["predict_ab"]
    return lambda lightness: runner(lightness=lightness)["ab"], input_size(runner)


def _load_saved_model(path: Path) -> tuple[Callable[[np.ndarray], np.ndarray], int]:
    import tensorflow as tf

    from colorize_tf.artifacts.saved_model import load_saved_model

    loaded = load_saved_model(path)

    def predict_ab(lightness):
        return loaded.signatures["predict_ab"](lightness=tf.constant(lightness))["ab"].numpy()

    inputs = loaded.signatures["predict_ab"].structured_input_signature[1]
    return predict_ab, inputs["lightness"].shape[1]


def _load_keras(path: Path) -> tuple[Callable[[np.ndarray], np.ndarray], int]:
    from colorize_tf.artifacts.keras_file import load_generator

    generator = load_generator(path)
    return lambda lightness: generator(lightness, training=False).numpy(), generator.input_shape[1]
