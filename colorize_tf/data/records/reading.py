"""Photographs in sharded TFRecords, by number or as a stream, in flat memory.

`prepared.py` finds the shards of a set, `preparation.py` writes them.
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from colorize_tf.data import storage
from colorize_tf.data.locations import cache_folder
from colorize_tf.data.s3 import is_s3
from colorize_tf.files import atomic_write

if TYPE_CHECKING:
    import tensorflow as tf

SIDES = ("train", "validation")

# Length and checksum before the contents, checksum behind.
_BEFORE, _BEHIND = 12, 4
FRAME = _BEFORE + _BEHIND
"""Bytes that a TFRecord has beside its contents."""
# Encoded photographs that are shuffled among each other; beyond that, whole shards are.
_SHUFFLED_BYTES = 32 * 2**20
# Shards that are read at once, and records from one before the next has its turn.
_OPEN_SHARDS = 16
_RUN = 4
_BUCKET_READ_BYTES = 8 * 2**20


class Shard(NamedTuple):
    """One TFRecord file.

    Attributes:
        name: of the file, in the folder of the set.
        unit: number of the list that tells where its records begin.
        side: one of `SIDES`.
        count: of records.
        bytes: of the file.
        sha256: hexadecimal digest of the contents of its records, one after another.
    """

    name: str
    unit: int
    side: str
    count: int
    bytes: int
    sha256: str


class Records:
    """The photographs of one side, in the order of their shards; a slice of it is one too.

    Args:
        folder: of the set.
        shards: of one side.
        short_side: in pixels, which larger photographs were reduced to.
        sha256: of the shards of the set, of both sides.
        chosen: places in the shards, counted through; None for all.
    """

    def __init__(
        self,
        folder: str,
        shards: Sequence[Shard],
        *,
        short_side: int,
        sha256: str,
        chosen: range | None = None,
    ):
        self.folder = folder
        self.shards = tuple(shards)
        self.short_side = short_side
        self.sha256 = sha256
        self._ends = np.cumsum([shard.count for shard in self.shards], dtype=np.int64)
        total = int(self._ends[-1]) if self.shards else 0
        self._chosen = range(total) if chosen is None else chosen
        self.is_whole = self._chosen == range(total)

    def __len__(self) -> int:
        return len(self._chosen)

    def __getitem__(self, chosen: slice) -> Records:
        options = {"short_side": self.short_side, "sha256": self.sha256}
        return Records(self.folder, self.shards, chosen=self._chosen[chosen], **options)

    def read(self, index: int) -> tuple[bytes, str]:
        """Return the contents of an image file, and its name.

        Raises:
            ValueError: its shard cannot be read, or is damaged.
        """
        import tensorflow as tf
        from google.protobuf.message import DecodeError

        place = self._chosen[index]
        number = int(np.searchsorted(self._ends, place, side="right"))
        shard = self.shards[number]
        first = place - int(self._ends[number]) + shard.count
        offsets = _offsets(self.folder, shard.unit, shard.side)
        start, end = int(offsets[first]) + _BEFORE, int(offsets[first + 1]) - _BEHIND
        file = storage.join(self.folder, shard.name)
        try:
            contents = storage.read_bytes(file, start, end - start)
            features = tf.train.Example.FromString(contents).features.feature
            encoded, name = (
                features[key].bytes_list.value[0] for key in ("image/encoded", "image/filename")
            )
        except (DecodeError, IndexError) as error:
            raise ValueError(f"{file} is damaged at byte {start}; prepare the set again") from error
        return encoded, name.decode(errors="surrogateescape")

    def stream(self, *, seed: int, first: tf.Tensor, shard: tuple[int, int]) -> tf.data.Dataset:
        """Read one worker's part in passes without end, each in an order of its own.

        The parts of all workers follow each other in the order of the shards and are as long as
        each other but for one record, so that every photograph comes once in each pass, to one of
        them; where a shard goes on into the next part, both read it. Several shards are read at
        once, and what they hold is shuffled, 32 MiB at a time. The order follows from `seed`, so
        that a stream can go on where another one stopped; what comes before it in its pass is
        read, but not decoded. With other workers the parts are others: where they go on in the
        middle of a pass, some photographs come again in it and as many not until the next.

        Args:
            seed: chooses the orders.
            first: how many examples of this worker to pass over, an int64 scalar.
            shard: this worker's index, and how many share the records, of which there are as many.

        Returns:
            A dataset of contents of image files, their names, and the number of each in the stream,
            from `first`.
        """
        import tensorflow as tf

        part = self._part(*shard)
        files, skips, counts = zip(*part, strict=True)
        files = tf.constant([storage.join(self.folder, one.name) for one in files])
        skips, counts = tf.constant(skips, tf.int64), tf.constant(counts, tf.int64)
        length = sum(count for _, _, count in part)
        mean_bytes = sum(one.bytes for one in self.shards) / int(self._ends[-1])
        buffer = max(16, round(_SHUFFLED_BYTES / mean_bytes))

        def records_of(number):
            records = self._records_of(files[number])
            return records.skip(skips[number]).take(counts[number])

        def one_pass(number):
            seeds = tf.stack([seed, number])
            order = tf.random.experimental.stateless_shuffle(tf.range(len(part)), seed=seeds)
            examples = tf.data.Dataset.from_tensor_slices(order).interleave(
                records_of,
                cycle_length=_OPEN_SHARDS,
                block_length=_RUN,
                num_parallel_calls=min(_OPEN_SHARDS, len(part)),
                deterministic=True,
            )
            begun = tf.where(number == first // length, first % length, 0)
            # Not `shuffle`, whose seed cannot be a tensor when the seed of the process is 0.
            mixed = examples.batch(buffer).enumerate().map(functools.partial(_shuffled, seeds))
            return mixed.unbatch().skip(begun)

        passes = tf.data.Dataset.range(first // length, tf.int64.max)
        return passes.flat_map(one_pass).enumerate(first).map(_parsed)

    def _part(self, worker: int, workers: int) -> list[tuple[Shard, int, int]]:
        """Shards of one worker's part, how many records of each come before it, and are in it."""
        start, end = (len(self) * number // workers for number in (worker, worker + 1))
        part = []
        for shard, behind in zip(self.shards, self._ends.tolist(), strict=True):
            before = behind - shard.count
            count = min(end, behind) - max(start, before)
            if count > 0:
                part.append((shard, max(start - before, 0), count))
        return part

    def _records_of(self, file: tf.Tensor) -> tf.data.Dataset:
        """Read a shard from end to end; one in S3, which TensorFlow does not know, from a copy."""
        import tensorflow as tf

        if not is_s3(self.folder):
            read_bytes = _BUCKET_READ_BYTES if storage.is_url(self.folder) else None
            return tf.data.TFRecordDataset(file, buffer_size=read_bytes)

        def copied(file):
            copy = tf.numpy_function(self._copy_of, [file], tf.string)
            return tf.ensure_shape(copy, ())

        return tf.data.Dataset.from_tensors(file).map(copied).flat_map(tf.data.TFRecordDataset)

    def _copy_of(self, file: bytes) -> bytes:
        """Fetch a shard into the cache, unless it is there; it is found by what it holds."""
        (shard,) = (one for one in self.shards if file.endswith(f"/{one.name}".encode()))
        copy = cache_folder() / "shards" / f"{shard.sha256}.tfrecord"
        if not copy.is_file():
            with atomic_write(copy) as aside:
                storage.download(file.decode(), aside)
                if _content_sha256(aside, shard) != shard.sha256:
                    raise ValueError(
                        f"{file.decode()} is damaged inside; give the command that prepared it "
                        "again, with --verify, which finds and mends it"
                    )
        return os.fsencode(copy)


def _content_sha256(path: Path, shard: Shard) -> str:
    """Return the digest of what a copy of a shard holds, see `Shard`."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while before := file.read(_BEFORE):
            length = int.from_bytes(before[:8], "little")
            digest.update(file.read(min(length, shard.bytes)))
            file.seek(_BEHIND, os.SEEK_CUR)
    return digest.hexdigest()


def is_streamed(photographs: object, cache: object) -> bool:
    """Say whether shards are read from end to end: what is kept in memory is found by number.

    Args:
        photographs: to train on, `Records` or paths.
        cache: as `pipeline.training_dataset` takes it.
    """
    return isinstance(photographs, Records) and photographs.is_whole and cache != "memory"


def _shuffled(seeds: tf.Tensor, number: tf.Tensor, examples: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    # From 1: the order of the shards has the seeds as they are.
    seeds = tf.random.fold_in(seeds, number + 1)
    return tf.random.experimental.stateless_shuffle(examples, seed=seeds)


def _parsed(number: tf.Tensor, example: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    import tensorflow as tf

    text = tf.io.FixedLenFeature((), tf.string)
    keys = ("image/encoded", "image/filename")
    features = tf.io.parse_single_example(example, dict.fromkeys(keys, text))
    return *(features[key] for key in keys), number


@functools.lru_cache(maxsize=64)
def _offsets(folder: str, unit: int, side: str) -> np.ndarray:
    """Where the records of a shard begin, and where the last one ends."""
    content = storage.read_json(storage.join(folder, unit_name(unit)))
    return np.array(content["shards"][side]["offsets"])


def shards_of_unit(unit: int, content: dict) -> list[Shard]:
    """Return the shards that the list of a unit tells of."""
    known = ("name", "count", "bytes", "sha256")
    return [
        Shard(unit=unit, side=side, **{key: shard[key] for key in known})
        for side, shard in content["shards"].items()
    ]


def unit_name(unit: int) -> str:
    """Name the list of one unit of the work."""
    return f"{unit:05d}.json"
