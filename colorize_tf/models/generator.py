"""The interface that all generators share: `lightness`, and perhaps noise, to `ab`."""

from pathlib import Path
from typing import Any

import keras
import tensorflow as tf


def check_generator(generator: keras.Model, name: str | Path) -> None:
    """Check that a network maps square `lightness`, and perhaps a noise vector z, to `ab`.

    Args:
        generator: the network.
        name: what to call it in an error.

    Raises:
        ValueError: it is no Keras model with these inputs and outputs, or its output is not
            float32.
    """
    if not isinstance(generator, keras.Model):
        raise ValueError(f"{name} is not a keras.Model but a {type(generator).__name__}")
    inputs, outputs = (getattr(generator, f"{end}_shape", None) for end in ("input", "output"))
    lightness, z = inputs, (None, 1)
    if isinstance(inputs, list) and len(inputs) == 2:
        lightness, z = inputs
    size = outputs[1] if isinstance(outputs, tuple) and len(outputs) == 4 else None
    is_square = (lightness, outputs) == ((None, size, size, 1), (None, size, size, 2))
    if not is_square or size is None or len(z) != 2 or z[1] is None:
        raise ValueError(
            f"{name} is not a colorize_tf generator: expected inputs of shape "
            "(None, size, size, 1), alone or followed by (None, z_size), and output "
            f"(None, size, size, 2); got {inputs} and {outputs}"
        )
    if generator.output.dtype != "float32":
        raise ValueError(
            f"{name} returns ab as {generator.output.dtype}, expected float32 under every dtype "
            'policy; give the last layer dtype="float32"'
        )


def z_size_of(generator: keras.Model) -> int:
    """Return the length of the noise vector z that a generator takes; 0 if it takes none."""
    shapes = generator.input_shape
    return shapes[1][1] if isinstance(shapes, list) else 0


def generate_ab(
    generator: keras.Model, lightness: tf.Tensor, z: tf.Tensor | None = None
) -> tf.Tensor:
    """Predict ab as every artifact does: without dropout, and with z = 0 unless z is given.

    Args:
        generator: `lightness` to `ab`, or `[lightness, z]` to `ab`.
        lightness: float32 `(batch, size, size, 1)`.
        z: float32 `(batch, z_size)`, where the generator takes it.

    Returns:
        float32 `ab` `(batch, size, size, 2)`.
    """
    z_size = z_size_of(generator)
    if not z_size:
        return generator(lightness, training=False)
    lightness = keras.ops.convert_to_tensor(lightness)
    if z is None:
        z = keras.ops.zeros((keras.ops.shape(lightness)[0], z_size))
    return generator([lightness, keras.ops.convert_to_tensor(z)], training=False)


def resize_generator(generator: keras.Model, size: int) -> keras.Model:
    """Copy a generator for another input size.

    Args:
        generator: `lightness` to `ab`, or `[lightness, z]` to `ab`.
        size: height and width in pixels.

    Returns:
        The same network with the same weights, of another input shape.

    Raises:
        ValueError: the network does not support this size.
    """
    multiple = _total_stride(generator)
    if size < multiple or size % multiple:
        fitting = max(multiple, round(size / multiple) * multiple)
        raise ValueError(
            f"size {size} does not fit {generator.name}: it must be a multiple of {multiple}, "
            f"for example {fitting}"
        )
    inputs = keras.Input((size, size, 1), name="lightness")
    if z_size := z_size_of(generator):
        inputs = [inputs, keras.Input((z_size,), name="z")]
    try:
        resized = keras.models.clone_model(generator, inputs)
    except ValueError as error:
        raise ValueError(
            f"{generator.name} cannot be resized: one of its layers is made for "
            f"{generator.output_shape[1]} pixels"
        ) from error
    resized.set_weights(generator.get_weights())
    return resized


def _total_stride(generator: keras.Model) -> int:
    """Return the factor by which the network reduces the height at its bottleneck."""

    def are_images(structure: Any) -> bool:
        return all(len(tensor.shape) == 4 for tensor in tf.nest.flatten(structure))

    heights = [
        tensor.shape[1]
        for layer in generator.layers
        # Leaves out the layer that reshapes z to an image of one pixel.
        if are_images(layer.input) and are_images(layer.output)
        for tensor in tf.nest.flatten(layer.output)
    ]
    return generator.output_shape[1] // min(heights)
