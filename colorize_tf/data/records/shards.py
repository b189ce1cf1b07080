"""Shards: TFRecord files of `tf.train.Example`, and the JSON list of each chunk of the work."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
from typing import TYPE_CHECKING, Any

from colorize_tf.data import storage

if TYPE_CHECKING:
    from colorize_tf.data.records.conversion import Conversion

SPLITS = ("train", "validation")

HEADER_BYTES, FOOTER_BYTES = 12, 4
"""Length and checksum before the contents of a TFRecord, checksum after them."""

# Names of fields in stored files where they differ from those in the code.
_STORED_NAMES = {"chunk": "unit", "split": "side"}


@dataclasses.dataclass(frozen=True)
class Shard:
    """One TFRecord file.

    Attributes:
        name: of the file, in the folder of the set.
        chunk: number of the JSON list with the offsets of its records.
        split: one of `SPLITS`.
        count: number of records.
        bytes: size of the file.
        sha256: hexadecimal digest of the contents of its records, one after another.
    """

    name: str
    chunk: int
    split: str
    count: int
    bytes: int
    sha256: str

    def to_json(self) -> dict[str, Any]:
        """Return the entry of the shard in the index of a set."""
        return {
            _STORED_NAMES.get(name, name): value for name, value in dataclasses.asdict(self).items()
        }

    @classmethod
    def from_json(cls, entry: dict[str, Any]) -> Shard:
        """Read an entry that `to_json` made; a missing field raises `KeyError`."""
        names = (field.name for field in dataclasses.fields(cls))
        return cls(**{name: entry[_STORED_NAMES.get(name, name)] for name in names})


def chunk_name(chunk: int) -> str:
    """Return the file name of the JSON list of a chunk."""
    return f"{chunk:05d}.json"


def shards_of_chunk(chunk: int, content: dict[str, Any]) -> list[Shard]:
    """Return the shards in the JSON list of a chunk."""
    return [
        Shard.from_json({**entry, "unit": chunk, "side": split})
        for split, entry in content["shards"].items()
    ]


class ShardWriter:
    """Writes a shard; a context manager.

    Args:
        folder: of the set, here or in a bucket.
        name: of the file.
        license: of the photographs, stored in each record.

    Raises:
        ValueError: the file cannot be written.
    """

    def __init__(self, folder: str, name: str, license: str):
        import tensorflow as tf

        self._name, self._license = name, license
        self._location = storage.join(folder, name)
        self._offsets = [0]
        self._digest = hashlib.sha256()
        self._stack = contextlib.ExitStack()
        file = self._stack.enter_context(storage.local_file(self._location, "w"))
        with storage.translate_errors(self._location):
            self._writer = tf.io.TFRecordWriter(file)
        self._stack.push(self._close)

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(self, *exception: Any) -> bool | None:
        return self._stack.__exit__(*exception)

    def _close(self, *_: object) -> None:
        with storage.translate_errors(self._location):
            self._writer.close()

    def write(self, name: str, photograph: Conversion) -> None:
        """Add a photograph under a file name."""
        contents = _example(name, photograph, self._license)
        with storage.translate_errors(self._location):
            self._writer.write(contents)
        self._digest.update(contents)
        self._offsets.append(self._offsets[-1] + HEADER_BYTES + len(contents) + FOOTER_BYTES)

    def entry(self) -> dict[str, Any]:
        """Return the entry of the shard in the JSON list of its chunk."""
        return {
            "name": self._name,
            "count": len(self._offsets) - 1,
            "bytes": self._offsets[-1],
            "sha256": self._digest.hexdigest(),
            "offsets": self._offsets,
        }


def _example(name: str, photograph: Conversion, license: str) -> bytes:
    """Serialize a tf.train.Example with the feature names of TensorFlow's own data sets."""
    import tensorflow as tf

    features = {
        "image/encoded": photograph.contents,
        "image/format": b"jpeg",
        "image/filename": os.fsencode(name),
        "image/key/sha256": photograph.finding.sha256.encode(),
        "image/licence": license.encode(),
        "image/height": photograph.height,
        "image/width": photograph.width,
    }
    return tf.train.Example(
        features=tf.train.Features(
            feature={
                key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
                if isinstance(value, bytes)
                else tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
                for key, value in features.items()
            }
        )
    ).SerializeToString(deterministic=True)
