"""Odd image files of every format, made here, each with the pixels that it stands for.

Files of few pixels are written with Pillow, tifffile, imagecodecs or, where those cannot write the
variant, byte by byte. None of the code that reads photographs takes part.
"""

from collections.abc import Iterator

from colorize_tf.benchmarks.odd_files import bmp, jpeg, others, png, tiff
from colorize_tf.benchmarks.odd_files.base import OddFile


def make_odd_files() -> Iterator[OddFile]:
    """Yield all files, format by format."""
    yield from jpeg.make_jpeg()
    yield from png.make_png()
    yield from bmp.make_bmp()
    yield from tiff.make_tiff()
    yield from others.make_webp()
    yield from others.make_gif()
    yield from others.make_pnm()
    yield from others.make_avif()
    yield from others.make_jpeg2000()
    yield from others.make_raw()
    yield from others.make_unknown()
