"""The photographs and the film of one visitor: files, and what became of them."""

import contextlib
import dataclasses
import itertools
import shutil
import threading
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from colorize_tf.demonstration.slides import Notes, Slide, make_slides, task_of, worded
from colorize_tf.inference.shoebox import Shoebox
from colorize_tf.inference.video import FilmReport

_EMPTY = "no photograph is here any more; drop it once more"


class Album:
    """What one visitor has given, in a folder of its own.

    Args:
        folder: where it is kept; is made, and removed by `close`.

    Attributes:
        slides: the photographs in colour.
    """

    def __init__(self, folder: Path):
        self.slides: list[Slide] = []
        self._folder = folder
        self._numbers = itertools.count(1)
        self._sources: list[Path] = []
        self._film: Path | None = None
        self._stopped = threading.Event()
        folder.mkdir(parents=True)

    def take(
        self, uploads: Sequence[Path], shoebox: Shoebox, progress: Callable[[int, int], None]
    ) -> Notes:
        """Move photographs into the album and colour them, instead of those that were in it.

        Those that cannot be coloured are told; where none can be, the album stays as it was.

        Args:
            uploads: the files; each is gone from where it was.
            shoebox: how they are coloured.
            progress: called with how many photographs are done, and how many there are.

        Returns:
            What there is to tell.

        Raises:
            ValueError: none of them can be coloured, or the model does not answer any more.
        """
        given = [self._moved(upload) for upload in dict.fromkeys(uploads)]
        slides = []
        try:
            slides, notes = make_slides(given, shoebox, progress)
        finally:
            colored = [source for source in given if any(s.task.source == source for s in slides)]
            _remove([source for source in given if source not in colored])
        self._check(slides, notes)
        _remove(self._sources)
        self._sources, self.slides = colored, slides
        return notes

    def colour(self, shoebox: Shoebox, progress: Callable[[int, int], None]) -> Notes:
        """Colour the photographs in the album anew; otherwise as `take`."""
        shoebox = dataclasses.replace(shoebox, force=True)
        slides, notes = make_slides(self._sources, shoebox, progress)
        self._check(slides, notes)
        self.slides = slides
        return notes

    def slide(self, index: int) -> Slide:
        """Return one of `slides`.

        Raises:
            ValueError: there is none, since the album is new.
        """
        if not 0 <= index < len(self.slides):
            raise ValueError(_EMPTY)
        return self.slides[index]

    def write_all(self, shoebox: Shoebox, progress: Callable[[int, int], None]) -> Path:
        """Write all photographs in colour as `Slide.write` does, into one ZIP file."""
        path = self._folder / "photographs in colour.zip"
        taken = set()
        # What is in it is compressed already.
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            for done, slide in enumerate(self.slides):
                progress(done, len(self.slides))
                written = slide.write(shoebox)
                name = next(name for name in _names(written) if name not in taken)
                taken.add(name)
                archive.write(written, name)
        return path

    def take_film(self, upload: Path) -> None:
        """Move a film into the album, instead of the one that was in it."""
        _remove([self._film] if self._film else [])
        self._film = self._moved(upload)

    def colour_film(
        self, shoebox: Shoebox, progress: Callable[[int, int | None], None]
    ) -> tuple[Path, FilmReport] | None:
        """Colour the film in the album as `colorize` does.

        Args:
            shoebox: how it is done.
            progress: called with how many frames are done, and how many there are, if known.

        Returns:
            The film in colour, and what there is to tell of it; None where it was stopped.

        Raises:
            ValueError: there is no film, or it cannot be coloured.
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
                report = dataclasses.replace(shoebox, force=True).film(task, advance)
            except _Stopped:
                return None
        return task.targets[0], report

    def stop(self) -> None:
        """End `colour_film` after the frame that it is at."""
        self._stopped.set()

    def close(self) -> None:
        """Remove all files."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    @staticmethod
    def _check(slides: list[Slide], notes: Notes) -> None:
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
