"""Generators as SavedModels for TensorFlow Serving, of core ops, loadable without this package."""

import functools
import os
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from colorize_tf.artifacts.graph import colorize_bytes, colorize_images
from colorize_tf.artifacts.versions import version_folder
from colorize_tf.models.generator import generate_ab, z_size_of


def save_saved_model(generator: keras.Model, folder: str | Path) -> None:
    """Write a generator with its signatures.

    - `serving_default`: `image_bytes` string `(batch,)`, contents of JPEG, PNG, BMP or GIF files,
      to `colorized_bytes` string `(batch,)`, contents of PNG files of the same height and width.
      TensorFlow's decoder ignores EXIF orientation: what comes in turned goes out turned. A file
      that is no image, damaged or larger than `graph.MAX_MEGAPIXELS` is an InvalidArgumentError
      that says which one of the batch it is.
    - `colorize`: `images` uint8 `(batch, height, width, 3)` to `colorized`, the same.
    - `predict_ab`: `lightness` float32 `(batch, size, size, 1)` to `ab` float32
      `(batch, size, size, 2)`.
    - `sample_ab`, where the generator takes noise: as `predict_ab`, with `z` float32
      `(batch, z_size)` beside `lightness`. The other three use zeros for z. It is no optional
      input of theirs: the default in a SignatureDef has a fixed batch, and `tf.saved_model.load`
      asks for every input all the same.

    Args:
        generator: `lightness` to `ab`, or `[lightness, z]` to `ab`, in float32.
        folder: where to write; nothing stands there yet.
    """
    size, z_size = generator.output_shape[1], z_size_of(generator)
    network = functools.partial(generate_ab, generator)

    # The functions have no control flow that AutoGraph would have to convert, which takes seconds.
    @tf.function(
        input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")], autograph=False
    )
    def serving_default(image_bytes):
        return {"colorized_bytes": colorize_bytes(network, image_bytes, size)}

    @tf.function(
        input_signature=[tf.TensorSpec([None, None, None, 3], tf.uint8, name="images")],
        autograph=False,
    )
    def colorize(images):
        return {"colorized": colorize_images(network, images, size)}

    lightness_spec = tf.TensorSpec([None, size, size, 1], tf.float32, name="lightness")

    @tf.function(input_signature=[lightness_spec], autograph=False)
    def predict_ab(lightness):
        return {"ab": network(lightness)}

    signatures = {
        "serving_default": serving_default,
        "colorize": colorize,
        "predict_ab": predict_ab,
    }
    if z_size:

        @tf.function(
            input_signature=[lightness_spec, tf.TensorSpec([None, z_size], tf.float32, name="z")],
            autograph=False,
        )
        def sample_ab(lightness, z):
            return {"ab": network(lightness, z)}

        signatures["sample_ab"] = sample_ab

    module = tf.Module()
    # What is not reachable from the module is not saved. TensorFlow's own variables, not the model:
    # of Keras' variables the file gets copies, a server restores those, and the signatures read
    # the originals, which nobody has filled (github.com/keras-team/keras/issues/20095).
    module.weights = [weight.value for weight in generator.weights]
    tf.saved_model.save(module, os.fspath(folder), signatures=signatures)


def load_saved_model(folder: str | Path) -> Any:
    """Load a SavedModel that `save_saved_model` wrote.

    Args:
        folder: version folder, or a base folder of which the highest version is taken.

    Returns:
        the loaded object; its `signatures` answer as long as it is alive.

    Raises:
        ValueError: no SavedModel there, or none of ours.
    """
    folder = version_folder(folder)
    try:
        loaded = tf.saved_model.load(os.fspath(folder))
    except (OSError, ValueError, tf.errors.OpError) as error:
        raise ValueError(f"{folder} cannot be loaded as a SavedModel: {error}") from error
    if "predict_ab" not in loaded.signatures:
        raise ValueError(
            f"{folder} is not a colorize_tf model: it has no signature predict_ab, "
            f"only {', '.join(loaded.signatures) or 'none'}"
        )
    return loaded
