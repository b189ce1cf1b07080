"""What one photograph of an archive costs, stage by stage, and ten million of them."""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from colorize_tf.benchmarks.inputs import write_gray_photograph
from colorize_tf.benchmarks.measuring import Part, Row

_MANY = 10_000_000


def measure_stages(*, height: int, width: int, rounds: int = 5) -> Part:
    """Measure a gray JPEG file colored by the model that comes with the package.

    Processor time is that of all threads: what an archive pays, however many cores share it.

    Args:
        height: of the photograph, in pixels.
        width: of the photograph, in pixels.
        rounds: how often each stage is measured, after once for nothing.
    """
    from colorize_tf.imagefiles.photograph import encode_photograph
    from colorize_tf.inference.batch.processor import load_processor

    processor = load_processor(None)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "gray.jpg")
        write_gray_photograph(path, height, width)
        data = path.read_bytes()
    photograph = processor.decode_bytes(data, path)
    [[ab]] = processor.predict([photograph])
    painted = processor.paint(photograph, ab)
    stages = {
        "decode": lambda: processor.decode_bytes(data, path),
        "network": lambda: processor.predict([photograph]),
        "join": lambda: processor.paint(photograph, ab),
        "encode": lambda: encode_photograph(painted, ".jpg", quality=processor.quality),
    }
    seconds = {name: _processor_seconds(act, rounds) for name, act in stages.items()}
    sizes = {"bytes in": len(data), "bytes out": len(stages["encode"]())}
    return Part(
        f"a JPEG of {height * width / 1e6:.3g} megapixels into color, processor time and bytes",
        [
            *(Row(name, 1000 * value, "ms of a core") for name, value in seconds.items()),
            *(Row(name, value / 1e6, "MB") for name, value in sizes.items()),
            Row("ten million", _MANY * sum(seconds.values()) / 3600, "core hours"),
            Row("ten million, in and out", _MANY * sum(sizes.values()) / 1e12, "TB"),
        ],
    )


def _processor_seconds(act: Callable[[], object], rounds: int) -> float:
    act()
    taken = []
    for _ in range(rounds):
        started = time.process_time()
        act()
        taken.append(time.process_time() - started)
    return statistics.median(taken)
