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
            `(batch, size, size, 2)`, both in [-1, 1]. Where there is noise it also takes, as a
            second argument, float32 `z` `(batch, z_size)`.
        size: height and width in pixels that `predict_ab` takes.
        z_size: how long the noise vector is that `predict_ab` takes; 0 where it takes none.
    """

    def __init__(self, predict_ab: Callable[..., np.ndarray], size: int, z_size: int = 0):
        self.predict_ab = predict_ab
        self.size = size
        self.z_size = z_size

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

    def __call__(self, images: np.ndarray, z: np.ndarray | None = None) -> np.ndarray:
        """Colour one photograph or a batch of one size.

        Args:
            images: uint8 `(height, width, 3)` or `(batch, height, width, 3)`.
            z: noise that chooses among the colourings, drawn from N(0, 1): float32 `(z_size,)`, or
                `(batch, z_size)` for a batch. By default the model's own choice, zeros.

        Returns:
            uint8, same shape.

        Raises:
            ValueError: another dtype or shape, a z for a model that takes none, or a model that
                answers NaN.
        """
        images = np.asarray(images)
        if images.dtype != np.uint8 or images.ndim not in (3, 4) or images.shape[-1] != 3:
            raise ValueError(
                "images must be uint8 (height, width, 3) or (batch, height, width, 3), "
                f"got {images.dtype} {images.shape}"
            )
        if 0 in images.shape:
            raise ValueError(f"images must not be empty, got shape {images.shape}")
        if z is not None:
            z = self._checked_z(z, images.shape[:-3])
        if images.ndim == 4:
            zs = [None] * len(images) if z is None else z
            return np.stack([self(image, z) for image, z in zip(images, zs, strict=True)])
        return join(images, self.chroma(images, z))

    def chroma(self, images: np.ndarray, z: np.ndarray | None = None) -> np.ndarray:
        """Predict what `join` gives to one photograph.

        Args:
            images: uint8 `(height, width, 3)`.
            z: float32 `(z_size,)`, or None.

        Returns:
            float32 `ab` `(h, w, 2)` in [-1, 1]: the photograph as the network sees it.

        Raises:
            ValueError: the model answers NaN.
        """
        square, window = fit_square(images, self.size)
        noise = [] if z is None else [z[np.newaxis]]
        ab = self.predict_ab(lightness_of(square)[np.newaxis], *noise)[0]
        if not np.isfinite(ab).all():
            raise ValueError("the model answered NaN or infinity for this photograph")
        return ab[window]

    def _checked_z(self, z: np.ndarray, batch: tuple[int, ...]) -> np.ndarray:
        if not self.z_size:
            raise ValueError("a z was given, but this model takes no noise; leave z out")
        z = np.asarray(z, np.float32)
        if z.shape != (*batch, self.z_size):
            raise ValueError(f"z must have shape {(*batch, self.z_size)}, got {z.shape}")
        return z


def _connect(url: str) -> tuple[Callable[..., np.ndarray], int, int]:
    from colorize_tf.inference.remote import RemotePredictor

    predictor = RemotePredictor(url)
    return predictor, predictor.size, predictor.z_size


def _load_tflite(path: Path) -> tuple[Callable[..., np.ndarray], int, int]:
    from colorize_tf.artifacts.tflite_runner import input_size, load_tflite

    runners = load_tflite(path)

    def predict_ab(lightness, z=None):
        if z is None:
            return runners["predict_ab"](lightness=lightness)["ab"]
        return runners["sample_ab"](lightness=lightness, z=z)["ab"]

    z_size = input_size(runners["sample_ab"], "z") if "sample_ab" in runners else 0
    return predict_ab, input_size(runners["predict_ab"]), z_size


def _load_saved_model(path: Path) -> tuple[Callable[..., np.ndarray], int, int]:
    import tensorflow as tf

    from colorize_tf.artifacts.saved_model import load_saved_model

    loaded = load_saved_model(path)

    def predict_ab(lightness, z=None):
        inputs = {"lightness": lightness} if z is None else {"lightness": lightness, "z": z}
        signature = loaded.signatures["predict_ab" if z is None else "sample_ab"]
        return signature(**{name: tf.constant(one) for name, one in inputs.items()})["ab"].numpy()

    def length(signature, name):
        return loaded.signatures[signature].structured_input_signature[1][name].shape[1]

    z_size = length("sample_ab", "z") if "sample_ab" in loaded.signatures else 0
    return predict_ab, length("predict_ab", "lightness"), z_size


def _load_keras(path: Path) -> tuple[Callable[..., np.ndarray], int, int]:
    from colorize_tf.artifacts.keras_file import generate_ab, load_generator, z_size_of

    generator = load_generator(path)

    def predict_ab(lightness, z=None):
        return generate_ab(generator, lightness, z).numpy()

    return predict_ab, generator.output_shape[1], z_size_of(generator)
