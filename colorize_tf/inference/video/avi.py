"""Reads how many times players show each stored frame of an AVI with dropped frames.

A recorder that drops a frame writes an empty chunk in its place, and players repeat the frame
before. Decoders skip empty chunks, so that a film without them is shorter than its sound.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_LISTS = (b"RIFF", b"LIST")
_VIDEO_CODES = (b"dc", b"db")


@dataclass(frozen=True)
class AviTimeline:
    """The frames of an AVI as players show them.

    Attributes:
        frame_rate: frames per second, repeated ones included.
        times: how many times each stored frame is shown, in their order; at least 1.
    """

    frame_rate: float
    times: list[int]


def read_avi_timeline(path: Path) -> AviTimeline | None:
    """Read the timeline of an AVI without decoding frames.

    Args:
        path: an AVI file.

    Returns:
        The timeline of its first video stream; None if no frame was dropped, so that each is shown
        once, or if the headers are damaged.
    """
    number, stream, frame_rate = 0, None, 0.0
    times: list[int] = []
    leading = dropped = 0
    with open(path, "rb") as file:
        for name, size in _chunks(file):
            if name == b"strh":
                header = file.read(28)
                if stream is None and header[:4] == b"vids" and len(header) == 28:
                    stream = b"%02d" % number
                    scale, rate = struct.unpack_from("<II", header, 20)
                    frame_rate = rate / max(scale, 1)
                number += 1
            elif name[:2] == stream and name[2:] in _VIDEO_CODES:
                dropped += not size
                if size:
                    times.append(1)
                elif times:
                    times[-1] += 1
                else:  # The first frame is shown from the start.
                    leading += 1
    if not (dropped and times and frame_rate):
        return None
    times[0] += leading
    return AviTimeline(frame_rate, times)


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Yield name and size of each chunk, in lists too, with the file at its data."""
    position = 0
    while len(header := _read_at(file, position, 8)) == 8:
        name, size = struct.unpack("<4sI", header)
        if name in _LISTS:
            position += 12  # Its chunks follow its type.
        else:
            yield name, size
            position += 8 + size + size % 2


def _read_at(file: BinaryIO, position: int, size: int) -> bytes:
    file.seek(position)
    return file.read(size)
