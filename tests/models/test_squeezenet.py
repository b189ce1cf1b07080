import os
import shutil
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from colorize_tf.data.synthetic.landscapes import render_landscape
from colorize_tf.metrics.distributions import kernel_distance
from colorize_tf.models.squeezenet import squeezenet_features


@pytest.fixture(scope="module")
def weights_file(tmp_path_factory, squeezenet):
    return squeezenet.write(tmp_path_factory.mktemp("weights") / "fake.h5")


def shared_weights():
    folder = os.environ.get("COLORIZE_TF_DATA", "")
    found = sorted(Path(folder, "weights").glob("squeezenet*.h5")) if folder else []
    if not found:
        pytest.skip("COLORIZE_TF_DATA names no folder with weights/squeezenet*.h5")
    return found[0]


def pictures(count=2, seed=0):
    return np.random.default_rng(seed).random((count, 224, 224, 3), dtype="float32")


def test_features_are_512_numbers_for_each_picture(weights_file):
    network = squeezenet_features(weights_file)
    assert network(pictures()).shape == (2, 512)
    assert network.count_params() == 722_496
    assert network.trainable_weights == []


def test_every_weight_comes_from_the_file(weights_file, squeezenet):
    network = squeezenet_features(weights_file)
    with h5py.File(weights_file) as file:
        for layer, shape in squeezenet.kernels.items():
            kernel, bias = network.get_layer(layer.replace("/", "_")).get_weights()
            stored = file[layer]["kernel"][()]
            assert kernel.shape == shape
            np.testing.assert_array_equal(kernel, stored[:, :, ::-1] if shape[2] == 3 else stored)
            np.testing.assert_array_equal(bias, file[layer][f"{layer}_b"])


def test_the_first_convolution_sees_blue_first_and_less_the_mean(weights_file):
    network = squeezenet_features(weights_file)
    rgb = pictures(count=1)
    first = keras.Model(network.input, network.get_layer("conv1").output)
    with h5py.File(weights_file) as file:
        kernel, bias = file["conv1/kernel"][()], file["conv1/conv1_b"][()]
    prepared = keras.applications.imagenet_utils.preprocess_input(255 * rgb, mode="caffe")
    expected = np.maximum(np.tensordot(prepared[0, :3, :3], kernel, axes=3) + bias, 0)
    np.testing.assert_allclose(first(rgb)[0, 0, 0], expected, rtol=1e-3, atol=1e-2)


def test_it_computes_in_float32_under_every_policy(weights_file):
    before = keras.config.dtype_policy()
    expected = squeezenet_features(weights_file)(pictures())
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        features = squeezenet_features(weights_file)(pictures())
    finally:
        keras.config.set_dtype_policy(before)
    np.testing.assert_allclose(features, expected, rtol=1e-5)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match="no weights at .*nowhere.h5; expected the Keras h5 file"):
        squeezenet_features(tmp_path / "nowhere.h5")


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "a.h5").write_text("no weights")
    with pytest.raises(ValueError, match="a.h5 cannot be read; expected the Keras h5 file"):
        squeezenet_features(tmp_path / "a.h5")


def test_a_file_that_was_cut_short_is_refused(weights_file, tmp_path):
    shutil.copy(weights_file, tmp_path / "a.h5")
    os.truncate(tmp_path / "a.h5", weights_file.stat().st_size // 2)
    with pytest.raises(ValueError, match="a.h5 cannot be read"):
        squeezenet_features(tmp_path / "a.h5")


def test_weights_of_another_network_are_refused_by_the_first_layer_that_differs(
    tmp_path, squeezenet
):
    # SqueezeNet 1.0 begins with 96 filters of 7 pixels.
    file = squeezenet.write(tmp_path / "a.h5", {**squeezenet.kernels, "conv1": (7, 7, 3, 96)})
    message = r"conv1 is \[\(7, 7, 3, 96\), \(96,\)\], expected \[\(3, 3, 3, 64\), \(64,\)\]"
    with pytest.raises(ValueError, match=message):
        squeezenet_features(file)


def test_weights_without_a_layer_are_refused(tmp_path, squeezenet):
    kernels = {
        name: shape for name, shape in squeezenet.kernels.items() if name != "fire9/expand3x3"
    }
    file = squeezenet.write(tmp_path / "a.h5", kernels)
    with pytest.raises(ValueError, match="fire9/expand3x3 is missing, expected"):
        squeezenet_features(file)


def test_an_h5_file_of_something_else_is_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["conv1"] = np.zeros(3)
    with pytest.raises(ValueError, match="a.h5 cannot be read"):
        squeezenet_features(tmp_path / "a.h5")


def test_the_real_features_order_gray_muted_and_true_landscapes():
    network = squeezenet_features(shared_weights())
    rgb = np.stack([render_landscape(index, 224, 224) for index in range(12)]) / np.float32(255)
    gray = np.repeat(rgb.mean(axis=-1, keepdims=True), 3, axis=-1)
    features, *others = (network(one).numpy() for one in (rgb, gray, 0.5 * (gray + rgb), rgb))
    far, near, nothing = (kernel_distance(features, other) for other in others)
    assert far > 1.5 * near
    assert near > nothing
    # Photographs reach 1, of which renderings fall a little short.
    assert 0.3 < np.sqrt(np.mean(features**2)) < 2
