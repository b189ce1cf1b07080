import keras
import pytest
from keras import layers

from colorize_tf.benchmarks.machine import describe_machine, matrix_product, multiply_adds
from colorize_tf.benchmarks.measuring import compare
from colorize_tf.models.patchgan import patchgan


def test_the_machine_is_described():
    machine = describe_machine()
    assert machine["processor"] and machine["cores"] >= 1
    assert machine["versions"]["keras"] == keras.__version__


def test_the_rate_of_a_matrix_product_is_in_multiply_adds():
    product = matrix_product("float32", size=64)
    assert product.amount == 64**3
    assert compare([product], rounds=1, seconds=0)[0].value > 0


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (layers.Conv2D(5, 3, padding="same"), 8 * 8 * 3 * 3 * 2 * 5),
        (layers.Conv2D(5, 4, strides=2, padding="same"), 4 * 4 * 4 * 4 * 2 * 5),
        (layers.Conv2DTranspose(5, 4, strides=2, padding="same"), 8 * 8 * 4 * 4 * 2 * 5),
        (layers.BatchNormalization(), 0),
    ],
)
def test_multiply_adds_of_a_layer(layer, expected):
    inputs = keras.Input((8, 8, 2))
    assert multiply_adds(keras.Model(inputs, layer(inputs))) == expected


def test_multiply_adds_of_a_dense_layer():
    inputs = keras.Input((7,))
    assert multiply_adds(keras.Model(inputs, layers.Dense(3)(inputs))) == 21


def test_a_network_of_no_fixed_size_cannot_be_counted():
    with pytest.raises(ValueError, match="patchgan has no fixed size"):
        multiply_adds(patchgan(base_width=4))
