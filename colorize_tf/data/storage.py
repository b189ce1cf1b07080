"""Read and write local files and objects in buckets, by `tf.io.gfile` (`gs://`) or `s3.py`.

What cannot be read or written raises `ValueError` with a message of one line.
"""

import contextlib
import errno
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from colorize_tf import imagefiles
from colorize_tf.data import s3
from colorize_tf.files import atomic_write, check_writable_folder

_CHECK_ROLES = "check your roles in the bucket"
_CHECK_CONNECTION = "check the name and the connection"


class DamagedError(ValueError):
    """A file exists and does not have the expected content."""


class NotFoundError(ValueError):
    """A location in a bucket does not exist."""


class UnreachableError(ValueError):
    """A bucket does not respond, or does not accept the credentials: no fault of one file."""


def _gfile() -> Any:
    """Import TensorFlow's file systems, which worker processes on S3 do not need."""
    import tensorflow as tf

    return tf.io.gfile


def is_url(location: str | Path) -> bool:
    """Return whether a location is in a bucket, such as `gs://bucket/folder`."""
    return "://" in str(location)


def join(folder: str | Path, name: str) -> str:
    """Return the location of a file in a folder."""
    return f"{str(folder).rstrip('/')}/{name}"


def read_image_bytes(location: str | Path) -> bytes:
    """Read an image file, as `imagefiles.read_bytes` does, here or in a bucket.

    Raises:
        ImageFileError: it cannot be read.
        UnreachableError: the bucket does not respond.
    """
    if not is_url(location):
        return imagefiles.read_bytes(location)
    try:
        return read_bytes(location)
    except UnreachableError:
        raise
    except ValueError as error:
        raise imagefiles.ImageFileError(str(error), name=location) from error


def read_bytes(location: str | Path, first: int = 0, count: int = -1) -> bytes:
    """Read a file, or `count` bytes of it from `first` on."""
    with translate_errors(location):
        if s3.is_s3(location):
            return s3.read(str(location), first, count)
        with _gfile().GFile(str(location), "rb") as file:
            file.seek(first)
            return file.read(count)


def read_json(location: str | Path) -> dict[str, Any]:
    """Read a JSON file that holds an object.

    Raises:
        DamagedError: it is not JSON, or no object.
        ValueError: it cannot be read.
    """
    contents = read_bytes(location)
    try:
        content = json.loads(contents)
    except ValueError as error:
        raise DamagedError(f"{location} is damaged ({error}); prepare the set again") from error
    if not isinstance(content, dict):
        raise DamagedError(f"{location} is damaged (not a JSON object); prepare the set again")
    return content


def write_bytes(location: str | Path, contents: bytes) -> None:
    """Write a file atomically."""
    with translate_errors(location):
        if s3.is_s3(location):
            s3.write(str(location), contents)
        elif is_url(location):  # An object appears in a bucket when it is complete.
            with _gfile().GFile(str(location), "wb") as file:
                file.write(contents)
        else:
            with atomic_write(location) as temporary:
                temporary.write_bytes(contents)


def write_json(location: str | Path, content: object) -> None:
    """Write a JSON file atomically; raises what `write_bytes` does."""
    write_bytes(location, json.dumps(content, indent=1).encode())


def walk(location: str) -> Iterator[str]:
    """Yield the names of all files below a location in a bucket, relative to it."""
    with translate_errors(location):
        if s3.is_s3(location):
            yield from s3.walk(location)
            return
        if not _gfile().isdir(location):
            raise NotFoundError(f"{location} does not exist; check the name")
        for folder, _, names in _gfile().walk(location, onerror=_refuse):
            yield from (join(folder, name).removeprefix(join(location, "")) for name in names)


def _refuse(error: Exception) -> NoReturn:
    raise error


def any_name(folder: str) -> str | None:
    """Return the name of any file in a folder or below a location in a bucket, unless hidden."""
    names = walk(folder) if is_url(folder) else (path.name for path in Path(folder).iterdir())
    with contextlib.suppress(NotFoundError):
        return next((name for name in names if not name.startswith(".")), None)
    return None


def size(location: str | Path) -> int | None:
    """Return the size of a file in bytes; None if it does not exist."""
    try:
        with translate_errors(location):
            if s3.is_s3(location):
                return s3.size(str(location))
            return _gfile().stat(str(location)).length
    except NotFoundError:
        return None


def make_folder(location: str | Path) -> None:
    """Make a folder and its parents, and check that files can be written there."""
    if not is_url(location):
        check_writable_folder(location)
        return
    probe = join(location, ".probe")
    with translate_errors(location):
        if s3.is_s3(location):
            s3.write(probe, b"0")
            s3.remove(probe)
            return
        _gfile().makedirs(str(location))
        with _gfile().GFile(probe, "wb") as file:
            file.write(b"0")
        _gfile().remove(probe)


def download(location: str, path: Path) -> None:
    """Copy a file from S3 to the disk atomically."""
    with translate_errors(location):
        s3.download(location, path)


@contextlib.contextmanager
def local_file(location: str, mode: str) -> Iterator[str]:
    """Yield a path for TensorFlow, which cannot access S3: of a file there, a temporary copy.

    In mode "r" the file is downloaded first, in mode "w" it is uploaded on success.
    """
    if not s3.is_s3(location):
        yield location
        return
    with tempfile.TemporaryDirectory(prefix="colorize_tf-") as folder:
        path = Path(folder, "file")
        if mode == "r":
            download(location, path)
        yield str(path)
        if mode == "w":
            with translate_errors(location):
                s3.upload(path, location)


@contextlib.contextmanager
def translate_errors(location: str | Path) -> Iterator[None]:
    """Translate errors about a file into `ValueError` with one line that names it.

    `OSError` is translated for files in S3 only; others name the file themselves.
    """
    if s3.is_s3(location):
        try:
            yield
        except OSError as error:
            raise _s3_error(location, error) from error
        return
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:
        kind: type[ValueError] = ValueError
        if isinstance(error, tf.errors.UnavailableError | tf.errors.UnauthenticatedError):
            kind = UnreachableError
        elif isinstance(error, tf.errors.NotFoundError):
            kind = NotFoundError
        raise kind(_explain(location, error)) from error


def _s3_error(location: str | Path, error: OSError) -> ValueError:
    if isinstance(error, FileNotFoundError):
        return NotFoundError(f"{location} does not exist ({error}); check the name")
    if isinstance(error, PermissionError):
        kind = UnreachableError if isinstance(error, s3.CredentialsError) else ValueError
        return kind(f"no permission for {location}: {error}; {_CHECK_ROLES}")
    if isinstance(error, ConnectionError):
        return UnreachableError(
            f"{location} cannot be reached: {error}; {_CHECK_CONNECTION}, then try again"
        )
    if error.errno == errno.ENOSPC:
        return ValueError(
            f"no space for a copy of {location}; free some, or set XDG_CACHE_HOME and TMPDIR to "
            "folders that have it"
        )
    return ValueError(f"cannot use {location}: {error}; {_CHECK_CONNECTION}")


def _explain(location: str | Path, error: Any) -> str:
    import tensorflow as tf

    lines = str(error.message).splitlines() or [type(error).__name__]
    if isinstance(error, tf.errors.UnimplementedError):
        scheme = str(location).partition("://")[0]
        return (
            f"{location}: this TensorFlow has no file system for {scheme}://; mount the bucket and "
            "name its folder, or use gs:// or s3://"
        )
    if isinstance(error, tf.errors.NotFoundError):
        return f"{location} does not exist; check the name"
    if isinstance(error, tf.errors.PermissionDeniedError | tf.errors.UnauthenticatedError):
        remedy = _CHECK_ROLES if is_url(location) else "check who may read and write there"
        return f"no permission for {location}: {lines[0]}; {remedy}"
    if isinstance(error, tf.errors.ResourceExhaustedError):
        return f"no space for {location}: {lines[0]}; free some or choose another location"
    return f"cannot use {location}: {lines[0]}; {_CHECK_CONNECTION}"
