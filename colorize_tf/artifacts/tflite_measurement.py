"""How long a TFLite file takes and how much memory, in a process that holds nothing else.

`python -m colorize_tf.artifacts.tflite_measurement` is started for each measurement: beside
TensorFlow, its threads and its memory, a file takes a tenth longer.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np


def measure_tflite(content: bytes, *, threads: Sequence[int] = (1, 2), runs: int = 30) -> dict:
    """Measure a TFLite file on this machine.

    Args:
        content: what `convert_to_tflite` returned.
        threads: the numbers of threads to time with.
        runs: how many calls the median is of, after one that is not counted.

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
            "latency_ms": _apart("latency", path, runs, *threads),
            "peak_memory_bytes": _apart("memory", path),
            "runtime_memory_bytes": _apart("memory"),
        }


def _apart(*arguments: object) -> dict | int:
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


def _median(run, runs: int) -> float:
    random = np.random.default_rng(0)
    inputs = {
        name: (random.random(one["shape"]) * _top(one["dtype"])).astype(one["dtype"])
        for name, one in run.get_input_details().items()
    }
    run(**inputs)
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        run(**inputs)
        seconds.append(time.perf_counter() - start)
    return round(1000 * statistics.median(seconds), 3)


def _top(dtype: type) -> int:
    return 255 if dtype == np.uint8 else 1


def _memory(path: str | None = None) -> int:
    if path is not None:
        run = _interpreter(path, 1).get_signature_runner("serving_default")
        details = run.get_input_details().items()
        inputs = {name: np.zeros(one["shape"], one["dtype"]) for name, one in details}
        for _ in range(3):
            run(**inputs)
    # Linux carries ru_maxrss over from the parent, so that the peak is read from the process's own
    # memory map where there is one.
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024
    except (OSError, IndexError):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def _interpreter(path: str, threads: int):
    from ai_edge_litert.interpreter import Interpreter

    return Interpreter(model_path=path, num_threads=threads)


if __name__ == "__main__":
    measurement, *arguments = sys.argv[1:]
    print(json.dumps({"latency": _latency, "memory": _memory}[measurement](*arguments)))
