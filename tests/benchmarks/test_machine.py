import keras
import pytest
from keras import layers

from colorize_tf.benchmarks import machine
from colorize_tf.benchmarks.machine import (
    describe_machine,
    machine_line,
    matrix_product,
    multiply_adds,
    relate_to_matrix_product,
)
from colorize_tf.benchmarks.measuring import Part, Row, Stopwatch
from colorize_tf.models.patchgan import patchgan


def test_machine_is_described_with_processor_flags_threads_and_versions(monkeypatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "1")
    monkeypatch.setattr(
        machine, "_read_cpuinfo", lambda: {"model name": "Z80", "flags": "fma fpu avx2"}
    )
    description = describe_machine()
    assert description["flags"] == ["avx2", "fma"] and description["cores"] >= 1
    line = machine_line(description)
    assert line.startswith(f"Z80 avx2 fma, {description['cores']} cores and threads, Python 3.")
    assert f"keras {keras.__version__}" in line and line.endswith("TF_ENABLE_ONEDNN_OPTS=1")


def test_cpuinfo_is_read():
    assert all(isinstance(value, str) for value in machine._read_cpuinfo().values())


def test_rate_of_a_matrix_product_is_in_multiply_adds():
    product = matrix_product("float32", size=64)
    assert product.amount == 64**3
    (row,) = Stopwatch(rounds=1, seconds=0).compare("", [product]).rows
    assert row.value > 0


def test_rows_are_related_to_the_matrix_product():
    rows = [Row("ours", 5.0, "pictures/s"), Row("matrix product", 100.0, "")]
    part = relate_to_matrix_product(Part("", rows), 10, with_bound=True)
    assert part.rows == [
        Row("ours", 5.0, "pictures/s", share=0.5),
        Row("bound: the matrix rate", 10.0, "pictures/s"),
    ]
    without = Part("", rows[:1])
    assert relate_to_matrix_product(without, 10, with_bound=True) == without


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (layers.Conv2D(5, 3, padding="same"), 8 * 8 * 3 * 3 * 2 * 5),
        (layers.Conv2D(5, 4, strides=2, padding="same"), 4 * 4 * 4 * 4 * 2 * 5),
        (layers.Conv2DTranspose(5, 4, strides=2, padding="same"), 8 * 8 * 4 * 4 * 2 * 5),
        (layers.DepthwiseConv2D(5, padding="same"), 8 * 8 * 5 * 5 * 2),
        (layers.BatchNormalization(), 0),
    ],
)
def test_multiply_adds_of_a_layer(layer, expected):
    inputs = keras.Input((8, 8, 2))
    assert multiply_adds(keras.Model(inputs, layer(inputs))) == expected


def test_multiply_adds_of_a_dense_layer():
    inputs = keras.Input((7,))
    assert multiply_adds(keras.Model(inputs, layers.Dense(3)(inputs))) == 21


def test_network_without_a_fixed_size_is_an_error():
    with pytest.raises(ValueError, match="patchgan has no fixed size"):
        multiply_adds(patchgan(base_width=4))
