"""Sets of records: how memory and time grow with the number of photographs."""

import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from colorize_tf.benchmarks.measuring import Part, Row
from colorize_tf.benchmarks.processes import peak_memory

_SIDE = 64
_RENDERED = 64
_IN_A_FOLDER = 1000
_IMAGE_SIZE = 56

# One pass, as training reads it.
_READER = """
import sys
from colorize_tf import cli
cli.start_tensorflow()
from colorize_tf.data.pipeline import training_dataset
from colorize_tf.data.records.prepared_set import open_set
records = open_set(sys.argv[1]).sides["train"]
examples = training_dataset(records, image_size=int(sys.argv[2]), batch_size=32, cache="none")
for _ in examples.take(len(records) // 32):
    pass
"""


def measure_records(*, counts: Sequence[int] = (10_000, 100_000)) -> list[Part]:
    """Measure `prepare`, and one pass of training's pipeline over what it wrote.

    Args:
        counts: numbers of photographs, each of 64 pixels a side.
    """
    memory, speed = [], []
    for count in counts:
        with tempfile.TemporaryDirectory() as scratch:
            photographs, records = Path(scratch, "photographs"), str(Path(scratch, "records"))
            write_many(photographs, count)
            prepare = ["-m", "colorize_tf.prepare", str(photographs), "-o", records]
            commands = {
                "prepare": [*prepare, "--size", str(_SIDE)],
                "a pass of the pipeline": ["-c", _READER, records, str(_IMAGE_SIZE)],
            }
            for name, command in commands.items():
                started = time.perf_counter()
                memory.append(Row(f"{name}, {count:,}", peak_memory(command), "GiB"))
                rate = count / (time.perf_counter() - started)
                speed.append(Row(f"{name}, {count:,}", rate, "pictures/s"))
    return [
        Part("peak memory of a process by the number of photographs", memory),
        Part(f"whole commands on photographs of {_SIDE} px", speed),
    ]


def write_many(folder: Path, count: int) -> None:
    """Write small JPEG files, no two alike: windows on a few rendered landscapes.

    Args:
        folder: is made, with folders of a thousand files in it.
        count: how many, at most 262,144.
    """
    from colorize_tf.data.synthetic.landscapes import render_landscape
    from colorize_tf.imagefiles import media

    rendered = [render_landscape(seed, 2 * _SIDE, 2 * _SIDE) for seed in range(_RENDERED)]
    for index in range(count):
        below = folder / f"{index // _IN_A_FOLDER:03d}"
        if index % _IN_A_FOLDER == 0:
            os.makedirs(below)
        top, left = divmod(index // _RENDERED, _SIDE)
        window = rendered[index % _RENDERED][top : top + _SIDE, left : left + _SIDE]
        (below / f"{index:06d}.jpg").write_bytes(media.encode("picture.jpg", window.copy()))
