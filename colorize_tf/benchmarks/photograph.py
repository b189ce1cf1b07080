"""Photographs colored by the model that comes with the package: a large one, and many."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from colorize_tf.benchmarks.inputs import write_folders, write_gray_photograph
from colorize_tf.benchmarks.measuring import Contender, Part, Row, compare

# Of the photographs in a folder, 1 megapixel.
_HEIGHT, _WIDTH = 864, 1152


def measure_photograph(
    *, height: int = 3000, width: int = 4000, count: int = 200, **options: float
) -> list[Part]:
    """Measure a JPEG colored into another, beside only reading and writing it; then a folder.

    Args:
        height: of the photograph, in pixels.
        width: of the photograph, in pixels.
        count: photographs of a megapixel in the folder.
        **options: `rounds` and `seconds` of `compare`.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "gray.jpg", Path(folder) / "color.jpg"
        write_gray_photograph(source, height, width)
        colorize, copy = coloring(source, target)
        alone = compare(
            [Contender("coloring it", colorize), Contender("only reading and writing it", copy)],
            unit="s",
            as_time=True,
            **options,
        )
    return [
        Part(f"a JPEG of {height * width / 1e6:g} megapixels into another", alone),
        Part(f"a folder of {count} JPEG files of 1 megapixel", _measure_folder(count, **options)),
    ]


def coloring(source: Path, target: Path) -> tuple[Callable[[], None], Callable[[], None]]:
    """Return what colors a photograph, and what only reads and writes it."""
    from colorize_tf.imagefiles.photograph import read_photograph, write_photograph
    from colorize_tf.inference.colorizer import Colorizer

    colorizer = Colorizer.load(None)

    def colorize():
        photograph = read_photograph(source)
        write_photograph(target, photograph.with_images(colorizer(photograph.images)))

    def copy():
        write_photograph(target, read_photograph(source))

    return colorize, copy


def _measure_folder(count: int, **options: float) -> Sequence[Row]:
    from colorize_tf.inference.batch.processor import load_processor
    from colorize_tf.inference.batch.session import colorize_tasks
    from colorize_tf.inference.batch.summary import Tally
    from colorize_tf.inference.batch.tasks import list_tasks

    jobs = os.cpu_count() or 1
    processor = load_processor(None, overwrite=True)
    with tempfile.TemporaryDirectory() as folder:
        write_folders(Path(folder, "in"), count, _HEIGHT, _WIDTH)
        tasks = list_tasks([f"{folder}/in"], Path(folder, "out"), recursive=True).tasks

        def colorize():
            colorize_tasks(tasks, processor, Tally(), jobs=jobs, progress=_unseen)

        options = {"rounds": 3, "seconds": 0.0, **options}
        return compare([Contender(f"coloring them, {jobs} jobs", colorize, count)], **options)


class _Unseen:
    """A display that shows nothing."""

    def advance(self, done: int, total: int | None = None) -> None:
        """Show nothing."""

    def line(self, text: str) -> None:
        """Fail, as nothing is to go wrong.

        Raises:
            ValueError: always.
        """
        raise ValueError(text)


@contextlib.contextmanager
def _unseen(*_) -> Iterator[_Unseen]:
    yield _Unseen()


def write_model(folder: Path) -> Path:
    """Write an untrained generator of the default recipe's kind and size as `.tflite`."""
    from colorize_tf import cli
    from colorize_tf.artifacts.keras_file import as_float32
    from colorize_tf.artifacts.tflite import convert_to_tflite
    from colorize_tf.models.unet import compact_unet

    path = folder / "model.tflite"
    with cli.native_logs_hidden():
        path.write_bytes(convert_to_tflite(as_float32(compact_unet())))
    return path
