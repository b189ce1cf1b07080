import keras
import numpy as np
import pytest
import tensorflow as tf

from colorize_tf.artifacts.keras_file import load_generator, save_generator
from colorize_tf.models.patchgan import patchgan
from colorize_tf.models.unet import unet
from colorize_tf.training.fusion import in_training

# Of the largest value; half floats round in other places when operations are fused.
TOLERANCES = {"float32": 1e-5, "mixed_bfloat16": 6e-2, "mixed_float16": 8e-3}


@pytest.fixture(params=TOLERANCES)
def tolerance(request):
    keras.config.set_dtype_policy(request.param)
    yield TOLERANCES[request.param]
    keras.config.set_dtype_policy("float32")


def make_network():
    keras.utils.set_random_seed(0)
    return unet(32, widths=(4, 8, 8, 8))


def batch(seed=1, count=3):
    return tf.random.stateless_normal((count, 32, 32, 1), (seed, seed))


def step(network, function, inputs):
    """Outputs, gradients and what the weights are afterwards; the network is put back."""
    before = network.get_weights()
    with tf.GradientTape() as tape:
        outputs = function(inputs)
        loss = tf.reduce_mean((outputs - 0.3) ** 2)
    gradients = tape.gradient(loss, network.trainable_variables)
    after = network.get_weights()
    network.set_weights(before)
    return outputs, gradients, after


def assert_close(came, expected, tolerance):
    came, expected = (np.asarray(tf.cast(value, tf.float32)) for value in (came, expected))
    np.testing.assert_allclose(came, expected, rtol=0, atol=tolerance * np.abs(expected).max())


def test_outputs_gradients_and_statistics_are_those_of_the_network(tolerance):
    network = make_network()

    def as_keras_does(inputs):
        return network(inputs, training=True)

    came = step(network, in_training(network), batch())
    expected = step(network, as_keras_does, batch())
    assert_close(came[0], expected[0], tolerance)
    for name in (1, 2):
        for value, other in zip(came[name], expected[name], strict=True):
            assert_close(value, other, tolerance)


def test_the_variance_of_few_pixels_is_kept_as_keras_keeps_it():
    inputs = keras.Input((1, 1, 2))
    network = keras.Model(inputs, keras.layers.BatchNormalization(momentum=0.0)(inputs))
    values = np.array([[1.0, 2.0], [3.0, 8.0]], np.float32)
    in_training(network)(values[:, np.newaxis, np.newaxis])
    *_, mean, variance = network.get_weights()
    np.testing.assert_allclose(mean, values.mean(axis=0))
    np.testing.assert_allclose(variance, values.var(axis=0))


def test_a_frozen_normalization_keeps_its_statistics():
    network = make_network()
    normalizations = [
        layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)
    ]
    function = in_training(network)
    for layer in normalizations:
        layer.trainable = False
    before = [layer.get_weights() for layer in normalizations]
    frozen = function(batch())
    for layer, old in zip(normalizations, before, strict=True):
        np.testing.assert_array_equal(layer.get_weights(), old)
    np.testing.assert_allclose(frozen, network(batch(), training=False), atol=1e-6)


def test_normalization_of_other_axes_is_left_to_keras():
    inputs = keras.Input((4, 4, 3))
    network = keras.Model(inputs, keras.layers.BatchNormalization(axis=1)(inputs))
    values = tf.random.stateless_normal((2, 4, 4, 3), (1, 1))
    before = network.get_weights()
    came = in_training(network)(values)
    network.set_weights(before)
    np.testing.assert_array_equal(came, network(values, training=True))


def test_dropout_drops():
    inputs = keras.Input((4, 4, 3))
    network = keras.Model(inputs, keras.layers.Dropout(0.5, seed=1)(inputs))
    assert np.asarray(in_training(network)(tf.ones((2, 4, 4, 3))) == 0).any()


def test_several_inputs_of_any_size_go_in():
    network = patchgan(base_width=4)
    inputs = [tf.ones((2, 48, 40, 1)), tf.ones((2, 48, 40, 2))]
    assert in_training(network)(inputs).shape == (2, 4, 3, 1)


def test_the_network_stays_of_built_in_layers_with_one_output_each(tmp_path):
    network = make_network()
    in_training(network)(batch())
    assert all(type(layer).__module__.startswith("keras.") for layer in network.layers)
    assert [layer.output.shape[0] for layer in network.layers] == [None] * len(network.layers)
    save_generator(network, tmp_path / "generator.keras")
    loaded = load_generator(tmp_path / "generator.keras")
    expected = network(batch(2), training=False)
    np.testing.assert_allclose(loaded(batch(2), training=False), expected, atol=1e-6)
