"""The input pipeline, JPEG files to batches, beside the loader that tutorials use."""

import itertools
import multiprocessing
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from colorize_tf.benchmarks.inputs import write_training_pictures
from colorize_tf.benchmarks.measuring import Contender, Part, Stopwatch
from colorize_tf.benchmarks.tutorial_loader import load_batch

_WORKERS = 2
# Batches that the tutorials' loader makes in one turn.
_BATCHES = 8
# Long turns make the batches negligible that were prefetched before a turn.
_SECONDS = 5.0


def measure_pipeline(
    watch: Stopwatch, *, image_size: int = 256, batch_size: int = 32, count: int = 128
) -> Iterator[Part]:
    """Measure the training pipeline, with pictures decoded once and in each epoch.

    Args:
        watch: measures.
        image_size: height and width of the pictures and of the crops, in pixels.
        batch_size: pictures in a batch.
        count: number of JPEG files.
    """
    from colorize_tf.data.pipeline import load_size, training_dataset

    with tempfile.TemporaryDirectory() as folder:
        paths = write_training_pictures(Path(folder), count, load_size(image_size))
        contenders = []
        for name, cache in {"decoded once": "memory", "decoded each time": "none"}.items():
            examples = training_dataset(
                paths, image_size=image_size, batch_size=batch_size, cache=cache
            )
            stream = iter(examples)
            for _ in range(2 * count // batch_size):
                next(stream)
            contenders.append(Contender(f"ours, {name}", stream.__next__, batch_size))
        with multiprocessing.get_context("spawn").Pool(_WORKERS) as pool:
            tasks = _make_tasks(paths, image_size, batch_size)

            def load_as_tutorials() -> None:
                # Wait for all batches: work in the background would slow the others' turns.
                pool.map(load_batch, itertools.islice(tasks, _BATCHES), chunksize=1)

            name = f"Pillow and scikit-image, {_WORKERS} processes"
            contenders.append(Contender(name, load_as_tutorials, _BATCHES * batch_size))
            yield watch.compare(
                f"input pipeline: JPEG to batches of {batch_size} at {image_size} px",
                contenders,
                seconds=_SECONDS,
            )


def _make_tasks(
    paths: Sequence[Path], image_size: int, batch_size: int
) -> Iterator[tuple[list[str], int, int]]:
    endless = itertools.cycle(map(str, paths))
    for seed in itertools.count():
        yield list(itertools.islice(endless, batch_size)), image_size, seed
