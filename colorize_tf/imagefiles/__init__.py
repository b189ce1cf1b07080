"""Image files: photographs with all that they carry, one module per format."""

from colorize_tf.imagefiles.arrays import resize_to_short_side
from colorize_tf.imagefiles.base import (
    CorruptImageError,
    ImageFileError,
    ImageTooLargeError,
    UnsupportedImageError,
    is_out_of_memory,
)
from colorize_tf.imagefiles.contents import read_bytes, write_contents
from colorize_tf.imagefiles.formats import FORMATS, IMAGE_SUFFIXES, WRITABLE_SUFFIXES, find_format
from colorize_tf.imagefiles.metadata import Metadata
from colorize_tf.imagefiles.photograph import (
    MAX_MEGAPIXELS,
    ImageFile,
    Photograph,
    check_writable_path,
    decode_image,
    decode_photograph,
    encode_photograph,
    open_image,
    read_image,
    read_photograph,
    write_image,
    write_photograph,
)

__all__ = [
    "FORMATS",
    "IMAGE_SUFFIXES",
    "MAX_MEGAPIXELS",
    "WRITABLE_SUFFIXES",
    "CorruptImageError",
    "ImageFile",
    "ImageFileError",
    "ImageTooLargeError",
    "Metadata",
    "Photograph",
    "UnsupportedImageError",
    "check_writable_path",
    "decode_image",
    "decode_photograph",
    "encode_photograph",
    "find_format",
    "is_out_of_memory",
    "open_image",
    "read_bytes",
    "read_image",
    "read_photograph",
    "resize_to_short_side",
    "write_contents",
    "write_image",
    "write_photograph",
]
