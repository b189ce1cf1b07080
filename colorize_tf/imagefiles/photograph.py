"""A photograph as it is kept: pixels at their own depth, alpha, EXIF, ICC profile and resolution.

Pixel values are taken for sRGB and kept as they are. A profile of another RGB space (Adobe RGB,
Display P3) is carried over with them, so the picture still looks as it should; its L, however, is
then computed as if the values were sRGB. XMP and IPTC are not carried over.
"""

import dataclasses
from pathlib import Path

import numpy as np

from colorize_tf.imagefiles import media
from colorize_tf.imagefiles.embedding import with_metadata
from colorize_tf.imagefiles.metadata import Metadata
from colorize_tf.imagefiles.pixels import ALPHA_SUFFIXES


@dataclasses.dataclass(frozen=True, eq=False)
class Photograph:
    """What an image file holds.

    Attributes:
        images: uint8 or uint16 `(height, width, 3)`, sRGB, upright.
        alpha: `(height, width)` of the same dtype, 0 is transparent, the colors are not
            multiplied with it; None where there is none.
        metadata: what is carried over to the file that is written.
        frames: how many frames or pages the file has, of which this is the first.
    """

    images: np.ndarray
    alpha: np.ndarray | None = None
    metadata: Metadata = Metadata()
    frames: int = 1

    def __post_init__(self):
        alpha = self.alpha
        if alpha is None:
            return
        if alpha.shape != self.images.shape[:2] or alpha.dtype != self.images.dtype:
            expected = f"{self.images.dtype} {self.images.shape[:2]}"
            raise ValueError(
                f"alpha is {alpha.dtype} {alpha.shape}, expected {expected} as the image; give "
                "both the same size and depth"
            )

    def with_images(self, images: np.ndarray) -> "Photograph":
        """Return the same photograph with other pixels.

        Args:
            images: of the dtype of the old ones, and of their size where there is alpha.
        """
        return dataclasses.replace(self, images=images)


def read_photograph(source: str | Path, *, max_megapixels: float = 200) -> Photograph:
    """Read a JPEG, PNG, WebP, BMP, TIFF or GIF file with all that can be carried over.

    The contents decide on the format, not the name. EXIF orientation is applied and set to 1,
    EXIF's thumbnail left out. Gray becomes three equal channels, a palette its colors, CMYK RGB
    (without its profile, as OpenCV does; a gray profile does not fit either). Of several
    frames or pages the first is read. 32-bit BMPs have no alpha.

    Args:
        source: the file.
        max_megapixels: a file whose header announces more is refused before it is decoded.

    Returns:
        The photograph; 16-bit PNG and TIFF files give uint16, all else uint8.

    Raises:
        ImageError: a ValueError of one line, for a file that is missing, empty, truncated, corrupt,
            too large or not an image of these kinds.
    """
    return decode_photograph(media.read_bytes(source), source, max_megapixels=max_megapixels)


def decode_photograph(
    data: bytes,
    name: str | Path = "image",
    *,
    max_megapixels: float = 200,
    allow_damage: bool = False,
) -> Photograph:
    """Decode the contents of an image file, exactly as `read_photograph` does.

    Args:
        data: contents of the file.
        name: what an error calls the file.
        max_megapixels: a header that announces more is refused before it is decoded.
        allow_damage: decode what there is of damaged pixels, and warn, instead of refusing them.

    Returns:
        The photograph.

    Raises:
        ImageError: when the contents are no whole image of a known kind.
    """
    return Photograph(*media.decode(data, name, max_megapixels, allow_damage=allow_damage))


def write_photograph(path: str | Path, photograph: Photograph, *, quality: int = 95) -> None:
    """Write a photograph in the format that the suffix names, whole or not at all.

    What the format cannot hold is left out: 16 bits are rounded to 8 but in PNG and TIFF; alpha
    stays in PNG, WebP and TIFF, elsewhere the color beneath it shows; a BMP keeps the
    resolution only; a JPEG takes no EXIF above 64 KiB.

    Args:
        path: the file; an existing one is replaced.
        photograph: the photograph.
        quality: 1 to 100, for JPEG and WebP; the other formats lose nothing.

    Raises:
        ValueError: for an unknown suffix, a wrong array, too long a side for JPEG (65500 pixels)
            or WebP (16383), or a place that cannot be written.
    """
    path = Path(path)
    media.check_writable_path(path)
    media.write_contents(path, _encode(path, photograph, path.suffix, quality))


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


def _encode(name, photograph, suffix, quality):
    alpha = photograph.alpha if suffix.lower() in ALPHA_SUFFIXES else None
    contents = media.encode(name, photograph.images, alpha, suffix=suffix, quality=quality)
    return with_metadata(contents, photograph.metadata, alpha=alpha is not None)
