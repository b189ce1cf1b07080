"""Convert one photograph for a set of records; without TensorFlow, for worker processes."""

from typing import NamedTuple

import cv2

from colorize_tf import imagefiles
from colorize_tf.data.audit import Finding, examine
from colorize_tf.data.storage import read_image_bytes


class Conversion(NamedTuple):
    """The result for one file.

    Attributes:
        finding: of the audit.
        contents: a JPEG file; empty where the photograph is left out.
        height: of the JPEG, in pixels.
        width: of the JPEG, in pixels.
    """

    finding: Finding
    contents: bytes = b""
    height: int = 0
    width: int = 0


def convert(location: str, short_side: int, quality: int) -> Conversion:
    """Audit a photograph, reduce its short side and encode it as JPEG of a quality from 1 to 100.

    Chroma keeps its full resolution, as it is the target.
    """
    finding, images = examine(location, read_image_bytes)
    if finding.problem or images is None:
        return Conversion(finding)
    if min(images.shape[:2]) > short_side:
        images = imagefiles.resize_to_short_side(images, short_side)
    flags = [
        cv2.IMWRITE_JPEG_QUALITY,
        quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ]
    encoded, contents = cv2.imencode(".jpg", cv2.cvtColor(images, cv2.COLOR_RGB2BGR), flags)
    height, width = images.shape[:2]
    if not encoded:
        problem = f"unsupported: {width} x {height} pixels do not fit a JPEG file"
        return Conversion(Finding(problem=problem))
    return Conversion(finding, contents.tobytes(), height, width)


def crashed(location: str) -> Conversion:
    """Return the result for a file that crashed the process that converted it."""
    return Conversion(Finding(problem="crashed: reading it ended the process"))
