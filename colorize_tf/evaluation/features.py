"""Pretrained networks whose features serve KID and FID."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from colorize_tf.color.lab_tf import images_to_rgb
from colorize_tf.inference.rendering import resize
from colorize_tf.models.squeezenet import IMAGE_SIZE, squeezenet_features

# Name in keras.applications: its module there, its input size in pixels, its family.
_NETWORKS = {
    "EfficientNetB0": ("efficientnet", 224, "efficientnet"),
    "InceptionV3": ("inception_v3", 299, "inception"),
    "MobileNetV2": ("mobilenet_v2", 224, "mobilenet"),
    "ResNet50": ("resnet50", 224, "resnet"),
    "VGG16": ("vgg16", 224, "vgg"),
    "Xception": ("xception", 299, "xception"),
}


class Features(NamedTuple):
    """The features of a network; distances in them compare only with each other.

    Attributes:
        source: the network, the layer and the size in pixels, for people.
        describe: uint8 images `(batch, height, width, 3)` to float32 `(batch, dimensions)`.
        family: name by which training settings would name this network or one like it.
    """

    source: str
    describe: Callable[[np.ndarray], np.ndarray]
    family: str = ""


def load_features(name: str | Path) -> Features:
    """Load a network with its ImageNet weights.

    Args:
        name: an h5 file of SqueezeNet 1.1, as `squeezenet_features` takes it, or the name of a
            network of keras.applications; Keras downloads its weights unless they are cached.

    Raises:
        ValueError: unknown name, missing file, or weights that cannot be downloaded.
    """
    name = str(name)
    if Path(name).suffix == ".h5":
        network = squeezenet_features(name)
        source = f"SqueezeNet 1.1 ({Path(name).name}), layer fire9 averaged, {IMAGE_SIZE} px"
        return Features(source, _describe(network, IMAGE_SIZE, images_to_rgb), "squeezenet")
    if name not in _NETWORKS:
        raise ValueError(
            f"unknown features {name!r}; expected an .h5 file of SqueezeNet 1.1 or one "
            f"of {', '.join(_NETWORKS)}"
        )
    module, size, family = _NETWORKS[name]
    network = _pretrained(name, size)
    preprocess = getattr(keras.applications, module).preprocess_input
    source = f"{name} of keras.applications, layer {network.layers[-2].name} averaged, {size} px"

    def prepare(images: np.ndarray) -> np.ndarray:
        return preprocess(images.astype(np.float32))

    return Features(source, _describe(network, size, prepare), family)


def _pretrained(name: str, size: int) -> keras.Model:
    try:
        return getattr(keras.applications, name)(
            include_top=False, pooling="avg", input_shape=(size, size, 3)
        )
    except Exception as error:  # Keras raises a bare Exception where it cannot download.
        raise ValueError(
            f"the ImageNet weights of {name} are not cached and cannot be downloaded: {error}; "
            "connect to the network, or give an .h5 file of SqueezeNet 1.1"
        ) from error


def _describe(
    network: keras.Model, size: int, prepare: Callable[[np.ndarray], np.ndarray]
) -> Callable[[np.ndarray], np.ndarray]:
    def describe(images: np.ndarray) -> np.ndarray:
        scaled = np.stack([resize(image, size, size) for image in images])
        return network(prepare(scaled), training=False).numpy()

    return describe
