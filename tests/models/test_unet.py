import keras
import numpy as np
import pytest
import tensorflow as tf

from colorize_tf.models.blocks import downsample
from colorize_tf.models.unet import build_unet, compact_unet, pix2pix_unet, tiny_unet, unet


def lightness(size, batch=2, seed=0):
    values = np.random.default_rng(seed).uniform(-1, 1, (batch, size, size, 1))
    return tf.constant(values, tf.float32)


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


def test_pix2pix_has_the_papers_size():
    generator = pix2pix_unet()
    assert generator.input_shape == (None, 256, 256, 1)
    assert generator.count_params() == pytest.approx(54.4e6, abs=0.1e6)


def test_pix2pix_ends_at_a_single_pixel_of_512_channels():
    widths = [
        layer.output.shape[1:]
        for layer in pix2pix_unet().layers
        if type(layer) is keras.layers.Conv2D
    ]
    assert widths[0] == (128, 128, 64) and widths[-1] == (1, 1, 512) and len(widths) == 8


def test_pix2pix_drops_out_at_the_three_deepest_levels():
    dropouts = [layer for layer in pix2pix_unet().layers if isinstance(layer, keras.layers.Dropout)]
    assert [(layer.rate, layer.output.shape[1]) for layer in dropouts] == [
        (0.5, 2),
        (0.5, 4),
        (0.5, 8),
    ]


def test_dropout_is_for_training_only():
    generator = unet(16, widths=(4, 8, 8), dropouts=(0.5,))
    pictures = lightness(16)
    np.testing.assert_array_equal(generator(pictures), generator(pictures))
    first, second = (generator(pictures, training=True).numpy() for _ in range(2))
    assert (first != second).any()


def test_the_default_generator_is_compact():
    assert compact_unet().count_params() <= 6e6


@pytest.mark.parametrize(("size", "depth"), [(64, 6), (96, 5), (128, 7), (256, 8), (512, 8)])
def test_pix2pix_is_as_deep_as_the_size_allows(size, depth):
    generator = pix2pix_unet(size)
    bottleneck = min(layer.output.shape[1] for layer in generator.layers)
    assert generator.input_shape[1] == size and bottleneck == size // 2**depth
    dropouts = [layer for layer in generator.layers if isinstance(layer, keras.layers.Dropout)]
    assert [layer.output.shape[1] // bottleneck for layer in dropouts] == [2, 4, 8]


def noisy_unet(size=32):
    return unet(size, widths=(4, 8, 8), z_size=3)


def noise(batch=2, seed=0):
    return tf.constant(np.random.default_rng(seed).normal(size=(batch, 3)), tf.float32)


def test_z_is_a_second_input():
    generator = pix2pix_unet(64, z_size=8)
    assert generator.input_shape == [(None, 64, 64, 1), (None, 8)]
    assert [tensor.name for tensor in generator.inputs] == ["lightness", "z"]
    assert generator.output_shape == (None, 64, 64, 2)
    one_input = pix2pix_unet(64)
    assert one_input.input_shape == (None, 64, 64, 1)
    assert generator.count_params() - one_input.count_params() == 8 * 4 * 4 * 64


def test_another_z_gives_another_ab():
    generator = noisy_unet()
    first, again, second = (
        generator([lightness(32), noise(seed=seed)]).numpy() for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert np.all(np.any(first != second, axis=(1, 2, 3)))


def test_z_stands_beside_the_picture_at_every_pixel():
    generator = noisy_unet()
    joints = [layer for layer in generator.layers if isinstance(layer, keras.layers.Concatenate)]
    joined = keras.Model(generator.inputs, joints[0].output)([lightness(32), noise()])
    np.testing.assert_array_equal(joined[..., :1], lightness(32))
    tiled = np.broadcast_to(noise()[:, np.newaxis, np.newaxis], (2, 32, 32, 3))
    np.testing.assert_array_equal(joined[..., 1:], tiled)


def test_a_network_with_z_can_be_cloned_at_another_size():
    generator = noisy_unet()
    inputs = [keras.Input((64, 64, 1), name="lightness"), keras.Input((3,), name="z")]
    clone = keras.models.clone_model(generator, input_tensors=inputs)
    clone.set_weights(generator.get_weights())
    inputs = [lightness(64), noise()]
    np.testing.assert_allclose(clone(inputs), copy_at(64, generator)(inputs), atol=1e-6)


def copy_at(size, generator):
    copy = noisy_unet(size)
    copy.set_weights(generator.get_weights())
    return copy


def test_a_negative_z_size_is_refused():
    with pytest.raises(ValueError, match="z_size must be at least 0, got -1"):
        pix2pix_unet(64, z_size=-1)


def test_ab_stays_within_tanh():
    generator = tiny_unet(16)
    generator.set_weights([30 * weights for weights in generator.get_weights()])
    ab = generator(lightness(16)).numpy()
    assert np.abs(ab).max() <= 1.0 and ab.min() < -0.9 and ab.max() > 0.9


def test_skips_carry_detail_past_the_bottleneck():
    generator = tiny_unet(32)
    pictures = lightness(32, batch=1)
    with tf.GradientTape() as tape:
        tape.watch(pictures)
        # One pixel of ab: without skips, all it sees has passed the 2 x 2 bottleneck.
        pixel = generator(pictures)[0, 16, 16, 0]
    slopes = np.abs(tape.gradient(pixel, pictures).numpy()[0, ..., 0])
    assert slopes[12:21, 12:21].sum() > slopes.sum() / 2


def test_a_short_decoder_predicts_chroma_at_a_quarter_of_the_size():
    def encoder(features):
        pyramid = [features := downsample(features, width) for width in (4, 4, 8, 8)]
        return pyramid

    generator = build_unet(32, encoder, decoder_widths=(8,), name="short_unet")
    ab = generator(lightness(32)).numpy()
    assert ab.shape == (2, 32, 32, 2)
    assert generator.get_layer("ab").output.shape == (None, 8, 8, 2)
    # Bilinear interpolation has no curvature between the centers of the pixels of 4 x 4.
    curvature = np.diff(ab, n=2, axis=1)
    np.testing.assert_allclose(curvature[:, 2:-3:4], 0, atol=1e-6)
    assert np.std(np.diff(ab, axis=1)) > 1e-6
