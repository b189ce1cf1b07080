"""One photograph from standard input, to standard output, or both."""

import os
import sys
from pathlib import Path

from colorize_tf import imagefiles
from colorize_tf.imagefiles import ImageFileError
from colorize_tf.inference.batch.processor import PhotographProcessor
from colorize_tf.inference.video.containers import film_kind
from colorize_tf.inference.video.film import FILM_SUFFIXES


def check_standard_output() -> None:
    """Raise ValueError where standard output is closed, or a terminal."""
    if sys.stdout is None:  # As of a command that is started with >&-.
        raise ValueError("standard output is closed; send it to a file: > new.jpg")
    if sys.stdout.isatty():
        raise ValueError("standard output is a terminal; send it to a file: > new.jpg")


def convert_stream(
    processor: PhotographProcessor, source: str, target: Path | None, *, suffix: str | None = None
) -> None:
    """Color one photograph and write nothing but the result.

    Args:
        processor: colors it.
        source: a file, or `-` for standard input.
        target: the file to write; None for standard output.
        suffix: the format on standard output; by default that of the photograph.

    Raises:
        ValueError: there is no photograph, it needs no color, or it cannot be written.
        BrokenPipeError: the reader of standard output has gone.
    """
    if source == "-":
        source, data = "standard input", _read_standard_input()
    elif Path(source).suffix.lower() in FILM_SUFFIXES:
        detail = "films are written to files; name one with -o"
        raise ImageFileError(detail, reason="a film", name=source)
    else:
        data = imagefiles.read_bytes(source)
    content = processor.convert(data, source, target.suffix if target else suffix)
    if target:
        imagefiles.write_contents(target, [content])
    else:
        _write_standard_output(content, source)


def _read_standard_input() -> bytes:
    name = "standard input"
    if sys.stdin is None:  # As of a command that is started with <&-.
        raise ImageFileError("it is closed; send a photograph: < old.jpg", name=name)
    try:
        data = sys.stdin.buffer.read()
    except OSError as error:
        raise ImageFileError(f"{error.strerror}; send a photograph", name=name) from error
    if not data:
        detail = "nothing came; look at what should send it"
        raise ImageFileError(detail, reason="zero-byte", name=name)
    if film_kind(data) and not imagefiles.find_format(data):
        detail = "films are read from files and written to files; name both"
        raise ImageFileError(detail, reason="a film", name=name)
    return data


def _write_standard_output(content: bytes, source: str) -> None:
    try:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except OSError as error:
        # Otherwise Python would write the rest at its end, and fail once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise
        raise ValueError(
            f"cannot write the result of {source} to standard output: {error.strerror}; free space "
            "or send it elsewhere"
        ) from error
