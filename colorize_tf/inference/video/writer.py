"""Writes frames to an .mp4: with ffmpeg, which keeps the sound, or with OpenCV."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import IO, cast

import cv2
import numpy as np

from colorize_tf.inference.video.containers import check_container

# Codecs that an .mp4 can hold and every player plays; other sound is converted to AAC.
_SOUND_OF_MP4 = {"aac", "mp3", "ac3", "eac3", "alac"}
# The first that ffmpeg has is used; builds without GPL code lack libx264. The usual quantization of
# chroma adds flicker; a finer one than this only adds bytes.
_ENCODERS = {
    "libx264": ("-preset", "medium", "-crf", "18", "-x264-params", "chroma-qp-offset=-9"),
    "mpeg4": ("-q:v", "2"),
}


class OpenCVWriter:
    """Writes MPEG-4 part 2 with OpenCV, without sound.

    Args:
        path: the file; it must not exist.
        size: width and height, both even.
        frame_rate: frames per second.
        name: name of the file in errors.

    Attributes:
        encoder: name of the encoder.
        sound: whether the film has sound.
        keeps_sound: whether the writer copies the sound of the source.

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
        code = cv2.VideoWriter.fourcc(*"mp4v")
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
        """Finish the file; raise ValueError if frames are missing."""
        self._writer.release()
        _check_arrived(self.path, self.count, self.name)

    def close(self) -> None:
        """Close the file, finished or not."""
        self._writer.release()


class FfmpegWriter:
    """Pipes frames to ffmpeg, which encodes them and copies the sound of the source.

    Args:
        program: path of ffmpeg.
        path: the file; it must not exist.
        size: width and height, both even.
        frame_rate: frames per second.
        name: name of the file in errors.
        source: the film whose sound, chapters and metadata are copied.
        aspect: width of a pixel over its height.

    Attributes:
        encoder: name of the encoder.
        sound: whether the film has sound.
        keeps_sound: whether the writer copies the sound of the source.
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
        encoders = _run(program, "-encoders")
        codec = next((codec for codec in _ENCODERS if f" {codec} " in encoders), "mpeg4")
        source_file = f"file:{source.absolute()}"
        sounds = set(re.findall(r"Audio: (\w+)", _run(program, "-i", source_file)))
        self.path = path
        self.name = name
        self.count = 0
        self.encoder = f"ffmpeg {codec}"
        self.sound = bool(sounds)
        copied = ("-c:a", "copy") if sounds <= _SOUND_OF_MP4 else ("-c:a", "aac", "-b:a", "192k")
        local = ("-protocol_whitelist", "file,pipe")  # A film may refer to other files and URLs.
        command = [
            *(program, "-hide_banner", "-loglevel", "error", "-y"),
            *("-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", f"{size[0]}x{size[1]}"),
            *("-framerate", str(Fraction(frame_rate).limit_denominator(1001))),
            *(*local, "-i", "pipe:0", *local, "-i", source_file),
            *("-map", "0:v", "-map", "1:a?", "-map_metadata", "1"),
            *("-c:v", codec, *_ENCODERS[codec], *_color_flags(aspect), *copied),
            *("-movflags", "+faststart", "-f", "mp4", f"file:{path.absolute()}"),
        ]
        self._log = (
            tempfile.TemporaryFile()
        )  # A pipe that nobody reads would fill and block ffmpeg.
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self._log
        )
        self._frames = cast(IO[bytes], self._process.stdin)

    def write(self, images: np.ndarray) -> None:
        """Add a frame, uint8 `(height, width, 3)`, sRGB; raise ValueError if ffmpeg has failed."""
        try:
            self._frames.write(np.ascontiguousarray(images).data)
        except OSError as error:
            self._process.wait()
            raise ValueError(self._failure()) from error
        self.count += 1

    def finish(self) -> None:
        """Finish the file; raise ValueError if ffmpeg failed or frames are missing."""
        try:
            self._frames.close()
        except OSError:
            pass  # It failed; its exit code is read below.
        if self._process.wait():
            raise ValueError(self._failure())
        _check_arrived(self.path, self.count, self.name)

    def close(self) -> None:
        """End the process, finished or not."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        try:
            self._frames.close()
        except OSError:
            pass  # Buffered frames are not needed any more.
        self._log.close()

    def _failure(self) -> str:
        self._log.seek(0)
        log = self._log.read()[-4000:].decode(errors="replace").split("\n")
        lines = [re.sub(r"^\[.*?\] ", "", line).strip() for line in log if line.strip()]
        # The first line names the cause, the others its consequences.
        cause = lines[0] if lines else f"its exit code is {self._process.returncode}"
        return f"cannot write {self.name}: ffmpeg failed: {cause}"


Writer = FfmpegWriter | OpenCVWriter


@contextmanager
def open_writer(
    path: Path,
    size: tuple[int, int],
    frame_rate: float,
    *,
    name: Path,
    source: Path,
    aspect: float,
) -> Iterator[Writer]:
    """Open ffmpeg if it is installed, otherwise OpenCV; finish the film at the end of the block.

    Args:
        path: the .mp4; it must not exist.
        size: width and height, both even.
        frame_rate: frames per second.
        name: name of the file in errors.
        source: the film whose sound is copied.
        aspect: width of a pixel over its height; OpenCV's films have square pixels.

    Yields:
        The writer.

    Raises:
        ValueError: the film cannot be written.
    """
    program = shutil.which("ffmpeg")
    if program:
        writer: Writer = FfmpegWriter(
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
    """Count the frames of a film, because a full disk does not always cause an error."""
    try:
        check_container(path)
        written = cv2.VideoCapture(str(path.absolute()), cv2.CAP_FFMPEG)
        arrived = max(0, int(written.get(cv2.CAP_PROP_FRAME_COUNT)))
        written.release()
    except ValueError:
        arrived = 0
    if arrived != count:
        raise ValueError(
            f"cannot write {name}: only {arrived} of {count} frames were written; free space "
            "or choose another folder"
        )


def _color_flags(aspect: float) -> list[str]:
    pixel = Fraction(aspect).limit_denominator(1000)
    scale = f"scale=out_color_matrix=bt709:out_range=tv,setsar={pixel}".replace("/", "\\/")
    # Players assume BT.709, so convert to it and declare it.
    bt709 = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709")
    return ["-vf", scale, "-pix_fmt", "yuv420p", *bt709]


def _run(program: str, *arguments: str) -> str:
    """Run ffmpeg, and return its output of both streams, whatever its exit code."""
    finished = subprocess.run(
        [program, "-hide_banner", "-nostdin", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return finished.stdout.decode(errors="replace")
