import keras
import numpy as np
import pytest

from colorize_tf.models.generator import check_generator, generate_ab, z_size_of


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
