"""keras-hub's ResNet18 as an encoder, with ImageNet weights."""

import tempfile
import textwrap
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import h5py
import keras
from keras import layers

from colorize_tf.models.encoders import BACKBONE_PREFIX

IMAGENET_PRESET = "resnet_18_imagenet"
# Of sRGB in 0..1, by channel; the values of the preset's image converter.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STDDEV = (0.229, 0.224, 0.225)


def resnet18(
    lightness: keras.KerasTensor, *, weights: str | Path | None = None
) -> list[keras.KerasTensor]:
    """Apply ResNet18 (He et al. 2016, arXiv 1512.03385) without its classifier: 11.2 M parameters.

    Its layers are copies of keras-hub's, all built-in Keras layers, and named `backbone_...`.
    keras-hub is needed to build the network, but not to load it from a file.

    Args:
        lightness: `(batch, size, size, 1)` in [-1, 1].
        weights: `None` or `"none"`: random; `"imagenet"`: downloaded by keras-hub, or from its
            cache; else the path of a `.weights.h5` or `.keras` file of keras-hub's ResNet18
            backbone.

    Returns:
        Features of 64, 64, 128, 256 and 512 channels at 1/2, 1/4, 1/8, 1/16 and 1/32 of the size.

    Raises:
        ValueError: keras-hub is not installed, the download failed, or the file is not one of a
            ResNet18.
    """
    backbone = _backbone(weights)
    tensors = {id(backbone.input): _imagenet_rgb(lightness)}
    for layer in backbone.layers[1:]:
        name = f"{BACKBONE_PREFIX}{layer.name}"
        # Without a dtype the copy takes the current dtype policy.
        copy = type(layer).from_config({**layer.get_config(), "name": name, "dtype": None})
        inputs = keras.tree.map_structure(lambda tensor: tensors[id(tensor)], layer.input)
        tensors[id(layer.output)] = copy(inputs)
        copy.set_weights(layer.get_weights())
    coarse = [backbone.pyramid_outputs[level] for level in ("P2", "P3", "P4", "P5")]
    return [tensors[id(tensor)] for tensor in (backbone.get_layer("conv1_relu").output, *coarse)]


def _imagenet_rgb(lightness: keras.KerasTensor) -> keras.KerasTensor:
    """Normalize as for the ImageNet weights: mean 0 and standard deviation 1 in each channel."""
    channels = layers.Concatenate(name="lightness_thrice")([lightness] * 3)
    # (lightness + 1) / 2 is the gamma-encoded gray value to within 0.034.
    scale = [0.5 / stddev for stddev in IMAGENET_STDDEV]
    offset = [
        (0.5 - mean) / stddev for mean, stddev in zip(IMAGENET_MEAN, IMAGENET_STDDEV, strict=True)
    ]
    return layers.Rescaling(scale, offset, name="imagenet_rgb")(channels)


def _backbone(weights: str | Path | None) -> keras.Model:
    """Build keras-hub's ResNet18 in float32, for images of any size."""
    try:
        import keras_hub
    except ImportError as error:
        raise ValueError(
            f"the ResNet18 encoder needs keras-hub, which cannot be imported ({error}); "
            'install it with: pip install "colorize_tf[resnet]"'
        ) from error
    if weights == "imagenet":
        return _imagenet_backbone(keras_hub)
    backbone = keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 128, 256, 512],
        stackwise_num_blocks=[2, 2, 2, 2],
        stackwise_num_strides=[1, 2, 2, 2],
        block_type="basic_block",
        dtype="float32",
    )
    if weights is not None and weights != "none":
        _load_weights(backbone, Path(weights))
    return backbone


def _imagenet_backbone(keras_hub: ModuleType) -> keras.Model:
    try:
        return keras_hub.models.Backbone.from_preset(IMAGENET_PRESET, dtype="float32")
    except Exception as error:  # whatever the network, Kaggle or a broken cache raise
        reason = textwrap.shorten(f"{type(error).__name__}: {error}", 120, placeholder=" ...")
        raise ValueError(
            f"the ImageNet weights cannot be downloaded from Kaggle ({reason}); continue with "
            "--backbone-weights none, or with --backbone-weights FILE, the model.weights.h5 of "
            f"https://huggingface.co/keras/{IMAGENET_PRESET} or of variation {IMAGENET_PRESET} at "
            "https://www.kaggle.com/models/keras/resnetv1, downloaded elsewhere; or set "
            "KAGGLEHUB_CACHE to a copy of a ~/.cache/kagglehub that contains it"
        ) from error


def _load_weights(backbone: keras.Model, path: Path) -> None:
    """Load a weights file after checking that it contains exactly this backbone's arrays."""
    if not path.is_file():
        raise ValueError(
            f"no backbone weights at {path}; expected imagenet, none, or the path of a file"
        )
    if not path.name.endswith((".weights.h5", ".keras")):
        raise ValueError(f"backbone weights must be a .weights.h5 or .keras file, got {path}")
    try:
        found = _array_shapes(path)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} cannot be read as backbone weights: {error}") from error
    with tempfile.TemporaryDirectory() as folder:
        own_file = Path(folder) / "backbone.weights.h5"
        backbone.save_weights(own_file)
        expected = _array_shapes(own_file)
    # Keras loads what it can before it raises, and ignores arrays that are left over.
    for name in expected | found:
        if found.get(name) != expected.get(name):
            raise ValueError(
                f"{path} is not of keras-hub's ResNet18 backbone: {name} is "
                f"{found.get(name, 'missing')}, expected {expected.get(name, 'nothing there')} "
                f"({len(found)} arrays, expected {len(expected)})"
            )
    backbone.load_weights(path)


def _array_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shape of each array in a `.weights.h5` or `.keras` file, by name."""
    if path.suffix == ".keras":
        with zipfile.ZipFile(path) as archive, archive.open("model.weights.h5") as member:
            return _h5_shapes(member)
    return _h5_shapes(path)


def _h5_shapes(source: Any) -> dict[str, tuple[int, ...]]:
    shapes = {}

    def note(name: str, item: h5py.Dataset | h5py.Group) -> None:
        if isinstance(item, h5py.Dataset):
            shapes[name] = item.shape

    with h5py.File(source) as file:
        file.visititems(note)
    return shapes
