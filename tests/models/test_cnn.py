import re

import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf

from colorize_tf.artifacts.keras_file import as_float32, load_generator, save_generator
from colorize_tf.models.cnn import plain_cnn, zhang, zhang_cnn

WIDTHS = (4, 4, 8, 8, 8, 8, 8, 8)
BINS = np.random.default_rng(3).uniform(-1, 1, (20, 2)).astype(np.float32)


def lightness(size, batch=2, seed=0):
    values = np.random.default_rng(seed).uniform(-1, 1, (batch, size, size, 1))
    return tf.constant(values, tf.float32)


def regression(size=32):
    return zhang(size, widths=WIDTHS)


def classes(size=32):
    return zhang(size, widths=WIDTHS, bins=BINS)


def logits_of(generator):
    return keras.Model(generator.input, generator.get_layer("bin_logits").output)


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


def test_the_plain_baseline_is_small_and_without_skips():
    generator = plain_cnn(64)
    assert generator.count_params() == pytest.approx(3.4e6, abs=0.1e6)
    assert not [layer for layer in generator.layers if isinstance(layer, keras.layers.Concatenate)]


def test_zhang_has_the_papers_size():
    assert zhang_cnn(64).count_params() == pytest.approx(32.2e6, abs=0.1e6)


def test_zhang_has_the_papers_blocks():
    convolutions = [
        layer
        for layer in regression(64).layers
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Conv2DTranspose)
    ]
    *body, head = convolutions
    assert [layer.strides[0] for layer in body] == [1, 2, 1, 2, 1, 1, 2] + 12 * [1] + [2, 1, 1]
    assert [layer.dilation_rate[0] for layer in body] == 10 * [1] + 6 * [2] + 6 * [1]
    assert [layer.kernel_size[0] for layer in body] == 19 * [3] + [4, 3, 3]
    assert body[18].output.shape[1] == 8 and head.output.shape[1] == 16


@pytest.mark.parametrize("build", [plain_cnn, regression])
def test_ab_stays_within_tanh(build):
    generator = build(32)
    generator.set_weights([30 * weights for weights in generator.get_weights()])
    ab = generator(lightness(32)).numpy()
    assert np.abs(ab).max() <= 1.0 and ab.min() < -0.9 and ab.max() > 0.9


def test_training_starts_near_gray():
    for generator in (plain_cnn(32), zhang_cnn(32)):
        assert np.std(generator(lightness(32), training=True)) < 0.4


def test_there_is_a_float32_logit_for_each_bin_at_a_quarter_of_the_size():
    logits = logits_of(classes(48))(lightness(48))
    assert logits.shape == (2, 12, 12, len(BINS)) and logits.dtype == tf.float32


def test_ab_is_the_annealed_mean_of_the_bins_enlarged():
    generator = classes()
    kernel, bias = generator.get_layer("bin_logits").get_weights()
    kernel = 2 * kernel / np.std(logits_of(generator)(lightness(32)))
    generator.get_layer("bin_logits").set_weights([kernel, bias])
    logits = logits_of(generator)(lightness(32)).numpy().astype(np.float64)
    shares = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    # As the paper writes it: shares to the power 1 / T, made to sum to one again.
    annealed = shares ** (1 / 0.38)
    annealed /= annealed.sum(axis=-1, keepdims=True)
    assert np.abs(annealed - shares).max() > 0.1
    expected = [cv2.resize(mean, (32, 32)) for mean in annealed @ BINS]
    np.testing.assert_allclose(generator(lightness(32)), expected, atol=1e-5)


def test_a_certain_bin_is_predicted_exactly():
    generator = classes()
    layer = generator.get_layer("bin_logits")
    kernel, bias = layer.get_weights()
    bias[7] = 1000.0
    layer.set_weights([kernel, bias])
    ab = generator(lightness(32)).numpy()
    np.testing.assert_allclose(ab, np.broadcast_to(BINS[7], ab.shape), atol=1e-6)


def through_a_file(generator, folder):
    save_generator(generator, folder / "g.keras")
    return load_generator(folder / "g.keras")


COPIES = {
    "as built": lambda generator, folder: generator,
    "cloned": lambda generator, folder: keras.models.clone_model(generator),
    "as float32": lambda generator, folder: as_float32(generator),
    "from a file": through_a_file,
}


@pytest.mark.parametrize("copy", COPIES)
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_the_bins_are_exact_and_never_trained(copy, policy, tmp_path):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        generator = COPIES[copy](classes(), tmp_path)
    finally:
        keras.config.set_dtype_policy(before)
    kernel = generator.get_layer("bins").kernel
    assert kernel.dtype == "float32" and kernel.shape == (1, 1, len(BINS), 2)
    np.testing.assert_array_equal(kernel[0, 0], BINS)
    trainable = [variable.path for variable in generator.trainable_variables]
    assert kernel.path not in trainable and "bin_logits/kernel" in trainable


def test_training_on_ab_leaves_the_bins_alone():
    generator = classes()
    before = generator.get_layer("bin_logits").kernel.numpy()
    generator.compile(keras.optimizers.Adam(0.01), "mse", run_eagerly=True)
    generator.train_on_batch(lightness(32), np.full((2, 32, 32, 2), 0.5, np.float32))
    np.testing.assert_array_equal(generator.get_layer("bins").kernel[0, 0], BINS)
    assert np.any(generator.get_layer("bin_logits").kernel.numpy() != before)


@pytest.mark.parametrize("shape", [(20,), (20, 3), (0, 2), (1, 1, 20, 2)])
def test_bins_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=rf"must be \(count, 2\).*{re.escape(str(shape))}"):
        zhang(32, widths=WIDTHS, bins=np.zeros(shape))


@pytest.mark.parametrize("factor", [110, np.nan])
def test_bins_in_lab_units_are_refused(factor):
    with pytest.raises(ValueError, match=r"units of ab, within \[-1, 1\].*divide Lab units"):
        zhang(32, widths=WIDTHS, bins=BINS * factor)
