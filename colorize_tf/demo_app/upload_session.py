"""The photographs and the film of one visitor: files, and what became of them."""

import contextlib
import dataclasses
import itertools
import shutil
import threading
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from colorize_tf.demo_app.previews import Notes, Preview, make_slides, task_of, worded
from colorize_tf.inference.batch.processor import PhotographProcessor
from colorize_tf.inference.video.film import FilmReport

_EMPTY = "no photograph is here any more; drop it once more"


class UploadSession:
    """What one visitor has given, in a folder of its own.

    Args:
        folder: where it is kept; is made, and removed by `close`.

    Attributes:
        slides: the photographs in color.
    """

    def __init__(self, folder: Path):
        self.slides: list[Preview] = []
        self._folder = folder
        self._numbers = itertools.count(1)
        self._sources: list[Path] = []
        self._film: Path | None = None
        self._stopped = threading.Event()
        folder.mkdir(parents=True)

    def take(
        self,
        uploads: Sequence[Path],
        processor: PhotographProcessor,
        progress: Callable[[int, int], None],
    ) -> Notes:
        """Move photographs into the album and color them, instead of those that were in it.

        Those that cannot be colored are told; where none can be, the album stays as it was.

        Args:
            uploads: the files; each is gone from where it was.
            processor: how they are colored.
            progress: called with how many photographs are done, and how many there are.

        Returns:
            What there is to tell.

        Raises:
            ValueError: none of them can be colored, or the model does not answer any more.
        """
        given = [self._moved(upload) for upload in dict.fromkeys(uploads)]
        slides = []
        try:
            slides, notes = make_slides(given, processor, progress)
        finally:
            colored = [source for source in given if any(s.task.source == source for s in slides)]
            _remove([source for source in given if source not in colored])
        self._check(slides, notes)
        _remove(self._sources)
        self._sources, self.slides = colored, slides
        return notes

    def color(self, processor: PhotographProcessor, progress: Callable[[int, int], None]) -> Notes:
        """Color the photographs in the album anew; otherwise as `take`."""
        processor = dataclasses.replace(processor, force=True)
        slides, notes = make_slides(self._sources, processor, progress)
        self._check(slides, notes)
        self.slides = slides
        return notes

    def slide(self, index: int) -> Preview:
        """Return one of `slides`.

        Raises:
            ValueError: there is none, since the album is new.
        """
        if not 0 <= index < len(self.slides):
            raise ValueError(_EMPTY)
        return self.slides[index]

    def write_all(
        self, processor: PhotographProcessor, progress: Callable[[int, int], None]
    ) -> Path:
        """Write all photographs in color as `Preview.write` does, into one ZIP file."""
        path = self._folder / "photographs in color.zip"
        taken = set()
        # What is in it is compressed already.
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            for done, slide in enumerate(self.slides):
                progress(done, len(self.slides))
                written = slide.write(processor)
                name = next(name for name in _names(written) if name not in taken)
                taken.add(name)
                archive.write(written, name)
        return path

    def take_film(self, upload: Path) -> None:
        """Move a film into the album, instead of the one that was in it."""
        _remove([self._film] if self._film else [])
        self._film = self._moved(upload)

    def color_film(
        self, processor: PhotographProcessor, progress: Callable[[int, int | None], None]
    ) -> tuple[Path, FilmReport] | None:
        """Color the film in the album as `colorize` does.

        Args:
            processor: how it is done.
            progress: called with how many frames are done, and how many there are, if known.

        Returns:
            The film in color, and what there is to tell of it; None where it was stopped.

        Raises:
            ValueError: there is no film, or it cannot be colored.
        """
        if self._film is None:
            raise ValueError("no film is here any more; drop it once more")
        self._stopped.clear()

        def advance(done, total):
            if self._stopped.is_set():
                raise _Stopped
            progress(done, total)

        task = task_of(self._film)
        with worded(self._film):
            try:
                report = dataclasses.replace(processor, force=True).film(task, advance)
            except _Stopped:
                return None
        return task.targets[0], report

    def stop(self) -> None:
        """End `color_film` after the frame that it is at."""
        self._stopped.set()

    def close(self) -> None:
        """Remove all files."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    @staticmethod
    def _check(slides: list[Preview], notes: Notes) -> None:
        if not slides:
            first, *others = notes.failed or [_EMPTY]
            raise ValueError(f"{first} (and {len(others)} more)" if others else first)

    def _moved(self, upload: Path) -> Path:
        place = self._folder / str(next(self._numbers))
        place.mkdir()
        moved = Path(shutil.move(upload, place / upload.name))
        # Each upload comes in a folder of its own.
        with contextlib.suppress(OSError):
            upload.parent.rmdir()
        return moved


class _Stopped(Exception):
    """Raised out of a film that is not wanted any more."""


def discard(uploads: Sequence[Path]) -> None:
    """Remove uploaded files that are not taken."""
    for upload in dict.fromkeys(uploads):
        upload.unlink(missing_ok=True)


def _remove(sources: Sequence[Path]) -> None:
    """Remove what was given, and what was made of it."""
    for source in sources:
        shutil.rmtree(source.parent, ignore_errors=True)


def _names(path: Path) -> Iterator[str]:
    """Yield the name of a file, then others like it."""
    yield path.name
    for number in itertools.count(2):
        yield f"{path.stem} ({number}){path.suffix}"
