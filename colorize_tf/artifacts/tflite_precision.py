"""Which parts of a quantized network keep their float32: where it begins, and where it ends."""

import copy
from collections.abc import Callable, Sequence

from ai_edge_litert import schema_py_generated as schema

from colorize_tf.artifacts.tflite_join import packed

# What they lose is lost to all that follow.
_FIRST_CONVOLUTIONS = 3
_CONVOLUTIONS = {schema.BuiltinOperator.CONV_2D, schema.BuiltinOperator.DEPTHWISE_CONV_2D}
_SQUASHING = {schema.BuiltinOperator.TANH, schema.BuiltinOperator.SOFTMAX}


def nodes_to_keep_in_float(network: bytes) -> list[str]:
    """Name for int8 what the first convolutions make, and what a tanh or a softmax does.

    With the first three in int8, efficientnet_unet was 1.02 CIEDE2000 off, without 0.62. A tanh in
    int8 knows 256 levels, a Lab unit apart. Of a softmax's shares that int8 counts in 256ths, most
    of a few hundred are none: their mean was 1.3 CIEDE2000 off, which is 0.1 in float. What follows
    these two stays in float as well.

    Args:
        network: a `.tflite` file in float.

    Returns:
        Names of tensors.
    """
    model = schema.ModelT.InitFromPackedBuf(network, 0)
    (subgraph,) = model.subgraphs
    names, squashed, convolutions = [], set(), 0
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
    """Give a float16 file all biases, and the kernels of the first convolutions, in float32.

    A rounded bias shifts a whole channel; and a first kernel, which tells edges, has large weights
    whose sum is almost none until they are rounded. Of what efficientnet_unet answers the worst was
    0.016 off (rgb in 0..1), and is 0.003. They are a hundredth of its weights.

    Args:
        network: a `.tflite` file whose weights are float16, and made float32 as it is loaded.
        exact: the same network in float32.

    Returns:
        The content of a `.tflite` file.
    """

    def inputs(place, kind):
        return (1, 2) if place < _FIRST_CONVOLUTIONS else (2,)

    return _restored(network, exact, inputs)


def restore_depthwise_kernels(network: bytes, exact: bytes) -> bytes:
    """Give a dynamic file the kernels of its depthwise convolutions in float32.

    XNNPACK has none for kernels in int8 between features in float, and what takes its place made
    efficientnet_unet slower than in float32.

    Args:
        network: a `.tflite` file whose weights are int8 and whose features are float.
        exact: the same network in float32.

    Returns:
        The content of a `.tflite` file.
    """

    def inputs(place, kind):
        return (1,) if kind == schema.BuiltinOperator.DEPTHWISE_CONV_2D else ()

    return _restored(network, exact, inputs)


def _restored(network: bytes, exact: bytes, inputs: Callable[[int, int], Sequence[int]]) -> bytes:
    """Exchange the inputs of each convolution that `inputs(place, kind)` names by their number."""
    model, source = (schema.ModelT.InitFromPackedBuf(one, 0) for one in (network, exact))
    (subgraph,), (source_subgraph,) = model.subgraphs, source.subgraphs
    exchanged = set()
    pairs = zip(_convolutions(model), _convolutions(source), strict=True)
    for place, (ours, theirs) in enumerate(pairs):
        for number in inputs(place, _kind(model, ours)):
            if theirs.inputs[number] < 0:  # no bias
                continue
            # A copy: equal constants of several convolutions are one tensor.
            tensor = copy.copy(source_subgraph.tensors[theirs.inputs[number]])
            model.buffers.append(source.buffers[tensor.buffer])
            tensor.buffer = len(model.buffers) - 1
            subgraph.tensors[ours.inputs[number]] = tensor
            exchanged.add(ours.inputs[number])
    # What made them float32 when the file was loaded.
    subgraph.operators = [one for one in subgraph.operators if exchanged.isdisjoint(one.outputs)]
    return packed(model)


def _convolutions(model: schema.ModelT) -> list[schema.OperatorT]:
    (subgraph,) = model.subgraphs
    return [one for one in subgraph.operators if _kind(model, one) in _CONVOLUTIONS]


def _kind(model: schema.ModelT, operator: schema.OperatorT) -> int:
    code = model.operatorCodes[operator.opcodeIndex]
    return max(code.builtinCode, code.deprecatedBuiltinCode)
