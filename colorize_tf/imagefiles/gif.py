"""GIF files, of which the first frame is read."""

import functools

from PIL.GifImagePlugin import GifImageFile

from colorize_tf.imagefiles import pillow
from colorize_tf.imagefiles.base import ImageFormat, Pixels, check_plausible

# A code of 12 bits stands for fewer than 4096 pixels.
_PIXELS_PER_BYTE = 4096


def _decode(data: bytes, allow_damage: bool) -> Pixels:
    check_plausible(pillow.read_header(GifImageFile, data), len(data), _PIXELS_PER_BYTE)
    return pillow.decode(GifImageFile, data)


FORMAT = ImageFormat(
    name="GIF",
    suffixes=(".gif",),
    matches=lambda start: start.startswith(b"GIF8"),
    read_header=functools.partial(pillow.read_header, GifImageFile),
    read_metadata=functools.partial(pillow.read_metadata, GifImageFile),
    decode=_decode,
)
