"""Colored photographs at the size of the page; written at their own resolution on demand."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from colorize_tf.imagefiles import Photograph, encode_photograph, is_out_of_memory, write_photograph
from colorize_tf.inference.batch.processor import PhotographProcessor
from colorize_tf.inference.batch.summary import describe_error
from colorize_tf.inference.batch.tasks import Task, list_tasks
from colorize_tf.inference.errors import AlreadyInColorError, ModelUnavailableError
from colorize_tf.inference.rendering import join, resize

# Long sides in pixels. A preview fills a large window and is rendered anew while a slider moves.
_PREVIEW_SIDE = 1280
_THUMBNAIL_SIDE = 240
_PREVIEW_QUALITY = 90


@dataclasses.dataclass(frozen=True, eq=False)
class Preview:
    """One coloring of one photograph.

    Attributes:
        title: the photograph's name, with the number of the sample if there are several.
        task: the uploaded file and the file to write.
        images: uint8 or uint16 `(height, width, 3)`, the photograph at the size of the page.
        ab: float32 `(h, w, 2)` in [-1, 1], the predicted chroma.
        thumbnail: a small JPEG file of the result.
    """

    title: str
    task: Task
    images: np.ndarray
    ab: np.ndarray
    thumbnail: Path

    def encode(self, intensity: float) -> bytes:
        """Render the preview as a JPEG file; an intensity of 0 gives black and white."""
        images = join(self.images, self.ab, intensity=intensity)
        return encode_photograph(Photograph(images), ".jpg", quality=_PREVIEW_QUALITY)

    def write(self, processor: PhotographProcessor) -> Path:
        """Write the result as `colorize` does: at full resolution, with the metadata.

        Args:
            processor: the settings; its model is not called again.

        Returns:
            The written file.

        Raises:
            ValueError: the file cannot be written.
        """
        processor = dataclasses.replace(processor, overwrite=True, force=True)
        with translate_errors(self.task.source):
            opened, _ = processor.open(self.task)
            processor.write(self.task, processor.decode(self.task, opened), [self.ab])
        return self.task.targets[0]


@dataclasses.dataclass
class Notes:
    """Messages about photographs, a line each.

    Attributes:
        failures: why photographs could not be colored.
        remarks: what to know about those that were.
    """

    failures: list[str] = dataclasses.field(default_factory=list)
    remarks: list[str] = dataclasses.field(default_factory=list)


def make_previews(
    sources: Sequence[Path], processor: PhotographProcessor, progress: Callable[[int, int], None]
) -> tuple[list[Preview], Notes]:
    """Color photographs; note those that fail and go on with the rest.

    Args:
        sources: the files, each in a folder of its own, to which its results are written too.
        processor: the model and the settings.
        progress: called with the number of photographs done and of all.

    Returns:
        The colorings in the order of the photographs, and messages about them.

    Raises:
        ModelUnavailableError: the model no longer responds.
    """
    previews: list[Preview] = []
    notes = Notes()
    for done, source in enumerate(sources):
        progress(done, len(sources))
        try:
            with translate_errors(source):
                previews.extend(_color(source, processor, notes))
        except ModelUnavailableError:
            raise
        except ValueError as error:
            notes.failures.append(str(error))
    return previews, notes


def make_task(source: Path, samples: int | None = None) -> Task:
    """Return the task that `colorize` makes of a file, with results in a folder beside it."""
    [task] = list_tasks([str(source)], source.parent / "color", samples=samples).tasks
    return task


@contextlib.contextmanager
def translate_errors(source: Path) -> Iterator[None]:
    """Translate errors about a file as `colorize` does, with the file's name instead of its path.

    Raises:
        ValueError: any error, as one line; a `ModelUnavailableError` passes unchanged.
    """
    try:
        yield
    except ModelUnavailableError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            line = f"{source.name}: out of memory; try a smaller one"
        else:
            line = describe_error(error, source).removeprefix("error: ")
        for folder in (source.parent / "color", source.parent):
            line = line.replace(f"{folder}/", "")
        raise ValueError(line) from error


def _color(source: Path, processor: PhotographProcessor, notes: Notes) -> Iterator[Preview]:
    task = make_task(source, None if processor.zs is None else len(processor.zs))
    photograph = _decode(task, processor, notes)
    [results] = processor.predict([photograph])
    images = _fit(photograph.images, _PREVIEW_SIDE)
    small = _fit(images, _THUMBNAIL_SIDE)
    folder = source.parent / "thumbnails"
    folder.mkdir(exist_ok=True)
    for number, (target, ab) in enumerate(zip(task.targets, results, strict=True), 1):
        title = source.name if len(results) == 1 else f"{source.name}, sample {number}"
        thumbnail = folder / f"{number}.jpg"
        write_photograph(thumbnail, Photograph(join(small, ab)))
        yield Preview(title, Task(source, (target,)), images, ab, thumbnail)


def _decode(task: Task, processor: PhotographProcessor, notes: Notes) -> Photograph:
    name = task.source.name
    opened, _ = processor.open(task)
    try:
        photograph = processor.decode(task, opened)
    except AlreadyInColorError:
        notes.remarks.append(f"{name} is in color already; its colors are replaced")
        photograph = dataclasses.replace(processor, force=True).decode(task, opened)
    if photograph.frames > 1:
        notes.remarks.append(
            f"{name} has {photograph.frames} frames or pages; only the first is colored"
        )
    return photograph


def _fit(images: np.ndarray, side: int) -> np.ndarray:
    """Scale a photograph down so that its long side is at most `side` pixels."""
    height, width = images.shape[:2]
    scale = min(1.0, side / max(height, width))
    return resize(images, max(1, round(height * scale)), max(1, round(width * scale)))
