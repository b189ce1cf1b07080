"""A black-and-white film in, the same film in color out."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from colorize_tf.files import atomic_write
from colorize_tf.inference.colorizer import Colorizer
from colorize_tf.inference.rendering import join
from colorize_tf.inference.video.reader import FilmReader, open_film
from colorize_tf.inference.video.smoothing import ChromaSmoother
from colorize_tf.inference.video.writer import open_writer

FILM_SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".webm")

# Frames that go to the network together: few, as a 4K frame has 25 MB.
_BATCH_FRAMES = 8
_BATCH_BYTES = 100 * 2**20


@dataclass(frozen=True)
class FilmReport:
    """What became of a film.

    Attributes:
        frames: how many frames were written.
        cuts: how many scenes began after the first.
        frame_rate: frames per second.
        encoder: what wrote it.
        sound: whether it has sound.
        notes: what its owner should know, each a sentence without full stop.
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
    progress: Callable[[int, int | None], None] | None = None,
) -> FilmReport:
    """Color a film; its lightness, size, frame rate and, where ffmpeg is installed, sound stay.

    Chroma is predicted frame by frame and smoothed along motion within each scene. An odd side is
    made even by doubling its last row or column. A film of variable frame rate gets a constant one,
    by showing frames again or leaving them out where their times ask for it. The target is whole or
    not there, and a source that cannot be read to its end leaves no target.

    Args:
        colorizer: what predicts the colors.
        source: a film, one of `FILM_SUFFIXES`.
        target: the `.mp4` to write; an existing one is replaced.
        intensity: of the colors, 0 to 2.
        ensemble: as `Colorizer` takes it.
        progress: called after every frame with how many frames of the source are done, and how
            many there are, None where that is not known.

    Returns:
        What was written.

    Raises:
        ValueError: of one line that names the film: the source cannot be read, or not to its end,
            the target cannot be written, or the model does not answer.
    """
    source, target = Path(source), Path(target)
    check_film_target(source, target)
    smoother = ChromaSmoother()
    try:
        with open_film(source) as film, atomic_write(target) as aside:
            frames = _colored_frames(
                colorizer, film, smoother, intensity=intensity, ensemble=ensemble
            )
            first = next(frames)  # never the last: without any, the reader raises
            with open_writer(
                aside,
                first[0].shape[1::-1],
                film.frame_rate,
                name=target,
                source=source,
                aspect=film.aspect,
            ) as writer:
                written = _write(writer, itertools.chain([first], frames), film, progress)
    except OSError as error:
        raise ValueError(
            f"cannot write {target}: {error.strerror or error}; free space or choose another place"
        ) from error
    return FilmReport(
        frames=written,
        cuts=smoother.cuts,
        frame_rate=film.frame_rate,
        encoder=writer.encoder,
        sound=writer.sound,
        notes=tuple(_notes(film, writer, written)),
    )


def _colored_frames(
    colorizer: Colorizer,
    film: FilmReader,
    smoother: ChromaSmoother,
    *,
    intensity: float,
    ensemble: str | None,
) -> Iterator[tuple[np.ndarray, int]]:
    """Yield each colored frame, its sides even, and how many times to show it."""
    paced = film.paced_frames()
    for first in paced:
        at_once = min(_BATCH_FRAMES, max(1, _BATCH_BYTES // first[0].nbytes))
        batch = [first, *itertools.islice(paced, at_once - 1)]
        chromas = colorizer.chromas([images for images, _ in batch], ensemble=ensemble)
        for (images, times), ab in zip(batch, chromas, strict=True):
            joined = join(images, smoother(images, ab), intensity=intensity)
            bottom, right = (side % 2 for side in images.shape[:2])
            yield cv2.copyMakeBorder(joined, 0, bottom, 0, right, cv2.BORDER_REPLICATE), times


def _write(writer, frames, film, progress):
    """Write all frames and return how many those are."""
    written = 0
    for done, (images, times) in enumerate(frames, 1):
        for _ in range(times):
            writer.write(images)
        written += times
        if progress is not None:
            progress(done, film.announced if done <= (film.announced or 0) else None)
    return written


def _notes(film, writer, written):
    if not writer.keeps_sound:
        yield "sound, if any, is left out: keeping it takes ffmpeg on the PATH"
        if film.aspect != 1:
            yield f"its pixels are {film.aspect:.3g} times as wide as high; only ffmpeg keeps that"
    if written != film.read:
        yield (
            f"its frame rate varies: {film.read} frames were written as {written} at "
            f"{film.frame_rate:.4g} per second"
        )
    if film.indexed and film.announced and film.read < film.announced:
        yield f"its header announces {film.announced} frames, {film.read} could be read"


def check_film_target(source: Path, target: Path) -> None:
    """Raise `ValueError` if a film cannot be written there, or is the one to read."""
    if target.suffix.lower() != ".mp4":
        raise ValueError(f"cannot write {target}: films are written as .mp4; change its suffix")
    if target.is_dir():
        raise ValueError(f"cannot write {target}: it is a folder; name a file in it")
    if not target.parent.is_dir():
        raise ValueError(f"cannot write {target}: no folder {target.parent}; make it first")
    if target.exists() and source.exists() and target.samefile(source):
        raise ValueError(f"cannot write {target}: it is the film to color; choose another name")
