import importlib.util

import keras
import numpy as np
import pytest
import tensorflow as tf
from skimage import color, data, transform

from colorize_tf.models.efficientnet_lite import _read_torch, efficientnet_pyramid, read_weights
from colorize_tf.models.efficientnet_unet import (
    WEIGHTS_PACKAGE,
    _imagenet_file,
    efficientnet_unet,
)
from colorize_tf.models.resnet_unet import BACKBONE_PREFIX


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


@pytest.fixture
def published():
    """The network of the published weights, of three channels."""
    if importlib.util.find_spec(WEIGHTS_PACKAGE) is None:
        pytest.skip(f"{WEIGHTS_PACKAGE} is not installed; [dev] has it")
    images = keras.Input((224, 224, 3))
    network = keras.Model(images, efficientnet_pyramid(images))
    for name, arrays in read_weights(_imagenet_file()).items():
        network.get_layer(name).set_weights(arrays)
    return network


def noise(size, count=1):
    generator = np.random.default_rng(0)
    return generator.uniform(-1, 1, (count, size, size, 1)).astype(np.float32)


@pytest.mark.parametrize("size", [32, 64])
def test_ab_has_the_size_of_lightness(size):
    generator = efficientnet_unet(size)
    assert generator(noise(size, 2)).shape == (2, size, size, 2)
    assert {layer.__module__.split(".")[0] for layer in generator.layers} == {"keras"}


def test_chroma_is_interpolated_from_half_the_size():
    steps = np.diff(efficientnet_unet(64)(noise(64)).numpy(), axis=1)
    assert np.std(steps) > 1e-6
    # Steps inside a pixel of the half size are the means of those to its two neighbors.
    np.testing.assert_allclose(steps[:, 2:-1:2], (steps[:, 1:-2:2] + steps[:, 3::2]) / 2, atol=1e-7)


def test_layers_with_weights_are_told_apart():
    generator = efficientnet_unet(32)
    assert generator.count_params() == 5_223_474
    backbone = [layer for layer in generator.layers if layer.name.startswith(BACKBONE_PREFIX)]
    images = keras.Input((32, 32, 1))
    encoder = keras.Model(images, efficientnet_pyramid(images))
    assert sum(layer.count_params() for layer in backbone) == encoder.count_params()


def test_every_weight_gets_a_gradient():
    generator = efficientnet_unet(64)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(generator(noise(64, 2), training=True) ** 2)
    for variable, gradient in zip(
        generator.trainable_variables,
        tape.gradient(loss, generator.trainable_variables),
        strict=True,
    ):
        assert gradient is not None and np.abs(gradient).max() > 0, variable.path


@pytest.mark.parametrize(("picture", "classes"), [("chelsea", range(281, 288)), ("coffee", [967])])
def test_the_published_weights_tell_what_a_picture_shows(published, picture, classes):
    """Cats and an espresso, in ImageNet's numbers."""
    pixels = getattr(data, picture)()
    side = min(pixels.shape[:2])
    pixels = 255 * transform.resize(pixels[:side, :side], (224, 224), anti_aliasing=True)
    with _imagenet_file().open("rb") as file:
        top = _read_torch(file)
    scale = top["_bn1.weight"] / np.sqrt(top["_bn1.running_var"] + 1e-3)
    offset = top["_bn1.bias"] - top["_bn1.running_mean"] * scale
    features = published(np.float32((pixels[None] - 127) / 128))[-1].numpy()
    features = features @ top["_conv_head.weight"][:, :, 0, 0].T * scale + offset
    features = np.clip(features, 0, 6).mean(axis=(0, 1, 2))
    assert np.argmax(top["_fc.weight"] @ features + top["_fc.bias"]) in classes


def test_with_imagenet_the_encoder_sees_what_was_published_but_for_a_factor(published):
    gray = 255 * transform.resize(color.rgb2gray(data.chelsea()), (224, 224), anti_aliasing=True)
    lightness = np.float32(gray[None, ..., None] - 127) / 128
    generator = efficientnet_unet(224, backbone_weights="imagenet")
    names = [f"{BACKBONE_PREFIX}block{number}_project" for number in (0, 2, 4, 10, 15)]
    skips = [
        generator.layers[generator.layers.index(generator.get_layer(name)) + residual].output
        for name, residual in zip(names, (0, 1, 1, 1, 0), strict=True)
    ]
    encoder = keras.Model(generator.input, skips)
    ours, theirs = encoder(lightness), published(np.repeat(lightness, 3, axis=-1))
    for one, other in zip(ours, theirs, strict=True):
        factor = np.sum(one * other) / np.sum(other**2)
        np.testing.assert_allclose(one, factor * other, atol=1e-3 * np.max(np.abs(one)))
        assert 0.3 < np.sqrt(np.mean(np.square(one))) < 3


def test_saved_it_answers_equally(tmp_path):
    generator = efficientnet_unet(32)
    generator.save(tmp_path / "a.keras")
    loaded = keras.models.load_model(tmp_path / "a.keras")
    np.testing.assert_array_equal(loaded(noise(32)), generator(noise(32)))


def test_a_size_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="image size 48 does not fit efficientnet_unet.* 32"):
        efficientnet_unet(48)


def test_weights_that_are_not_there_are_named(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="no weights at .*nowhere.pth"):
        efficientnet_unet(32, backbone_weights=tmp_path / "nowhere.pth")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r'not installed.*"colorize_tf\[efficientnet\]"'):
        efficientnet_unet(32, backbone_weights="imagenet")
