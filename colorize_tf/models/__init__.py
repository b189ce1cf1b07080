"""Networks: plain functions that return named functional models of built-in Keras layers."""

from collections.abc import Callable

import keras

from colorize_tf.models.cnn import plain_cnn, zhang_classes_cnn, zhang_cnn
from colorize_tf.models.unet import (
    compact_unet,
    efficientnet_unet,
    pix2pix_unet,
    resnet18_unet,
    tiny_unet,
)
from colorize_tf.plugins import find_function

GENERATORS: dict[str, Callable[..., keras.Model]] = {
    "compact_unet": compact_unet,
    "efficientnet_unet": efficientnet_unet,
    "pix2pix_unet": pix2pix_unet,
    "plain_cnn": plain_cnn,
    "resnet18_unet": resnet18_unet,
    "tiny_unet": tiny_unet,
    "zhang_classes_cnn": zhang_classes_cnn,
    "zhang_cnn": zhang_cnn,
}
"""Builders by name. Each takes the image size; some take further keyword arguments."""


def resolve_generator(spec: str) -> Callable[..., keras.Model]:
    """Find the function that builds a generator.

    Args:
        spec: a name in `GENERATORS`, or `package.module:function`, a function of the image size
            that returns a Keras model of `lightness` to `ab`.

    Returns:
        The function. Check what it builds with `colorize_tf.models.generator.check_generator`.

    Raises:
        ValueError: an unknown name, a module that cannot be imported, or no such function in it.

    Example:
        >>> resolve_generator("tiny_unet")(32).output_shape
        (None, 32, 32, 2)
        >>> resolve_generator("colorize_tf.models.unet:tiny_unet") is tiny_unet
        True
    """
    return find_function(spec, "generator", GENERATORS)
