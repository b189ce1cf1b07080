"""Warm-up requests and configurations for TensorFlow Serving."""

import os
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import tensorflow as tf

from colorize_tf.color.lab_tf import encode, images_to_rgb
from colorize_tf.files import atomic_write

WARMUP_FILE = "assets.extra/tf_serving_warmup_requests"
"""Path in a version folder of the requests that the server runs before it answers any."""

# Simultaneous requests for one signature are run as a batch, which helps with many clients that
# send one image each. A request of more than max_batch_size images is rejected. Padding is off: it
# would fill smaller images of `colorize` with black.
_BATCHING = """\
max_batch_size { value: 16 }
batch_timeout_micros { value: 2000 }
max_enqueued_batches { value: 64 }
num_batch_threads { value: 2 }
pad_variable_length_inputs: false
"""

_MODELS = """\
model_config_list {{
  config {{
    name: "{name}"
    base_path: "/models/{name}"
    model_platform: "tensorflow"
  }}
}}
"""


def check_servable(name: str) -> None:
    """Raise `ValueError` if `write_warmup` or `write_serving_configs` would."""
    _check_name(name)
    _serving_messages()


def write_warmup(folder: str | Path, image: np.ndarray, *, z_size: int = 0) -> Path:
    """Add to a SavedModel one request for each signature, which the server runs on loading.

    Without them the first requests of clients wait while TensorFlow initializes.

    Args:
        folder: version folder that `save_saved_model` wrote.
        image: the image in the requests, uint8 `(size, size, 3)` of the generator's size.
        z_size: length of the noise vector that the generator takes; 0 if it takes none.

    Returns:
        The file that was written, a TFRecord file of `PredictionLog` messages.

    Raises:
        ValueError: `image` has another dtype or shape, or the extra `[serving]` is not installed.
    """
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape != (len(image), len(image), 3):
        raise ValueError(
            f"the warm-up image must be uint8 (size, size, 3), got {image.dtype} {image.shape}"
        )
    predict_pb2, prediction_log_pb2 = _serving_messages()
    lightness = encode(images_to_rgb(image[np.newaxis]))[0].numpy()
    inputs: dict[str, dict[str, Any]] = {
        "serving_default": {"image_bytes": [tf.io.encode_jpeg(image).numpy()]},
        "colorize": {"images": image[np.newaxis]},
        "predict_ab": {"lightness": lightness},
    }
    if z_size:
        inputs["sample_ab"] = {"lightness": lightness, "z": np.zeros((1, z_size), np.float32)}
    path = Path(folder) / WARMUP_FILE
    path.parent.mkdir(exist_ok=True)
    with atomic_write(path) as temporary, tf.io.TFRecordWriter(os.fspath(temporary)) as writer:
        for signature, tensors in inputs.items():
            request = predict_pb2.PredictRequest()
            request.model_spec.signature_name = signature
            for name, tensor in tensors.items():
                request.inputs[name].CopyFrom(tf.make_tensor_proto(tensor))
            log = prediction_log_pb2.PredictionLog()
            log.predict_log.request.CopyFrom(request)
            writer.write(log.SerializeToString())
    return path


def write_serving_configs(base_folder: str | Path, name: str) -> tuple[Path, Path]:
    """Write `batching.config` and `models.config` beside a model's versions; return their paths.

    They expect `base_folder` at `/models/NAME` on the server, as in its Docker image.

    Raises:
        ValueError: the name, the last part of the model's URL, has other characters than a URL.
    """
    _check_name(name)
    paths = Path(base_folder) / "batching.config", Path(base_folder) / "models.config"
    for path, text in zip(paths, (_BATCHING, _MODELS.format(name=name)), strict=True):
        with atomic_write(path) as temporary:
            temporary.write_text(text)
    return paths


def _check_name(name: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", name):
        raise ValueError(
            f"a model cannot be served as {name!r}; its name may have letters, digits and . _ -"
        )


def _serving_messages() -> tuple[ModuleType, ModuleType]:
    try:
        from tensorflow_serving.apis import predict_pb2, prediction_log_pb2
    except ImportError as error:
        raise ValueError(
            "warm-up requests need tensorflow-serving-api, which is not installed; install it "
            'with: pip install "colorize_tf[serving]"'
        ) from error
    return predict_pb2, prediction_log_pb2
