"""Photographs read from image files and written to them, with all that they carry.

A photograph keeps its pixels at their own depth, alpha, EXIF, ICC profile, XMP, IPTC and
resolution. Pixel values are taken for sRGB and kept as they are. A profile of another RGB space
(Adobe RGB, Display P3) is carried over with them, so the picture still looks as it should; its L,
however, is then computed as if the values were sRGB.
"""

import contextlib
import dataclasses
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from warnings import warn

import numpy as np

from colorize_tf.imagefiles.arrays import to_eight_bits, to_upright
from colorize_tf.imagefiles.base import (
    CorruptImageError,
    Header,
    ImageFileError,
    ImageFormat,
    ImageTooLargeError,
    TruncatedImageError,
    UnsupportedImageError,
    is_out_of_memory,
)
from colorize_tf.imagefiles.contents import read_bytes, write_contents
from colorize_tf.imagefiles.formats import (
    FORMATS,
    WRITABLE_SUFFIXES,
    format_of_suffix,
    require_format,
)
from colorize_tf.imagefiles.metadata import Metadata, find_metadata

MAX_MEGAPIXELS = 200.0

# Upper bound of the memory that codecs need for a pixel.
_CODEC_BYTES = 24
# Messages of libraries. Not all: libjpeg reports damage as an "unsupported marker".
_SUPPORT_WORDS = ("unsupported bmp", "unsupported jpeg", "not supported", "not implemented")


@dataclasses.dataclass(frozen=True, eq=False)
class Photograph:
    """What an image file holds.

    Attributes:
        images: uint8 or uint16 `(height, width, 3)`, sRGB, upright.
        alpha: `(height, width)` of the same dtype, 0 is transparent, the colors are not
            multiplied with it; None where there is none.
        metadata: what is carried over to the file that is written.
        format: name of the file's format, a key of `FORMATS`; None where there is no file.
        frames: how many frames or pages the file has, of which this is the first.

    Example:
        >>> gray = Photograph(np.full((40, 60, 3), 128, np.uint8))
        >>> found = decode_photograph(encode_photograph(gray, ".tiff"))
        >>> found.format, found.images.shape, found.alpha
        ('TIFF', (40, 60, 3), None)
    """

    images: np.ndarray
    alpha: np.ndarray | None = None
    metadata: Metadata = Metadata()
    format: str | None = None
    frames: int = 1

    def __post_init__(self) -> None:
        alpha = self.alpha
        if alpha is None:
            return
        if alpha.shape != self.images.shape[:2] or alpha.dtype != self.images.dtype:
            expected = f"{self.images.dtype} {self.images.shape[:2]}"
            raise ValueError(
                f"alpha is {alpha.dtype} {alpha.shape}, expected {expected} as the image; give "
                "both the same size and depth"
            )

    @property
    def is_transparent(self) -> bool:
        """Whether any pixel is not fully opaque."""
        alpha = self.alpha
        return alpha is not None and bool(alpha.min() < np.iinfo(alpha.dtype).max)

    @property
    def suffix(self) -> str:
        """The suffix of its own format, or ".png" where that cannot be written."""
        format = FORMATS.get(self.format or "")
        return format.suffixes[0] if format and format.encode else ".png"

    def with_images(self, images: np.ndarray) -> "Photograph":
        """Return the same photograph with other pixels.

        Args:
            images: of the dtype of the old ones, and of their size where there is alpha.
        """
        return dataclasses.replace(self, images=images)


@dataclasses.dataclass(frozen=True)
class ImageFile:
    """The contents of an image file whose header has been read.

    Attributes:
        data: the contents.
        name: what an error calls the file.
        format: their format.
        header: what they announce.
    """

    data: bytes
    name: str | Path
    format: ImageFormat
    header: Header

    def decode(self, *, allow_damage: bool = False) -> Photograph:
        """Decode the pixels and find the metadata; see `decode_photograph`."""
        metadata, orientation = find_metadata(self.format.read_metadata, self.data)
        with _translate_errors(self.name, self.header):
            pixels = self.format.decode(self.data, allow_damage)
        if pixels.damage:
            text = f"{self.name} is damaged ({pixels.damage}); what is left of it is taken"
            warn(text, stacklevel=2)
        images, alpha, _ = pixels
        return Photograph(
            to_upright(images, orientation),
            None if alpha is None else to_upright(alpha, orientation),
            metadata,
            self.format.name,
            self.header.frames,
        )


def open_image(
    data: bytes, name: str | Path = "image", *, max_megapixels: float = MAX_MEGAPIXELS
) -> ImageFile:
    """Find the format of the contents of an image file and read its header.

    Args:
        data: contents of the file.
        name: what an error calls the file.
        max_megapixels: the largest size that is accepted.

    Raises:
        ImageFileError: the contents are of no known format, damaged, or too large.
    """
    with _translate_errors(name):
        format = require_format(data)
        header = format.read_header(data)
    if header.width * header.height > max_megapixels * 1e6:
        raise ImageTooLargeError(
            f"{header.width} x {header.height} pixels, at most {max_megapixels:g} megapixels are "
            "read; make it smaller",
            name=name,
        )
    return ImageFile(data, name, format, header)


def decode_photograph(
    data: bytes,
    name: str | Path = "image",
    *,
    max_megapixels: float = MAX_MEGAPIXELS,
    allow_damage: bool = False,
) -> Photograph:
    """Decode the contents of an image file, exactly as `read_photograph` does.

    Args:
        data: contents of the file.
        name: what an error calls the file.
        max_megapixels: a header that announces more is refused before pixels are decoded.
        allow_damage: decode what there is of damaged pixels, and warn, instead of refusing them.

    Raises:
        ImageFileError: the contents are no whole image of a known format.
        MemoryError: there is not enough memory.
    """
    opened = open_image(data, name, max_megapixels=max_megapixels)
    return opened.decode(allow_damage=allow_damage)


def read_photograph(
    path: str | Path, *, max_megapixels: float = MAX_MEGAPIXELS, allow_damage: bool = False
) -> Photograph:
    """Read an image file with all that can be carried over.

    The contents decide on the format, not the name. EXIF orientation is applied and set to 1,
    EXIF's thumbnail left out. Gray becomes three equal channels, a palette its colors, CMYK RGB
    (without its profile; a gray profile does not fit either). Of several frames or pages the
    first is read.

    Args:
        path: the file.
        max_megapixels: a header that announces more is refused before pixels are decoded.
        allow_damage: decode what there is of damaged pixels, and warn, instead of refusing them.

    Returns:
        The photograph, uint8, or uint16 where the file has more than 8 bits (`scale_samples`
        says how other depths are scaled).

    Raises:
        ImageFileError: a ValueError of one line, for a file that is missing, empty, truncated,
            corrupt, too large or of no known format.
        MemoryError: there is not enough memory.

    Example:
        >>> try:
        ...     photograph = read_photograph("old.tif")
        ... except ImageFileError as error:
        ...     print(error.reason)
        missing
    """
    data = read_bytes(path)
    return decode_photograph(data, path, max_megapixels=max_megapixels, allow_damage=allow_damage)


def read_image(path: str | Path, *, max_megapixels: float = MAX_MEGAPIXELS) -> np.ndarray:
    """Read the pixels of an image file alone, as `read_photograph` does, in 8 bits.

    Alpha is dropped and the color beneath it kept: a photograph seldom means anything by its
    alpha, and no background color would be the right one.

    Args:
        path: the file.
        max_megapixels: a header that announces more is refused before pixels are decoded.

    Returns:
        uint8 `(height, width, 3)`, sRGB, upright.

    Raises:
        ImageFileError: as of `read_photograph`.
    """
    return decode_image(read_bytes(path), path, max_megapixels=max_megapixels)


def decode_image(
    data: bytes, name: str | Path = "image", *, max_megapixels: float = MAX_MEGAPIXELS
) -> np.ndarray:
    """Decode the contents of an image file, exactly as `read_image` does."""
    return to_eight_bits(decode_photograph(data, name, max_megapixels=max_megapixels).images)


def write_photograph(path: str | Path, photograph: Photograph, *, quality: int = 95) -> None:
    """Write a photograph in the format that the suffix names, whole or not at all.

    What the format cannot hold is left out; docs/formats.md has a table. 16 bits are rounded to 8
    but in PNG and TIFF; alpha stays in PNG, WebP and TIFF, elsewhere the color beneath it shows.

    Args:
        path: the file; an existing one is replaced.
        photograph: the photograph.
        quality: 1 to 100, for JPEG and WebP; the other formats lose nothing.

    Raises:
        ValueError: for an unknown suffix, a wrong array, too long a side for JPEG (65500 pixels)
            or WebP (16383), or a location that cannot be written.
    """
    path = Path(path)
    if not isinstance(photograph, Photograph):
        raise ValueError(
            f"cannot write {path}: expected a Photograph, got {type(photograph).__name__}; make "
            "one of an array with Photograph(array)"
        )
    check_writable_path(path)
    write_contents(path, _encode(path, photograph, path.suffix, quality))


def encode_photograph(photograph: Photograph, suffix: str, *, quality: int = 95) -> bytes:
    """Return the contents of the file that `write_photograph` would write.

    Args:
        photograph: the photograph.
        suffix: the format, such as ".png".
        quality: 1 to 100, for JPEG and WebP.

    Raises:
        ValueError: for an unknown suffix, a wrong array, or too long a side.
    """
    return b"".join(_encode("image", photograph, suffix, quality))


def write_image(path: str | Path, images: np.ndarray, *, quality: int = 95) -> None:
    """Write pixels alone, as `write_photograph` does.

    Args:
        path: the file; an existing one is replaced.
        images: uint8 `(height, width, 3)`, sRGB.
        quality: 1 to 100, for JPEG and WebP.

    Raises:
        ValueError: as of `write_photograph`.
    """
    write_photograph(path, Photograph(images), quality=quality)


def check_writable_path(path: str | Path) -> None:
    """Raise `ValueError` if no image can be written there: unknown suffix, or no such folder."""
    path = Path(path)
    _writable_format(path, path.suffix)
    if os.path.isdir(path):  # Unlike Path.is_dir, also an answer where looking is forbidden.
        raise ValueError(f"cannot write {path}: it is a folder; name a file in it")
    if not os.path.isdir(path.parent):
        raise ValueError(f"cannot write {path}: no folder {path.parent}; make it first")


def _encode(
    name: str | Path, photograph: Photograph, suffix: str, quality: int
) -> Sequence[bytes | bytearray | memoryview]:
    format = _writable_format(name, suffix)
    images, alpha = photograph.images, photograph.alpha
    if images.dtype not in ("uint8", "uint16") or images.ndim != 3 or images.shape[2] != 3:
        raise ValueError(
            f"cannot write {name}: image is {images.dtype} {images.shape}, expected uint8 or "
            "uint16 (height, width, 3)"
        )
    if not images.size:
        raise ValueError(f"cannot write {name}: image is empty, {images.shape}")
    if not 1 <= quality <= 100:
        raise ValueError(f"quality is {quality}, expected 1 to 100; 95 is a good choice")
    height, width = images.shape[:2]
    if format.longest_side and max(height, width) > format.longest_side:
        raise ValueError(
            f"cannot write {name}: {format.name} does not take {width} x {height}, at most "
            f"{format.longest_side} a side; try .png or .tiff"
        )
    if format.depth < 16:
        images = to_eight_bits(images)
        alpha = None if alpha is None else to_eight_bits(alpha)
    alpha = alpha if format.alpha else None
    assert format.encode is not None  # As of every writable format.
    return format.encode(images, alpha, photograph.metadata, quality)


def _writable_format(name: str | Path, suffix: str) -> ImageFormat:
    format = format_of_suffix(suffix)
    if format is None or format.encode is None:
        expected = ", ".join(WRITABLE_SUFFIXES)
        raise ValueError(f"cannot write {name}: suffix is {suffix!r}, expected one of {expected}")
    return format


@contextlib.contextmanager
def _translate_errors(name: str | Path, header: Header | None = None) -> Iterator[None]:
    """Translate the errors of libraries, and add the name of the file."""
    try:
        yield
    except ImageFileError as error:
        error.name = name
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise MemoryError(f"cannot read {name}: not enough memory") from error
        if header is not None:  # Some decoders do not report a lack of memory as such.
            np.empty((header.height, header.width, _CODEC_BYTES), np.uint8)
        translated = _translate(error)
        translated.name = name
        raise translated from error


def _translate(error: Exception) -> ImageFileError:
    words = " ".join(str(error).split())
    unsupported = not isinstance(error, TypeError) and any(
        part in words.lower() for part in _SUPPORT_WORDS
    )
    if isinstance(error, NotImplementedError) or unsupported:
        return UnsupportedImageError(f"{words[:80]}; export it as PNG or JPEG")
    if "truncated" in words:
        return TruncatedImageError()
    return CorruptImageError("its contents do not decode; copy or export it again")
