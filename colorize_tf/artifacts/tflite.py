"""Generators as TFLite files of a fixed size and a batch of one, for phones."""

import tempfile
from collections.abc import Callable

import keras
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from colorize_tf.artifacts.graph import colorize_square


def convert_to_tflite(generator: keras.Model) -> bytes:
    """Convert a generator to TFLite, float32.

    Signature `serving_default`: `image` float32 `(1, size, size, 3)` in 0..1 to `colorized`, the
    same; the Lab maths is inside. Signature `predict_ab`, for apps that keep the full-resolution
    lightness themselves: `lightness` float32 `(1, size, size, 1)` to `ab` `(1, size, size, 2)`.

    Args:
        generator: `lightness` to `ab`, in float32.

    Returns:
        The content of a `.tflite` file.
    """
    size = generator.input_shape[1]
    # A static batch of one keeps SHAPE and PACK away from the GPU delegate and halves the time.
    image = tf.TensorSpec([1, size, size, 3], tf.float32, name="image")
    lightness = tf.TensorSpec([1, size, size, 1], tf.float32, name="lightness")
    network = _frozen(generator, lightness)

    @tf.function(input_signature=[image])
    def serving_default(image):
        return {"colorized": colorize_square(network, image)}

    @tf.function(input_signature=[lightness])
    def predict_ab(lightness):
        return {"ab": network(lightness)}

    signatures = {"serving_default": serving_default, "predict_ab": predict_ab}
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(tf.Module(), folder, signatures=signatures)
        names = list(signatures)
        return tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=names).convert()


def _frozen(generator: keras.Model, spec: tf.TensorSpec) -> Callable[[tf.Tensor], tf.Tensor]:
    """Turn variables into constants.

    The converter takes a Keras model's variables, or several signatures that share some, without
    complaint, and what it makes of them answers NaN.
    """

    @tf.function(input_signature=[spec])
    def predict_ab(lightness):
        return generator(lightness, training=False)

    frozen = convert_variables_to_constants_v2(predict_ab.get_concrete_function())
    return lambda lightness: frozen(lightness)[0]
