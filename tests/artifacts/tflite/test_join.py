import numpy as np
import pytest

from colorize_tf.artifacts.tflite.compare import LIMITS, compare_tflite
from colorize_tf.artifacts.tflite.convert import convert_to_tflite
from colorize_tf.artifacts.tflite.report import report_tflite
from colorize_tf.artifacts.tflite.runner import input_size, load_tflite
from colorize_tf.color.lab_tf import decode, encode, images_to_rgb
from colorize_tf.data.synthetic.landscapes import render_landscape
from colorize_tf.models.generator import generate_ab

Z = np.float32([[0.5, -1.0, 2.0]])


@pytest.fixture(scope="module")
def images():
    return np.stack([images_to_rgb(render_landscape(seed, 32, 32)) for seed in range(104)])


@pytest.fixture(scope="module")
def path(noisy, tmp_path_factory):
    path = tmp_path_factory.mktemp("tflite") / "g.tflite"
    path.write_bytes(convert_to_tflite(noisy))
    return path


@pytest.fixture(scope="module")
def runners(path):
    return load_tflite(path)


@pytest.fixture(scope="module")
def lightness(images):
    return encode(images[:1])[0].numpy()


def test_sample_ab_predicts_nearly_the_same(runners, noisy, lightness):
    prediction = runners["sample_ab"](lightness=lightness, z=Z)["ab"]
    np.testing.assert_allclose(prediction, noisy([lightness, Z]), atol=1e-5)


def test_the_other_signatures_use_zeros_for_z(runners, noisy, images, lightness):
    ab = generate_ab(noisy, lightness)
    np.testing.assert_allclose(runners["predict_ab"](lightness=lightness)["ab"], ab, atol=1e-5)
    colorized = runners["serving_default"](image=images[:1])["colorized"]
    np.testing.assert_allclose(colorized, decode(lightness, ab), atol=1e-4)


def test_another_z_gives_other_colors(runners, lightness):
    first, second = (runners["sample_ab"](lightness=lightness, z=z)["ab"] for z in (Z, -Z))
    assert np.abs(first - second).max() > 0.05


def test_without_noise_there_is_no_such_signature(calm, tmp_path):
    (tmp_path / "g.tflite").write_bytes(convert_to_tflite(calm))
    assert set(load_tflite(tmp_path / "g.tflite")) == {"serving_default", "predict_ab"}


def test_three_signatures_share_their_weights(path, noisy, calm):
    assert len(path.read_bytes()) < len(convert_to_tflite(calm)) + 4 * 4 * 4 * 3 * 8 + 10_000


def test_the_length_of_z_is_read_from_the_file(runners):
    assert input_size(runners["sample_ab"], "z") == 3


@pytest.mark.parametrize("quantization", ["float32", "int8"])
def test_a_quantized_file_predicts_nearly_the_same(noisy, images, quantization):
    calibration = images[:100] if quantization == "int8" else None
    content = convert_to_tflite(noisy, quantization=quantization, calibration=calibration)
    measure, limit = LIMITS[quantization]
    assert 0 < compare_tflite(content, noisy, images[100:])[measure] <= limit


def test_a_comparison_sees_another_influence_of_z(path, noisy, images):
    import keras

    other = keras.models.clone_model(noisy)
    kernel, *others = noisy.get_weights()
    kernel[:, :, 1:] *= 1.1
    other.set_weights([kernel, *others])
    measured = compare_tflite(path.read_bytes(), other, images[100:])
    assert measured["largest_difference"] > 10 * LIMITS["float32"][1]
    assert measured["largest_ab_difference"] > 10 * LIMITS["float32"][1]


def test_a_report_knows_all_signatures(path):
    report = report_tflite(path.read_bytes(), threads=(1,), runs=2)
    assert list(report["ops"]) == ["serving_default", "predict_ab", "sample_ab"]
    assert report["latency_ms"]["sample_ab"]["1"] > 0
    assert "sample_ab" not in report["gpu"]["obstacles"]
