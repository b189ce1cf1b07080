"""An odd file, and what makers of all formats share."""

import dataclasses
import io
import struct
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 29, 37
DAMAGE = ("corrupt", "truncated", "damaged")
"""Reasons to refuse a file that is damaged."""


@dataclasses.dataclass(frozen=True)
class OddFile:
    """An image file, and what is right to do with it.

    Attributes:
        format: of the file.
        name: what is odd.
        data: the contents.
        pixels: float `(height, width, 3 or 4)` in 0..1, upright, the fourth channel alpha; None
            for contents that are to be refused.
        refusals: reasons that are right: of intact files "unsupported" alone.
        tolerance: accepted error in levels of 255: the maximum, or, where it is above 1, the mean.
    """

    format: str
    name: str
    data: bytes
    pixels: np.ndarray | None
    refusals: tuple[str, ...] = ("unsupported",)
    tolerance: float = 0.51


def picture(channels: int = 3, white: int = 255) -> np.ndarray:
    """Return smooth colors, whose last channel of 2 or 4 is alpha, in 0..white."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    waves = [rows / HEIGHT, columns / WIDTH, np.sin(rows / 5) / 2 + 0.5, np.cos(columns / 7) / 2]
    waves[3] = np.clip(waves[3] + 0.6, 0, 1)
    chosen = {1: [2], 2: [2, 3], 3: [0, 1, 2], 4: [0, 1, 2, 3]}[channels]
    pixels = np.stack([waves[index] for index in chosen], axis=-1)
    return np.rint(pixels * white).astype(np.uint8 if white < 256 else np.uint16)


def expect(pixels: np.ndarray, white: float = 255) -> np.ndarray:
    """Return what an array of 1 to 4 channels stands for."""
    pixels = pixels.reshape(*pixels.shape[:2], -1) / white
    if pixels.shape[2] == 2:
        return np.concatenate([pixels[..., :1].repeat(3, axis=2), pixels[..., 1:]], axis=2)
    return pixels.repeat(3, axis=2) if pixels.shape[2] == 1 else pixels


def turn_upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Return pixels upright that are stored in an EXIF orientation."""
    if orientation > 4:  # The first row is a column.
        pixels, orientation = pixels.swapaxes(0, 1), {5: 1, 6: 2, 7: 3, 8: 4}[orientation]
    down, right = {1: (1, 1), 2: (1, -1), 3: (-1, -1), 4: (-1, 1)}[orientation]
    return pixels[::down, ::right]


def save(pixels: np.ndarray | Image.Image, form: str, **options: Any) -> bytes:
    """Write a file with Pillow."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels.squeeze())
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def decode_with_pillow(data: bytes) -> np.ndarray:
    """Return the pixels of a file as it is stored, without alpha, in 0..1."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It complains of odd EXIF.
        with Image.open(io.BytesIO(data)) as image:
            return expect(np.asarray(image.convert("RGB")))


def make_exif(orientation: int, order: str = "<") -> bytes:
    """Return EXIF that names an orientation alone."""
    begin = b"II*\0" if order == "<" else b"MM\0*"
    entry = struct.pack(order + "HHIHH", 274, 3, 1, orientation, 0)
    return begin + struct.pack(order + "IH", 8, 1) + entry + bytes(4)


def cut(form: str, data: bytes, shares: tuple[float, ...] = (0.3, 0.6, 0.9)) -> Iterator[OddFile]:
    """Yield the beginnings of a file."""
    for share in shares:
        cut = data[: int(len(data) * share)]
        yield OddFile(form, f"the first {share:.0%}", cut, None, DAMAGE)


def pack_rows(samples: np.ndarray, bits: int) -> list[bytes]:
    """Return the rows of samples `(height, width, channels)` as bits, the highest first."""
    flat = samples.reshape(len(samples), -1).astype(np.uint16)
    planes = (flat[..., None] >> np.arange(bits, dtype=np.uint16)[::-1]) & 1
    return [np.packbits(row).tobytes() for row in planes.astype(np.uint8).reshape(len(flat), -1)]
