"""Colorizer: colorizes any photograph with any artifact."""

from __future__ import annotations

import numbers
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from colorize_tf.artifacts.run_folder import RunFolder
from colorize_tf.artifacts.weights import SHIPPED_MODEL
from colorize_tf.inference.inputs import from_photograph, to_photograph
from colorize_tf.inference.rendering import fit_square, join, lightness_of

MAX_INTENSITY = 2.0

# Pictures in one call of an artifact that takes several.
_BATCH_SIZE = 8


class Colorizer:
    """Colorizes photographs of any size; the network predicts chroma, lightness stays.

    Example:
        >>> from colorize_tf import Colorizer
        >>> colorizer = Colorizer.load()
        >>> color = colorizer("old.jpg")
        >>> color.shape, color.dtype
        ((60, 80, 3), dtype('uint8'))

    Args:
        predict_ab: float32 `lightness` `(batch, size, size, 1)` to float32 `ab`
            `(batch, size, size, 2)`, both in [-1, 1]. If `z_size` is not 0, it takes a second
            argument, float32 `z` `(batch, z_size)`.
        size: height and width of the input of `predict_ab`, in pixels.
        z_size: length of the noise vector that `predict_ab` takes; 0 if it takes none.
        batch_size: the most pictures in one call of `predict_ab`.
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
        """Load an artifact; only artifacts that need TensorFlow import it.

        All artifacts of one network give the same picture within 2 levels of 255, except `.tflite`
        files quantized as int8 or dynamic. `export` writes those only if their mean CIEDE2000 is at
        most 1.0 (int8) or 0.5 (dynamic); single pixels may differ more.

        Args:
            model: run folder, `.keras` file, SavedModel version or base folder, `.tflite` file, or
                the URL of a model that TensorFlow Serving serves; by default the model that comes
                with the package.

        Raises:
            ValueError: there is no model, or it cannot be loaded.
        """
        if model is None:
            if not SHIPPED_MODEL.is_file():
                raise ValueError(
                    f"no model came with this installation: {SHIPPED_MODEL} is missing; name one, "
                    "such as a run folder or a .tflite file"
                )
            model = SHIPPED_MODEL
        if not isinstance(model, str | os.PathLike):
            raise ValueError(
                f"a model is named by its path or URL, got {type(model).__name__}; for a Keras "
                "model, save it to a .keras file first"
            )
        if str(model).lower().startswith(("http://", "https://")):
            return _connect(str(model))
        path = Path(model)
        if not path.exists():
            raise ValueError(
                f"no model at {path}; expected a run folder, a .keras or .tflite file, "
                "a SavedModel folder, or http://HOST:8501/v1/models/NAME"
            )
        if (path / "config.json").is_file() and not (path / RunFolder.GENERATOR).is_file():
            raise ValueError(
                f"the run in {path} has no generator yet; continue it with --resume --run-dir"
            )
        if path.is_file() and path.suffix not in (".keras", ".tflite"):
            raise ValueError(f"{path} is no model; expected a .keras or .tflite file")
        if path.suffix == ".tflite":
            return _load_tflite(path)
        if path.is_dir() and not (path / RunFolder.GENERATOR).is_file():
            return _load_saved_model(path)
        return _load_keras(path / RunFolder.GENERATOR if path.is_dir() else path)

    def __call__(
        self,
        photographs: Any,
        z: np.ndarray | None = None,
        *,
        intensity: float = 1.0,
        ensemble: str | None = None,
    ) -> Any:
        """Colorize one photograph or several.

        Args:
            photographs: a path, the bytes of an image file, a PIL image, a `Photograph`, or an
                array of uint8 or uint16: gray `(height, width)`, RGB `(height, width, 3)` or RGBA
                `(height, width, 4)`; a list of these, of any sizes; or an array
                `(batch, height, width, channels)`.
            z: noise that chooses among the colorings, drawn from N(0, 1): float32 `(z_size,)`, or
                `(batch, z_size)` for several photographs; zeros by default.
            intensity: factor of the chroma, 0 (gray) to 2.
            ensemble: None, or "flip" to average over the photograph and its mirror image.

        Returns:
            An array `(height, width, 3)`, or `(height, width, 4)` with the alpha of the input, of
            the depth of the input; a PIL image for a PIL image and a `Photograph` for a
            `Photograph`. Several photographs give a list, an array of several gives an array.

        Raises:
            ValueError: the input is no photograph, `z` has another shape or the model takes none,
                `intensity` or `ensemble` is not allowed, or the prediction is NaN or has another
                shape.
        """
        if not isinstance(intensity, numbers.Real) or not 0 <= intensity <= MAX_INTENSITY:
            raise ValueError(f"intensity must be 0 to {MAX_INTENSITY:g}, got {intensity!r}")
        is_batch = getattr(photographs, "ndim", 0) == 4
        is_single = not is_batch and not isinstance(photographs, list | tuple)
        sources = [photographs] if is_single else list(photographs)
        inputs = [to_photograph(source) for source in sources]
        if z is not None:
            z = self._checked_z(z, () if is_single else (len(inputs),))
            z = z[np.newaxis] if is_single else z
        abs_ = self.predict([one.images for one in inputs], z, ensemble=ensemble)
        results = [
            from_photograph(one.with_images(join(one.images, ab, intensity=intensity)), source)
            for one, ab, source in zip(inputs, abs_, sources, strict=True)
        ]
        if is_single:
            return results[0]
        return np.stack(results) if is_batch and results else results

    def predict_one(
        self, images: np.ndarray, z: np.ndarray | None = None, *, ensemble: str | None = None
    ) -> np.ndarray:
        """Predict `ab` for one photograph; see `predict`."""
        [ab] = self.predict([images], None if z is None else [z], ensemble=ensemble)
        return ab

    def predict(
        self,
        photographs: Sequence[np.ndarray],
        z: Sequence[np.ndarray] | np.ndarray | None = None,
        *,
        ensemble: str | None = None,
    ) -> list[np.ndarray]:
        """Predict `ab` for several photographs, in batches; `rendering.join` takes the results.

        Args:
            photographs: uint8 or uint16 `(height, width, 3)`, of any sizes.
            z: float32 `(z_size,)` for each, or None.
            ensemble: None or "flip", as for a call.

        Returns:
            For each a float32 `ab` `(h, w, 2)` in [-1, 1]: that of the photograph scaled to the
            size of the network.

        Raises:
            ValueError: as for a call.
        """
        if ensemble not in (None, "flip"):
            raise ValueError(f"ensemble must be None or 'flip', got {ensemble!r}")
        noise = None if z is None else self._checked_z(z, (len(photographs),))
        squares, windows = [], []
        for images in photographs:
            square, window = fit_square(images, self.size)
            squares.append(lightness_of(square))
            windows.append(window)
        predictions = self._predict_squares(squares, noise)
        if ensemble == "flip":
            mirrored = self._predict_squares([square[:, ::-1] for square in squares], noise)
            predictions = [
                (ab + mirror[:, ::-1]) / 2 for ab, mirror in zip(predictions, mirrored, strict=True)
            ]
        return [ab[window] for ab, window in zip(predictions, windows, strict=True)]

    def _predict_squares(self, squares: list[np.ndarray], z: np.ndarray | None) -> list[np.ndarray]:
        predictions: list[np.ndarray] = []
        for start in range(0, len(squares), self.batch_size):
            batch = np.stack(squares[start : start + self.batch_size])
            noise = [] if z is None else [z[start : start + self.batch_size]]
            ab = np.asarray(self.predict_ab(batch, *noise))
            expected = (len(batch), self.size, self.size, 2)
            if ab.shape != expected:
                raise ValueError(
                    f"the model predicted shape {ab.shape}, expected {expected}; it is not a "
                    "model of this package, or it is damaged"
                )
            if not np.isfinite(ab).all():
                raise ValueError("the model predicted NaN or infinity for this photograph")
            predictions.extend(ab)
        return predictions

    def _checked_z(
        self, z: Sequence[np.ndarray] | np.ndarray, batch: tuple[int, ...]
    ) -> np.ndarray:
        if not self.z_size:
            raise ValueError("a z was given, but this model takes no noise; leave z out")
        z = np.asarray(z, np.float32)
        if z.shape != (*batch, self.z_size):
            raise ValueError(f"z must have shape {(*batch, self.z_size)}, got {z.shape}")
        return z


def _connect(url: str) -> Colorizer:
    from colorize_tf.inference.remote import RemotePredictor

    predictor = RemotePredictor(url)
    return Colorizer(predictor, predictor.size, predictor.z_size, _BATCH_SIZE)


def _load_tflite(path: Path) -> Colorizer:
    from colorize_tf.artifacts.tflite.runner import input_size, load_tflite

    runners = load_tflite(path)
    # All threads share the tensors of the interpreter.
    lock = threading.Lock()

    def predict_ab(lightness: np.ndarray, z: np.ndarray | None = None) -> np.ndarray:
        with lock:
            if z is None:
                return runners["predict_ab"](lightness=lightness)["ab"]
            return runners["sample_ab"](lightness=lightness, z=z)["ab"]

    z_size = input_size(runners["sample_ab"], "z") if "sample_ab" in runners else 0
    return Colorizer(predict_ab, input_size(runners["predict_ab"]), z_size)


def _load_saved_model(path: Path) -> Colorizer:
    import tensorflow as tf

    from colorize_tf.artifacts.saved_model import load_saved_model

    loaded = load_saved_model(path)

    def predict_ab(lightness: np.ndarray, z: np.ndarray | None = None) -> np.ndarray:
        inputs = {"lightness": lightness} if z is None else {"lightness": lightness, "z": z}
        signature = loaded.signatures["predict_ab" if z is None else "sample_ab"]
        return signature(**{name: tf.constant(one) for name, one in inputs.items()})["ab"].numpy()

    def length(signature: str, name: str) -> int:
        return loaded.signatures[signature].structured_input_signature[1][name].shape[1]

    z_size = length("sample_ab", "z") if "sample_ab" in loaded.signatures else 0
    return Colorizer(predict_ab, length("predict_ab", "lightness"), z_size, _BATCH_SIZE)


def _load_keras(path: Path) -> Colorizer:
    from colorize_tf.artifacts.keras_file import load_generator
    from colorize_tf.models.generator import generate_ab, z_size_of

    generator = load_generator(path)

    def predict_ab(lightness: np.ndarray, z: np.ndarray | None = None) -> np.ndarray:
        return generate_ab(generator, lightness, z).numpy()

    return Colorizer(predict_ab, generator.output_shape[1], z_size_of(generator), _BATCH_SIZE)
