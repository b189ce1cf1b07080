"""Files here and in buckets (`gs://`), through `tf.io.gfile`; what goes wrong is one line."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from colorize_tf import media
from colorize_tf.files import written_aside


class Damaged(ValueError):
    """A file that is there and holds something else."""


def is_url(place: str | Path) -> bool:
    """Say whether a place is in a bucket, such as `gs://bucket/folder`."""
    return "://" in str(place)


def join(folder: str | Path, name: str) -> str:
    """Name a file in a folder."""
    return f"{str(folder).rstrip('/')}/{name}"


def read_image_bytes(place: str | Path) -> bytes:
    """Read an image file as `media.read_bytes` does, or one in a bucket.

    Raises:
        ImageError: it cannot be read.
    """
    if not is_url(place):
        return media.read_bytes(place)
    try:
        return read_bytes(place)
    except ValueError as error:
        raise media.ImageError(place, "unreadable", str(error)) from error


def read_bytes(place: str | Path, first: int = 0, count: int = -1) -> bytes:
    """Read a file, or `count` bytes of it from `first` on.

    Raises:
        ValueError: it cannot be read.
    """
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
    import tensorflow as tf

    with told(place):
        if is_url(place):  # A bucket shows a file once it is whole.
            with tf.io.gfile.GFile(str(place), "wb") as file:
                file.write(contents)
            return
        with written_aside(place) as aside:
            aside.write_bytes(contents)


def write_json(place: str | Path, content: object) -> None:
    """Write a JSON file, whole or not at all; `write_bytes` tells the errors."""
    write_bytes(place, json.dumps(content, indent=1).encode())


def walk(place: str) -> Iterator[str]:
    """Yield the names of all files below a place in a bucket, as seen from there.

    Raises:
        ValueError: it cannot be looked into.
    """
    import tensorflow as tf

    with told(place):
        if not tf.io.gfile.isdir(place):
            raise ValueError(f"{place} does not exist; check the name")
        for folder, _, names in tf.io.gfile.walk(place, onerror=_refuse):
            yield from (join(folder, name).removeprefix(join(place, "")) for name in names)


def _refuse(error):
    raise error


def size(place: str | Path) -> int | None:
    """Return how many bytes a file has; None where there is none.

    Raises:
        ValueError: that cannot be found out.
    """
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
    import tensorflow as tf

    probe = join(place, ".probe")
    with told(place):
        tf.io.gfile.makedirs(str(place))
        with tf.io.gfile.GFile(probe, "wb") as file:
            file.write(b"0")
        tf.io.gfile.remove(probe)


@contextlib.contextmanager
def told(place: str | Path) -> Iterator[None]:
    """Turn TensorFlow's errors about a file into a `ValueError` of one line that names it."""
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:
        raise ValueError(_explained(place, error)) from error


def _explained(place: str | Path, error: Exception) -> str:
    import tensorflow as tf

    lines = str(error.message).splitlines() or [type(error).__name__]
    if isinstance(error, tf.errors.UnimplementedError):
        scheme = str(place).partition("://")[0]
        return (
            f"{place}: this TensorFlow has no file system for {scheme}://; mount the bucket and "
            "name its folder, or use gs://"
        )
    if isinstance(error, tf.errors.NotFoundError):
        return f"{place} does not exist; check the name"
    if isinstance(error, tf.errors.PermissionDeniedError | tf.errors.UnauthenticatedError):
        remedy = "your roles in the bucket" if is_url(place) else "who may read and write there"
        return f"no permission for {place}: {lines[0]}; check {remedy}"
    if isinstance(error, tf.errors.ResourceExhaustedError):
        return f"no space for {place}: {lines[0]}; free some or choose another place"
    return f"cannot use {place}: {lines[0]}; check the name and the connection"
