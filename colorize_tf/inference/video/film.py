"""Colorizes black-and-white films."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from colorize_tf.color.toning import describe_color
from colorize_tf.files import atomic_write
from colorize_tf.inference.colorizer import Colorizer
from colorize_tf.inference.errors import AlreadyInColorError
from colorize_tf.inference.rendering import join
from colorize_tf.inference.video.reader import FilmReader, open_film, sample_frames
from colorize_tf.inference.video.smoothing import ChromaSmoother
from colorize_tf.inference.video.writer import Writer, open_writer

FILM_SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".webm")

# Frames in one call of the network: few, because a 4K frame has 25 MB.
_BATCH_FRAMES = 8
_BATCH_BYTES = 100 * 2**20

# Frames that show whether a film is in color.
_SAMPLED_FRAMES = 9


@dataclass(frozen=True)
class FilmReport:
    """A description of a colorized film.

    Attributes:
        frames: number of frames.
        cuts: number of scenes after the first.
        frame_rate: frames per second.
        encoder: name of the encoder.
        sound: whether it has sound.
        notes: differences from the source, each a sentence without full stop.
    """

    frames: int
    cuts: int
    frame_rate: float
    encoder: str
    sound: bool
    notes: tuple[str, ...]


def colorize_film(
    colorizer: Colorizer,
    source: Path,
    target: Path,
    *,
    intensity: float = 1.0,
    ensemble: str | None = None,
    force: bool = False,
    deflicker: bool = False,
    progress: Callable[[int, int | None], None] | None = None,
) -> FilmReport:
    """Colorize a film; lightness, size, frame rate and, if ffmpeg is installed, sound stay.

    Chroma is predicted frame by frame, from lightness whose exposure is steadied, and smoothed
    along motion within each scene. An odd height or width becomes even: the last row or column is
    repeated, and a note says so. A film of variable frame rate gets a constant one: frames are
    repeated or dropped according to their timestamps. The target is written atomically, and only if
    the source can be read to its end.

    Args:
        colorizer: the model.
        source: a film, one of `FILM_SUFFIXES`.
        target: the `.mp4` to write; an existing one is replaced.
        intensity: factor of the chroma, 0 to 2.
        ensemble: as `Colorizer` takes it.
        force: whether to colorize a film that is in color already.
        deflicker: whether to write the steadied lightness; by default that of the source stays.
        progress: called after every frame with the number of frames of the source that are done,
            and their total, None if it is not known.

    Returns:
        A description of the target.

    Raises:
        AlreadyInColorError: most of the film is in color, and `force` is not set.
        ValueError: the source cannot be read to its end, the target cannot be written, or the model
            fails; the message is one line and names the film.
    """
    source, target = Path(source), Path(target)
    check_film_target(source, target)
    if not force:
        _check_gray(source)
    smoother = ChromaSmoother()
    try:
        with open_film(source) as film, atomic_write(target) as temporary:
            frames = _colored_frames(colorizer, film, smoother, intensity, ensemble, deflicker)
            first = next(frames)  # Without any frame, the reader raises its own error.
            height, width = first[0].shape[:2]
            with open_writer(
                temporary,
                (width + width % 2, height + height % 2),
                film.frame_rate,
                name=target,
                source=source,
                aspect=film.aspect,
            ) as writer:
                written = _write(writer, itertools.chain([first], frames), film, progress)
    except OSError as error:
        raise ValueError(
            f"cannot write {target}: {error.strerror or error}; free space or choose another folder"
        ) from error
    return FilmReport(
        frames=written,
        cuts=smoother.cuts,
        frame_rate=film.frame_rate,
        encoder=writer.encoder,
        sound=writer.sound,
        notes=tuple(_notes(film, writer, written, width, height)),
    )


def _check_gray(source: Path) -> None:
    # Several frames, because the titles of a gray film may be in color.
    kinds = [describe_color(images) for images in sample_frames(source, _SAMPLED_FRAMES)]
    if 2 * kinds.count("color") > len(kinds):
        raise AlreadyInColorError(f"{source} is in color already; --force colorizes it anyway")


def _colored_frames(
    colorizer: Colorizer,
    film: FilmReader,
    smoother: ChromaSmoother,
    intensity: float,
    ensemble: str | None,
    deflicker: bool,
) -> Iterator[tuple[np.ndarray, int]]:
    """Yield each colorized frame, and how many times to show it."""
    paced = film.paced_frames()
    for first in paced:
        at_once = min(_BATCH_FRAMES, max(1, _BATCH_BYTES // first[0].nbytes))
        batch = [first, *itertools.islice(paced, at_once - 1)]
        tracked = [smoother.track(images) for images, _ in batch]
        abs_ = colorizer.predict([frame.images for frame in tracked], ensemble=ensemble)
        for (images, times), frame, ab in zip(batch, tracked, abs_, strict=True):
            shown = frame.images if deflicker else images
            joined = join(shown, smoother.smooth(frame, ab), intensity=intensity)
            yield joined, times


def _write(
    writer: Writer,
    frames: Iterable[tuple[np.ndarray, int]],
    film: FilmReader,
    progress: Callable[[int, int | None], None] | None,
) -> int:
    """Write all frames with even height and width, and return their number."""
    written = 0
    total = len(film.timeline.times) if film.timeline else film.announced or 0
    for done, (images, times) in enumerate(frames, 1):
        bottom, right = (side % 2 for side in images.shape[:2])
        images = cv2.copyMakeBorder(images, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
        for _ in range(times):
            writer.write(images)
        written += times
        if progress is not None:
            progress(done, total if done <= total else None)
    return written


def _notes(
    film: FilmReader, writer: Writer, written: int, width: int, height: int
) -> Iterator[str]:
    if width % 2 or height % 2:
        yield (
            f"its size is {width} x {height}, and players need even sides; the last row or column "
            f"was repeated to {width + width % 2} x {height + height % 2}"
        )
    if not writer.keeps_sound:
        yield "sound, if any, is left out; install ffmpeg to keep it"
        if film.aspect != 1:
            yield f"its pixels are {film.aspect:.3g} times as wide as high; only ffmpeg stores that"
    found = written if film.timeline else film.read
    if film.timeline:
        yield f"{written - film.read} dropped frames repeat the frame before, as in players"
    elif written != film.read:
        yield (
            f"its frame rate varies: {film.read} frames were written as {written} at "
            f"{film.frame_rate:.4g} per second"
        )
    if film.indexed and film.announced and found < film.announced:
        yield f"its header announces {film.announced} frames, {found} could be read"


def check_film_target(source: Path, target: Path) -> None:
    """Raise `ValueError` if the target cannot be written, or is the source."""
    if target.suffix.lower() != ".mp4":
        raise ValueError(f"cannot write {target}: films are written as .mp4; change its suffix")
    if target.is_dir():
        raise ValueError(f"cannot write {target}: it is a folder; name a file in it")
    if not target.parent.is_dir():
        raise ValueError(f"cannot write {target}: no folder {target.parent}; make it first")
    if target.exists() and source.exists() and target.samefile(source):
        raise ValueError(f"cannot write {target}: it is the source; choose another name")
