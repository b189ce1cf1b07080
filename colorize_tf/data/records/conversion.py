"""One photograph as a set of records keeps it; without TensorFlow, for processes of their own."""

from typing import NamedTuple

import cv2

from colorize_tf import imagefiles
from colorize_tf.data.audit import Finding, examine
from colorize_tf.data.storage import read_image_bytes


class Converted(NamedTuple):
    """What became of one file.

    Attributes:
        finding: what the file shows.
        contents: of a JPEG file; empty where the photograph is left out.
        height: of it, in pixels.
        width: of it, in pixels.
    """

    finding: Finding
    contents: bytes = b""
    height: int = 0
    width: int = 0


def convert(place: str, short_side: int, quality: int) -> Converted:
    """Audit a photograph, reduce it and encode it.

    Args:
        place: the file.
        short_side: in pixels; a smaller photograph stays as it is.
        quality: 1 to 100. Chroma keeps its full resolution: it is what will be learned.
    """
    finding, images = examine(place, read_image_bytes)
    if finding.problem:
        return Converted(finding)
    if min(images.shape[:2]) > short_side:
        images = imagefiles.resize_to_short_side(images, short_side)
    flags = [
        cv2.IMWRITE_JPEG_QUALITY,
        quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ]
    encoded, contents = cv2.imencode(".jpg", cv2.cvtColor(images, cv2.COLOR_RGB2BGR), flags)
    if not encoded:
        size = f"{images.shape[1]} x {images.shape[0]}"
        return Converted(Finding(problem=f"unsupported: {size} pixels do not fit a JPEG file"))
    return Converted(finding, contents.tobytes(), *images.shape[:2])


def crashed(place: str) -> Converted:
    """Return what became of a file that ended the process that converted it."""
    return Converted(Finding(problem="crashed: reading it ended the process"))
