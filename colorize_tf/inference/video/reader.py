"""Reads the frames of a film with OpenCV, upright and at a constant rate."""

from __future__ import annotations

import itertools
import math
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from colorize_tf.inference.video.avi import AviTimeline, read_avi_timeline
from colorize_tf.inference.video.containers import FilmError, check_container

_HIGHEST_RATE = 240.0
# A longer interval between two timestamps, in seconds, is an error of the clock.
_LONGEST_PAUSE = 10.0
# Minimum share of the frames of the index that can be read.
_LEAST_READ = 0.9


@dataclass
class FilmReader:
    """Reads the frames of an open film.

    Attributes:
        path: the file.
        frame_rate: frames per second.
        announced: number of frames according to the header, or None.
        aspect: width of a pixel of the upright frame over its height.
        indexed: whether `announced` is exact; that of Matroska is an estimate from the length.
        read: number of frames that were read.
        timeline: the frames of an AVI with dropped frames as players show them, otherwise None.
    """

    path: Path
    frame_rate: float
    announced: int | None
    aspect: float
    indexed: bool
    timeline: AviTimeline | None
    _capture: cv2.VideoCapture
    read: int = 0

    def paced_frames(self) -> Iterator[tuple[np.ndarray, int]]:
        """Yield each frame and how many times to show it at a constant frame rate.

        With a variable frame rate, a frame that stays longer is shown more often, and a frame
        without a time of its own is dropped, so that every frame stays within one frame of its
        timestamp and of the sound. A dropped frame of an AVI repeats the frame before.

        Yields:
            images: uint8 `(height, width, 3)`, sRGB, upright.
            times: at least 1.

        Raises:
            FilmError: no frame can be read, or far fewer than the index of the film lists.
        """
        paced = self._repeat_dropped(self.timeline) if self.timeline else self._follow_timestamps()
        dropped = 0
        for images, times in paced:
            yield images, times
            dropped += times - 1
        self._check_all_read(self.read + (dropped if self.timeline else 0))

    def _repeat_dropped(self, timeline: AviTimeline) -> Iterator[tuple[np.ndarray, int]]:
        # Timestamps do not help here: OpenCV's are late by the delay of the decoder.
        times = itertools.chain(timeline.times, itertools.repeat(1))
        for images, _ in self._timed_frames():
            yield images, next(times)

    def _follow_timestamps(self) -> Iterator[tuple[np.ndarray, int]]:
        shown, waiting, before, start = 0, None, 0.0, 0.0
        for images, seconds in self._timed_frames():
            if waiting is not None:
                pause = seconds - before
                if not 0 < pause < _LONGEST_PAUSE:  # An error of the clock: restart it here.
                    start = seconds - (shown + 1) / self.frame_rate
                ahead = (seconds - start) * self.frame_rate - shown
                times = 1 if 0 < ahead < 2 else max(0, round(ahead))
                if times:
                    yield waiting, times
                shown += times
            else:
                start = seconds
            waiting, before = images, seconds
        if waiting is not None:
            yield waiting, 1

    def spread_frames(self, count: int) -> list[np.ndarray]:
        """Seek to up to `count` evenly spaced frames; return none if seeking fails."""
        frames: list[np.ndarray] = []
        announced = self.announced or 0
        for index in range(count if announced else 0):
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, (index + 0.5) / count * announced // 1)
            frames.extend(images for _, (images, _) in zip("1", self._timed_frames(), strict=False))
        return frames

    def _timed_frames(self) -> Iterator[tuple[np.ndarray, float]]:
        shape = None
        while True:
            there, images = self._capture.read()
            if not there:
                return
            shape = shape or images.shape
            if images.shape != shape:  # Broadcasts may change their size.
                images = cv2.resize(images, shape[1::-1], interpolation=cv2.INTER_AREA)
            self.read += 1
            seconds = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            yield cv2.cvtColor(images, cv2.COLOR_BGR2RGB), seconds

    def _check_all_read(self, found: int) -> None:
        if not self.read:
            raise FilmError(
                "corrupt", f"{self.path} has no frame that can be decoded; copy it again"
            )
        if self.indexed and self.announced and found < _LEAST_READ * self.announced:
            # Matroska has no exact index, so that the rewritten film is accepted.
            raise FilmError(
                "truncated",
                f"{self.path} announces {self.announced} frames and only {found} can be read; "
                f"copy it again, or keep those with ffmpeg -i {shlex.quote(self.path.name)} "
                "-c:v ffv1 -c:a copy NEW.mkv",
            )


@contextmanager
def open_film(path: Path) -> Iterator[FilmReader]:
    """Open a film.

    Args:
        path: MP4, QuickTime, AVI, Matroska or WebM.

    Yields:
        The reader.

    Raises:
        FilmError: the file is no film or truncated; the message is one line and names it.
    """
    kind = check_container(path)
    capture = _open_capture(path)
    try:
        announced = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        timeline = read_avi_timeline(path) if kind == "avi" else None
        rate = timeline.frame_rate if timeline else capture.get(cv2.CAP_PROP_FPS)
        yield FilmReader(
            path=path,
            frame_rate=_plausible_rate(rate, path),
            announced=int(announced) if 0 < announced < 2**31 else None,
            aspect=_aspect(capture),
            indexed=kind != "matroska",
            timeline=timeline,
            _capture=capture,
        )
    finally:
        capture.release()


def sample_frames(path: Path, count: int) -> list[np.ndarray]:
    """Read evenly spaced frames of a film.

    Args:
        path: the film.
        count: the most frames to read.

    Returns:
        At least one frame, uint8 `(height, width, 3)` each, sRGB, upright, in the film's order.

    Raises:
        FilmError: no frame can be read; the message is one line and names the file.
    """
    with open_film(path) as film:
        frames = film.spread_frames(count)
    if frames:
        return frames
    with open_film(path) as film:  # The header is wrong, or seeking failed.
        return [images for _, (images, _) in zip(range(count), film.paced_frames(), strict=False)]


def _open_capture(path: Path) -> cv2.VideoCapture:
    # An absolute path is never a URL; CAP_FFMPEG reads no % in it as a pattern of image files.
    capture = cv2.VideoCapture(str(path.absolute()), cv2.CAP_FFMPEG)
    if not capture.isOpened():
        raise FilmError(
            "corrupt", f"{path} has no video that can be decoded; copy or convert it again"
        )
    return capture


def _plausible_rate(rate: float, path: Path) -> float:
    """Return the rate of the header, or if it is implausible, that of the timestamps."""
    if math.isfinite(rate) and 0 < rate <= _HIGHEST_RATE:
        return rate
    ahead = _open_capture(path)
    seconds: list[float] = []
    while len(seconds) < 60 and ahead.grab():
        seconds.append(ahead.get(cv2.CAP_PROP_POS_MSEC) / 1000)
    ahead.release()
    pause = float(np.median(np.diff(seconds))) if len(seconds) > 1 else 0.0
    return 1 / pause if 1 / _HIGHEST_RATE <= pause <= _LONGEST_PAUSE else 25.0


def _aspect(capture: cv2.VideoCapture) -> float:
    across, down = capture.get(cv2.CAP_PROP_SAR_NUM), capture.get(cv2.CAP_PROP_SAR_DEN)
    if not (across > 0 and down > 0):
        return 1.0
    turned = capture.get(cv2.CAP_PROP_ORIENTATION_META) % 180 == 90
    return down / across if turned else across / down
