"""WebP files, still and animated."""

import functools
import io
from collections.abc import Sequence

import imagecodecs
import numpy as np
from PIL import Image
from PIL.WebPImagePlugin import WebPImageFile

from colorize_tf.imagefiles import exif, pillow
from colorize_tf.imagefiles.base import Header, ImageFormat, Pixels, TruncatedImageError
from colorize_tf.imagefiles.metadata import Metadata

_ANIMATED = 2


def _read_header(data: bytes) -> Header:
    if int.from_bytes(data[4:8], "little") + 8 > len(data):
        raise TruncatedImageError
    return pillow.read_header(WebPImageFile, data)


def _decode(data: bytes, allow_damage: bool) -> Pixels:
    if data[12:16] == b"VP8X" and data[20] & _ANIMATED:
        return pillow.decode(WebPImageFile, data)
    pixels = imagecodecs.webp_decode(data)  # Takes a fifth of the memory.
    images, alpha = (np.ascontiguousarray(part) for part in (pixels[..., :3], pixels[..., 3:]))
    return Pixels(images, alpha[..., 0] if alpha.size and alpha.min() < 255 else None)


def _encode(
    images: np.ndarray, alpha: np.ndarray | None, metadata: Metadata, quality: int
) -> Sequence[bytes | memoryview]:
    pixels = images if alpha is None else np.dstack([images, alpha])
    tags = metadata.exif or b""
    if metadata.dpi:  # WebP has no other place for it.
        tree = exif.unpack(tags) if tags else {}
        if exif.X_RESOLUTION not in tree:
            tags = exif.to_bytes({**tree, **exif.resolution_tags(metadata.dpi)})
    file = io.BytesIO()
    Image.fromarray(pixels).save(
        file,
        "WEBP",
        quality=quality,
        exif=tags,
        icc_profile=metadata.icc or b"",
        xmp=metadata.xmp or b"",
    )
    return [file.getbuffer()]


FORMAT = ImageFormat(
    name="WebP",
    suffixes=(".webp",),
    matches=lambda start: start.startswith(b"RIFF") and start[8:12] == b"WEBP",
    read_header=_read_header,
    read_metadata=functools.partial(pillow.read_metadata, WebPImageFile),
    decode=_decode,
    encode=_encode,
    alpha=True,
    longest_side=16383,
)
