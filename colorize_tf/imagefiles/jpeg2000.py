"""JPEG 2000 files. Pillow decodes those of 8 bits, imagecodecs the deeper ones."""

import functools

import imagecodecs
import numpy as np
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile

from colorize_tf.imagefiles import pillow
from colorize_tf.imagefiles.arrays import scale_samples
from colorize_tf.imagefiles.base import CorruptImageError, ImageFormat, Pixels, TruncatedImageError

_BOX, _CODESTREAM = b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"
_END = b"\xff\xd9"


def _decode(data: bytes, allow_damage: bool) -> Pixels:
    bits = _read_bits(data)
    if bits <= 8:
        return pillow.decode(Jpeg2KImageFile, data)
    samples = imagecodecs.jpeg2k_decode(data)
    samples = scale_samples(samples.reshape(*samples.shape[:2], -1), bits)
    colors, alpha = samples, None
    if samples.shape[2] in (2, 4):
        colors, alpha = samples[..., :-1], np.ascontiguousarray(samples[..., -1])
    return Pixels(np.ascontiguousarray(np.broadcast_to(colors, (*samples.shape[:2], 3))), alpha)


def _read_bits(data: bytes) -> int:
    """Return the bits per sample of the first component (ISO 15444-1, A.5.1)."""
    start = data.find(_CODESTREAM)
    if start < 0:
        raise CorruptImageError("it has no code stream; copy or export it again")
    if data.find(_END, start) < 0:
        raise TruncatedImageError
    return (data[start + 42] & 127) + 1


FORMAT = ImageFormat(
    name="JPEG 2000",
    suffixes=(".jp2", ".j2k", ".jpf", ".jpx", ".j2c", ".jpc"),
    matches=lambda start: start.startswith((_BOX, _CODESTREAM)),
    read_header=functools.partial(pillow.read_header, Jpeg2KImageFile),
    read_metadata=functools.partial(pillow.read_metadata, Jpeg2KImageFile),
    decode=_decode,
)
