"""Convert a generator to TFLite, with a fixed size and a batch of one."""

import tempfile
import warnings
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from colorize_tf.artifacts.tflite import QUANTIZATIONS
from colorize_tf.artifacts.tflite.convolutions import with_plain_convolutions
from colorize_tf.artifacts.tflite.join import join_network_and_color
from colorize_tf.artifacts.tflite.precision import (
    nodes_to_keep_in_float,
    restore_biases_and_first_kernels,
    restore_depthwise_kernels,
)
from colorize_tf.artifacts.tflite.ranges import balance_ranges
from colorize_tf.color.lab_tf import (
    decode,
    encode,
    images_to_rgb,
    rgb_to_images,
    rgb_to_lightness,
)
from colorize_tf.models.generator import check_generator, generate_ab, z_size_of

FEWEST_CALIBRATION_IMAGES = 100

_RESTORE = {"float16": restore_biases_and_first_kernels, "dynamic": restore_depthwise_kernels}


def check_quantization(quantization: str) -> None:
    """Raise `ValueError` unless `quantization` is one of `QUANTIZATIONS`."""
    if quantization not in QUANTIZATIONS:
        raise ValueError(
            f"quantization must be one of {', '.join(QUANTIZATIONS)}, got {quantization!r}"
        )


def convert_to_tflite(
    generator: keras.Model,
    *,
    quantization: str = "float32",
    calibration: np.ndarray | None = None,
    image_dtype: str = "float32",
) -> bytes:
    """Convert a generator to TFLite.

    Signatures:

    - `serving_default`: `image` `(1, size, size, 3)` to `colorized`, the same, with the Lab
      conversions inside.
    - `predict_ab`, for apps that keep the lightness at full resolution: `lightness` float32
      `(1, size, size, 1)` to `ab` float32 `(1, size, size, 2)`.
    - `sample_ab`, if the generator takes noise: like `predict_ab`, with `z` float32 `(1, z_size)`
      beside `lightness`; the other signatures use zeros for z.

    All signatures share their weights. Only the network is quantized: the Lab conversions in int8
    would be off by 0.12 of 1.0.

    Args:
        generator: `lightness` to `ab`, or `[lightness, z]` to `ab`, in float32.
        quantization: `"float32"`; `"float16"`: weights in float16; `"dynamic"`: weights in int8,
            and computation in int8 where the runtime supports it; `"int8"`: weights and activations
            in int8, except a tanh or a softmax and what follows it. `precision` lists what each
            keeps in float32.
        calibration: for `"int8"` only: float32 `(n, size, size, 3)`, sRGB 0..1, at least 100 images
            like those to be colorized.
        image_dtype: of `image` and `colorized`; `"float32"` in 0..1 or `"uint8"` in 0..255.

    Returns:
        The content of a `.tflite` file.

    Raises:
        ValueError: an unknown quantization or dtype, or calibration images that are too few, have
            another shape, or are not needed.
    """
    check_generator(generator, generator.name)
    check_quantization(quantization)
    size = generator.output_shape[1]
    if image_dtype not in ("float32", "uint8"):
        raise ValueError(f"image_dtype must be float32 or uint8, got {image_dtype!r}")
    if quantization == "int8":
        network = _quantized_network(generator, _checked_calibration(calibration, size))
    elif calibration is not None:
        raise ValueError(f"{quantization} needs no calibration images; leave them out")
    else:
        network = _network_converter(generator, quantization).convert()
    if quantization in _RESTORE:
        network = _RESTORE[quantization](network, _network_converter(generator).convert())
    return join_network_and_color(network, _converted_color(size, image_dtype))


def _checked_calibration(calibration: np.ndarray | None, size: int) -> np.ndarray:
    shape = None if calibration is None else np.shape(calibration)
    fits = shape is not None and len(shape) == 4 and shape[1:] == (size, size, 3)
    if calibration is None or not fits or len(calibration) < FEWEST_CALIBRATION_IMAGES:
        raise ValueError(
            f"int8 needs at least {FEWEST_CALIBRATION_IMAGES} calibration images "
            f"(n, {size}, {size}, 3), got {'none' if shape is None else shape}"
        )
    if calibration.dtype != np.float32:
        raise ValueError(f"calibration images must be float32 in 0..1, got {calibration.dtype}")
    return calibration


def _network_converter(
    generator: keras.Model, quantization: str = "float32"
) -> tf.lite.TFLiteConverter:
    """Prepare the conversion of the network alone.

    Its variables are frozen to constants first: the converter accepts those of a Keras model
    without complaint, but the resulting file predicts NaN.
    """
    size, z_size = generator.output_shape[1], z_size_of(generator)
    # A static batch of one avoids SHAPE and PACK, which GPU delegates reject, and halves the time.
    specs = [tf.TensorSpec([1, size, size, 1], tf.float32, name="lightness")]
    if z_size:
        specs.append(tf.TensorSpec([1, z_size], tf.float32, name="z"))

    faster = with_plain_convolutions(generator)

    @tf.function(input_signature=specs, autograph=False)
    def network(*inputs: tf.Tensor) -> tf.Tensor:
        return generate_ab(faster, *inputs)

    frozen = convert_variables_to_constants_v2(network.get_concrete_function())
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen], tf.Module())
    if quantization != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantization == "float16":
        converter.target_spec.supported_types = [tf.float16]
    return converter


def _quantized_network(generator: keras.Model, calibration: np.ndarray) -> bytes:
    """Convert the network alone to int8, per channel, up to a tanh or a softmax."""
    inputs = [[encode(rgb[np.newaxis])[0].numpy()] for rgb in calibration]
    if z_size := z_size_of(generator):
        random = np.random.default_rng(0)
        for arrays in inputs:
            arrays.append(random.normal(size=(1, z_size)).astype(np.float32))

    def samples() -> Iterator[list[np.ndarray]]:
        yield from inputs

    balanced = balance_ranges(generator, inputs)
    in_float = nodes_to_keep_in_float(_network_converter(balanced).convert())
    converter = _network_converter(balanced, "int8")
    converter.representative_dataset = samples
    options = tf.lite.experimental.QuantizationDebugOptions(denylisted_nodes=in_float)
    with warnings.catch_warnings():
        # The debugger runs TensorFlow's own interpreter, which warns that it is deprecated.
        warnings.filterwarnings("ignore", category=UserWarning)
        debugger = tf.lite.experimental.QuantizationDebugger(
            converter=converter, debug_dataset=samples, debug_options=options
        )
    return debugger.get_nondebug_quantized_model()


def _converted_color(size: int, image_dtype: str) -> bytes:
    """Convert the Lab conversions before and after the network, float32, as two signatures."""
    image = tf.TensorSpec([1, size, size, 3], image_dtype, name="image")
    lightness = tf.TensorSpec([1, size, size, 1], tf.float32, name="lightness")
    ab = tf.TensorSpec([1, size, size, 2], tf.float32, name="ab")

    @tf.function(input_signature=[image], autograph=False)
    def before(image: tf.Tensor) -> dict[str, tf.Tensor]:
        rgb = images_to_rgb(image) if image_dtype == "uint8" else image
        return {"lightness": rgb_to_lightness(rgb)}

    @tf.function(input_signature=[lightness, ab], autograph=False)
    def after(lightness: tf.Tensor, ab: tf.Tensor) -> dict[str, tf.Tensor]:
        rgb = decode(lightness, ab)
        return {"colorized": rgb_to_images(rgb) if image_dtype == "uint8" else rgb}

    signatures = {"before": before, "after": after}
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(tf.Module(), folder, signatures=signatures)
        names = list(signatures)
        return tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=names).convert()
