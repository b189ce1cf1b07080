import keras
import numpy as np
import pytest
import tensorflow as tf

from colorize_tf.models.resnet_unet import BACKBONE_PREFIX
from colorize_tf.models.squeezenet import MEAN_RGB, read_weights, squeezenet_pyramid
from colorize_tf.models.squeezenet_unet import squeezenet_unet


@pytest.fixture(scope="module")
def weights_file(tmp_path_factory, squeezenet):
    return squeezenet.write(tmp_path_factory.mktemp("weights") / "fake.h5", scale=0.05)


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


def backbone_of(generator):
    return [layer for layer in generator.layers if layer.name.startswith(BACKBONE_PREFIX)]


@pytest.mark.parametrize("size", [32, 64])
def test_ab_has_the_size_of_lightness(size):
    generator = squeezenet_unet(size)
    assert generator(np.zeros((2, size, size, 1), np.float32)).shape == (2, size, size, 2)
    assert {layer.__module__.split(".")[0] for layer in generator.layers} == {"keras"}


def test_chroma_is_interpolated_from_half_the_size():
    lightness = np.random.default_rng(0).uniform(-1, 1, (1, 64, 64, 1)).astype(np.float32)
    steps = np.diff(squeezenet_unet(64)(lightness).numpy(), axis=1)
    assert np.std(steps) > 1e-5
    # Steps inside a pixel of the half size are the means of those to its two neighbours.
    np.testing.assert_allclose(steps[:, 2:-1:2], (steps[:, 1:-2:2] + steps[:, 3::2]) / 2, atol=1e-6)


def test_the_encoder_has_the_parameters_of_squeezenet_but_for_two_channels():
    parameters = sum(layer.count_params() for layer in backbone_of(squeezenet_unet(32)))
    assert parameters == 722_496 - 2 * 3 * 3 * 64


def test_with_weights_the_encoder_sees_what_squeezenet_sees_but_for_a_factor(weights_file):
    """The published network, given the grey picture as three channels of 0..255 less the mean."""
    lightness = np.random.default_rng(0).uniform(-1, 1, (1, 128, 128, 1)).astype(np.float32)
    rgb = keras.Input((128, 128, 3))
    published = keras.Model(rgb, squeezenet_pyramid(rgb, padding="same"))
    for name, arrays in read_weights(weights_file).items():
        published.get_layer(name).set_weights(arrays)
    generator = squeezenet_unet(128, backbone_weights=weights_file)
    names = ("conv1", "fire3_expand1x1", "fire5_expand1x1")
    encoder, reference = (
        keras.Model(network.input, [network.get_layer(prefix + name).output for name in names])
        for network, prefix in ((generator, BACKBONE_PREFIX), (published, ""))
    )
    features = encoder(lightness)
    expected = reference(127.5 * (lightness + 1) - np.float32(MEAN_RGB))
    # Zeros around the picture are not the same grey for both: compared out of their reach.
    for ours, theirs, reach in zip(features, expected, (1, 3, 5), strict=True):
        middle = slice(reach, -reach)
        ours, theirs = ours.numpy()[:, middle, middle], theirs.numpy()[:, middle, middle]
        factor = np.sum(ours * theirs) / np.sum(theirs**2)
        assert factor > 0
        np.testing.assert_allclose(ours, factor * theirs, atol=1e-3 * ours.max())


def test_within_a_group_of_fires_kernels_are_those_of_the_file(weights_file):
    generator = squeezenet_unet(32, backbone_weights=weights_file)
    kernel, bias = generator.get_layer("backbone_fire9_expand3x3").get_weights()
    stored_kernel, stored_bias = read_weights(weights_file)["fire9_expand3x3"]
    np.testing.assert_allclose(kernel, stored_kernel, rtol=1e-6)
    np.testing.assert_allclose(bias, stored_bias / 7, rtol=1e-6)


def test_without_weights_it_begins_at_random(weights_file):
    first = squeezenet_unet(32, backbone_weights="none").get_layer("backbone_conv1")
    other = squeezenet_unet(32, backbone_weights=weights_file).get_layer("backbone_conv1")
    assert not np.allclose(first.get_weights()[0], other.get_weights()[0])


def test_every_weight_gets_a_gradient():
    generator = squeezenet_unet(32)
    with tf.GradientTape() as tape:
        lightness = np.random.default_rng(0).uniform(-1, 1, (2, 32, 32, 1)).astype(np.float32)
        loss = tf.reduce_mean(generator(lightness, training=True) ** 2)
    for variable, gradient in zip(
        generator.trainable_variables,
        tape.gradient(loss, generator.trainable_variables),
        strict=True,
    ):
        assert gradient is not None and np.abs(gradient).max() > 0, variable.path


def test_saved_it_answers_equally_without_the_weights_file(weights_file, tmp_path):
    generator = squeezenet_unet(32, backbone_weights=weights_file)
    generator.save(tmp_path / "a.keras")
    lightness = np.zeros((1, 32, 32, 1), np.float32)
    loaded = keras.models.load_model(tmp_path / "a.keras")
    np.testing.assert_array_equal(loaded(lightness), generator(lightness))


def test_a_size_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="image size 48 does not fit squeezenet_unet.* 32"):
        squeezenet_unet(48)


def test_weights_that_are_not_there_are_named(tmp_path):
    with pytest.raises(ValueError, match="no weights at .*nowhere.h5"):
        squeezenet_unet(32, backbone_weights=tmp_path / "nowhere.h5")


def test_there_is_nowhere_to_download_weights_from():
    with pytest.raises(ValueError, match="imagenet .*resnet18_unet.*name the file"):
        squeezenet_unet(32, backbone_weights="imagenet")
