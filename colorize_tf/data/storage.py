"""Files here and in buckets, through `tf.io.gfile` (`gs://`) or `s3.py`; errors are one line."""

import contextlib
import errno
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from colorize_tf import imagefiles
from colorize_tf.data import s3
from colorize_tf.files import atomic_write, check_writable_folder

_IN_A_BUCKET = "your roles in the bucket"
_CONNECTION = "check the name and the connection"


class Damaged(ValueError):
    """A file that is there and holds something else."""


class NotThereError(ValueError):
    """A place in a bucket that does not exist."""


class UnreachableError(ValueError):
    """A bucket that does not answer now, or does not know who asks: no fault of one file."""


def is_url(place: str | Path) -> bool:
    """Say whether a place is in a bucket, such as `gs://bucket/folder`."""
    return "://" in str(place)


def join(folder: str | Path, name: str) -> str:
    """Name a file in a folder."""
    return f"{str(folder).rstrip('/')}/{name}"


def read_image_bytes(place: str | Path) -> bytes:
    """Read an image file as `imagefiles.read_bytes` does, or one in a bucket.

    Raises:
        ImageFileError: it cannot be read.
        UnreachableError: nor can any other at present.
    """
    if not is_url(place):
        return imagefiles.read_bytes(place)
    try:
        return read_bytes(place)
    except UnreachableError:
        raise
    except ValueError as error:
        raise imagefiles.ImageFileError(str(error), name=place) from error


def read_bytes(place: str | Path, first: int = 0, count: int = -1) -> bytes:
    """Read a file, or `count` bytes of it from `first` on.

    Raises:
        ValueError: it cannot be read.
    """
    if s3.is_s3(place):  # without TensorFlow, which processes that convert need not load
        with told(place):
            return s3.read(str(place), first, count)
    import tensorflow as tf

    with told(place), tf.io.gfile.GFile(str(place), "rb") as file:
        file.seek(first)
        return file.read(count)


def read_json(place: str | Path) -> dict[str, Any]:
    """Read a JSON file that holds an object.

    Raises:
        Damaged: it is none.
        ValueError: it cannot be read.
    """
    contents = read_bytes(place)
    try:
        content = json.loads(contents)
    except ValueError as error:
        raise Damaged(f"{place} is damaged ({error}); prepare the set again") from error
    if not isinstance(content, dict):
        raise Damaged(f"{place} is damaged (no object); prepare the set again")
    return content


def write_bytes(place: str | Path, contents: bytes) -> None:
    """Write a file, whole or not at all.

    Raises:
        ValueError: it cannot be written.
    """
    if s3.is_s3(place):
        with told(place):
            return s3.write(str(place), contents)
    import tensorflow as tf

    with told(place):
        if is_url(place):  # A bucket shows a file once it is whole.
            with tf.io.gfile.GFile(str(place), "wb") as file:
                file.write(contents)
            return
        with atomic_write(place) as aside:
            aside.write_bytes(contents)


def write_json(place: str | Path, content: object) -> None:
    """Write a JSON file, whole or not at all; `write_bytes` tells the errors."""
    write_bytes(place, json.dumps(content, indent=1).encode())


def walk(place: str) -> Iterator[str]:
    """Yield the names of all files below a place in a bucket, as seen from there.

    Raises:
        ValueError: it cannot be looked into.
    """
    if s3.is_s3(place):
        with told(place):
            yield from s3.walk(place)
        return
    import tensorflow as tf

    with told(place):
        if not tf.io.gfile.isdir(place):
            raise NotThereError(f"{place} does not exist; check the name")
        for folder, _, names in tf.io.gfile.walk(place, onerror=_refuse):
            yield from (join(folder, name).removeprefix(join(place, "")) for name in names)


def _refuse(error):
    raise error


def any_name(folder: str) -> str | None:
    """Return what lies in a folder or below a place in a bucket, hidden files aside; or nothing.

    Raises:
        ValueError: it cannot be looked into.
    """
    names = walk(folder) if is_url(folder) else (path.name for path in Path(folder).iterdir())
    with contextlib.suppress(NotThereError):
        return next((name for name in names if not name.startswith(".")), None)


def size(place: str | Path) -> int | None:
    """Return how many bytes a file has; None where there is none.

    Raises:
        ValueError: that cannot be found out.
    """
    if s3.is_s3(place):
        with told(place), contextlib.suppress(FileNotFoundError):
            return s3.size(str(place))
        return None
    import tensorflow as tf

    with told(place):
        try:
            return tf.io.gfile.stat(str(place)).length
        except tf.errors.NotFoundError:
            return None


def make_folder(place: str | Path) -> None:
    """Make a folder and those above it, and try whether files can be written there.

    Raises:
        ValueError: it cannot be made or written to.
    """
    if not is_url(place):
        return check_writable_folder(place)
    probe = join(place, ".probe")
    if s3.is_s3(place):
        with told(place):
            s3.write(probe, b"0")
            return s3.remove(probe)
    import tensorflow as tf

    with told(place):
        tf.io.gfile.makedirs(str(place))
        with tf.io.gfile.GFile(probe, "wb") as file:
            file.write(b"0")
        tf.io.gfile.remove(probe)


def download(place: str, path: Path) -> None:
    """Copy a file from S3 to the disk, whole or not at all.

    Raises:
        ValueError: it cannot be read, or not written there.
    """
    with told(place):
        s3.download(place, path)


@contextlib.contextmanager
def readable_here(place: str) -> Iterator[str]:
    """Give a name by which TensorFlow reads a file: a copy of one in S3, for as long.

    Raises:
        ValueError: it cannot be read.
    """
    if not s3.is_s3(place):
        yield place
        return
    with tempfile.TemporaryDirectory(prefix="colorize_tf-") as folder:
        copy = Path(folder, "copy")
        download(place, copy)
        yield str(copy)


@contextlib.contextmanager
def writable_here(place: str) -> Iterator[str]:
    """Give a name by which TensorFlow writes a file; what is for S3 is sent there at the end.

    Raises:
        ValueError: it cannot be written.
    """
    if not s3.is_s3(place):
        yield place
        return
    with tempfile.TemporaryDirectory(prefix="colorize_tf-") as folder:
        aside = Path(folder, "aside")
        yield str(aside)
        with told(place):
            s3.upload(aside, place)


@contextlib.contextmanager
def told(place: str | Path) -> Iterator[None]:
    """Turn errors about a file into a `ValueError` of one line that names it.

    Of the system's, those about a file in S3 alone: others name it themselves.
    """
    if s3.is_s3(place):
        try:
            yield
        except OSError as error:
            raise _in_s3(place, error) from error
        return
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:
        is_none = (tf.errors.UnavailableError, tf.errors.UnauthenticatedError)
        kind = UnreachableError if isinstance(error, is_none) else ValueError
        raise kind(_explained(place, error)) from error


def _in_s3(place: str | Path, error: OSError) -> ValueError:
    if isinstance(error, FileNotFoundError):
        return NotThereError(f"{place} does not exist ({error}); check the name")
    if isinstance(error, PermissionError):
        kind = UnreachableError if isinstance(error, s3.NotLetIn) else ValueError
        return kind(f"no permission for {place}: {error}; check {_IN_A_BUCKET}")
    if isinstance(error, ConnectionError):
        return UnreachableError(f"{place} cannot be reached: {error}; {_CONNECTION}, then go on")
    if error.errno == errno.ENOSPC:
        return ValueError(
            f"no space for a copy of {place}; free some, or set XDG_CACHE_HOME and TMPDIR to "
            "folders that have it"
        )
    return ValueError(f"cannot use {place}: {error}; {_CONNECTION}")


def _explained(place: str | Path, error: Exception) -> str:
    import tensorflow as tf

    lines = str(error.message).splitlines() or [type(error).__name__]
    if isinstance(error, tf.errors.UnimplementedError):
        scheme = str(place).partition("://")[0]
        return (
            f"{place}: this TensorFlow has no file system for {scheme}://; mount the bucket and "
            "name its folder, or use gs:// or s3://"
        )
    if isinstance(error, tf.errors.NotFoundError):
        return f"{place} does not exist; check the name"
    if isinstance(error, tf.errors.PermissionDeniedError | tf.errors.UnauthenticatedError):
        remedy = _IN_A_BUCKET if is_url(place) else "who may read and write there"
        return f"no permission for {place}: {lines[0]}; check {remedy}"
    if isinstance(error, tf.errors.ResourceExhaustedError):
        return f"no space for {place}: {lines[0]}; free some or choose another place"
    return f"cannot use {place}: {lines[0]}; {_CONNECTION}"
