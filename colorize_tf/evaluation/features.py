"""Pretrained networks whose features tell how real a set of pictures looks."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from colorize_tf.color.lab_tf import images_to_rgb
from colorize_tf.inference.rendering import resize
from colorize_tf.models.squeezenet import IMAGE_SIZE, squeezenet_features

# Name in keras.applications, its module there, and the pixels it was trained on.
_NETWORKS = {
    "EfficientNetB0": ("efficientnet", 224),
    "InceptionV3": ("inception_v3", 299),
    "MobileNetV2": ("mobilenet_v2", 224),
    "ResNet50": ("resnet50", 224),
    "VGG16": ("vgg16", 224),
    "Xception": ("xception", 299),
}


class Features(NamedTuple):
    """A network as a judge; distances by its features compare with no other's.

    Attributes:
        source: the network, the layer and the size in pixels, for people.
        describe: uint8 images `(batch, height, width, 3)` to float32 `(batch, dimensions)`.
    """

    source: str
    describe: Callable[[np.ndarray], np.ndarray]


def load_features(name: str) -> Features:
    """Load a network with its ImageNet weights.

    Args:
        name: an h5 file of SqueezeNet 1.1, as `squeezenet_features` takes it, or the name of a
            network of keras.applications, whose weights are downloaded unless they are at hand.

    Raises:
        ValueError: no such file or name, or weights that cannot be had.
    """
    if Path(name).suffix == ".h5":
        network = squeezenet_features(name)
        source = f"SqueezeNet 1.1 ({Path(name).name}), layer fire9 averaged, {IMAGE_SIZE} px"
        return Features(source, _describe(network, IMAGE_SIZE, images_to_rgb))
    if name not in _NETWORKS:
        raise ValueError(
            f"no features by the name of {name!r}; expected an .h5 file of SqueezeNet 1.1 or one "
            f"of {', '.join(_NETWORKS)}"
        )
    module, size = _NETWORKS[name]
    network = _pretrained(name, size)
    preprocess = getattr(keras.applications, module).preprocess_input
    source = f"{name} of keras.applications, layer {network.layers[-2].name} averaged, {size} px"
    return Features(
        source, _describe(network, size, lambda images: preprocess(images.astype(np.float32)))
    )


def _pretrained(name: str, size: int) -> keras.Model:
    try:
        return getattr(keras.applications, name)(
            include_top=False, pooling="avg", input_shape=(size, size, 3)
        )
    except Exception as error:  # Keras raises a bare Exception where it cannot download.
        raise ValueError(
            f"the ImageNet weights of {name} are not at hand and cannot be downloaded: {error}; "
            "try where there is a network, or give an .h5 file of SqueezeNet 1.1"
        ) from error


def _describe(
    network: keras.Model, size: int, prepare: Callable[[np.ndarray], np.ndarray]
) -> Callable[[np.ndarray], np.ndarray]:
    def describe(images):
        scaled = np.stack([resize(image, size, size) for image in images])
        return network(prepare(scaled), training=False).numpy()

    return describe
