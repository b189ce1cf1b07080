"""A U-Net on keras-hub's ResNet18, which can begin with the weights of ImageNet."""

import tempfile
import textwrap
import zipfile
from pathlib import Path
from types import ModuleType

import h5py
import keras
from keras import layers

from colorize_tf.models.blocks import check_image_size, upsample, upsample_to_ab

BACKBONE_PREFIX = "backbone_"
"""What the name of every layer of the backbone begins with, and of no other layer."""

DECODER_WIDTHS = (256, 128, 64, 64)
IMAGENET_PRESET = "resnet_18_imagenet"
# Of sRGB in 0..1, by channel; the numbers of the preset's image converter.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STDDEV = (0.229, 0.224, 0.225)


def resnet18_unet(
    image_size: int = 128, *, backbone_weights: str | Path | None = None
) -> keras.Model:
    """Build a U-Net whose encoder is a ResNet18: 14.7 M parameters, 11.2 M in the encoder.

    He et al. 2016 (arXiv 1512.03385), without pooling and classifier; the skips leave it at 1/2,
    1/4, 1/8 and 1/16 of the size. Its layers are named `backbone_...`, are built-in ones, and the
    whole is flat: only building it takes keras-hub.

    Args:
        image_size: height and width in pixels, a multiple of 32.
        backbone_weights: `None` or `"none"`: random; `"imagenet"`: downloaded by keras-hub, or from
            its cache; else the path of a `.weights.h5` or `.keras` file of keras-hub's ResNet18
            backbone.

    Returns:
        A model of `lightness` float32 `(batch, image_size, image_size, 1)` in [-1, 1] to `ab`
        float32 `(batch, image_size, image_size, 2)` in [-1, 1]. The head is float32 under every
        dtype policy.

    Raises:
        ValueError: `image_size` does not fit, keras-hub is missing, the download failed, or the
            file is not one of a ResNet18.
    """
    check_image_size(image_size, 32, "resnet18_unet")
    backbone = _backbone(backbone_weights)
    lightness = keras.Input((image_size, image_size, 1), name="lightness")
    skips = _encode(_imagenet_rgb(lightness), backbone)
    features = skips.pop()
    for width in DECODER_WIDTHS:
        features = upsample(features, width)
        features = layers.Concatenate()([features, skips.pop()])
    ab = upsample_to_ab(features)
    return keras.Model(lightness, ab, name="resnet18_unet")


def _imagenet_rgb(lightness: keras.KerasTensor) -> keras.KerasTensor:
    """Make the gray picture what the backbone was trained on: mean 0 and deviation 1 by channel."""
    channels = layers.Concatenate(name="lightness_thrice")([lightness] * 3)
    # (lightness + 1) / 2 is the gamma-encoded gray value to within 0.034.
    scale = [0.5 / stddev for stddev in IMAGENET_STDDEV]
    offset = [
        (0.5 - mean) / stddev for mean, stddev in zip(IMAGENET_MEAN, IMAGENET_STDDEV, strict=True)
    ]
    return layers.Rescaling(scale, offset, name="imagenet_rgb")(channels)


def _encode(images: keras.KerasTensor, backbone: keras.Model) -> list[keras.KerasTensor]:
    """Apply copies of a backbone's layers, and return the features from 1/2 to 1/32 of the size.

    Applied as a whole, the backbone would need keras-hub's class wherever the model is loaded.
    """
    tensors = {id(backbone.input): images}
    for layer in backbone.layers[1:]:
        name = f"{BACKBONE_PREFIX}{layer.name}"
        # No dtype: the copy takes the policy in force.
        copy = type(layer).from_config({**layer.get_config(), "name": name, "dtype": None})
        inputs = keras.tree.map_structure(lambda tensor: tensors[id(tensor)], layer.input)
        tensors[id(layer.output)] = copy(inputs)
        copy.set_weights(layer.get_weights())
    pyramid = [backbone.pyramid_outputs[level] for level in ("P2", "P3", "P4", "P5")]
    return [tensors[id(tensor)] for tensor in (backbone.get_layer("conv1_relu").output, *pyramid)]


def _backbone(weights: str | Path | None) -> keras.Model:
    """Return keras-hub's ResNet18, float32, for images of any size."""
    try:
        import keras_hub
    except ImportError as error:
        raise ValueError(
            f"resnet18_unet is built with keras-hub, which cannot be imported ({error}); "
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
    if weights not in (None, "none"):
        _load_weights(backbone, Path(weights))
    return backbone


def _imagenet_backbone(keras_hub: ModuleType) -> keras.Model:
    try:
        return keras_hub.models.Backbone.from_preset(IMAGENET_PRESET, dtype="float32")
    except Exception as error:  # whatever the network, Kaggle or a broken cache make it raise
        reason = textwrap.shorten(f"{type(error).__name__}: {error}", 120, placeholder=" ...")
        raise ValueError(
            f"the ImageNet weights cannot be had from Kaggle ({reason}); go on with "
            "--backbone-weights none, or with --backbone-weights FILE, the model.weights.h5 of "
            f"https://huggingface.co/keras/{IMAGENET_PRESET} or of variation {IMAGENET_PRESET} at "
            "https://www.kaggle.com/models/keras/resnetv1, fetched elsewhere; or point "
            "KAGGLEHUB_CACHE at a copy of a ~/.cache/kagglehub that has it"
        ) from error


def _load_weights(backbone: keras.Model, path: Path) -> None:
    """Load a weights file that holds this backbone's arrays, all of them and no others."""
    if not path.is_file():
        raise ValueError(
            f"no backbone weights at {path}; expected imagenet, none, or the path of a file"
        )
    if not path.name.endswith((".weights.h5", ".keras")):
        raise ValueError(f"backbone weights must be a .weights.h5 or .keras file, got {path}")
    try:
        came = _array_shapes(path)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} cannot be read as backbone weights: {error}") from error
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder) / "backbone.weights.h5"
        backbone.save_weights(own)
        expected = _array_shapes(own)
    # Keras loads what it can before it raises, and says nothing of arrays that are left over.
    for name in expected | came:
        if came.get(name) != expected.get(name):
            raise ValueError(
                f"{path} is not of keras-hub's ResNet18 backbone: {name} is "
                f"{came.get(name, 'missing')}, expected {expected.get(name, 'nothing there')} "
                f"({len(came)} arrays, expected {len(expected)})"
            )
    backbone.load_weights(path)


def _array_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Name of each array in a `.weights.h5` or `.keras` file to its shape."""
    if path.suffix == ".keras":
        with zipfile.ZipFile(path) as archive, archive.open("model.weights.h5") as member:
            return _h5_shapes(member)
    return _h5_shapes(path)


def _h5_shapes(source) -> dict[str, tuple[int, ...]]:
    shapes = {}

    def note(name, item):
        if isinstance(item, h5py.Dataset):
            shapes[name] = item.shape

    with h5py.File(source) as file:
        file.visititems(note)
    return shapes
