"""Measure latency and memory of a TFLite file in a process of its own.

Each measurement starts `python -m colorize_tf.artifacts.tflite.timing`: in a process that has
loaded TensorFlow, LiteRT is slower by a tenth.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

# Large networks are timed with fewer runs.
_MOST_SECONDS = 2.0


def measure_tflite(content: bytes, *, threads: Sequence[int] = (1, 2), runs: int = 30) -> dict:
    """Measure a TFLite file on this machine.

    Args:
        content: what `convert_to_tflite` returned.
        threads: the numbers of threads to time with.
        runs: the number of timed calls, after one that is not counted; fewer if they take more
            than 2 seconds together.

    Returns:
        A dictionary that JSON can hold:

        - `latency_ms`: by signature and number of threads the median, in milliseconds.
        - `peak_memory_bytes` of a process that runs `serving_default` on one thread, and
          `runtime_memory_bytes` of the same process without a model.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(content)
        return {
            "latency_ms": _run_process("latency", path, runs, *threads),
            "peak_memory_bytes": _run_process("memory", path),
            "runtime_memory_bytes": _run_process("memory"),
        }


def _run_process(*arguments: object) -> Any:
    command = [sys.executable, "-m", __name__, *map(str, arguments)]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def _latency(path: str, runs: str, *threads: str) -> dict[str, dict[str, float]]:
    latency = {}
    for name in _interpreter(path, 1).get_signature_list():
        latency[name] = {
            count: _median(_interpreter(path, int(count)).get_signature_runner(name), int(runs))
            for count in threads
        }
    return latency


def _median(run: Any, runs: int) -> float:
    random = np.random.default_rng(0)
    inputs = {}
    for name, details in run.get_input_details().items():
        most = 255 if details["dtype"] == np.uint8 else 1
        inputs[name] = (random.random(details["shape"]) * most).astype(details["dtype"])
    run(**inputs)
    seconds: list[float] = []
    while len(seconds) < runs and sum(seconds) < _MOST_SECONDS:
        start = time.perf_counter()
        run(**inputs)
        seconds.append(time.perf_counter() - start)
    return round(1000 * statistics.median(seconds), 3)


def _memory(path: str | None = None) -> int:
    if path is not None:
        run = _interpreter(path, 1).get_signature_runner("serving_default")
        details = run.get_input_details().items()
        inputs = {name: np.zeros(one["shape"], one["dtype"]) for name, one in details}
        for _ in range(3):
            run(**inputs)
    # On Linux ru_maxrss includes the parent's peak, so that /proc is read where it exists.
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024
    except (OSError, IndexError):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def _interpreter(path: str, threads: int) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    return Interpreter(model_path=path, num_threads=threads)


if __name__ == "__main__":
    measurement, *arguments = sys.argv[1:]
    result: Any = _latency(*arguments) if measurement == "latency" else _memory(*arguments)
    print(json.dumps(result))
