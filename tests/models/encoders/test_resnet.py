import runpy
import sys
import zipfile

import keras
import keras_hub
import numpy as np
import pytest
import tensorflow as tf

from colorize_tf.artifacts.keras_file import as_float32
from colorize_tf.models.encoders import BACKBONE_PREFIX, resnet
from colorize_tf.models.generator import resize_generator
from colorize_tf.models.unet import resnet18_unet

RESNET18 = {
    "input_conv_filters": [64],
    "input_conv_kernel_sizes": [7],
    "stackwise_num_filters": [64, 128, 256, 512],
    "stackwise_num_blocks": [2, 2, 2, 2],
    "stackwise_num_strides": [1, 2, 2, 2],
    "block_type": "basic_block",
}


def lightness(size, batch=2, seed=0):
    values = np.random.default_rng(seed).uniform(-1, 1, (batch, size, size, 1))
    return tf.constant(values, tf.float32)


def without_backbone(generator):
    return [layer for layer in generator.layers if not layer.name.startswith(BACKBONE_PREFIX)]


def make_backbone(seed=0, **changes):
    keras.utils.set_random_seed(seed)
    return keras_hub.models.ResNetBackbone(**{**RESNET18, **changes})


@pytest.fixture(scope="module")
def backbone():
    """One that has seen pictures: its moving averages are not those of the start."""
    backbone = make_backbone()
    random = np.random.default_rng(0)
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([random.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
    return backbone


@pytest.fixture(scope="module")
def weights_file(backbone, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "model.weights.h5"
    backbone.save_weights(path)
    return path


@pytest.fixture(scope="module")
def generator(weights_file):
    """A generator of 32 pixels that nobody changes."""
    keras.utils.set_random_seed(0)
    return resnet18_unet(32, backbone_weights=weights_file)


@pytest.fixture
def mixed_bfloat16():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy(before)


def encoded(generator, pictures):
    encoder = keras.Model(generator.input, generator.get_layer("backbone_stack3_block1_out").output)
    return encoder(pictures, training=False)


def backbone_weights(generator):
    layers = [layer for layer in generator.layers if layer.name.startswith(BACKBONE_PREFIX)]
    return [weight for layer in layers for weight in layer.get_weights()]


def test_the_encoder_is_keras_hubs_with_its_preprocessing(generator, backbone):
    pictures = lightness(32)
    # Scale and offset of the image converter of keras-hub's ResNet presets.
    converter = keras_hub.layers.ResNetImageConverter(
        scale=[0.017124753831663668, 0.01750700280112045, 0.017429193899782133],
        offset=[-2.1179039301310043, -2.0357142857142856, -1.8044444444444445],
    )
    images = converter(tf.repeat((pictures + 1) / 2 * 255, 3, axis=-1))
    np.testing.assert_allclose(
        encoded(generator, pictures), backbone(images, training=False), atol=1e-3, rtol=1e-4
    )


def test_all_of_the_backbone_and_nothing_else_has_its_prefix(generator, backbone):
    names = [layer.name for layer in generator.layers]
    prefixed = [name for name in names if name.startswith(BACKBONE_PREFIX)]
    assert prefixed == [f"{BACKBONE_PREFIX}{layer.name}" for layer in backbone.layers[1:]]
    assert len(set(names)) == len(names)


def test_the_skips_are_the_ends_of_the_halvings(generator):
    joints = [
        layer
        for layer in without_backbone(generator)[2:]
        if isinstance(layer, keras.layers.Concatenate)
    ]
    assert [(joint.input[1].shape[1], joint.input[1].shape[-1]) for joint in joints] == [
        (2, 256),
        (4, 128),
        (8, 64),
        (16, 64),
    ]


def test_a_frozen_backbone_stays_as_it_is_in_training(generator):
    frozen = keras.models.clone_model(generator)
    frozen.set_weights(generator.get_weights())
    for layer in frozen.layers:
        layer.trainable = not layer.name.startswith(BACKBONE_PREFIX)
    decoder = [layer for layer in without_backbone(frozen) if layer.trainable_weights]
    # Four transposed convolutions with their normalizations, and the head.
    assert len(decoder) == 9
    assert len(frozen.trainable_weights) == sum(len(la.trainable_weights) for la in decoder)
    before = encoded(frozen, lightness(32))
    frozen(lightness(32, seed=1), training=True)
    np.testing.assert_array_equal(encoded(frozen, lightness(32)), before)


def test_a_network_of_mixed_precision_becomes_float32(mixed_bfloat16, generator, weights_file):
    mixed = resnet18_unet(32, backbone_weights=weights_file)
    assert mixed.get_layer("backbone_conv1_conv").compute_dtype == "bfloat16"
    assert mixed.get_layer("ab").compute_dtype == "float32"
    assert mixed(lightness(32)).dtype == tf.float32
    mixed.set_weights(generator.get_weights())
    copy = as_float32(mixed)
    assert {layer.compute_dtype for layer in copy.layers[1:]} == {"float32"}
    np.testing.assert_array_equal(copy(lightness(32)), generator(lightness(32)))


def test_another_size_has_the_same_weights(generator):
    resized = resize_generator(generator, 64)
    assert resized(lightness(64)).shape == (2, 64, 64, 2)
    for ours, theirs in zip(resized.get_weights(), generator.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_without_weights_the_backbone_is_random(generator):
    keras.utils.set_random_seed(1)
    first = resnet18_unet(32, backbone_weights="none").get_layer("backbone_conv1_conv")
    assert np.any(first.get_weights()[0] != generator.get_layer(first.name).get_weights()[0])
    assert np.std(first.get_weights()[0]) > 0


def test_a_keras_file_of_the_backbone_is_read(backbone, generator, tmp_path):
    backbone.save(tmp_path / "backbone.keras")
    other = resnet18_unet(32, backbone_weights=str(tmp_path / "backbone.keras"))
    np.testing.assert_array_equal(encoded(other, lightness(32)), encoded(generator, lightness(32)))


def test_imagenet_is_a_preset_of_keras_hubs_backbone():
    assert resnet.IMAGENET_PRESET in keras_hub.models.ResNetBackbone.presets


def test_imagenet_is_read_from_the_preset(
    mixed_bfloat16, backbone, generator, tmp_path, monkeypatch
):
    backbone.save_to_preset(str(tmp_path))
    monkeypatch.setattr(resnet, "IMAGENET_PRESET", str(tmp_path))
    other = resnet18_unet(32, backbone_weights="imagenet")
    for ours, theirs in zip(backbone_weights(other), backbone_weights(generator), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("error", [ConnectionError("no\nnetwork"), OSError(28, "disk full")])
def test_a_failed_download_names_the_alternatives(error, monkeypatch):
    def from_preset(preset, **options):
        raise error

    monkeypatch.setattr(keras_hub.models.Backbone, "from_preset", from_preset)
    with pytest.raises(ValueError) as caught:
        resnet18_unet(32, backbone_weights="imagenet")
    message = str(caught.value)
    assert "\n" not in message and type(error).__name__ in message
    for way in ("--backbone-weights none", "FILE, the model.weights.h5 of", "KAGGLEHUB_CACHE"):
        assert way in message


def test_without_keras_hub_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    with pytest.raises(ValueError, match=r'pip install "colorize_tf\[resnet\]"$'):
        resnet18_unet(32)


def test_only_building_the_network_needs_keras_hub(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    assert "resnet18" in runpy.run_path(resnet.__file__)


def test_a_missing_weights_file_is_named(tmp_path):
    with pytest.raises(ValueError, match="no backbone weights at .*a.weights.h5; expected"):
        resnet18_unet(32, backbone_weights=tmp_path / "a.weights.h5")


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "a.pth").write_bytes(b"")
    with pytest.raises(ValueError, match=r"must be a .weights.h5 or .keras file, got .*a.pth"):
        resnet18_unet(32, backbone_weights=tmp_path / "a.pth")


@pytest.mark.parametrize("name", ["a.weights.h5", "a.keras"])
def test_a_file_of_another_format_than_its_name_says_is_refused(name, tmp_path):
    (tmp_path / name).write_text("version https://git-lfs.github.com/spec/v1")
    with pytest.raises(ValueError, match="cannot be read as backbone weights"):
        resnet18_unet(32, backbone_weights=tmp_path / name)


def test_an_archive_without_weights_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(ValueError, match="cannot be read as backbone weights.*model.weights.h5"):
        resnet18_unet(32, backbone_weights=tmp_path / "a.keras")


def test_other_shapes_are_named(tmp_path):
    make_backbone(stackwise_num_filters=[64, 128, 256, 256]).save_weights(tmp_path / "a.weights.h5")
    message = (
        r"not of keras-hub's ResNet18 backbone: layers/.*/vars/0 is \(256,\), expected \(512,\) "
        r"\(100 arrays, expected 100\)$"
    )
    with pytest.raises(ValueError, match=message):
        resnet18_unet(32, backbone_weights=tmp_path / "a.weights.h5")


def test_missing_layers_are_named(tmp_path):
    make_backbone(stackwise_num_blocks=[2, 2, 2, 1]).save_weights(tmp_path / "a.weights.h5")
    message = r"layers/.*/vars/0 is missing, expected \(512,\) \(90 arrays, expected 100\)$"
    with pytest.raises(ValueError, match=message):
        resnet18_unet(32, backbone_weights=tmp_path / "a.weights.h5")


def test_unexpected_layers_are_named(backbone, tmp_path):
    pooled = keras.layers.GlobalAveragePooling2D()(backbone.output)
    model = keras.Model(backbone.input, keras.layers.Dense(3)(pooled))
    model.save_weights(tmp_path / "a.weights.h5")
    with pytest.raises(ValueError, match=r"dense/vars/0 is \(512, 3\), expected nothing there"):
        resnet18_unet(32, backbone_weights=tmp_path / "a.weights.h5")
