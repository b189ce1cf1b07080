import subprocess
import sys

import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from colorize_tf.artifacts.tflite import QUANTIZATIONS
from colorize_tf.artifacts.tflite.compare import LIMITS, compare_tflite
from colorize_tf.artifacts.tflite.convert import convert_to_tflite
from colorize_tf.artifacts.tflite.runner import input_size, load_tflite
from colorize_tf.color.lab_tf import decode, encode, images_to_rgb
from colorize_tf.data.synthetic.landscapes import render_landscape


def _output_types(content):
    """By op the types of what it makes, over all signatures."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    ops = {code: name for name, code in vars(schema.BuiltinOperator).items() if name[0] != "_"}
    kinds = {code: name for name, code in vars(schema.TensorType).items() if name[0] != "_"}
    types = {}
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            code = model.operatorCodes[operator.opcodeIndex]
            name = ops[max(code.builtinCode, code.deprecatedBuiltinCode)]
            kind = kinds[subgraph.tensors[operator.outputs[0]].type]
            types.setdefault(name, set()).add(kind)
    return types


@pytest.fixture(scope="module")
def path(generator, tmp_path_factory):
    path = tmp_path_factory.mktemp("tflite") / "g.tflite"
    path.write_bytes(convert_to_tflite(generator))
    return path


@pytest.fixture
def rgb():
    return images_to_rgb(render_landscape(3, 32, 32)[np.newaxis])


@pytest.fixture(scope="module")
def images():
    return np.stack([images_to_rgb(render_landscape(seed, 32, 32)) for seed in range(104)])


@pytest.fixture(scope="module")
def contents(calm, images):
    """Files by quantization; the last four images are kept for the comparison."""
    return {
        quantization: convert_to_tflite(
            calm,
            quantization=quantization,
            calibration=images[:100] if quantization == "int8" else None,
        )
        for quantization in QUANTIZATIONS
    }


def test_predict_ab_predicts_the_same_as_the_generator(path, generator, rgb):
    lightness, _ = encode(rgb)
    prediction = load_tflite(path)["predict_ab"](lightness=lightness.numpy())["ab"]
    assert np.abs(prediction).max() > 0.01
    np.testing.assert_allclose(prediction, generator(lightness), atol=1e-5)


def test_serving_default_colorizes_images(path, generator, rgb):
    lightness, _ = encode(rgb)
    prediction = load_tflite(path)["serving_default"](image=rgb.numpy())["colorized"]
    np.testing.assert_allclose(prediction, decode(lightness, generator(lightness)), atol=1e-4)


def test_both_signatures_share_their_weights(path, generator):
    assert path.stat().st_size < 1.5 * 4 * generator.count_params()


@pytest.mark.parametrize("quantization", QUANTIZATIONS)
def test_a_quantized_file_predicts_nearly_the_same(contents, calm, images, quantization):
    measure, limit = LIMITS[quantization]
    measured = compare_tflite(contents[quantization], calm, images[100:])
    assert 0 < measured[measure] <= limit


def test_a_comparison_sees_another_network(contents, calm, images):
    other = keras.models.clone_model(calm)
    other.set_weights([1.1 * weight for weight in calm.get_weights()])
    measured = compare_tflite(contents["float32"], other, images[100:])
    assert measured["largest_difference"] > LIMITS["float32"][1]
    assert measured["largest_ab_difference"] > LIMITS["float32"][1]
    assert measured["mean_ciede2000"] > LIMITS["int8"][1]


def test_fewer_bits_make_smaller_files(contents):
    sizes = [len(contents[quantization]) for quantization in ("float32", "float16", "dynamic")]
    assert sizes == sorted(sizes, reverse=True)
    assert len(contents["int8"]) < sizes[0]


def test_int8_is_the_network_and_not_the_color(contents):
    types = _output_types(contents["int8"])
    assert types["CONV_2D"] == {"FLOAT32", "INT8"} and types["DEPTH_TO_SPACE"] == {"INT8"}
    assert types["TANH"] == types["FULLY_CONNECTED"] == {"FLOAT32"}
    assert not any("INT8" in kinds for kinds in _output_types(contents["float32"]).values())


def test_int8_does_not_round_the_tanh(contents, rgb):
    lightness, _ = encode(rgb)
    runner = Interpreter(model_content=contents["int8"]).get_signature_runner("predict_ab")
    # The scale that TFLite gives to a tanh in int8.
    levels = 128 * runner(lightness=lightness.numpy())["ab"]
    assert np.abs(levels - np.rint(levels)).max() > 0.1


def test_int8_keeps_a_small_skip_beside_a_large_one(generator, images):
    uneven = keras.models.clone_model(generator)
    uneven.set_weights(generator.get_weights())
    first = uneven.layers[1]
    last = uneven.layers[-1]
    following = uneven.layers[3]
    # The same function, its first skip a hundredth as large: one scale for both would drown it.
    first.set_weights([weight / 100 for weight in first.get_weights()])
    following.set_weights([weight * 100 for weight in following.get_weights()])
    kernel, bias = last.get_weights()
    kernel[..., -8:] *= 100
    last.set_weights([kernel, bias])
    errors = []
    for network in (generator, uneven):
        content = convert_to_tflite(network, quantization="int8", calibration=images[:100])
        errors.append(compare_tflite(content, network, images[100:])["mean_ciede2000"])
    assert errors[1] < 1.2 * errors[0]


def test_uint8_images_in_and_out(generator):
    content = convert_to_tflite(generator, image_dtype="uint8")
    image = render_landscape(3, 32, 32)[np.newaxis]
    lightness, _ = encode(images_to_rgb(image))
    expected = np.rint(255 * decode(lightness, generator(lightness)).numpy())
    colorize = Interpreter(model_content=content).get_signature_runner("serving_default")
    prediction = colorize(image=image)["colorized"]
    assert prediction.dtype == np.uint8
    assert np.abs(prediction - expected).max() <= 1
    measured = compare_tflite(content, generator, images_to_rgb(image).numpy())
    assert measured["largest_difference"] < 0.51 / 255


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quantization": "int4"}, "float32, float16, dynamic, int8, got 'int4'"),
        ({"image_dtype": "float16"}, "float32 or uint8, got 'float16'"),
        ({"quantization": "int8"}, "at least 100 calibration images .* got none"),
        (
            {"quantization": "int8", "calibration": np.zeros((99, 32, 32, 3), np.float32)},
            r"got \(99, 32, 32, 3\)",
        ),
        (
            {"quantization": "int8", "calibration": np.zeros((100, 64, 64, 3), np.float32)},
            r"\(n, 32, 32, 3\), got \(100, 64, 64, 3\)",
        ),
        (
            {"quantization": "int8", "calibration": np.zeros((100, 32, 32, 3), np.uint8)},
            "must be float32 in 0..1, got uint8",
        ),
        (
            {"calibration": np.zeros((100, 32, 32, 3), np.float32)},
            "float32 needs no calibration images",
        ),
    ],
)
def test_a_wrong_argument_is_named(generator, options, message):
    with pytest.raises(ValueError, match=message):
        convert_to_tflite(generator, **options)


def test_the_size_is_read_from_the_file(path):
    assert input_size(load_tflite(path)["predict_ab"]) == 32


def test_tensor_names_are_unique_within_each_subgraph(contents):
    for content in contents.values():
        model = schema.ModelT.InitFromPackedBuf(content, 0)
        for subgraph in model.subgraphs:
            names = [tensor.name for tensor in subgraph.tensors]
            assert len(set(names)) == len(names)


def test_all_ops_are_builtin(path):
    interpreter = Interpreter(model_path=str(path))
    names = {op["op_name"] for op in interpreter._get_ops_details()}
    assert not [name for name in names if name.startswith("Flex") or name == "CUSTOM"]
    assert "CONV_2D" in names


def test_running_a_file_imports_no_tensorflow(path):
    code = """
import sys
from colorize_tf import Colorizer
import numpy as np
Colorizer.load(sys.argv[1])(np.zeros((9, 7, 3), np.uint8))
print([name for name in ("tensorflow", "keras") if name in sys.modules])
"""
    output = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)
    assert output.stdout.strip() == "[]", output.stderr


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"no model at .*gone\.tflite"):
        load_tflite(tmp_path / "gone.tflite")


def test_a_file_that_is_no_model_is_named(tmp_path):
    (tmp_path / "text.tflite").write_text("hello")
    with pytest.raises(ValueError, match=r"text\.tflite cannot be loaded"):
        load_tflite(tmp_path / "text.tflite")
