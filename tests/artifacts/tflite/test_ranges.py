import keras
import numpy as np
import pytest
from keras import layers

from colorize_tf.artifacts.tflite.compare import LIMITS, compare_tflite
from colorize_tf.artifacts.tflite.convert import convert_to_tflite
from colorize_tf.artifacts.tflite.ranges import balance_ranges
from colorize_tf.color.lab_tf import ab_bins, encode, images_to_rgb
from colorize_tf.data.synthetic.landscapes import render_landscape
from colorize_tf.models.cnn import zhang


@pytest.fixture(scope="module")
def images():
    return np.stack([images_to_rgb(render_landscape(seed, 32, 32)) for seed in range(104)])


def convolution(filters=4):
    return layers.Conv2D(filters, 3, padding="same", bias_initializer="ones")


def read_by_a_convolution(pair):
    return convolution()(layers.Concatenate()(pair))


def read_by_two(pair):
    joint = layers.Concatenate()(pair)
    return layers.Add()([convolution()(joint), layers.Conv2DTranspose(4, 1)(joint)])


def read_by_a_normalization(pair):
    return layers.BatchNormalization()(layers.Concatenate()(pair))


def read_by_a_convolution_of_another_as_well(pair):
    shared = convolution()
    return layers.Add()(
        [shared(layers.Concatenate()(pair)), shared(layers.Concatenate()(pair[::-1]))]
    )


def joined_twice_by_one_layer(pair):
    joint = layers.Concatenate()
    return layers.Add()([convolution()(joint(pair)), convolution()(joint(pair[::-1]))])


def read_by_a_convolution_of_groups(pair):
    return layers.Conv2D(4, 3, padding="same", groups=4)(layers.Concatenate()(pair))


def joined_in_height(pair):
    return layers.AveragePooling2D((2, 1))(convolution()(layers.Concatenate(axis=1)(pair)))


def read_and_given(pair):
    joint = layers.Concatenate()(pair)
    return [convolution()(joint), joint]


def only_given(pair):
    return layers.Concatenate()(pair)


@pytest.mark.parametrize(
    ("join", "changes"),
    [
        (read_by_a_convolution, True),
        (read_by_two, True),
        (read_by_a_normalization, False),
        (read_by_a_convolution_of_another_as_well, False),
        (joined_twice_by_one_layer, False),
        (read_by_a_convolution_of_groups, False),
        (joined_in_height, False),
        (read_and_given, False),
        (only_given, False),
    ],
)
def test_whatever_reads_a_concatenation_the_network_computes_the_same(join, changes):
    keras.utils.set_random_seed(0)
    lightness = keras.Input((16, 16, 1))
    small = layers.Rescaling(0.01)(convolution()(lightness))
    network = keras.Model(lightness, join([small, convolution()(lightness)]))
    inputs = np.random.default_rng(0).uniform(-1, 1, (4, 1, 16, 16, 1)).astype(np.float32)
    balanced = balance_ranges(network, [[one] for one in inputs])
    predictions, expected = (keras.tree.flatten(one(inputs[0])) for one in (balanced, network))
    for ours, theirs in zip(predictions, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    same = [
        np.array_equal(ours, theirs)
        for ours, theirs in zip(balanced.get_weights(), network.get_weights(), strict=True)
    ]
    assert all(same) != changes


def test_lightness_beside_noise_is_given_the_range_of_the_noise(noisy, images):
    lightness = [encode(picture[np.newaxis])[0].numpy() for picture in images[:4]]
    balanced = balance_ranges(noisy, [[one, 4 * np.ones((1, 3), np.float32)] for one in lightness])
    before, after = (one.get_weights()[0][:, :, 0] for one in (noisy, balanced))
    peak = max(np.abs(one).max() for one in lightness)
    np.testing.assert_allclose(after * 4 / peak, before, rtol=1e-5)


def test_shares_of_many_bins_keep_their_mean(images):
    keras.utils.set_random_seed(0)
    network = zhang(32, widths=(8, 8, 16, 16, 16, 16, 16, 16), bins=ab_bins())
    # Shares of a few hundredths at most, around a color that is not gray.
    kernel, _ = network.get_layer("bin_logits").get_weights()
    bias = -2 * np.linalg.norm(ab_bins() - 0.1, axis=-1)
    network.get_layer("bin_logits").set_weights([kernel, bias])
    content = convert_to_tflite(network, quantization="int8", calibration=images[:100])
    measured = compare_tflite(content, network, images[100:])
    assert measured["mean_ciede2000"] < LIMITS["int8"][1] / 4
