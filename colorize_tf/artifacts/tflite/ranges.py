"""Prepare a network for int8: equalize ranges where tensors share a scale."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

# The inputs of a concatenation share one int8 scale; up to this ratio of their ranges the smaller
# one keeps seven bits.
_RANGE_RATIO = 2.0


def balance_ranges(generator: keras.Model, inputs: Sequence[Sequence[np.ndarray]]) -> keras.Model:
    """Return an equivalent network in which concatenated tensors have similar ranges.

    In int8 all inputs of a concatenation have one scale. If a skip reaches 0.15 and the other
    input 5, the skip is rounded to five levels. Therefore the smaller input is multiplied, and the
    kernel that reads it divided, by the same factor: the cross-layer equalization of Nagel et al.
    2019 (arXiv 1906.04721, section 4.1), with a factor for each tensor instead of each channel.
    Concatenations that anything but convolutions read are left unchanged.

    Args:
        generator: functional, float32.
        inputs: lists of the generator's inputs, to measure the ranges on.
    """
    outputs = {id(tensor) for tensor in generator.outputs}
    concatenations = [layer for layer in generator.layers if _is_balanceable(layer, outputs)]
    if not concatenations:
        return generator
    factors = _range_factors(generator, concatenations, inputs)

    def call(layer: keras.Layer, tensors: Any, *others: Any, **options: Any) -> Any:
        if layer.name in factors:
            pairs = zip(tensors, factors[layer.name], strict=True)
            tensors = [tensor * factor if factor > 1 else tensor for tensor, factor in pairs]
        return layer(tensors, *others, **options)

    balanced = keras.models.clone_model(generator, call_function=call)
    balanced.set_weights(generator.get_weights())
    for concatenation in concatenations:
        channels = [tensor.shape[-1] for tensor in concatenation.input]
        divisors = np.repeat(factors[concatenation.name], channels).astype("float32")
        for reader in _readers(concatenation):
            # Kernels are (height, width, in, out), transposed ones (height, width, out, in).
            transposed = isinstance(reader, keras.layers.Conv2DTranspose)
            per_input = divisors if transposed else divisors[:, np.newaxis]
            kernel, *others = balanced.get_layer(reader.name).get_weights()
            balanced.get_layer(reader.name).set_weights([kernel / per_input, *others])
    return balanced


def _is_balanceable(layer: keras.Layer, outputs: set[int]) -> bool:
    """Return whether a concatenation of channels is read by unshared convolutions only."""
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
    concatenations: Sequence[keras.Layer],
    inputs: Sequence[Sequence[np.ndarray]],
) -> dict[str, list[float]]:
    """Return, by layer, the ratio of the largest input's range to each; 1 if it is small."""
    # A flat list, since Keras unpacks a list of one list.
    tensors = [tensor for layer in concatenations for tensor in layer.input]
    probe = keras.Model(generator.inputs, tensors)
    values = [[np.max(np.abs(tensor)) for tensor in probe(one)] for one in inputs]
    peaks = iter(np.max(values, axis=0).tolist())
    factors = {}
    for layer in concatenations:
        ranges = [next(peaks) for _ in layer.input]
        ratios = [max(ranges) / max(peak, 1e-6 * max(ranges), 1e-12) for peak in ranges]
        factors[layer.name] = [ratio if ratio > _RANGE_RATIO else 1.0 for ratio in ratios]
    return factors
