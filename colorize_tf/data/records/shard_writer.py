"""One shard as it is written: a TFRecord file of examples, and where each of them begins."""

import contextlib
import hashlib
import os

from colorize_tf.data import storage
from colorize_tf.data.records.conversion import Converted
from colorize_tf.data.records.reading import FRAME


class ShardWriter:
    """Writes examples; a context manager.

    Args:
        folder: of the set, here or in a bucket.
        name: of the file.
        licence: of the photographs, kept in each record.

    Raises:
        ValueError: the file cannot be written.
    """

    def __init__(self, folder: str, name: str, licence: str):
        import tensorflow as tf

        self._name, self._licence = name, licence
        self._place = storage.join(folder, name)
        self._offsets = [0]
        self._digest = hashlib.sha256()
        self._ending = contextlib.ExitStack()
        file = self._ending.enter_context(storage.writable_here(self._place))
        with storage.told(self._place):
            self._writer = tf.io.TFRecordWriter(file)
        self._ending.push(self._close)

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        return self._ending.__exit__(*failure)

    def _close(self, *_):
        with storage.told(self._place):
            self._writer.close()

    def write(self, name: str, converted: Converted) -> None:
        """Add a photograph under a name."""
        contents = _example(name, converted, self._licence)
        with storage.told(self._place):
            self._writer.write(contents)
        self._digest.update(contents)
        self._offsets.append(self._offsets[-1] + FRAME + len(contents))

    def content(self) -> dict:
        """Return what the list of its unit says of it."""
        return {
            "name": self._name,
            "count": len(self._offsets) - 1,
            "bytes": self._offsets[-1],
            "sha256": self._digest.hexdigest(),
            "offsets": self._offsets,
        }


def _example(name: str, converted: Converted, licence: str) -> bytes:
    """A tf.train.Example under the names that TensorFlow's own data sets have."""
    import tensorflow as tf

    features = {
        "image/encoded": converted.contents,
        "image/format": b"jpeg",
        "image/filename": os.fsencode(name),
        "image/key/sha256": converted.finding.sha256.encode(),
        "image/licence": licence.encode(),
        "image/height": converted.height,
        "image/width": converted.width,
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
