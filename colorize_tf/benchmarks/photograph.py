"""Photographs colored by the model that comes with the package: a large one, and many."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from colorize_tf.benchmarks.archive import ProgressRecorder
from colorize_tf.benchmarks.inputs import write_gray_photograph, write_gray_photographs
from colorize_tf.benchmarks.machine import usable_cores
from colorize_tf.benchmarks.measuring import Contender, Part, Stopwatch

# Size of the photographs in the folder: 1 megapixel.
_HEIGHT, _WIDTH = 864, 1152


def measure_photograph(
    watch: Stopwatch, *, height: int = 3000, width: int = 4000, count: int = 200
) -> Iterator[Part]:
    """Measure coloring a JPEG file beside only reading and writing it; then a folder.

    Args:
        watch: measures.
        height: of the large photograph, in pixels.
        width: of the large photograph, in pixels.
        count: photographs of a megapixel in the folder.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "gray.jpg", Path(folder) / "color.jpg"
        write_gray_photograph(source, height, width)
        colorize, copy = make_colorizing(source, target)
        yield watch.compare(
            f"a JPEG of {height * width / 1e6:g} megapixels into another",
            [Contender("coloring it", colorize), Contender("only reading and writing it", copy)],
            unit="s",
            as_time=True,
        )
    yield _measure_folder(watch, count)


def make_colorizing(source: Path, target: Path) -> tuple[Callable[[], None], Callable[[], None]]:
    """Return a function that colors a photograph, and one that only reads and writes it."""
    from colorize_tf.imagefiles import read_photograph, write_photograph
    from colorize_tf.inference.colorizer import Colorizer

    colorizer = Colorizer.load(None)

    def colorize() -> None:
        photograph = read_photograph(source)
        write_photograph(target, photograph.with_images(colorizer(photograph.images)))

    def copy() -> None:
        write_photograph(target, read_photograph(source))

    return colorize, copy


def _measure_folder(watch: Stopwatch, count: int) -> Part:
    from colorize_tf.inference.batch.local_engine import colorize_locally
    from colorize_tf.inference.batch.processor import load_processor
    from colorize_tf.inference.batch.summary import Summary
    from colorize_tf.inference.batch.tasks import list_tasks

    jobs = usable_cores()
    processor = load_processor(None, overwrite=True)
    with tempfile.TemporaryDirectory() as folder:
        write_gray_photographs(Path(folder, "in"), count, _HEIGHT, _WIDTH)
        tasks = list_tasks([f"{folder}/in"], Path(folder, "out"), recursive=True).tasks

        def colorize() -> None:
            colorize_locally(tasks, processor, Summary(), jobs=jobs, progress=ProgressRecorder())

        return watch.compare(
            f"a folder of {count} JPEG files of 1 megapixel",
            [Contender(f"coloring them, {jobs} jobs", colorize, count)],
            rounds=3,
            seconds=0.0,
        )
