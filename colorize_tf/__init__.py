"""Color for black-and-white landscape photographs, in Keras and TensorFlow.

Names are resolved on first use (PEP 562), so that importing the package imports nothing else.
"""

import importlib
import logging
from typing import Any

__version__ = "0.1.0"

# Silent until an application adds a handler.
logging.getLogger(__name__).addHandler(logging.NullHandler())

_HOMES = {
    "AlreadyInColorError": "colorize_tf.inference.errors",
    "ColorizeOptions": "colorize_tf.inference.options",
    "Colorizer": "colorize_tf.inference.colorizer",
    "ColorizationGAN": "colorize_tf.training.gan",
    "CorruptImageError": "colorize_tf.imagefiles",
    "ImageFileError": "colorize_tf.imagefiles",
    "ImageTooLargeError": "colorize_tf.imagefiles",
    "ModelUnavailableError": "colorize_tf.inference.errors",
    "Photograph": "colorize_tf.imagefiles",
    "RECIPES": "colorize_tf.recipes",
    "TrainConfig": "colorize_tf.config",
    "UnsupportedImageError": "colorize_tf.imagefiles",
    "colorize_files": "colorize_tf.inference.batch.files",
    "compact_unet": "colorize_tf.models.unet",
    "decode": "colorize_tf.color.lab_tf",
    "encode": "colorize_tf.color.lab_tf",
    "evaluate_colorizers": "colorize_tf.evaluation.comparison",
    "export_colorizer": "colorize_tf.experiment.export",
    "evaluation_dataset": "colorize_tf.data.pipeline",
    "find_photographs": "colorize_tf.data.catalog",
    "lab_to_rgb": "colorize_tf.color.lab_tf",
    "load_generator": "colorize_tf.artifacts.keras_file",
    "patchgan": "colorize_tf.models.patchgan",
    "pix2pix_unet": "colorize_tf.models.unet",
    "read_photograph": "colorize_tf.imagefiles",
    "render_landscape": "colorize_tf.data.synthetic.landscapes",
    "rgb_to_lab": "colorize_tf.color.lab_tf",
    "train_colorizer": "colorize_tf.experiment.api",
    "training_dataset": "colorize_tf.data.pipeline",
    "write_evaluation_report": "colorize_tf.evaluation.report",
    "write_photograph": "colorize_tf.imagefiles",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
