"""Join two TFLite files: the network, and the Lab conversions before and after it."""

import copy

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema


def join_network_and_color(network: bytes, color: bytes) -> bytes:
    """Make one file of the network alone and the network between the Lab conversions.

    All signatures share the weights. If they were converted together, they would be quantized
    together, and calibrated more than once.

    Args:
        network: a `.tflite` file from lightness, or from lightness and z, to ab.
        color: a `.tflite` file with the signatures `before`, `image` to `lightness`, and `after`,
            `lightness` and `ab` to `colorized`.

    Returns:
        The content of a `.tflite` file with the signatures `serving_default` and `predict_ab`,
        which use zeros for z, and `sample_ab` if the network takes z. Tensor names are unique
        within each subgraph.
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

    # An interpreter that is not given a signature runs the first subgraph.
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
    for subgraph in model.subgraphs:
        _make_names_unique(subgraph)
    return packed(model)


def _make_names_unique(subgraph: schema.SubGraphT) -> None:
    """Rename tensors whose name occurred before, since OpenVINO rejects repeated names."""
    names: set[str] = set()
    tensors = []
    for index, tensor in enumerate(subgraph.tensors):
        name = (tensor.name or b"").decode()
        if name in names:
            # A copy, as subgraphs share tensors.
            tensor = copy.copy(tensor)
            name = f"{name}_{index}"
            tensor.name = name.encode()
        names.add(name)
        tensors.append(tensor)
    subgraph.tensors = tensors


def _zeros_like(tensor: schema.TensorT, model: schema.ModelT) -> schema.TensorT:
    """Make a constant of a float32 tensor's shape, and add its buffer to the model."""
    buffer = schema.BufferT()
    buffer.data = np.zeros(4 * np.prod(tensor.shape), np.uint8)
    model.buffers.append(buffer)
    zeros = copy.copy(tensor)
    zeros.buffer = len(model.buffers) - 1
    return zeros


def _signature(model: schema.ModelT, key: str) -> tuple[schema.SubGraphT, dict[str, int]]:
    """Return a signature's subgraph, and its input and output tensors by name."""
    (signature,) = [one for one in model.signatureDefs if one.signatureKey == key.encode()]
    ends = [*signature.inputs, *signature.outputs]
    names = {end.name.decode(): end.tensorIndex for end in ends}
    return model.subgraphs[signature.subgraphIndex], names


def _append(
    target: schema.SubGraphT, part: schema.SubGraphT, known: dict[int, int]
) -> dict[int, int]:
    """Append a subgraph to another; `known` maps its tensors that the target already contains.

    Returns:
        The index in `target` of each tensor of `part`.
    """
    at = {-1: -1, **known}  # -1 is an omitted optional input.
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
    def tensor_maps(ends: dict[str, int]) -> list[schema.TensorMapT]:
        maps = [schema.TensorMapT() for _ in ends]
        for one, (name, index) in zip(maps, ends.items(), strict=True):
            one.name, one.tensorIndex = name, index
        return maps

    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = key, subgraph
    signature.inputs, signature.outputs = tensor_maps(inputs), tensor_maps(outputs)
    return signature


def packed(model: schema.ModelT) -> bytes:
    """Serialize a model to the content of a `.tflite` file."""
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
