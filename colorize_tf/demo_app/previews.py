"""Photographs on their way to the page: given as files, seen in a window, written as files."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from colorize_tf.imagefiles.media import is_out_of_memory
from colorize_tf.imagefiles.photograph import Photograph, encode_photograph, write_photograph
from colorize_tf.inference.batch.processor import AlreadyInColor, PhotographProcessor
from colorize_tf.inference.batch.summary import in_a_line
from colorize_tf.inference.batch.tasks import Task, list_tasks
from colorize_tf.inference.errors import ModelUnavailableError
from colorize_tf.inference.rendering import join, resize

# In pixels: enough for a large window, and joined anew while a slider moves.
_SHOWN_SIDE = 1280
_SHOWN_QUALITY = 90
_THUMBNAIL_SIDE = 240


@dataclasses.dataclass(frozen=True, eq=False)
class Preview:
    """One coloring of one photograph.

    Attributes:
        title: the photograph's name, with the number of the sample where there are several.
        task: the file that was given, and the one to write.
        small: uint8 or uint16 `(height, width, 3)`, the photograph at the size that is shown.
        ab: float32 `(h, w, 2)` in [-1, 1], its chroma.
        thumbnail: a JPEG file of it.
    """

    title: str
    task: Task
    small: np.ndarray
    ab: np.ndarray
    thumbnail: Path

    def shown(self, intensity: float) -> bytes:
        """Return a JPEG file of it; an intensity of 0 is the photograph in black and white."""
        images = join(self.small, self.ab, intensity=intensity)
        return encode_photograph(Photograph(images), ".jpg", quality=_SHOWN_QUALITY)

    def write(self, processor: PhotographProcessor) -> Path:
        """Write it as `colorize` does, at native resolution and with the photograph's metadata.

        Args:
            processor: how it is done; its model is not asked again.

        Returns:
            The file.

        Raises:
            ValueError: it cannot be written.
        """
        processor = dataclasses.replace(processor, overwrite=True, force=True)
        with worded(self.task.source):
            opened, _ = processor.open(self.task)
            processor.write(self.task, processor.decode(self.task, opened), [self.ab])
        return self.task.targets[0]


@dataclasses.dataclass
class Notes:
    """What there is to tell of photographs, a line each.

    Attributes:
        failed: of those that cannot be colored, why.
        known: of others, what is to be known.
    """

    failed: list[str] = dataclasses.field(default_factory=list)
    known: list[str] = dataclasses.field(default_factory=list)


def make_slides(
    sources: Sequence[Path], processor: PhotographProcessor, progress: Callable[[int, int], None]
) -> tuple[list[Preview], Notes]:
    """Color photographs; those that cannot be are told, and the rest goes on.

    Args:
        sources: the files, each in a folder of its own, where the results go, too.
        processor: how it is done.
        progress: called with how many photographs are done, and how many there are.

    Returns:
        The colorings, in the order of the photographs; what there is to tell.

    Raises:
        ModelUnavailableError: the model does not answer any more.
    """
    slides, notes = [], Notes()
    for done, source in enumerate(sources):
        progress(done, len(sources))
        try:
            with worded(source):
                slides.extend(_slides(source, processor, notes))
        except ModelUnavailableError:
            raise
        except ValueError as error:
            notes.failed.append(str(error))
    return slides, notes


def task_of(source: Path, samples: int | None = None) -> Task:
    """Return what `colorize` does with a file and a folder for its results."""
    [task] = list_tasks([str(source)], source.parent / "color", samples=samples).tasks
    return task


@contextlib.contextmanager
def worded(source: Path) -> Iterator[None]:
    """Word what goes wrong with a file as `colorize` does, by the name that the visitor knows.

    Raises:
        ValueError: of one line, whatever it was; a `ModelUnavailableError` stays one.
    """
    try:
        yield
    except ModelUnavailableError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            line = f"{source.name}: out of memory; try a smaller one"
        else:
            line = in_a_line(error, source).removeprefix("error: ")
        for folder in (source.parent / "color", source.parent):
            line = line.replace(f"{folder}/", "")
        raise ValueError(line) from error


def _slides(source: Path, processor: PhotographProcessor, notes: Notes) -> Iterator[Preview]:
    task = task_of(source, None if processor.zs is None else len(processor.zs))
    photograph = _decoded(task, processor, notes)
    [chromas] = processor.predict([photograph])
    small = _reduced(photograph.images, _SHOWN_SIDE)
    tiny = _reduced(small, _THUMBNAIL_SIDE)
    folder = source.parent / "thumbnails"
    folder.mkdir(exist_ok=True)
    for number, (target, ab) in enumerate(zip(task.targets, chromas, strict=True), 1):
        title = source.name if len(chromas) == 1 else f"{source.name}, sample {number}"
        thumbnail = folder / f"{number}.jpg"
        write_photograph(thumbnail, Photograph(join(tiny, ab)))
        yield Preview(title, Task(source, (target,)), small, ab, thumbnail)


def _decoded(task: Task, processor: PhotographProcessor, notes: Notes) -> Photograph:
    name = task.source.name
    opened, _ = processor.open(task)
    try:
        photograph = processor.decode(task, opened)
    except AlreadyInColor:
        notes.known.append(f"{name} is in color already; its black and white is colored anew")
        photograph = dataclasses.replace(processor, force=True).decode(task, opened)
    if photograph.frames > 1:
        notes.known.append(f"{name} has {photograph.frames} frames or pages; the first is colored")
    return photograph


def _reduced(images: np.ndarray, side: int) -> np.ndarray:
    """Scale a photograph down so that its long side is at most `side`."""
    height, width = images.shape[:2]
    scale = min(1.0, side / max(height, width))
    return resize(images, *(max(1, round(length * scale)) for length in (height, width)))
