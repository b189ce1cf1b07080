"""Generators as TFLite files of a fixed size and a batch of one, for phones."""

import tempfile
import warnings
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter, SignatureRunner
from skimage.color import deltaE_ciede2000, rgb2lab
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from colorize_tf.artifacts.tflite_join import join_network_and_color
from colorize_tf.artifacts.tflite_layers import with_plain_convolutions
from colorize_tf.artifacts.tflite_precision import (
    nodes_to_keep_in_float,
    restore_biases_and_first_kernels,
    restore_depthwise_kernels,
)
from colorize_tf.artifacts.tflite_ranges import balance_ranges
from colorize_tf.color.lab_tf import (
    decode,
    encode,
    images_to_rgb,
    rgb_to_images,
    rgb_to_lightness,
)
from colorize_tf.models.generator import check_generator, generate_ab, z_size_of

QUANTIZATIONS = ("float32", "float16", "dynamic", "int8")
LIMITS = {
    "float32": ("largest_difference", 1e-4),
    "float16": ("largest_difference", 4e-3),
    "dynamic": ("mean_ciede2000", 0.5),
    "int8": ("mean_ciede2000", 1.0),
}
"""By quantization what `compare_tflite` measures that counts, and how large it may be."""

_RESTORE = {"float16": restore_biases_and_first_kernels, "dynamic": restore_depthwise_kernels}

FEWEST_CALIBRATION_PICTURES = 100


def convert_to_tflite(
    generator: keras.Model,
    *,
    quantization: str = "float32",
    calibration: np.ndarray | None = None,
    image_dtype: str = "float32",
) -> bytes:
    """Convert a generator to TFLite.

    Signature `serving_default`: `image` `(1, size, size, 3)` to `colorized`, the same; the Lab
    maths is inside. Signature `predict_ab`, for apps that keep the full-resolution lightness
    themselves: `lightness` float32 `(1, size, size, 1)` to `ab` float32 `(1, size, size, 2)`. Where
    the generator takes noise, signature `sample_ab`: as `predict_ab`, with `z` float32
    `(1, z_size)` beside `lightness`; the others use zeros for z. All share their weights.

    Only the network is quantized. The Lab maths stays in float32, whose error in int8 would be
    0.12 of 1.0.

    Args:
        generator: `lightness` to `ab`, or `[lightness, z]` to `ab`, in float32.
        quantization: `"float32"`; `"float16"`: weights in float16; `"dynamic"`: weights in int8,
            computed in int8 where the runtime can; `"int8"`: weights and what lies between the
            layers in int8, except a tanh or a softmax and what follows it. What each keeps in
            float32 beside that is told in `tflite_precision`.
        calibration: for `"int8"`, and only there: float32 `(n, size, size, 3)`, sRGB 0..1, at least
            100 pictures like those to come.
        image_dtype: of `image` and `colorized`; `"float32"` in 0..1 or `"uint8"` in 0..255.

    Returns:
        The content of a `.tflite` file.

    Raises:
        ValueError: an unknown quantization or dtype, or calibration pictures that are too few, of
            another shape, or not wanted.
    """
    check_generator(generator, generator.name)
    size = generator.output_shape[1]
    if quantization not in QUANTIZATIONS:
        raise ValueError(
            f"quantization must be one of {', '.join(QUANTIZATIONS)}, got {quantization!r}"
        )
    if image_dtype not in ("float32", "uint8"):
        raise ValueError(f"image_dtype must be float32 or uint8, got {image_dtype!r}")
    _check_calibration(calibration, quantization, size)
    if quantization == "int8":
        network = _quantized_network(generator, calibration)
    else:
        network = _network_converter(generator, quantization).convert()
    if quantization in _RESTORE:
        network = _RESTORE[quantization](network, _network_converter(generator).convert())
    return join_network_and_color(network, _converted_color(size, image_dtype))


def resize_generator(generator: keras.Model, size: int) -> keras.Model:
    """Return a copy of a generator that takes pictures of another size.

    Args:
        generator: `lightness` to `ab`, or `[lightness, z]` to `ab`.
        size: height and width in pixels.

    Returns:
        The same network with the same weights, of another input shape.

    Raises:
        ValueError: the network cannot take this size.
    """
    multiple = _largest_stride(generator)
    if size < multiple or size % multiple:
        fitting = max(multiple, round(size / multiple) * multiple)
        raise ValueError(
            f"size {size} does not fit {generator.name}: it must be a multiple of {multiple}, "
            f"for example {fitting}"
        )
    inputs = keras.Input((size, size, 1), name="lightness")
    if z_size := z_size_of(generator):
        inputs = [inputs, keras.Input((z_size,), name="z")]
    try:
        resized = keras.models.clone_model(generator, inputs)
    except ValueError as error:
        raise ValueError(
            f"{generator.name} cannot be resized: one of its layers is made for "
            f"{generator.output_shape[1]} pixels"
        ) from error
    resized.set_weights(generator.get_weights())
    return resized


def compare_tflite(
    content: bytes, generator: keras.Model, pictures: np.ndarray
) -> dict[str, float]:
    """Measure how far a TFLite file's colored pictures are from the generator's.

    Args:
        content: what `convert_to_tflite` returned.
        generator: what it was made from.
        pictures: real ones, float32 `(n, size, size, 3)`, sRGB 0..1.

    Returns:
        `largest_difference` of `colorized` in units of rgb (0..1), `mean_ciede2000` over pixels
        and pictures, and `largest_ab_difference` of signature `predict_ab` in units of ab. Of a
        generator that takes noise, `sample_ab` counts with all three, on a random z a picture.
    """
    interpreter = Interpreter(model_content=content)
    names = interpreter.get_signature_list()
    runners = {name: interpreter.get_signature_runner(name) for name in names}
    random = np.random.default_rng(0)
    z_size = z_size_of(generator)
    differences, ab_differences, ciede2000 = [], [], []
    for picture in pictures:
        lightness = encode(picture[np.newaxis])[0].numpy()
        answers = [(_answer(runners, picture, lightness), None)]
        if z_size:
            z = random.normal(size=(1, z_size)).astype(np.float32)
            answers.append((_sample(runners, lightness, z), z))
        for (colorized, ab), z in answers:
            expected_ab = generate_ab(generator, lightness, z)
            expected = decode(lightness, expected_ab).numpy()[0]
            differences.append(np.max(np.abs(colorized - expected)))
            ab_differences.append(np.max(np.abs(ab - expected_ab.numpy())))
            ciede2000.append(np.mean(deltaE_ciede2000(rgb2lab(colorized), rgb2lab(expected))))
    return {
        "largest_difference": float(np.max(differences)),
        "mean_ciede2000": float(np.mean(ciede2000)),
        "largest_ab_difference": float(np.max(ab_differences)),
    }


def _answer(
    runners: dict[str, SignatureRunner], picture: np.ndarray, lightness: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return `colorized` `(size, size, 3)` in 0..1 and `ab`, by the signatures that take no z."""
    colorize = runners["serving_default"]
    in_float = colorize.get_input_details()["image"]["dtype"] == np.float32
    image = picture if in_float else rgb_to_images(picture).numpy()
    colorized = colorize(image=image[np.newaxis])["colorized"][0]
    if not in_float:
        colorized = images_to_rgb(colorized).numpy()
    return colorized, runners["predict_ab"](lightness=lightness)["ab"]


def _sample(
    runners: dict[str, SignatureRunner], lightness: np.ndarray, z: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the same by `sample_ab`, which leaves decoding to its caller."""
    ab = runners["sample_ab"](lightness=lightness, z=z)["ab"]
    return decode(lightness, ab).numpy()[0], ab


def _check_calibration(calibration: np.ndarray | None, quantization: str, size: int) -> None:
    if quantization != "int8":
        if calibration is not None:
            raise ValueError(f"{quantization} needs no calibration pictures; leave them out")
        return
    shape = None if calibration is None else np.shape(calibration)
    fits = shape is not None and len(shape) == 4 and shape[1:] == (size, size, 3)
    if not fits or shape[0] < FEWEST_CALIBRATION_PICTURES:
        raise ValueError(
            f"int8 needs at least {FEWEST_CALIBRATION_PICTURES} calibration pictures "
            f"(n, {size}, {size}, 3), got {'none' if shape is None else shape}"
        )
    if calibration.dtype != np.float32:
        raise ValueError(f"calibration pictures must be float32 in 0..1, got {calibration.dtype}")


def _largest_stride(generator: keras.Model) -> int:
    """By how much the network shrinks height at its narrowest."""

    def pictures(structure):
        return all(len(tensor.shape) == 4 for tensor in tf.nest.flatten(structure))

    heights = [
        tensor.shape[1]
        for layer in generator.layers
        # Not of what makes z a picture of one pixel.
        if pictures(layer.input) and pictures(layer.output)
        for tensor in tf.nest.flatten(layer.output)
    ]
    return generator.output_shape[1] // min(heights)


def _network_converter(
    generator: keras.Model, quantization: str = "float32"
) -> tf.lite.TFLiteConverter:
    """Prepare converting the network alone.

    The converter takes a Keras model's variables without complaint, and what it makes of them
    answers NaN; constants come out right.
    """
    size, z_size = generator.output_shape[1], z_size_of(generator)
    # A static batch of one keeps SHAPE and PACK away from the GPU delegate and halves the time.
    specs = [tf.TensorSpec([1, size, size, 1], tf.float32, name="lightness")]
    if z_size:
        specs.append(tf.TensorSpec([1, z_size], tf.float32, name="z"))

    faster = with_plain_convolutions(generator)

    @tf.function(input_signature=specs, autograph=False)
    def network(*inputs):
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
    inputs = [[encode(picture[np.newaxis])[0].numpy()] for picture in calibration]
    if z_size := z_size_of(generator):
        random = np.random.default_rng(0)
        for one in inputs:
            one.append(random.normal(size=(1, z_size)).astype(np.float32))

    def samples() -> Iterator[list[np.ndarray]]:
        yield from inputs

    balanced = balance_ranges(generator, inputs)
    in_float = nodes_to_keep_in_float(_network_converter(balanced).convert())
    converter = _network_converter(balanced, "int8")
    converter.representative_dataset = samples
    options = tf.lite.experimental.QuantizationDebugOptions(denylisted_nodes=in_float)
    with warnings.catch_warnings():
        # The debugger runs TensorFlow's own interpreter, which says that it is deprecated.
        warnings.filterwarnings("ignore", category=UserWarning)
        debugger = tf.lite.experimental.QuantizationDebugger(
            converter=converter, debug_dataset=samples, debug_options=options
        )
    return debugger.get_nondebug_quantized_model()


def _converted_color(size: int, image_dtype: str) -> bytes:
    """Convert the Lab maths on both sides of the network, float32, as two signatures."""
    image = tf.TensorSpec([1, size, size, 3], image_dtype, name="image")
    lightness = tf.TensorSpec([1, size, size, 1], tf.float32, name="lightness")
    ab = tf.TensorSpec([1, size, size, 2], tf.float32, name="ab")

    @tf.function(input_signature=[image], autograph=False)
    def before(image):
        rgb = images_to_rgb(image) if image_dtype == "uint8" else image
        return {"lightness": rgb_to_lightness(rgb)}

    @tf.function(input_signature=[lightness, ab], autograph=False)
    def after(lightness, ab):
        rgb = decode(lightness, ab)
        return {"colorized": rgb_to_images(rgb) if image_dtype == "uint8" else rgb}

    signatures = {"before": before, "after": after}
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(tf.Module(), folder, signatures=signatures)
        names = list(signatures)
        return tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=names).convert()
