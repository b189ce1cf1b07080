"""Files in S3 (`s3://bucket/name`) by boto3, since TensorFlow has no file system for S3.

boto3 finds credentials, region and `AWS_ENDPOINT_URL` by its own rules. Errors are `OSError` of the
kinds that a disk would raise.
"""

import contextlib
import functools
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_PREFIX = "s3://"
# Attempts to read a file whose response breaks off; boto3 repeats what fails before that.
_TRIES = 3
_SECONDS_TO_CONNECT = 10
# Enough for all shards that are checked or fetched at once.
_CONNECTIONS = 32
# Error codes of S3; numbers for HEAD requests, whose responses have no body.
_CREDENTIALS_CODES = ("ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "SignatureDoesNotMatch")
_KINDS: dict[str | None, type[OSError]] = {
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
_client_lock = threading.Lock()


class CredentialsError(PermissionError):
    """S3 does not accept the credentials, or they expired."""


def is_s3(location: str | Path) -> bool:
    """Return whether a location is in S3."""
    return str(location).startswith(_PREFIX)


def read(location: str, first: int = 0, count: int = -1) -> bytes:
    """Read a file, or `count` bytes of it from `first` on."""
    part = {} if count < 0 else {"Range": f"bytes={first}-{first + count - 1}"}
    tries_left = _TRIES
    while True:
        with _client_errors() as client:
            body = client.get_object(**_object_of(location), **part)["Body"]
        try:
            with _client_errors(), contextlib.closing(body):
                return body.read()
        except ConnectionError:
            tries_left -= 1
            if not tries_left:
                raise


def write(location: str, contents: bytes) -> None:
    """Write a file atomically."""
    with _client_errors() as client:
        client.put_object(**_object_of(location), Body=contents)


def upload(path: Path, location: str) -> None:
    """Copy a file from the disk to S3 atomically."""
    with _client_errors() as client:
        client.upload_file(str(path), *_object_of(location).values(), Config=_single_threaded())


def download(location: str, path: Path) -> None:
    """Copy a file to the disk atomically; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _client_errors() as client:
        client.download_file(*_object_of(location).values(), str(path), Config=_single_threaded())


def remove(location: str) -> None:
    """Remove a file, if it is there."""
    with _client_errors() as client:
        client.delete_object(**_object_of(location))


def size(location: str) -> int:
    """Return the size of a file in bytes."""
    with _client_errors() as client:
        return client.head_object(**_object_of(location))["ContentLength"]


def walk(location: str) -> Iterator[str]:
    """Yield the names of all files below a location, relative to it."""
    named = _object_of(location.rstrip("/") + "/")
    bucket, prefix = named.values()
    is_empty = True
    with _client_errors() as client:
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for found in page.get("Contents", ()):
                is_empty = False
                if not found["Key"].endswith("/"):  # a folder that a console made
                    yield found["Key"].removeprefix(prefix)
    if is_empty:
        raise FileNotFoundError("there is no file below it")


def _object_of(location: str) -> dict[str, str]:
    bucket, _, key = str(location).removeprefix(_PREFIX).partition("/")
    return {"Bucket": bucket, "Key": key}


def _single_threaded() -> Any:
    """Transfer the parts of a file in one thread, as several files are transferred at once."""
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
def _client_errors() -> Iterator[Any]:
    """Give boto3's client, and translate its errors into `OSError`."""
    with _client_lock:  # Making a client is not thread-safe.
        client = _client()
    from botocore import exceptions

    no_credentials = (exceptions.NoCredentialsError, exceptions.PartialCredentialsError)
    invalid = (exceptions.ParamValidationError, exceptions.ProfileNotFound)
    try:
        yield client
    except exceptions.ClientError as error:
        details = error.response.get("Error", {})
        code = details.get("Code")
        kind = CredentialsError if code in _CREDENTIALS_CODES else _KINDS.get(code, OSError)
        raise kind(details.get("Message") or str(error)) from error
    except no_credentials as error:
        raise CredentialsError(f"{error}; set AWS_PROFILE or AWS_ACCESS_KEY_ID") from error
    except invalid as error:
        raise OSError(" ".join(str(error).split())) from error
    except exceptions.BotoCoreError as error:
        raise ConnectionError(" ".join(str(error).split())) from error
