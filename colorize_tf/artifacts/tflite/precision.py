"""Keep parts of a quantized network in float32: the first convolutions and the end."""

import copy
from collections.abc import Callable, Sequence

from ai_edge_litert import schema_py_generated as schema

from colorize_tf.artifacts.tflite.join import packed

# Rounding errors of these reach all that follow.
_FIRST_CONVOLUTIONS = 3
_CONVOLUTIONS = {schema.BuiltinOperator.CONV_2D, schema.BuiltinOperator.DEPTHWISE_CONV_2D}
_SQUASHING = {schema.BuiltinOperator.TANH, schema.BuiltinOperator.SOFTMAX}


def nodes_to_keep_in_float(network: bytes) -> list[str]:
    """Name the nodes that int8 leaves in float: the first convolutions, and a tanh or softmax.

    With the first three convolutions in int8 the error of efficientnet_unet is CIEDE2000 1.02,
    otherwise 0.62. A tanh in int8 has 256 levels, one Lab unit apart. Of the hundreds of
    probabilities of a softmax, int8 rounds most to zero, and the error of their mean color is
    CIEDE2000 1.3 instead of 0.1. Nodes after a tanh or softmax are left in float as well.

    `network` is a `.tflite` file in float; nodes have the names of their tensors.
    """
    model = schema.ModelT.InitFromPackedBuf(network, 0)
    (subgraph,) = model.subgraphs
    names: list[str] = []
    squashed: set[int] = set()
    convolutions = 0
    for operator in subgraph.operators:
        kind = _kind(model, operator)
        if kind in _SQUASHING or not squashed.isdisjoint(operator.inputs):
            squashed.update(operator.outputs)
        elif convolutions == _FIRST_CONVOLUTIONS:
            continue
        convolutions += kind in _CONVOLUTIONS
        names += [subgraph.tensors[index].name.decode() for index in operator.outputs]
    return names


def restore_biases_and_first_kernels(network: bytes, exact: bytes) -> bytes:
    """Restore all biases, and the kernels of the first convolutions, of a float16 file.

    A rounded bias shifts a whole channel. The first kernels detect edges: their weights are large
    and sum to almost zero until they are rounded. This reduces the largest error of
    efficientnet_unet from 0.016 to 0.003 (rgb in 0..1), for a hundredth of its weights.

    `network` is a `.tflite` file with float16 weights, which are cast to float32 on loading;
    `exact` is the same in float32.
    """

    def inputs(position: int, kind: int) -> Sequence[int]:
        return (1, 2) if position < _FIRST_CONVOLUTIONS else (2,)

    return _restored(network, exact, inputs)


def restore_depthwise_kernels(network: bytes, exact: bytes) -> bytes:
    """Restore the kernels of depthwise convolutions of a dynamically quantized file.

    XNNPACK does not support int8 kernels with float features in depthwise convolutions, and the
    fallback makes efficientnet_unet slower than in float32.

    `network` is a `.tflite` file with int8 weights and float features; `exact` is the same in
    float32.
    """

    def inputs(position: int, kind: int) -> Sequence[int]:
        return (1,) if kind == schema.BuiltinOperator.DEPTHWISE_CONV_2D else ()

    return _restored(network, exact, inputs)


def _restored(network: bytes, exact: bytes, inputs: Callable[[int, int], Sequence[int]]) -> bytes:
    """Replace the inputs of each convolution whose numbers `inputs(position, kind)` returns."""
    model, source = (schema.ModelT.InitFromPackedBuf(one, 0) for one in (network, exact))
    (subgraph,), (source_subgraph,) = model.subgraphs, source.subgraphs
    replaced: set[int] = set()
    pairs = zip(_convolutions(model), _convolutions(source), strict=True)
    for position, (ours, theirs) in enumerate(pairs):
        for number in inputs(position, _kind(model, ours)):
            if theirs.inputs[number] < 0:  # no bias
                continue
            # A copy, as equal constants of several convolutions are one tensor.
            tensor = copy.copy(source_subgraph.tensors[theirs.inputs[number]])
            model.buffers.append(source.buffers[tensor.buffer])
            tensor.buffer = len(model.buffers) - 1
            subgraph.tensors[ours.inputs[number]] = tensor
            replaced.add(ours.inputs[number])
    # Remove the casts to float32.
    subgraph.operators = [one for one in subgraph.operators if replaced.isdisjoint(one.outputs)]
    return packed(model)


def _convolutions(model: schema.ModelT) -> list[schema.OperatorT]:
    (subgraph,) = model.subgraphs
    return [one for one in subgraph.operators if _kind(model, one) in _CONVOLUTIONS]


def _kind(model: schema.ModelT, operator: schema.OperatorT) -> int:
    code = model.operatorCodes[operator.opcodeIndex]
    return max(code.builtinCode, code.deprecatedBuiltinCode)
