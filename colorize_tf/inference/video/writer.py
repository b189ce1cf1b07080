"""Frames to an .mp4: through ffmpeg, which keeps the sound, or with OpenCV alone."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from colorize_tf.inference.video.containers import check_container

# What an .mp4 takes as it is, and every player plays; other sound becomes AAC.
_SOUND_OF_MP4 = {"aac", "mp3", "ac3", "eac3", "alac"}
# The first that an ffmpeg knows; builds without GPL code lack libx264. Of a film that was gray
# color is what is new: coded as coarsely as usual, it flickers more. Finer than this adds bytes
# alone.
_ENCODERS = {
    "libx264": ("-preset", "medium", "-crf", "18", "-x264-params", "chroma-qp-offset=-9"),
    "mpeg4": ("-q:v", "2"),
}


class OpenCVWriter:
    """Writes MPEG-4 part 2 with OpenCV, without sound.

    Args:
        path: the file, which is not there yet.
        size: width and height, both even.
        frame_rate: frames per second.
        name: what an error calls the file.

    Attributes:
        encoder: what writes the film.
        sound: whether there is sound and it is carried over.
        keeps_sound: whether it would be, if there were any.

    Raises:
        ValueError: OpenCV has no encoder for such a film.
    """

    encoder = "OpenCV mp4v"
    sound = False
    keeps_sound = False

    def __init__(self, path: Path, size: tuple[int, int], frame_rate: float, *, name: Path):
        self.path = path
        self.name = name
        self.count = 0
        code = cv2.VideoWriter_fourcc(*"mp4v")
        self._writer = cv2.VideoWriter(str(path.absolute()), cv2.CAP_FFMPEG, code, frame_rate, size)
        if not self._writer.isOpened():
            raise ValueError(
                f"cannot write {name}: OpenCV cannot encode {size[0]} x {size[1]} at "
                f"{frame_rate:g} frames per second there; install ffmpeg, which takes more"
            )

    def write(self, images: np.ndarray) -> None:
        """Add a frame, uint8 `(height, width, 3)`, sRGB."""
        self._writer.write(cv2.cvtColor(images, cv2.COLOR_RGB2BGR))
        self.count += 1

    def finish(self) -> None:
        """End the film; raise ValueError if it is not all there."""
        self._writer.release()
        _check_arrived(self.path, self.count, self.name)

    def close(self) -> None:
        """Let go of the file, finished or not."""
        self._writer.release()


class FfmpegWriter:
    """Pipes frames to ffmpeg, which encodes them and copies the sound of another film.

    Args:
        program: the ffmpeg.
        path: the file, which is not there yet.
        size: width and height, both even.
        frame_rate: frames per second.
        name: what an error calls the file.
        source: the film whose sound, chapters and titles are carried over.
        aspect: width of a pixel over its height.

    Attributes:
        encoder: what writes the film.
        sound: whether there is sound and it is carried over.
        keeps_sound: whether it would be, if there were any.
    """

    keeps_sound = True

    def __init__(
        self,
        program: str,
        path: Path,
        size: tuple[int, int],
        frame_rate: float,
        *,
        name: Path,
        source: Path,
        aspect: float,
    ):
        known = _ask(program, "-encoders")
        codec = next((codec for codec in _ENCODERS if f" {codec} " in known), "mpeg4")
        sounds = set(re.findall(r"Audio: (\w+)", _ask(program, "-i", f"file:{source.absolute()}")))
        self.path = path
        self.name = name
        self.count = 0
        self.encoder = f"ffmpeg {codec}"
        self.sound = bool(sounds)
        pixel = Fraction(aspect).limit_denominator(1000)
        # Frames come in sRGB; BT.709 is what players take a film for, so say so and be it.
        colors = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709")
        copied = ("-c:a", "copy") if sounds <= _SOUND_OF_MP4 else ("-c:a", "aac", "-b:a", "192k")
        local = ("-protocol_whitelist", "file,pipe")  # a film may name others, over the network too
        command = [
            *(program, "-hide_banner", "-loglevel", "error", "-y"),
            *("-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", f"{size[0]}x{size[1]}"),
            *("-framerate", str(Fraction(frame_rate).limit_denominator(1001))),
            *(*local, "-i", "pipe:0", *local, "-i", f"file:{source.absolute()}"),
            *("-map", "0:v", "-map", "1:a?", "-map_metadata", "1"),
            *(
                "-vf",
                f"scale=out_color_matrix=bt709:out_range=tv,setsar={pixel}".replace("/", "\\/"),
            ),
            *("-c:v", codec, *_ENCODERS[codec], "-pix_fmt", "yuv420p", *colors, *copied),
            *("-movflags", "+faststart", "-f", "mp4", f"file:{path.absolute()}"),
        ]
        self._told = tempfile.TemporaryFile()  # a pipe that nobody reads would fill and stop it
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self._told
        )

    def write(self, images: np.ndarray) -> None:
        """Add a frame, uint8 `(height, width, 3)`, sRGB; raise ValueError if ffmpeg has died."""
        try:
            self._process.stdin.write(np.ascontiguousarray(images).data)
        except OSError as error:
            self._process.wait()
            raise ValueError(self._failure()) from error
        self.count += 1

    def finish(self) -> None:
        """End the film; raise ValueError if ffmpeg failed, or the film is not all there."""
        try:
            self._process.stdin.close()
        except OSError:
            pass  # it died; its exit code says so
        if self._process.wait():
            raise ValueError(self._failure())
        _check_arrived(self.path, self.count, self.name)

    def close(self) -> None:
        """Let go of the process, finished or not."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        try:
            self._process.stdin.close()
        except OSError:
            pass  # what was not written is not wanted any more
        self._told.close()

    def _failure(self) -> str:
        self._told.seek(0)
        told = self._told.read()[-4000:].decode(errors="replace").split("\n")
        lines = [re.sub(r"^\[.*?\] ", "", line).strip() for line in told if line.strip()]
        # The first says what went wrong, the others what came of it.
        cause = lines[0] if lines else f"it ended with code {self._process.returncode}"
        return f"cannot write {self.name}: ffmpeg failed: {cause}"


@contextmanager
def open_writer(
    path: Path,
    size: tuple[int, int],
    frame_rate: float,
    *,
    name: Path,
    source: Path,
    aspect: float,
) -> Iterator[FfmpegWriter | OpenCVWriter]:
    """Open the better of the two writers; finish the film at the end of the block.

    Args:
        path: the .mp4, which is not there yet.
        size: width and height, both even.
        frame_rate: frames per second.
        name: what an error calls the file.
        source: the film whose sound is wanted.
        aspect: width of a pixel over its height; OpenCV's films have square pixels.

    Yields:
        The writer.

    Raises:
        ValueError: the film cannot be written.
    """
    program = shutil.which("ffmpeg")
    if program:
        writer = FfmpegWriter(
            program, path, size, frame_rate, name=name, source=source, aspect=aspect
        )
    else:
        writer = OpenCVWriter(path, size, frame_rate, name=name)
    try:
        yield writer
        writer.finish()
    finally:
        writer.close()


def _check_arrived(path: Path, count: int, name: Path) -> None:
    """Count the frames of a film: of a disk that is full no writer tells in every case."""
    try:
        check_container(path)
        written = cv2.VideoCapture(str(path.absolute()), cv2.CAP_FFMPEG)
        arrived = max(0, int(written.get(cv2.CAP_PROP_FRAME_COUNT)))
        written.release()
    except ValueError:
        arrived = 0
    if arrived != count:
        raise ValueError(
            f"cannot write {name}: {arrived} of {count} frames arrived there; free space or "
            "choose another place"
        )


def _ask(program: str, *arguments: str) -> str:
    """Run ffmpeg for what it says, which it does on either stream and with any exit code."""
    answer = subprocess.run(
        [program, "-hide_banner", "-nostdin", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return answer.stdout.decode(errors="replace")
