"""Joining two TFLite files: a network between the Lab maths on both its sides."""

import copy

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema


def join_network_and_color(network: bytes, color: bytes) -> bytes:
    """Put a network between the Lab maths, beside it alone, all on the same weights.

    Converted together they would be quantized together, and calibrated more than once.

    Args:
        network: a `.tflite` file from lightness, or from lightness and z, to ab.
        color: a `.tflite` file of signatures `before`, `image` to `lightness`, and `after`,
            `lightness` and `ab` to `colorized`.

    Returns:
        The content of a `.tflite` file of signatures `serving_default` and `predict_ab`, in which z
        is zeros, and `sample_ab` where there is a z to give.
    """
    model = schema.ModelT.InitFromPackedBuf(network, 0)
    parts = schema.ModelT.InitFromPackedBuf(color, 0)
    for subgraph in parts.subgraphs:
        for tensor in subgraph.tensors:
            tensor.buffer += len(model.buffers)
        for operator in subgraph.operators:
            operator.opcodeIndex += len(model.operatorCodes)
    model.buffers += parts.buffers
    model.operatorCodes += parts.operatorCodes

    (sample_ab,) = model.subgraphs
    (lightness_in, *z_in), (ab_out,) = sample_ab.inputs, sample_ab.outputs
    predict_ab = copy.copy(sample_ab)
    predict_ab.name = "predict_ab"
    predict_ab.inputs = [lightness_in]
    for index in z_in:
        predict_ab.tensors = [*sample_ab.tensors]
        predict_ab.tensors[index] = _zeros_like(sample_ab.tensors[index], model)
    before, before_ends = _signature(parts, "before")
    after, after_ends = _signature(parts, "after")
    whole = schema.SubGraphT()
    whole.name = "serving_default"
    whole.tensors, whole.operators = [], []
    at = _append(whole, before, {})
    image, lightness = at[before_ends["image"]], at[before_ends["lightness"]]
    at = _append(whole, predict_ab, {lightness_in: lightness})
    ab = at[ab_out]
    at = _append(whole, after, {after_ends["lightness"]: lightness, after_ends["ab"]: ab})
    colorized = at[after_ends["colorized"]]
    whole.inputs, whole.outputs = [image], [colorized]

    # First the whole photograph: it is what an interpreter runs that is not told a signature.
    model.subgraphs = [whole, predict_ab]
    model.signatureDefs = [
        _signature_def("serving_default", 0, {"image": image}, {"colorized": colorized}),
        _signature_def("predict_ab", 1, {"lightness": lightness_in}, {"ab": ab_out}),
    ]
    for index in z_in:
        sample_ab.name = "sample_ab"
        model.subgraphs.append(sample_ab)
        inputs = {"lightness": lightness_in, "z": index}
        model.signatureDefs.append(_signature_def("sample_ab", 2, inputs, {"ab": ab_out}))
    return packed(model)


def _zeros_like(tensor: schema.TensorT, model: schema.ModelT) -> schema.TensorT:
    """A constant of a float32 tensor's shape, whose buffer is added to the model."""
    buffer = schema.BufferT()
    buffer.data = np.zeros(4 * np.prod(tensor.shape), np.uint8)
    model.buffers.append(buffer)
    zeros = copy.copy(tensor)
    zeros.buffer = len(model.buffers) - 1
    return zeros


def _signature(model: schema.ModelT, key: str) -> tuple[schema.SubGraphT, dict[str, int]]:
    """A signature's subgraph and its inputs' and outputs' tensors by name."""
    (signature,) = [one for one in model.signatureDefs if one.signatureKey == key.encode()]
    ends = [*signature.inputs, *signature.outputs]
    names = {end.name.decode(): end.tensorIndex for end in ends}
    return model.subgraphs[signature.subgraphIndex], names


def _append(
    target: schema.SubGraphT, part: schema.SubGraphT, known: dict[int, int]
) -> dict[int, int]:
    """Append a subgraph to another; `known` are its tensors that are there already.

    Returns:
        Where each tensor of `part` is in `target`.
    """
    at = {-1: -1, **known}  # -1 is an optional input left out
    for index, tensor in enumerate(part.tensors):
        if index not in known:
            at[index] = len(target.tensors)
            target.tensors.append(tensor)
    for operator in part.operators:
        operator = copy.copy(operator)
        operator.inputs = [at[index] for index in operator.inputs]
        operator.outputs = [at[index] for index in operator.outputs]
        target.operators.append(operator)
    return at


def _signature_def(
    key: str, subgraph: int, inputs: dict[str, int], outputs: dict[str, int]
) -> schema.SignatureDefT:
    def tensor_maps(ends):
        maps = [schema.TensorMapT() for _ in ends]
        for one, (name, index) in zip(maps, ends.items(), strict=True):
            one.name, one.tensorIndex = name, index
        return maps

    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = key, subgraph
    signature.inputs, signature.outputs = tensor_maps(inputs), tensor_maps(outputs)
    return signature


def packed(model: schema.ModelT) -> bytes:
    """Write a model down as the content of a `.tflite` file."""
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
