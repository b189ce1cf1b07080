import keras
import numpy as np
import pytest

from colorize_tf.artifacts.tflite.convolutions import with_plain_convolutions
from colorize_tf.models.blocks import upsample
from colorize_tf.models.unet import compact_unet

RANDOM = np.random.default_rng(0)


def _network(build, channels=3, size=6):
    inputs = keras.Input((size, size, channels))
    network = keras.Model(inputs, build(inputs))
    for weight in network.weights:
        values = RANDOM.normal(size=weight.shape)
        weight.assign(np.abs(values) + 0.1 if weight.name == "moving_variance" else values)
    return network


def _predictions(*networks, size=6, channels=3):
    features = RANDOM.normal(size=(2, size, size, channels)).astype(np.float32)
    return [network(features, training=False).numpy() for network in networks]


def _layers(network):
    return [type(layer).__name__ for layer in network.layers]


@pytest.mark.parametrize(
    ("filters", "activation"),
    [(1, None), (2, "tanh"), (5, None), (5, "relu"), (5, "softmax")],
)
def test_a_transposed_convolution_is_replaced_by_an_equal_one(filters, activation):
    network = _network(
        keras.layers.Conv2DTranspose(
            filters, 4, strides=2, padding="same", activation=activation, name="up"
        )
    )
    faster = with_plain_convolutions(network)
    assert "Conv2DTranspose" not in _layers(faster)
    expected, prediction = _predictions(network, faster)
    np.testing.assert_allclose(prediction, expected, rtol=1e-5, atol=1e-5)


def test_normalization_dropout_and_relu_become_part_of_it():
    network = _network(lambda features: upsample(features, 4, dropout=0.5))
    faster = with_plain_convolutions(network)
    assert not {"BatchNormalization", "Dropout", "ReLU"} & set(_layers(faster))
    expected, prediction = _predictions(network, faster)
    assert (expected == 0).any()
    np.testing.assert_allclose(prediction, expected, rtol=1e-5, atol=1e-4)


def test_other_readers_of_the_convolution_see_the_same():
    def build(features):
        up = keras.layers.Conv2DTranspose(2, 4, strides=2, padding="same")(features)
        return keras.layers.Concatenate()([up, keras.layers.ReLU()(up)])

    network = _network(build)
    faster = with_plain_convolutions(network)
    assert "ReLU" in _layers(faster)
    np.testing.assert_allclose(*_predictions(network, faster), rtol=1e-5, atol=1e-5)


def test_layers_of_other_models_are_not_folded():
    network = _network(keras.layers.Conv2DTranspose(2, 4, strides=2, padding="same"))
    keras.layers.ReLU()(network.output)
    expected, prediction = _predictions(network, with_plain_convolutions(network))
    assert (expected < 0).any()
    np.testing.assert_allclose(prediction, expected, rtol=1e-5, atol=1e-5)


def test_a_normalization_of_rows_stays_as_it_is():
    def build(features):
        up = keras.layers.Conv2DTranspose(12, 4, strides=2, padding="same")(features)
        return keras.layers.BatchNormalization(axis=1)(up)

    network = _network(build)
    np.testing.assert_allclose(
        *_predictions(network, with_plain_convolutions(network)), rtol=1e-5, atol=1e-4
    )


def test_options_of_normalization_and_relu_are_kept():
    def build(features):
        up = keras.layers.Conv2DTranspose(4, 4, strides=2, padding="same")(features)
        up = keras.layers.BatchNormalization(scale=False, epsilon=0.1)(up)
        return keras.layers.ReLU(max_value=0.7, negative_slope=0.1, threshold=0.2)(up)

    network = _network(build)
    faster = with_plain_convolutions(network)
    assert not {"BatchNormalization", "ReLU"} & set(_layers(faster))
    np.testing.assert_allclose(*_predictions(network, faster), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(
    "options",
    [{"kernel_size": 3, "strides": 2}, {"kernel_size": 4, "strides": 1}],
    ids=["of 3 x 3", "of stride 1"],
)
def test_another_kind_stays_as_it_is(options):
    network = _network(keras.layers.Conv2DTranspose(2, padding="same", **options))
    faster = with_plain_convolutions(network)
    assert "Conv2DTranspose" in _layers(faster)
    np.testing.assert_array_equal(*_predictions(network, faster))


def test_a_generator_can_be_converted_again():
    # What reads each layer is looked up in the network itself, which must not grow by the look.
    generator = compact_unet(32)
    first, second = with_plain_convolutions(generator), with_plain_convolutions(generator)
    assert _layers(first) == _layers(second)
    np.testing.assert_array_equal(*_predictions(first, second, size=32, channels=1))


def test_the_policy_in_force_changes_nothing():
    network = _network(lambda features: upsample(features, 4))
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        faster = with_plain_convolutions(network)
    finally:
        keras.config.set_dtype_policy(before)
    expected, prediction = _predictions(network, faster)
    assert prediction.dtype == np.float32
    np.testing.assert_allclose(prediction, expected, rtol=1e-5, atol=1e-4)
