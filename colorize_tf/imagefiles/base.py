"""What the modules of all formats share: errors, the header, decoded pixels."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from colorize_tf.imagefiles.metadata import Metadata


class ImageFileError(ValueError):
    """An image file that cannot be read.

    Attributes:
        name: what the message calls the file; the functions that know the file set it.
        reason: one stable word or two ("truncated", "zero-byte", ...), for counting.
        detail: what was found and what to do, without the file's name.
    """

    default_reason = "unreadable"

    def __init__(self, detail: str, *, reason: str | None = None, name: str | Path = "image"):
        super().__init__(detail)
        self.detail = detail
        self.reason = reason or self.default_reason
        self.name = name

    def __str__(self) -> str:
        return " ".join(f"cannot read {self.name}: {self.reason}: {self.detail}".split())


class CorruptImageError(ImageFileError):
    """The contents are damaged or incomplete."""

    default_reason = "corrupt"


class TruncatedImageError(CorruptImageError):
    """The contents end too early."""

    default_reason = "truncated"

    def __init__(self, detail: str = "the file ends too early; copy or download it again"):
        super().__init__(detail)


class UnsupportedImageError(ImageFileError):
    """The contents may be intact, but nothing here reads them."""

    default_reason = "unsupported"


class ImageTooLargeError(ImageFileError):
    """The header announces more pixels than are accepted."""

    default_reason = "too large"


class Header(NamedTuple):
    """Size in pixels as stored (before EXIF turns it), and how many frames or pages there are."""

    width: int
    height: int
    frames: int = 1


class Pixels(NamedTuple):
    """Decoded pixels, as they are stored (before EXIF turns them).

    Attributes:
        images: uint8 or uint16 `(height, width, 3)`, sRGB.
        alpha: `(height, width)` of the same dtype, 0 is transparent, the colors are not multiplied
            with it; None where there is none.
        damage: what of the data is lost, in a few words; None where nothing is known to be.
    """

    images: np.ndarray
    alpha: np.ndarray | None = None
    damage: str | None = None


@dataclass(frozen=True)
class ImageFormat:
    """A format of image files.

    Attributes:
        name: as people write it.
        suffixes: of its files; the first is the usual one.
        matches: says whether contents are of this format, by their first bytes.
        read_header: reads the header of contents without decoding pixels.
        read_metadata: yields what `metadata.clean` takes; may end with any error.
        decode: decodes contents. Its second argument says whether damaged pixels are decoded as
            far as they are there, instead of being an error.
        encode: writes images, alpha, metadata and a quality of 1 to 100 as the parts of a file;
            None where the format is only read.
        depth: bits per channel that `encode` writes.
        alpha: whether `encode` writes alpha.
        longest_side: in pixels, what `encode` takes; None for no limit.
    """

    name: str
    suffixes: tuple[str, ...]
    matches: Callable[[bytes], bool]
    read_header: Callable[[bytes], Header]
    read_metadata: Callable[[bytes], Iterator[tuple[str, Any]]]
    decode: Callable[[bytes, bool], Pixels]
    encode: (
        Callable[
            [np.ndarray, np.ndarray | None, Metadata, int], Sequence[bytes | bytearray | memoryview]
        ]
        | None
    ) = None
    depth: int = 8
    alpha: bool = False
    longest_side: int | None = None


def check_plausible(header: Header, length: int, pixels_per_byte: float) -> None:
    """Refuse contents that are too short for what they announce, before that takes time and memory.

    Args:
        header: what they announce.
        length: bytes that hold pixels.
        pixels_per_byte: the most that the format can hold.

    Raises:
        TruncatedImageError: they are too short.
    """
    if header.width * header.height > pixels_per_byte * length:
        raise TruncatedImageError(
            f"{length} bytes cannot hold {header.width} x {header.height} pixels; copy it again"
        )


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether an error is a lack of memory, for which OpenCV has words of its own."""
    if isinstance(error, cv2.error):
        return error.code == cv2.Error.StsNoMem or "bad_alloc" in str(error)
    return isinstance(error, MemoryError)
