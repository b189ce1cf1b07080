"""Making a network fit for int8: equal ranges where a scale is shared."""

from collections.abc import Sequence

import keras
import numpy as np

# Tensors that meet in a concatenation share one int8 scale; up to this ratio of their ranges the
# smaller one keeps seven bits.
_RANGE_RATIO = 2.0


def balance_ranges(generator: keras.Model, inputs: Sequence[Sequence[np.ndarray]]) -> keras.Model:
    """Return an equal network in which what is concatenated has similar ranges.

    Int8 gives all inputs of a concatenation one scale. Where the first skip reaches 0.15 and what
    it joins 5, five levels are left of it. So the smaller is multiplied up, and the kernel that
    reads it divided: the cross-layer equalization of Nagel et al. 2019 (arXiv 1906.04721, section
    4.1), with a factor for a tensor instead of a channel. What is read by anything but
    convolutions stays as it is.

    Args:
        generator: functional, float32.
        inputs: of the generator, in lists, as many as its ranges are to be measured on.
    """
    outputs = {id(tensor) for tensor in generator.outputs}
    joints = [layer for layer in generator.layers if _is_balanceable(layer, outputs)]
    if not joints:
        return generator
    factors = _range_factors(generator, joints, inputs)

    def call(layer, tensors, *others, **options):
        if layer.name in factors:
            pairs = zip(tensors, factors[layer.name], strict=True)
            tensors = [tensor * factor if factor > 1 else tensor for tensor, factor in pairs]
        return layer(tensors, *others, **options)

    balanced = keras.models.clone_model(generator, call_function=call)
    balanced.set_weights(generator.get_weights())
    for joint in joints:
        channels = [tensor.shape[-1] for tensor in joint.input]
        divisors = np.repeat(factors[joint.name], channels).astype("float32")
        for reader in _readers(joint):
            # Kernels are (height, width, in, out), transposed ones (height, width, out, in).
            transposed = isinstance(reader, keras.layers.Conv2DTranspose)
            per_input = divisors if transposed else divisors[:, np.newaxis]
            kernel, *others = balanced.get_layer(reader.name).get_weights()
            balanced.get_layer(reader.name).set_weights([kernel / per_input, *others])
    return balanced


def _is_balanceable(layer: keras.Layer, outputs: set[int]) -> bool:
    """Whether only convolutions of its own read a concatenation of channels."""
    if not isinstance(layer, keras.layers.Concatenate) or layer.axis not in (-1, 3):
        return False
    readers = _readers(layer)
    convolutions = keras.layers.Conv2D, keras.layers.Conv2DTranspose
    return (
        len(layer._inbound_nodes) == 1
        and id(layer.output) not in outputs
        and all(
            type(reader) in convolutions
            and getattr(reader, "groups", 1) == 1
            and len(reader._inbound_nodes) == 1
            for reader in readers
        )
    )


def _readers(layer: keras.Layer) -> list[keras.Layer]:
    return [node.operation for node in layer._outbound_nodes]


def _range_factors(
    generator: keras.Model,
    joints: Sequence[keras.Layer],
    inputs: Sequence[Sequence[np.ndarray]],
) -> dict[str, list[float]]:
    """By layer how much larger the largest of its inputs is than each; 1 where that is little."""
    # A flat list: Keras unpacks a list of one list.
    probe = keras.Model(generator.inputs, [tensor for joint in joints for tensor in joint.input])
    peaks = np.max([[np.max(np.abs(tensor)) for tensor in probe(one)] for one in inputs], axis=0)
    peaks = iter(peaks.tolist())
    factors = {}
    for joint in joints:
        ranges = [next(peaks) for _ in joint.input]
        ratios = [max(ranges) / max(peak, 1e-6 * max(ranges), 1e-12) for peak in ranges]
        factors[joint.name] = [ratio if ratio > _RANGE_RATIO else 1.0 for ratio in ratios]
    return factors
