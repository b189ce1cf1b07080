"""Prepared sets: memory and time by the number of photographs."""

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from colorize_tf.benchmarks.measuring import TIME_LIMIT, Part, Row, Stopwatch
from colorize_tf.benchmarks.processes import peak_memory

_SIDE = 64
_SCENES = 64
_FOLDER_SIZE = 1000
_IMAGE_SIZE = 56

# One epoch of the training pipeline.
_READER = """
import sys
from colorize_tf import cli
cli.start_tensorflow()
from colorize_tf.data.pipeline import training_dataset
from colorize_tf.data.records.prepared_set import open_set
records = open_set(sys.argv[1]).splits["train"]
examples = training_dataset(records, image_size=int(sys.argv[2]), batch_size=32, cache="none")
for _ in examples.take(len(records) // 32):
    pass
"""


def measure_records(
    watch: Stopwatch, *, counts: Sequence[int] = (10_000, 100_000)
) -> Iterator[Part]:
    """Measure `prepare`, and one epoch of the training pipeline over the set that it wrote.

    Args:
        watch: reports, and limits the time.
        counts: numbers of photographs, each of 64 pixels a side.
    """
    title = "peak memory of a process by the number of photographs"
    memory, speed, missing = [], [], []
    for count in counts:
        with tempfile.TemporaryDirectory() as scratch:
            photographs, records = Path(scratch, "photographs"), str(Path(scratch, "records"))
            watch.report(title, f"writing {count:,} photographs")
            write_distinct_photographs(photographs, count)
            prepare = ["-m", "colorize_tf.prepare", str(photographs), "-o", records]
            commands = {
                f"prepare, {count:,}": [*prepare, "--size", str(_SIDE)],
                f"an epoch of the pipeline, {count:,}": ["-c", _READER, records, str(_IMAGE_SIZE)],
            }
            for name, command in commands.items():
                watch.report(title, name)
                started = time.perf_counter()
                peak = peak_memory(command, timeout=watch.remaining())
                if peak is None:
                    missing.append(f"{name}: {TIME_LIMIT}")
                    break
                rate = count / (time.perf_counter() - started)
                memory.append(Row(name, peak, "GiB"))
                speed.append(Row(name, rate, "pictures/s"))
    yield Part(title, memory, missing)
    yield Part(f"whole commands on photographs of {_SIDE} px", speed)


def write_distinct_photographs(folder: Path, count: int) -> None:
    """Write small JPEG files of different contents: windows on a few rendered landscapes.

    Args:
        folder: a new folder, which gets subfolders of a thousand files.
        count: at most 262,144.
    """
    from colorize_tf import imagefiles
    from colorize_tf.data.synthetic.landscapes import render_landscape

    scenes = [render_landscape(seed, 2 * _SIDE, 2 * _SIDE) for seed in range(_SCENES)]
    for index in range(count):
        subfolder = folder / f"{index // _FOLDER_SIZE:03d}"
        if index % _FOLDER_SIZE == 0:
            os.makedirs(subfolder)
        top, left = divmod(index // _SCENES, _SIDE)
        window = scenes[index % _SCENES][top : top + _SIDE, left : left + _SIDE]
        contents = imagefiles.encode_photograph(imagefiles.Photograph(window), ".jpg")
        (subfolder / f"{index:06d}.jpg").write_bytes(contents)
