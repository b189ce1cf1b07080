import collections
import importlib.util
import pickle
import sys
import types

import keras
import numpy as np
import pytest
from skimage import color, data, transform

from colorize_tf.models.encoders import BACKBONE_PREFIX
from colorize_tf.models.encoders.efficientnet_lite import (
    WEIGHTS_PACKAGE,
    efficientnet_pyramid,
    imagenet_file,
    read_weights,
)
from colorize_tf.models.encoders.torch_file import read_state_dict
from colorize_tf.models.unet import efficientnet_unet

MAGIC = 0x1950A86A20F9469CFC6C


class Storage(str):
    """The key of the numbers of a tensor, which follow the pickles."""


class Tensor:
    """Pickled as PyTorch pickles a tensor: a storage, and strides in elements."""

    def __init__(self, array, key):
        self.array = array
        self.storage = Storage(key)

    def __reduce__(self):
        strides = tuple(step // self.array.itemsize for step in self.array.strides)
        rebuild = sys.modules["torch._utils"]._rebuild_tensor_v2
        return rebuild, (self.storage, 0, self.array.shape, strides, False, None)


class StateDictPickler(pickle.Pickler):
    def persistent_id(self, one):
        if isinstance(one, Storage):
            return "storage", sys.modules["torch"].FloatStorage, str(one), "cpu", 0, None
        return None


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a state dict as PyTorch did before 1.6, without PyTorch."""
    torch, inner = types.ModuleType("torch"), types.ModuleType("torch._utils")
    torch.FloatStorage = type("FloatStorage", (), {"__module__": "torch"})
    inner._rebuild_tensor_v2 = type("_rebuild_tensor_v2", (), {"__module__": "torch._utils"})
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", inner)

    def written(arrays, *, lost=0):
        """Leave out so many numbers of the last storage, and say that they were never there."""
        path = tmp_path / "weights.pth"
        tensors = {
            name: Tensor(array, f"{key}") for key, (name, array) in enumerate(arrays.items())
        }
        with path.open("wb") as file:
            for header in (MAGIC, 1001, {"little_endian": True}):
                pickle.dump(header, file, protocol=2)
            StateDictPickler(file, protocol=2).dump(collections.OrderedDict(tensors))
            pickle.dump([str(one.storage) for one in tensors.values()], file, protocol=2)
            for number, one in enumerate(tensors.values(), start=1):
                # In the order of memory, which `tobytes` would change.
                values = np.ravel(one.array, order="K")
                values = values[: len(values) - lost] if number == len(tensors) else values
                file.write(len(values).to_bytes(8, "little") + values.tobytes())
        return path

    return written


@pytest.fixture
def network():
    images = keras.Input((32, 32, 3))
    return keras.Model(images, efficientnet_pyramid(images))


@pytest.fixture
def arrays(network):
    """What a file holds, at random: as PyTorch orders it, with a strided kernel, and a top."""
    random = np.random.default_rng(0)
    found = {"_fc.bias": random.normal(size=1000).astype(np.float32)}
    for layer in network.layers:
        if not layer.weights:
            continue
        block, _, part = layer.name.partition("_")
        at = f"_blocks.{block.removeprefix('block')}."
        convolution = f"{at}_{part}_conv" if part else "_conv_stem"
        number = ("expand", "depthwise", "project").index(part) if part else 0
        normalization = f"{at if part else ''}_bn{number}"
        kernel = random.normal(size=layer.weights[0].shape).astype(np.float32)
        axes = (2, 3, 0, 1) if part == "depthwise" else (3, 2, 0, 1)
        found[f"{convolution}.weight"] = kernel.transpose(axes)
        channels = layer.weights[1].shape[0]
        for statistic in ("weight", "bias", "running_mean", "running_var"):
            values = random.uniform(0.5, 1.5, channels).astype(np.float32)
            found[f"{normalization}.{statistic}"] = values
    return found


def test_a_pyramid_has_five_sizes():
    images = keras.Input((64, 64, 3))
    shapes = [tuple(one.shape[1:]) for one in efficientnet_pyramid(images)]
    assert shapes == [(32, 32, 16), (16, 16, 24), (8, 8, 40), (4, 4, 112), (2, 2, 320)]


def test_it_has_the_parameters_of_the_published_network(network):
    """4,652,008 (Google's table: 4.7 M), less the head of 1280 channels and two normalizations."""
    normalized = sum(layer.weights[1].shape[0] for layer in network.layers if layer.weights)
    without_top = 4_652_008 - 1280 * 1000 - 1000 - (320 * 1280 + 2 * 1280)
    # A normalization has a scale and an offset, where the merged convolution has a bias.
    assert network.count_params() == without_top - normalized


def test_normalizations_are_folded_into_convolutions(write, arrays):
    weights = read_weights(write(arrays))
    random = np.random.default_rng(1)
    for name, at, normalization, axes in (
        ("stem", "_conv_stem", "_bn0", (2, 3, 1, 0)),
        ("block5_depthwise", "_blocks.5._depthwise_conv", "_blocks.5._bn1", (2, 3, 0, 1)),
        ("block15_project", "_blocks.15._project_conv", "_blocks.15._bn2", (2, 3, 1, 0)),
    ):
        kernel, bias = weights[name]
        stored = arrays[f"{at}.weight"].transpose(axes)
        scale, offset, mean, variance = (
            arrays[f"{normalization}.{part}"]
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        patch = random.normal(size=stored.shape[:3])
        sums = "hwc,hwco->c" if "depthwise" in name else "hwc,hwco->o"
        before = np.einsum(sums, patch, stored)
        expected = (before - mean) / np.sqrt(variance + 1e-3) * scale + offset
        after = np.einsum(sums, patch, kernel) + bias
        np.testing.assert_allclose(after, expected, rtol=1e-4, atol=1e-4)


def test_every_layer_gets_arrays_that_fit(write, arrays, network):
    weights = read_weights(write(arrays))
    assert list(weights) == [layer.name for layer in network.layers if layer.weights]
    for name, values in weights.items():
        network.get_layer(name).set_weights(values)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match="no weights at .*nowhere.pth; expected the PyTorch file"):
        read_weights(tmp_path / "nowhere.pth")


@pytest.mark.parametrize(
    "contents", [b"", b"PK\x03\x04 a newer file", b"\x89HDF\r\n", pickle.dumps([1])]
)
def test_another_kind_of_file_is_refused(tmp_path, contents):
    path = tmp_path / "weights.pth"
    path.write_bytes(contents)
    with pytest.raises(
        ValueError,
        match="weights.pth cannot be read as a PyTorch weights file: .*; expected the PyTorch file",
    ):
        read_weights(path)


@pytest.mark.parametrize("share", [0.001, 0.3, 0.999])
def test_a_file_that_is_cut_off_is_refused(write, arrays, share):
    path = write(arrays)
    contents = path.read_bytes()
    path.write_bytes(contents[: int(share * len(contents))])
    with pytest.raises(ValueError, match="cannot be read"):
        read_weights(path)


def test_code_in_a_pickle_is_refused(tmp_path):
    class Harmful:
        def __reduce__(self):
            return print, ("run",)

    path = tmp_path / "weights.pth"
    path.write_bytes(pickle.dumps(MAGIC, 2) + pickle.dumps(Harmful(), 2))
    with pytest.raises(ValueError, match="cannot be read") as refusal:
        read_weights(path)
    assert "print is not allowed" in str(refusal.value)


def test_a_size_beyond_memory_is_refused(tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes(b"\x80\x04\x8e" + (2**55).to_bytes(8, "little"))  # bytes, so many of them
    with pytest.raises(ValueError, match="cannot be read"):
        read_weights(path)


def test_a_tensor_that_ends_beyond_its_storage_is_refused(write, arrays):
    read_weights(write(arrays))
    with pytest.raises(ValueError, match="cannot be read") as refusal:
        read_weights(write(arrays, lost=1))
    assert "beyond its storage" in str(refusal.value)


def test_weights_of_another_network_are_refused(write, arrays):
    wider = arrays | {"_conv_stem.weight": np.zeros((40, 3, 3, 3), np.float32)}
    with pytest.raises(ValueError, match=r"_conv_stem.weight is \(40, 3, 3, 3\), expected"):
        read_weights(write(wider))
    longer = arrays | {"_blocks.3._bn1.bias": np.zeros(5, np.float32)}
    with pytest.raises(ValueError, match=r"_blocks.3._bn1.bias is \(5,\), expected \(144,\)"):
        read_weights(write(longer))
    flat = arrays | {"_blocks.3._project_conv.weight": np.zeros((40, 144), np.float32)}
    with pytest.raises(ValueError, match=r"weight is \(40, 144\), expected \(40, 144, 1, 1\)"):
        read_weights(write(flat))
    del arrays["_blocks.3._bn1.running_var"]
    with pytest.raises(ValueError, match="lacks _blocks.3._bn1.running_var; expected"):
        read_weights(write(arrays))


@pytest.fixture
def published():
    """The network of the published weights, of three channels."""
    if importlib.util.find_spec(WEIGHTS_PACKAGE) is None:
        pytest.skip(f"{WEIGHTS_PACKAGE} is not installed; [dev] has it")
    images = keras.Input((224, 224, 3))
    network = keras.Model(images, efficientnet_pyramid(images))
    for name, arrays in read_weights(imagenet_file()).items():
        network.get_layer(name).set_weights(arrays)
    return network


def noise(size, count=1):
    generator = np.random.default_rng(0)
    return generator.uniform(-1, 1, (count, size, size, 1)).astype(np.float32)


def test_chroma_is_interpolated_from_half_the_size():
    steps = np.diff(efficientnet_unet(64)(noise(64)).numpy(), axis=1)
    assert np.std(steps) > 1e-6
    # Steps inside a pixel of the half size are the means of those to its two neighbors.
    np.testing.assert_allclose(steps[:, 2:-1:2], (steps[:, 1:-2:2] + steps[:, 3::2]) / 2, atol=1e-7)


def test_all_weights_of_the_encoder_and_no_others_have_the_prefix():
    generator = efficientnet_unet(32)
    assert generator.count_params() == 5_223_474
    backbone = [layer for layer in generator.layers if layer.name.startswith(BACKBONE_PREFIX)]
    images = keras.Input((32, 32, 1))
    encoder = keras.Model(images, efficientnet_pyramid(images))
    assert sum(layer.count_params() for layer in backbone) == encoder.count_params()


@pytest.mark.parametrize(("name", "classes"), [("chelsea", range(281, 288)), ("coffee", [967])])
def test_the_published_weights_classify_an_image(published, name, classes):
    """Cats and an espresso, in ImageNet's numbers."""
    pixels = getattr(data, name)()
    side = min(pixels.shape[:2])
    pixels = 255 * transform.resize(pixels[:side, :side], (224, 224), anti_aliasing=True)
    top = read_state_dict(imagenet_file())
    scale = top["_bn1.weight"] / np.sqrt(top["_bn1.running_var"] + 1e-3)
    offset = top["_bn1.bias"] - top["_bn1.running_mean"] * scale
    features = published(np.float32((pixels[None] - 127) / 128))[-1].numpy()
    features = features @ top["_conv_head.weight"][:, :, 0, 0].T * scale + offset
    features = np.clip(features, 0, 6).mean(axis=(0, 1, 2))
    assert np.argmax(top["_fc.weight"] @ features + top["_fc.bias"]) in classes


def test_with_imagenet_weights_the_features_are_the_published_ones_but_for_a_factor(published):
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


def test_missing_weights_are_named(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="no weights at .*nowhere.pth"):
        efficientnet_unet(32, backbone_weights=tmp_path / "nowhere.pth")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r'not installed.*"colorize_tf\[efficientnet\]"'):
        efficientnet_unet(32, backbone_weights="imagenet")
