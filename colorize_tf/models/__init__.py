"""Networks: plain functions that return named functional models of built-in Keras layers."""

import importlib
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
    if spec in GENERATORS:
        return GENERATORS[spec]
    module_name, colon, function_name = spec.partition(":")
    if not colon:
        raise ValueError(
            f"no generator {spec!r}; there are {', '.join(GENERATORS)}, or your own as "
            "package.module:function"
        )
    try:
        module = importlib.import_module(module_name)
    except (ImportError, ValueError) as error:  # ValueError: an empty or relative name
        raise ValueError(
            f"generator {spec!r} cannot be imported: {error}; start in the folder that contains "
            f"{module_name.partition('.')[0] or 'the module'}, or add that folder to PYTHONPATH"
        ) from error
    function = getattr(module, function_name, None)
    if not callable(function):
        raise ValueError(
            f"{module_name} has no function {function_name!r}; a generator is given as "
            "package.module:function"
        )
    return function
