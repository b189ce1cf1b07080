import subprocess
import sys

import numpy as np
import pytest

from colorize_tf.artifacts.tflite import convert_to_tflite
from colorize_tf.artifacts.tflite_runner import input_size, load_tflite
from colorize_tf.color import decode, encode, images_to_rgb
from colorize_tf.data.synthetic import render_landscape


@pytest.fixture(scope="module")
def path(generator, tmp_path_factory):
    path = tmp_path_factory.mktemp("tflite") / "g.tflite"
    path.write_bytes(convert_to_tflite(generator))
    return path


@pytest.fixture
def rgb():
    return images_to_rgb(render_landscape(3, 32, 32)[np.newaxis])


def test_predict_ab_answers_as_the_generator(path, generator, rgb):
    lightness, _ = encode(rgb)
    answer = load_tflite(path)["predict_ab"](lightness=lightness.numpy())["ab"]
    assert np.abs(answer).max() > 0.01
    np.testing.assert_allclose(answer, generator(lightness), atol=1e-5)


def test_serving_default_takes_and_gives_whole_photographs(path, generator, rgb):
    lightness, _ = encode(rgb)
    answer = load_tflite(path)["serving_default"](image=rgb.numpy())["colorized"]
    np.testing.assert_allclose(answer, decode(lightness, generator(lightness)), atol=1e-4)


def test_both_signatures_share_their_weights(path, generator):
    assert path.stat().st_size < 1.5 * 4 * generator.count_params()


def test_the_size_is_read_from_the_file(path):
    assert input_size(load_tflite(path)["predict_ab"]) == 32


def test_no_op_needs_more_than_the_builtin_ones(path):
    from ai_edge_litert.interpreter import Interpreter

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
