"""The photographs and the film of one open page, and the sessions of all pages."""

import contextlib
import dataclasses
import itertools
import secrets
import shutil
import threading
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from colorize_tf.demo_app.previews import (
    Notes,
    Preview,
    make_previews,
    make_task,
    translate_errors,
)
from colorize_tf.inference.batch.processor import PhotographProcessor
from colorize_tf.inference.video.film import FilmReport

_NO_PHOTOGRAPH = "the server no longer has the photograph; upload it again"
_NO_FILM = "the server no longer has the film; upload it again"


class UploadSession:
    """The uploads of one page, in a folder of their own.

    Args:
        folder: the folder, which is created; `close` removes it.

    Attributes:
        previews: the colored photographs.
    """

    def __init__(self, folder: Path):
        self.previews: list[Preview] = []
        self._folder = folder
        self._numbers = itertools.count(1)
        self._photographs: list[Path] = []
        self._film: Path | None = None
        self._stopped = threading.Event()
        folder.mkdir(parents=True)

    def replace_photographs(
        self,
        uploads: Sequence[Path],
        processor: PhotographProcessor,
        progress: Callable[[int, int], None],
    ) -> Notes:
        """Move uploaded photographs into the session, color them and remove those of before.

        If no photograph can be colored, the session keeps those of before.

        Args:
            uploads: the files.
            processor: the model and the settings.
            progress: called with the number of photographs done and of all.

        Returns:
            Messages, among them which photographs could not be colored.

        Raises:
            ValueError: no photograph could be colored, or the model no longer responds.
        """
        moved = [self._move(upload) for upload in dict.fromkeys(uploads)]
        previews: list[Preview] = []
        try:
            previews, notes = make_previews(moved, processor, progress)
        finally:
            colored = [path for path in moved if any(p.task.source == path for p in previews)]
            _remove([path for path in moved if path not in colored])
        _check_any(previews, notes)
        _remove(self._photographs)
        self._photographs, self.previews = colored, previews
        return notes

    def recolor(
        self, processor: PhotographProcessor, progress: Callable[[int, int], None]
    ) -> Notes:
        """Color the session's photographs with other settings; otherwise as for new ones."""
        processor = dataclasses.replace(processor, force=True)
        previews, notes = make_previews(self._photographs, processor, progress)
        _check_any(previews, notes)
        self.previews = previews
        return notes

    def preview(self, index: int) -> Preview:
        """Return one of `previews`.

        Raises:
            ValueError: the session is new and has none.
        """
        if not 0 <= index < len(self.previews):
            raise ValueError(_NO_PHOTOGRAPH)
        return self.previews[index]

    def write_archive(
        self, processor: PhotographProcessor, progress: Callable[[int, int], None]
    ) -> Path:
        """Write all colorings, as `Preview.write` does, into one ZIP file."""
        path = self._folder / "photographs in color.zip"
        used: set[str] = set()
        # Image files are compressed already.
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            for done, preview in enumerate(self.previews):
                progress(done, len(self.previews))
                written = preview.write(processor)
                name = next(name for name in _alternatives(written) if name not in used)
                used.add(name)
                archive.write(written, name)
        return path

    def replace_film(self, upload: Path) -> None:
        """Move an uploaded film into the session and remove the one of before."""
        _remove([self._film] if self._film else [])
        self._film = self._move(upload)

    def color_film(
        self, processor: PhotographProcessor, progress: Callable[[int, int | None], None]
    ) -> tuple[Path, FilmReport] | None:
        """Color the session's film as `colorize` does.

        Args:
            processor: the model and the settings.
            progress: called with the number of frames done, and of all where that is known.

        Returns:
            The colored film and its report; None after `stop_film`.

        Raises:
            ValueError: there is no film, or it cannot be colored.
        """
        if self._film is None:
            raise ValueError(_NO_FILM)
        self._stopped.clear()

        def advance(done: int, total: int | None) -> None:
            if self._stopped.is_set():
                raise _StoppedError
            progress(done, total)

        task = make_task(self._film)
        with translate_errors(self._film):
            try:
                report = dataclasses.replace(processor, force=True).film(task, advance)
            except _StoppedError:
                return None
        return task.targets[0], report

    def stop_film(self) -> None:
        """Make a running `color_film` return after the current frame."""
        self._stopped.set()

    def close(self) -> None:
        """Stop coloring and remove all files."""
        self.stop_film()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _move(self, upload: Path) -> Path:
        folder = self._folder / str(next(self._numbers))
        folder.mkdir()
        moved = Path(shutil.move(upload, folder / upload.name))
        # Gradio puts each upload into a folder of its own.
        with contextlib.suppress(OSError):
            upload.parent.rmdir()
        return moved


class Sessions:
    """The upload session of each open page.

    Args:
        folder: the sessions create their folders in it.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._sessions: dict[str, UploadSession] = {}
        self._lock = threading.Lock()

    def get(self, name: str) -> UploadSession:
        """Return the session of a page; a new page gets an empty one."""
        with self._lock:
            if name not in self._sessions:
                # The page chooses `name`; nobody can choose or guess the folder's name.
                self._sessions[name] = UploadSession(self._folder / secrets.token_urlsafe())
            return self._sessions[name]

    def close(self, name: str) -> None:
        """Remove the session of a page that was closed."""
        with self._lock:
            session = self._sessions.pop(name, None)
        if session is not None:
            session.close()

    def close_all(self) -> None:
        """Remove all sessions."""
        for name in list(self._sessions):
            self.close(name)


class _StoppedError(Exception):
    """Raised through a film's frames to abandon it."""


def discard(uploads: Sequence[Path]) -> None:
    """Remove uploads that no session takes."""
    for upload in dict.fromkeys(uploads):
        upload.unlink(missing_ok=True)


def _remove(sources: Sequence[Path]) -> None:
    """Remove uploads together with their results, which are in the same folder."""
    for source in sources:
        shutil.rmtree(source.parent, ignore_errors=True)


def _check_any(previews: list[Preview], notes: Notes) -> None:
    if not previews:
        first, *others = notes.failures or [_NO_PHOTOGRAPH]
        raise ValueError(f"{first} (and {len(others)} more)" if others else first)


def _alternatives(path: Path) -> Iterator[str]:
    """Yield the name of a file, then the same name with a number."""
    yield path.name
    for number in itertools.count(2):
        yield f"{path.stem} ({number}){path.suffix}"
