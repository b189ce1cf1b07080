"""The input pipeline: JPEG files to batches, beside the loader that tutorials use."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from colorize_tf.benchmarks.measuring import Contender, Part, compare
from colorize_tf.benchmarks.tutorial_loader import load_batch

_WORKERS = 2
# That the tutorial's loader is asked for at a time.
_BATCHES = 8
# Long turns, beside which the few batches that wait at their beginning do not count.
_SECONDS = 5.0


def measure_pipeline(
    *, image_size: int = 256, batch_size: int = 32, count: int = 128, **options: float
) -> list[Part]:
    """Measure the pipeline as it trains, decoding only once, and decoding each time.

    Args:
        image_size: height and width of the pictures and of the crops, in pixels.
        batch_size: pictures in a batch.
        count: how many JPEG files there are.
        **options: `rounds` and `seconds` of `compare`.
    """
    from colorize_tf.data.pipeline import load_size, training_dataset

    with tempfile.TemporaryDirectory() as folder:
        paths = write_pictures(Path(folder), count, load_size(image_size))
        shape = {"image_size": image_size, "batch_size": batch_size}
        contenders = []
        for name, cache in {"decoded once": "memory", "decoded each time": "none"}.items():
            stream = iter(training_dataset(paths, cache=cache, **shape))
            for _ in range(2 * count // batch_size):
                next(stream)
            contenders.append(Contender(f"ours, {name}", stream.__next__, batch_size))
        with multiprocessing.get_context("spawn").Pool(_WORKERS) as pool:
            tasks = _tasks(paths, image_size, batch_size)

            def tutorial():
                # All of it awaited: what went on working would slow the others' turns.
                pool.map(load_batch, itertools.islice(tasks, _BATCHES), chunksize=1)

            name = f"Pillow and scikit-image, {_WORKERS} processes"
            contenders.append(Contender(name, tutorial, _BATCHES * batch_size))
            rows = compare(contenders, **{"seconds": _SECONDS, **options})
    return [Part(f"input pipeline: JPEG to batches of {batch_size} at {image_size} px", rows)]


def write_pictures(folder: Path, count: int, size: int) -> list[Path]:
    """Write square JPEG files to train on.

    Args:
        folder: is made.
        count: how many.
        size: height and width in pixels.
    """
    from colorize_tf.data.synthetic.landscapes import render_landscape
    from colorize_tf.imagefiles import media

    folder.mkdir(exist_ok=True)
    paths = [folder / f"{index}.jpg" for index in range(count)]
    for index, path in enumerate(paths):
        # A few are enough: every one is decoded all the same.
        if index < 8:
            media.write_image(path, render_landscape(index, size, size))
        else:
            os.link(paths[index % 8], path)
    return paths


def _tasks(
    paths: Sequence[Path], image_size: int, batch_size: int
) -> Iterator[tuple[list[str], int, int]]:
    endless = itertools.cycle(map(str, paths))
    for seed in itertools.count():
        yield list(itertools.islice(endless, batch_size)), image_size, seed
