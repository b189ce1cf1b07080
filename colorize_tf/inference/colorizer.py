"""Colorizer: any artifact, any photograph."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from colorize_tf.artifacts.run_folder import RunFolder
from colorize_tf.artifacts.weights import SHIPPED_MODEL
from colorize_tf.inference.rendering import fit_square, join, lightness_of

MAX_INTENSITY = 2.0

# Pictures in one call, where an artifact takes several.
_BATCH_SIZE = 8


class Colorizer:
    """Colors photographs of any size; lightness stays, chroma comes from the network.

    Args:
        predict_ab: float32 `lightness` `(batch, size, size, 1)` to float32 `ab`
            `(batch, size, size, 2)`, both in [-1, 1]. Where there is noise it also takes, as a
            second argument, float32 `z` `(batch, z_size)`.
        size: height and width in pixels that `predict_ab` takes.
        z_size: how long the noise vector is that `predict_ab` takes; 0 where it takes none.
        batch_size: how many pictures `predict_ab` takes at once, at most.
    """

    def __init__(
        self,
        predict_ab: Callable[..., np.ndarray],
        size: int,
        z_size: int = 0,
        batch_size: int = 1,
    ):
        self.predict_ab = predict_ab
        self.size = size
        self.z_size = z_size
        self.batch_size = batch_size

    @classmethod
    def load(cls, model: str | Path | None = None) -> Colorizer:
        """Load an artifact; TensorFlow is only imported where the artifact needs it.

        All of one network give the same picture within 2 levels of 255, but for a `.tflite` whose
        quantization is int8 or dynamic: `export` writes one if its colors are at most 1.0 (int8)
        or 0.5 (dynamic) CIEDE2000 off on average; single pixels may be off by more.

        Args:
            model: run folder, `.keras` file, SavedModel version or base folder, `.tflite` file, or
                the URL of a model that TensorFlow Serving serves; by default the model that comes
                with the package.

        Raises:
            ValueError: nothing there, or nothing that can be loaded.
        """
        if model is None:
            if not SHIPPED_MODEL.is_file():
                raise ValueError(
                    f"no model came with this installation: {SHIPPED_MODEL} is missing; name one, "
                    "such as a run folder or a .tflite file"
                )
            model = SHIPPED_MODEL
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

    def __call__(
        self,
        images: np.ndarray,
        z: np.ndarray | None = None,
        *,
        intensity: float = 1.0,
        ensemble: str | None = None,
    ) -> np.ndarray:
        """Color one photograph or a batch of one size.

        Args:
            images: uint8 or uint16 `(height, width, 3)` or `(batch, height, width, 3)`.
            z: noise that chooses among the colorings, drawn from N(0, 1): float32 `(z_size,)`, or
                `(batch, z_size)` for a batch. By default the model's own choice, zeros.
            intensity: what chroma is multiplied by, 0 (gray) to 2.
            ensemble: None, or "flip" to average over the photograph and its mirror image.

        Returns:
            same dtype and shape.

        Raises:
            ValueError: another dtype or shape, a z for a model that takes none, an intensity or
                ensemble that there is not, or a model that answers NaN or in another shape.
        """
        images = np.asarray(images)
        _check_images(images, dimensions=(3, 4))
        if not 0 <= intensity <= MAX_INTENSITY:
            raise ValueError(f"intensity must be 0 to {MAX_INTENSITY:g}, got {intensity}")
        if z is not None:
            z = self._checked_z(z, images.shape[:-3])
        if images.ndim == 3:
            chroma = self.chroma(images, z, ensemble=ensemble)
            return join(images, chroma, intensity=intensity)
        joined = np.empty_like(images)
        chromas = self.chromas(images, z, ensemble=ensemble)
        for image, ab, place in zip(images, chromas, joined, strict=True):
            place[...] = join(image, ab, intensity=intensity)
        return joined

    def chroma(
        self, images: np.ndarray, z: np.ndarray | None = None, *, ensemble: str | None = None
    ) -> np.ndarray:
        """Predict what `join` gives to one photograph; see `chromas`."""
        zs = None if z is None else [z]
        (ab,) = self.chromas([images], zs, ensemble=ensemble)
        return ab

    def chromas(
        self,
        photographs: Sequence[np.ndarray],
        zs: Sequence[np.ndarray] | None = None,
        *,
        ensemble: str | None = None,
    ) -> list[np.ndarray]:
        """Predict what `join` gives to several photographs, asking the network once for many.

        Args:
            photographs: uint8 or uint16 `(height, width, 3)`, of any sizes.
            zs: for each a float32 `(z_size,)`, or None.
            ensemble: None or "flip", as for a call.

        Returns:
            For each a float32 `ab` `(h, w, 2)` in [-1, 1]: the photograph as the network sees it.

        Raises:
            ValueError: as for a call.
        """
        if ensemble not in (None, "flip"):
            raise ValueError(f"ensemble must be None or 'flip', got {ensemble!r}")
        if zs is not None:
            zs = self._checked_z(zs, (len(photographs),))
        squares, windows = [], []
        for images in photographs:
            _check_images(images, dimensions=(3,))
            square, window = fit_square(images, self.size)
            squares.append(lightness_of(square))
            windows.append(window)
        answers = self._predict(squares, zs)
        if ensemble == "flip":
            mirrored = self._predict([square[:, ::-1] for square in squares], zs)
            answers = [
                (one + other[:, ::-1]) / 2 for one, other in zip(answers, mirrored, strict=True)
            ]
        return [ab[window] for ab, window in zip(answers, windows, strict=True)]

    def _predict(self, squares: list[np.ndarray], zs: np.ndarray | None) -> list[np.ndarray]:
        answers = []
        for start in range(0, len(squares), self.batch_size):
            batch = np.stack(squares[start : start + self.batch_size])
            noise = [] if zs is None else [zs[start : start + self.batch_size]]
            ab = np.asarray(self.predict_ab(batch, *noise))
            expected = (len(batch), self.size, self.size, 2)
            if ab.shape != expected:
                raise ValueError(
                    f"the model answered with shape {ab.shape}, expected {expected}; it is not a "
                    "model of this package, or it is damaged"
                )
            if not np.isfinite(ab).all():
                raise ValueError("the model answered NaN or infinity for this photograph")
            answers.extend(ab)
        return answers

    def _checked_z(self, z: np.ndarray, batch: tuple[int, ...]) -> np.ndarray:
        if not self.z_size:
            raise ValueError("a z was given, but this model takes no noise; leave z out")
        z = np.asarray(z, np.float32)
        if z.shape != (*batch, self.z_size):
            raise ValueError(f"z must have shape {(*batch, self.z_size)}, got {z.shape}")
        return z


def _check_images(images: np.ndarray, dimensions: tuple[int, ...]) -> None:
    known = images.dtype in (np.uint8, np.uint16)
    if not known or images.ndim not in dimensions or images.shape[-1] != 3:
        shapes = {3: "(height, width, 3)", 4: "(batch, height, width, 3)"}
        expected = " or ".join(shapes[count] for count in dimensions)
        raise ValueError(
            f"images must be uint8 or uint16 {expected}, got {images.dtype} {images.shape}"
        )
    if 0 in images.shape:
        raise ValueError(f"images must not be empty, got shape {images.shape}")


def _connect(url: str) -> tuple[Callable[..., np.ndarray], int, int, int]:
    from colorize_tf.inference.remote import RemotePredictor

    predictor = RemotePredictor(url)
    return predictor, predictor.size, predictor.z_size, _BATCH_SIZE


def _load_tflite(path: Path) -> tuple[Callable[..., np.ndarray], int, int, int]:
    from colorize_tf.artifacts.tflite_runner import input_size, load_tflite

    runners = load_tflite(path)
    # Threads share the interpreter's tensors.
    lock = threading.Lock()

    def predict_ab(lightness, z=None):
        with lock:
            if z is None:
                return runners["predict_ab"](lightness=lightness)["ab"]
            return runners["sample_ab"](lightness=lightness, z=z)["ab"]

    z_size = input_size(runners["sample_ab"], "z") if "sample_ab" in runners else 0
    return predict_ab, input_size(runners["predict_ab"]), z_size, 1


def _load_saved_model(path: Path) -> tuple[Callable[..., np.ndarray], int, int, int]:
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
    return predict_ab, length("predict_ab", "lightness"), z_size, _BATCH_SIZE


def _load_keras(path: Path) -> tuple[Callable[..., np.ndarray], int, int, int]:
    from colorize_tf.artifacts.keras_file import load_generator
    from colorize_tf.models.generator import generate_ab, z_size_of

    generator = load_generator(path)

    def predict_ab(lightness, z=None):
        return generate_ab(generator, lightness, z).numpy()

    return predict_ab, generator.output_shape[1], z_size_of(generator), _BATCH_SIZE
