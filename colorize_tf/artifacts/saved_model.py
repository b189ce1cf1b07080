"""Save and load generators as SavedModels of core ops, for TensorFlow Serving."""

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
      TensorFlow's decoder ignores EXIF orientation. A file that is not an image, is damaged or has
      more than `graph.MAX_MEGAPIXELS` raises an InvalidArgumentError with its index in the batch.
    - `colorize`: `images` uint8 `(batch, height, width, 3)` to `colorized`, the same.
    - `predict_ab`: `lightness` float32 `(batch, size, size, 1)` to `ab` float32
      `(batch, size, size, 2)`.
    - `sample_ab`, if the generator takes noise: as `predict_ab`, with `z` float32
      `(batch, z_size)` beside `lightness`. The other three use zeros for z. They cannot take it as
      an optional input: defaults in a SignatureDef have a fixed batch, and `tf.saved_model.load`
      requires every input nevertheless.

    Args:
        generator: `lightness` to `ab`, or `[lightness, z]` to `ab`, in float32.
        folder: where to write; nothing exists there yet.
    """
    size, z_size = generator.output_shape[1], z_size_of(generator)
    network = functools.partial(generate_ab, generator)

    # The functions have no control flow that AutoGraph would have to convert, which takes seconds.
    @tf.function(
        input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")], autograph=False
    )
    def serving_default(image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"colorized_bytes": colorize_bytes(network, image_bytes, size)}

    @tf.function(
        input_signature=[tf.TensorSpec([None, None, None, 3], tf.uint8, name="images")],
        autograph=False,
    )
    def colorize(images: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"colorized": colorize_images(network, images, size)}

    lightness_spec = tf.TensorSpec([None, size, size, 1], tf.float32, name="lightness")

    @tf.function(input_signature=[lightness_spec], autograph=False)
    def predict_ab(lightness: tf.Tensor) -> dict[str, tf.Tensor]:
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
        def sample_ab(lightness: tf.Tensor, z: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"ab": network(lightness, z)}

        signatures["sample_ab"] = sample_ab

    module = tf.Module()
    # Only variables that the module refers to are saved. They must be TensorFlow's own: of Keras
    # variables the file gets copies, which a server restores, while the signatures read the
    # originals, which stay uninitialized (github.com/keras-team/keras/issues/20095).
    module.weights = [weight.value for weight in generator.weights]
    tf.saved_model.save(module, os.fspath(folder), signatures=signatures)


def load_saved_model(folder: str | Path) -> Any:
    """Load a SavedModel that `save_saved_model` wrote.

    Args:
        folder: version folder, or a base folder, whose highest version is used.

    Returns:
        The loaded object; keep it for as long as its `signatures` are called.

    Raises:
        ValueError: no SavedModel there, or not one of this package.
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
