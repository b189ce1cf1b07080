"""One photograph from standard input, to standard output, or both."""

import os
import sys
from pathlib import Path

from colorize_tf import imagefiles
from colorize_tf.imagefiles import ImageFileError
from colorize_tf.inference.batch.processor import PhotographProcessor
from colorize_tf.inference.video.containers import film_kind
from colorize_tf.inference.video.film import FILM_SUFFIXES


def convert_stream(
    processor: PhotographProcessor, source: str, target: Path | None, *, suffix: str | None = None
) -> None:
    """Color one photograph and write nothing but the result.

    Args:
        processor: how it is colored.
        source: a file, or `-` for standard input.
        target: the file to write; None for standard output.
        suffix: the format on standard output; by default that of the photograph.

    Raises:
        ValueError: there is no photograph, it needs no color, or it cannot be written.
        OSError: standard output is closed or full.
    """
    if source == "-":
        source, data = "standard input", sys.stdin.buffer.read()
        if film_kind(data) and not imagefiles.find_format(data):
            detail = "films are read from files and written to files; name both"
            raise ImageFileError(detail, reason="a film", name=source)
        if not data:
            detail = "nothing came; look at what should send it"
            raise ImageFileError(detail, reason="zero-byte", name=source)
    elif Path(source).suffix.lower() in FILM_SUFFIXES:
        detail = "films are written to files; name one with -o"
        raise ImageFileError(detail, reason="a film", name=source)
    else:
        data = imagefiles.read_bytes(source)
    content = processor.convert(data, source, target.suffix if target else suffix)
    if target:
        imagefiles.write_contents(target, [content])
    else:
        try:
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            # What Python flushes at its end would fail once more.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise
