"""The formats of image files by name; contents decide on the format, not the file's name."""

from colorize_tf.imagefiles import bmp, gif, heif, jpeg, jpeg2000, png, pnm, raw, tiff, webp
from colorize_tf.imagefiles.base import ImageFormat, UnsupportedImageError

# Raw files of many cameras are TIFF files, too, and come first.
_ALL = (
    jpeg.FORMAT,
    png.FORMAT,
    webp.FORMAT,
    bmp.FORMAT,
    raw.FORMAT,
    tiff.FORMAT,
    gif.FORMAT,
    heif.AVIF,
    heif.HEIC,
    jpeg2000.FORMAT,
    pnm.FORMAT,
)

FORMATS: dict[str, ImageFormat] = {format.name: format for format in _ALL}
"""Name -> format."""

IMAGE_SUFFIXES = tuple(suffix for format in _ALL for suffix in format.suffixes)
"""Of the files that can be read, some of them only with extra `formats`."""

WRITABLE_SUFFIXES = tuple(suffix for format in _ALL if format.encode for suffix in format.suffixes)
"""Of the files that can be written."""


def find_format(data: bytes) -> ImageFormat | None:
    """Return the format of the contents of a file; None if it is none of these."""
    return next((format for format in _ALL if format.matches(data)), None)


def require_format(data: bytes) -> ImageFormat:
    """Return the format of the contents of a file.

    Raises:
        UnsupportedImageError: it is none of these.
    """
    format = find_format(data)
    if format is None:
        known = ", ".join(FORMATS)
        raise UnsupportedImageError(
            f"expected the contents of an image file ({known}); export it as PNG or JPEG"
        )
    return format


def format_of_suffix(suffix: str) -> ImageFormat | None:
    """Return the format that a suffix such as ".PNG" names; None for none."""
    return next((format for format in _ALL if suffix.lower() in format.suffixes), None)
