"""Read headers, metadata and pixels with a plugin of Pillow."""

import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from PIL import ImageFile

from colorize_tf.imagefiles.arrays import scale_samples
from colorize_tf.imagefiles.base import Header, Pixels

# Each format calls its plugin directly: `Image.open` tries them all, and warns about large sizes.
Plugin = Callable[[io.BytesIO], ImageFile.ImageFile]


def read_header(plugin: Plugin, data: bytes) -> Header:
    """Read size and number of frames."""
    image = plugin(io.BytesIO(data))
    try:
        frames = getattr(image, "n_frames", 1)
    except Exception:  # A later frame is damaged; only the first is decoded.
        frames = 2
    width, height = image.size
    return Header(width, height, frames)


def read_metadata(plugin: Plugin, data: bytes) -> Iterator[tuple[str, Any]]:
    """Yield what `find_metadata` takes."""
    info = plugin(io.BytesIO(data)).info
    kinds = {"exif": "exif", "icc_profile": "icc", "xmp": "xmp"}
    yield from ((kind, info[name]) for name, kind in kinds.items() if info.get(name))
    if "dpi" in info and min(info["dpi"]) > 0:
        yield "dpi", tuple(map(float, info["dpi"]))


def decode(plugin: Plugin, data: bytes) -> Pixels:
    """Decode the first frame."""
    image = plugin(io.BytesIO(data))
    image.load()
    if image.mode in ("F", "I") or image.mode.startswith("I;16"):
        samples = np.asarray(image)[..., None]
        # Pillow holds gray of 16 bits in 32.
        samples = samples if image.mode == "F" else samples.astype(np.uint16)
        return Pixels(np.repeat(scale_samples(samples, 16), 3, axis=2))
    if image.has_transparency_data:
        pixels = np.asarray(image.convert("RGBA"))
        images, alpha = (np.ascontiguousarray(part) for part in (pixels[..., :3], pixels[..., 3]))
        return Pixels(images, alpha if alpha.min() < 255 else None)
    return Pixels(np.array(image if image.mode == "RGB" else image.convert("RGB")))
