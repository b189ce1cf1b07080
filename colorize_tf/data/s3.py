"""Files in S3 (`s3://bucket/name`), by boto3: TensorFlow has no file system for them.

Credentials, region and `AWS_ENDPOINT_URL` are found as Amazon's own programs find them. What goes
wrong is an `OSError` of the kind that a disk would raise.
"""

import contextlib
import functools
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from colorize_tf.files import atomic_write

_PREFIX = "s3://"
# How often a file is asked for whose contents stop coming; boto3 itself repeats what comes before.
_TRIES = 3
_SECONDS_TO_CONNECT = 10
# Shards that are looked at, or fetched, at once, and some more.
_CONNECTIONS = 32
# What S3 answers; the numbers where it is asked for a size, as there an answer has no body.
_NOT_LET_IN = ("ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "SignatureDoesNotMatch")
_KINDS = {
    "404": FileNotFoundError,
    "NoSuchBucket": FileNotFoundError,
    "NoSuchKey": FileNotFoundError,
    "403": PermissionError,
    "AccessDenied": PermissionError,
    "AllAccessDisabled": PermissionError,
    "InternalError": ConnectionError,
    "RequestTimeout": ConnectionError,
    "ServiceUnavailable": ConnectionError,
    "SlowDown": ConnectionError,
}
_making = threading.Lock()


class NotLetIn(PermissionError):
    """S3 does not know who asks, or not any more."""


def is_s3(place: str | Path) -> bool:
    """Say whether a place is in S3."""
    return str(place).startswith(_PREFIX)


def read(place: str, first: int = 0, count: int = -1) -> bytes:
    """Read a file, or `count` bytes of it from `first` on."""
    part = {} if count < 0 else {"Range": f"bytes={first}-{first + count - 1}"}
    for tries_left in reversed(range(_TRIES)):
        with _translated() as client:
            answer = client.get_object(**_named(place), **part)["Body"]
        try:
            with _translated(), contextlib.closing(answer):
                return answer.read()
        except ConnectionError:
            if not tries_left:
                raise


def write(place: str, contents: bytes) -> None:
    """Write a file, which is whole or not there."""
    with _translated() as client:
        client.put_object(**_named(place), Body=contents)


def upload(path: Path, place: str) -> None:
    """Write a file from one on the disk, which is whole or not there."""
    with _translated() as client, path.open("rb") as file:
        client.upload_fileobj(file, *_named(place).values(), Config=_one_connection())


def download(place: str, path: Path) -> None:
    """Copy a file to the disk, where it is whole or not there; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as aside, aside.open("wb") as file, _translated() as client:
        client.download_fileobj(*_named(place).values(), file, Config=_one_connection())


def remove(place: str) -> None:
    """Remove a file, if it is there."""
    with _translated() as client:
        client.delete_object(**_named(place))


def size(place: str) -> int:
    """Return how many bytes a file has."""
    with _translated() as client:
        return client.head_object(**_named(place))["ContentLength"]


def walk(place: str) -> Iterator[str]:
    """Yield the names of all files below a place, as seen from there."""
    named = _named(place.rstrip("/") + "/")
    bucket, prefix = named.values()
    is_empty = True
    with _translated() as client:
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for found in page.get("Contents", ()):
                is_empty = False
                if not found["Key"].endswith("/"):  # what consoles make for a folder
                    yield found["Key"].removeprefix(prefix)
    if is_empty:
        raise FileNotFoundError("there is no file below it")


def _named(place: str) -> dict[str, str]:
    bucket, _, key = str(place).removeprefix(_PREFIX).partition("/")
    return {"Bucket": bucket, "Key": key}


def _one_connection() -> Any:
    """Of large files in parts by one thread: several files are under way at a time."""
    from boto3.s3.transfer import TransferConfig

    return TransferConfig(use_threads=False)


@functools.cache
def _client() -> Any:
    try:
        import boto3
        from botocore.config import Config
    except ImportError as error:
        raise ValueError(
            "s3:// needs boto3, which is not installed; install it: pip install colorize_tf[s3]"
        ) from error
    limits = {"connect_timeout": _SECONDS_TO_CONNECT, "max_pool_connections": _CONNECTIONS}
    return boto3.session.Session().client("s3", config=Config(**limits))


@contextlib.contextmanager
def _translated() -> Iterator[Any]:
    """Give boto3's client, and turn its errors into those of the system."""
    with _making:  # boto3 is not to be asked for two at once
        client = _client()
    from botocore import exceptions

    nobody = (exceptions.NoCredentialsError, exceptions.PartialCredentialsError)
    wrong = (exceptions.ParamValidationError, exceptions.ProfileNotFound)
    try:
        yield client
    except exceptions.ClientError as error:
        told = error.response.get("Error", {})
        code = told.get("Code")
        kind = NotLetIn if code in _NOT_LET_IN else _KINDS.get(code, OSError)
        raise kind(told.get("Message") or str(error)) from error
    except nobody as error:
        raise NotLetIn(f"{error}; set AWS_PROFILE or AWS_ACCESS_KEY_ID") from error
    except wrong as error:
        raise OSError(" ".join(str(error).split())) from error
    except exceptions.BotoCoreError as error:
        raise ConnectionError(" ".join(str(error).split())) from error
