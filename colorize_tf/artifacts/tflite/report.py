"""Report size, ops, delegate support, latency and memory of a TFLite file."""

import contextlib
import io
from collections import Counter
from collections.abc import Sequence

import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from colorize_tf.artifacts.tflite.timing import measure_tflite

# Ops that the GPU delegate supports in float32: TensorFlow 2.21, lite/tools/versioning/
# gpu_compatibility.cc. It supports CAST for bool and int32 only; ours would be of uint8.
_GPU_OPS = frozenset(
    """
    ABS ADD ADD_N ATAN2 AVERAGE_POOL_2D BATCH_MATMUL CEIL CONCATENATION CONV_2D COS CUMSUM DENSIFY
    DEPTH_TO_SPACE DEPTHWISE_CONV_2D DEQUANTIZE DIV ELU EQUAL EXP FLOOR FLOOR_DIV FLOOR_MOD
    FULLY_CONNECTED GATHER GELU GREATER GREATER_EQUAL HARD_SWISH LEAKY_RELU LESS LESS_EQUAL LOG
    LOGICAL_AND LOGISTIC MAX_POOL_2D MAXIMUM MEAN MINIMUM MIRROR_PAD MUL NEG NOT_EQUAL ONE_HOT PACK
    PAD PADV2 POW PRELU QUANTIZE REDUCE_MAX REDUCE_MIN REDUCE_PROD RELU RELU6 RELU_N1_TO_1 RESHAPE
    RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR RSQRT SELECT SELECT_V2 SIGN SIN SLICE SOFTMAX
    SPACE_TO_DEPTH SPLIT SPLIT_V SQRT SQUARE SQUARED_DIFFERENCE STRIDED_SLICE SUB SUM TANH TILE
    TRANSPOSE TRANSPOSE_CONV
    """.split()
)


def report_tflite(content: bytes, *, threads: Sequence[int] = (1, 2), runs: int = 30) -> dict:
    """Describe a TFLite file and measure it on this machine, as `measure_tflite` does.

    Returns:
        A dictionary that JSON can hold:

        - `size_bytes`.
        - `ops`: by signature, how often each op occurs.
        - `foreign_ops`: names of Flex and custom ops; files of this package have none.
        - `xnnpack`: of `serving_default`, the number of `nodes`, of `delegated` ones and their
          `share` 0..1, the number of `partitions`, and `left_out`, by op the number of nodes that
          were not delegated.
        - `gpu`: whether it is `compatible`; `obstacles`, by signature how often each op occurs that
          the GPU delegate does not support; and the output of TensorFlow's model `analyzer`.
        - latency and memory, from `measure_tflite`.
    """
    ops = _ops(content)
    return {
        "size_bytes": len(content),
        **ops,
        "xnnpack": _delegated(content),
        "gpu": _gpu_compatibility(content, ops["ops"]),
        **measure_tflite(content, threads=threads, runs=runs),
    }


def report_table(reports: dict[str, dict]) -> str:
    """Format reports as a table for a terminal.

    Args:
        reports: by file what `report_tflite` returned, with `measure` and `value` of its difference
            from the generator; all timed with the same numbers of threads.

    Returns:
        A heading, and one line for each file.
    """
    threads = list(next(iter(reports.values()))["latency_ms"]["serving_default"])
    headings = ["", "MB", "ops", "XNNPACK", "GPU", *(f"ms, {n} threads" for n in threads)]
    rows = [[*headings, "peak MB", "error"]]
    for name, report in reports.items():
        latency = report["latency_ms"]["serving_default"]
        rows.append(
            [
                name,
                f"{report['size_bytes'] / 1e6:.2f}",
                str(sum(report["ops"]["serving_default"].values())),
                f"{report['xnnpack']['share']:.0%}",
                "yes" if report["gpu"]["compatible"] else "no",
                *(f"{latency[count]:.1f}" for count in threads),
                f"{report['peak_memory_bytes'] / 1e6:.0f}",
                f"{report['value']:.1e} {report['measure'].replace('_', ' ')}",
            ]
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        row[0].ljust(widths[0])
        + "".join(f"   {cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in rows
    )


def _ops(content: bytes) -> dict:
    """Count the ops of each signature, and name those that are not built into TFLite."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    builtin = {code: name for name, code in vars(schema.BuiltinOperator).items() if name[0] != "_"}
    names: list[str] = []
    foreign: set[str] = set()
    for code in model.operatorCodes:
        name = builtin[max(code.builtinCode, code.deprecatedBuiltinCode)]
        if name == "CUSTOM":
            name = (code.customCode or b"CUSTOM").decode()
            foreign.add(name)
        names.append(name)
    ops = {}
    for signature in model.signatureDefs:
        operators = model.subgraphs[signature.subgraphIndex].operators
        counts = Counter(names[operator.opcodeIndex] for operator in operators)
        ops[signature.signatureKey.decode()] = dict(sorted(counts.items()))
    return {"ops": ops, "foreign_ops": sorted(foreign)}


def _delegated(content: bytes) -> dict:
    """Count the nodes that XNNPACK runs.

    LiteRT lists a delegate's nodes after the file's own, with their input and output tensors; the
    nodes between these were delegated.
    """
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    listed = interpreter._get_ops_details()
    nodes = {node["index"]: node for node in listed if node["op_name"] != "DELEGATE"}
    partitions = [node for node in listed if node["op_name"] == "DELEGATE"]
    makers = {output: index for index, node in nodes.items() for output in node["outputs"]}
    delegated: set[int] = set()
    for partition in partitions:
        entering = set(partition["inputs"])
        to_visit = list(partition["outputs"])
        while to_visit:
            tensor = to_visit.pop()
            index = makers.get(tensor)
            if tensor in entering or index is None or index in delegated:
                continue
            delegated.add(index)
            to_visit.extend(nodes[index]["inputs"])
    left_out = Counter(node["op_name"] for index, node in nodes.items() if index not in delegated)
    return {
        "nodes": len(nodes),
        "delegated": len(delegated),
        "share": round(len(delegated) / len(nodes), 3),
        "partitions": len(partitions),
        "left_out": dict(sorted(left_out.items())),
    }


def _gpu_compatibility(content: bytes, ops: dict[str, dict[str, int]]) -> dict:
    """Find ops that the GPU delegate rejects, with the analyzer and with the list of its ops.

    The wheels of TensorFlow 2.21 are built without the analyzer's checks: it finds every file
    compatible, and does not suffice.
    """
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        tf.lite.experimental.Analyzer.analyze(model_content=content, gpu_compatibility=True)
    lines = [line.strip() for line in printed.getvalue().splitlines()]
    warnings = [line for line in lines if "COMPATIBILITY WARNING" in line]
    unknown = {
        signature: {op: count for op, count in counts.items() if op not in _GPU_OPS}
        for signature, counts in ops.items()
    }
    return {
        "compatible": not warnings and not any(unknown.values()),
        "obstacles": {signature: counts for signature, counts in unknown.items() if counts},
        "analyzer": warnings or [line for line in lines if "looks compatible" in line],
    }
