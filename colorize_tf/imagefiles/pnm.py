"""PBM, PGM and PPM files, decoded by Pillow, except colors of more than 8 bits."""

import functools
import io

import numpy as np
from PIL.PpmImagePlugin import PpmImageFile

from colorize_tf.imagefiles import pillow
from colorize_tf.imagefiles.base import ImageFormat, Pixels, TruncatedImageError


def _decode(data: bytes, allow_damage: bool) -> Pixels:
    image = PpmImageFile(io.BytesIO(data))
    _, _, start, arguments = image.tile[0]
    white = arguments[-1] if isinstance(arguments, tuple) else 255
    if image.mode != "RGB" or not isinstance(white, int) or white <= 255:
        return pillow.decode(PpmImageFile, data)
    width, height = image.size
    count = 3 * width * height
    if data.startswith(b"P3"):
        samples = np.array(data[start:].split()[:count], np.uint32)
    else:
        samples = np.frombuffer(data[start : start + 2 * count], ">u2").astype(np.uint32)
    if samples.size < count:
        raise TruncatedImageError
    samples = (np.minimum(samples, white) * 65535 + white // 2) // white
    return Pixels(samples.astype(np.uint16).reshape(height, width, 3))


FORMAT = ImageFormat(
    name="PNM",
    suffixes=(".pgm", ".ppm", ".pbm", ".pnm"),
    matches=lambda start: start[:1] == b"P" and start[1:2] in b"123456" and start[2:3].isspace(),
    read_header=functools.partial(pillow.read_header, PpmImageFile),
    read_metadata=functools.partial(pillow.read_metadata, PpmImageFile),
    decode=_decode,
)
