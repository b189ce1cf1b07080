import keras
import numpy as np
import pytest

from colorize_tf.models.generator import (
    check_generator,
    generate_ab,
    resize_generator,
    z_size_of,
)


def network(*shapes, channels=2, dtype="float32"):
    """A convolution of the input of one channel; the other inputs are ignored."""
    inputs = [keras.Input(shape) for shape in shapes]
    (lightness, *_) = [one for one in inputs if one.shape[1:] == (32, 32, 1)]
    return keras.Model(inputs, keras.layers.Conv2D(channels, 1, dtype=dtype)(lightness))


@pytest.mark.parametrize(
    "shapes", [[(3,), (32, 32, 1)], [(32, 32, 1), (32, 32, 1)], [(32, 32, 1), (3,), (3,)]]
)
def test_inputs_other_than_lightness_and_z_are_refused(shapes):
    with pytest.raises(ValueError, match=r"alone or followed by \(None, z_size\).* got \["):
        check_generator(network(*shapes), "other.keras")


@pytest.mark.parametrize("channels", [1, 3])
def test_another_number_of_output_channels_is_refused(channels):
    with pytest.raises(ValueError, match=rf"size, 2\); got .*32, {channels}\)"):
        check_generator(network((32, 32, 1), channels=channels), "other.keras")


def test_a_float16_output_is_refused():
    with pytest.raises(ValueError, match="mine returns ab as float16, expected float32"):
        check_generator(network((32, 32, 1), dtype="float16"), "mine")


def test_an_object_that_is_no_model_is_refused():
    with pytest.raises(ValueError, match="mine is not a keras.Model but a list"):
        check_generator([], "mine")


def test_z_size_is_the_length_of_the_noise_vector(generator, noisy):
    assert z_size_of(generator) == 0
    assert z_size_of(noisy) == 3


def test_z_defaults_to_zeros(noisy, calm):
    lightness = np.random.default_rng(1).uniform(-1, 1, (2, 32, 32, 1)).astype(np.float32)
    default = generate_ab(noisy, lightness)
    np.testing.assert_array_equal(default, noisy([lightness, np.zeros((2, 3), np.float32)]))
    np.testing.assert_allclose(default, calm(lightness), atol=1e-6)
    other = generate_ab(noisy, lightness, np.ones((2, 3), np.float32))
    assert np.abs(default - other).max() > 0.05


def test_a_resized_generator_computes_the_same(generator):
    lightness = np.random.default_rng(0).uniform(-1, 1, (1, 32, 32, 1)).astype("float32")
    resized = resize_generator(generator, 64)
    assert resized.input_shape == (None, 64, 64, 1)
    assert resized.output_shape == (None, 64, 64, 2)
    back = resize_generator(resized, 32)
    np.testing.assert_array_equal(back(lightness), generator(lightness))


def test_a_resized_generator_with_noise_computes_the_same(noisy):
    lightness = np.random.default_rng(0).uniform(-1, 1, (1, 32, 32, 1)).astype("float32")
    inputs = [lightness, np.ones((1, 3), np.float32)]
    resized = resize_generator(noisy, 64)
    assert resized.input_shape == [(None, 64, 64, 1), (None, 3)]
    assert resized.output_shape == (None, 64, 64, 2)
    np.testing.assert_array_equal(resize_generator(resized, 32)(inputs), noisy(inputs))


def test_a_network_of_one_size_only_says_so():
    lightness, z = keras.Input((32, 32, 1)), keras.Input((3,))
    tiled = keras.layers.Reshape((32, 32, 3))(keras.layers.RepeatVector(32 * 32)(z))
    joined = keras.layers.Concatenate()([lightness, tiled])
    rigid = keras.Model([lightness, z], keras.layers.Conv2D(2, 1)(joined), name="rigid")
    with pytest.raises(ValueError, match="rigid cannot be resized: .* made for 32 pixels"):
        resize_generator(rigid, 64)


@pytest.mark.parametrize("network", ["generator", "noisy"])
@pytest.mark.parametrize(("size", "fitting"), [(45, 48), (4, 8), (0, 8)])
def test_a_size_that_does_not_fit_names_one_that_does(request, network, size, fitting):
    generator = request.getfixturevalue(network)
    with pytest.raises(ValueError, match=f"size {size} .* multiple of 8, for example {fitting}"):
        resize_generator(generator, size)
