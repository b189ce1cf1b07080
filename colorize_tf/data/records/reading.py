"""Read photographs from shards, by index or as a stream, in constant memory."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from colorize_tf.data import storage
from colorize_tf.data.locations import cache_folder
from colorize_tf.data.records.shards import FOOTER_BYTES, HEADER_BYTES, Shard, chunk_name
from colorize_tf.data.s3 import is_s3
from colorize_tf.files import atomic_write

if TYPE_CHECKING:
    import tensorflow as tf

# Encoded photographs that are shuffled among each other; beyond that, whole shards are.
_SHUFFLE_BYTES = 32 * 2**20
# Shards that are read at once, and records that are read from one before the next follows.
_OPEN_SHARDS = 16
_BLOCK_LENGTH = 4
_BUCKET_READ_BYTES = 8 * 2**20


class Records:
    """The photographs of one split, in the order of their shards; slices are `Records` too.

    Args:
        folder: of the set.
        shards: of one split.
        short_side: to which larger photographs were reduced, in pixels.
        sha256: digest of the shards of both splits.
        chosen: indices of the records, counted over all shards; None for all.
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
        return Records(
            self.folder,
            self.shards,
            short_side=self.short_side,
            sha256=self.sha256,
            chosen=self._chosen[chosen],
        )

    def read(self, index: int) -> tuple[bytes, str]:
        """Return the contents of an image file and its name.

        Raises:
            ValueError: its shard cannot be read, or is damaged.
        """
        import tensorflow as tf
        from google.protobuf.message import DecodeError

        position = self._chosen[index]
        number = int(np.searchsorted(self._ends, position, side="right"))
        shard = self.shards[number]
        first = position - int(self._ends[number]) + shard.count
        offsets = _offsets(self.folder, shard.chunk, shard.split)
        start, end = int(offsets[first]) + HEADER_BYTES, int(offsets[first + 1]) - FOOTER_BYTES
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
        """Read one worker's part in endless passes, each in a different order.

        The parts of the workers divide the records into equal runs, so that in each pass every
        photograph goes to one worker; two workers may read the same shard. Several shards are read
        at once, and their records are shuffled within 32 MiB. The order depends on `seed` only, so
        that a stream can continue where another one stopped; skipped records of its pass are read
        and not decoded. Another number of workers divides the records differently: after a change
        within a pass, some photographs repeat in it, and as many are missing.

        Args:
            seed: determines the orders.
            first: how many examples of this worker to skip, an int64 scalar.
            shard: index of this worker, and number of workers, at most as many as records.

        Returns:
            A dataset of contents of image files, their names, and the number of each in the stream,
            from `first`.
        """
        import tensorflow as tf

        part = self._part(*shard)
        files, skips, counts = zip(*part, strict=True)
        locations = tf.constant([storage.join(self.folder, one.name) for one in files])
        skips, counts = tf.constant(skips, tf.int64), tf.constant(counts, tf.int64)
        length = sum(count for _, _, count in part)
        mean_bytes = sum(one.bytes for one in self.shards) / int(self._ends[-1])
        buffer = max(16, round(_SHUFFLE_BYTES / mean_bytes))

        def records_of(number: tf.Tensor) -> tf.data.Dataset:
            records = self._records_of(locations[number])
            return records.skip(skips[number]).take(counts[number])

        def one_pass(number: tf.Tensor) -> tf.data.Dataset:
            seeds = tf.stack([seed, number])
            order = tf.random.experimental.stateless_shuffle(tf.range(len(part)), seed=seeds)
            examples = tf.data.Dataset.from_tensor_slices(order).interleave(
                records_of,
                cycle_length=_OPEN_SHARDS,
                block_length=_BLOCK_LENGTH,
                num_parallel_calls=min(_OPEN_SHARDS, len(part)),
                deterministic=True,
            )
            skipped = tf.where(number == first // length, first % length, 0)
            # `shuffle` does not take a tensor as its seed when the global seed is 0.
            mixed = examples.batch(buffer).enumerate().map(functools.partial(_shuffle, seeds))
            return mixed.unbatch().skip(skipped)

        passes = tf.data.Dataset.range(first // length, tf.int64.max)
        return passes.flat_map(one_pass).enumerate(first).map(_parse)

    def _part(self, worker: int, workers: int) -> list[tuple[Shard, int, int]]:
        """Return the shards of a worker's part, and how many records to skip and to take."""
        start, end = (len(self) * number // workers for number in (worker, worker + 1))
        part = []
        for shard, shard_end in zip(self.shards, self._ends.tolist(), strict=True):
            shard_start = shard_end - shard.count
            count = min(end, shard_end) - max(start, shard_start)
            if count > 0:
                part.append((shard, max(start - shard_start, 0), count))
        return part

    def _records_of(self, file: tf.Tensor) -> tf.data.Dataset:
        """Read a whole shard; TensorFlow cannot read S3, so that a copy is read."""
        import tensorflow as tf

        if not is_s3(self.folder):
            read_bytes = _BUCKET_READ_BYTES if storage.is_url(self.folder) else None
            return tf.data.TFRecordDataset(file, buffer_size=read_bytes)

        def local_copy(file: tf.Tensor) -> tf.Tensor:
            copy = tf.numpy_function(self._cached_copy, [file], tf.string)
            return tf.ensure_shape(copy, ())

        return tf.data.Dataset.from_tensors(file).map(local_copy).flat_map(tf.data.TFRecordDataset)

    def _cached_copy(self, file: bytes) -> bytes:
        """Download a shard into the cache, unless it is there under its digest."""
        (shard,) = (one for one in self.shards if file.endswith(f"/{one.name}".encode()))
        copy = cache_folder() / "shards" / f"{shard.sha256}.tfrecord"
        if not copy.is_file():
            with atomic_write(copy) as temporary:
                storage.download(file.decode(), temporary)
                if _content_sha256(temporary, shard) != shard.sha256:
                    raise ValueError(
                        f"{file.decode()} has damaged records; give the command that prepared it "
                        "again, with --verify, which finds and replaces it"
                    )
        return os.fsencode(copy)


def _content_sha256(path: Path, shard: Shard) -> str:
    """Return the digest of the records in a copy of a shard, see `Shard`."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while header := file.read(HEADER_BYTES):
            length = int.from_bytes(header[:8], "little")
            digest.update(file.read(min(length, shard.bytes)))
            file.seek(FOOTER_BYTES, os.SEEK_CUR)
    return digest.hexdigest()


def is_streamed(photographs: object, cache: object) -> bool:
    """Return whether training reads whole shards; with a cache in memory it reads by index."""
    return isinstance(photographs, Records) and photographs.is_whole and cache != "memory"


def _shuffle(seeds: tf.Tensor, number: tf.Tensor, examples: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    # From 1, as the order of the shards uses the seeds themselves.
    seeds = tf.random.fold_in(seeds, number + 1)
    return tf.random.experimental.stateless_shuffle(examples, seed=seeds)


def _parse(number: tf.Tensor, example: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    import tensorflow as tf

    text = tf.io.FixedLenFeature((), tf.string)
    keys = ("image/encoded", "image/filename")
    features = tf.io.parse_single_example(example, dict.fromkeys(keys, text))
    return *(features[key] for key in keys), number


@functools.lru_cache(maxsize=64)
def _offsets(folder: str, chunk: int, split: str) -> np.ndarray:
    """Return where the records of a shard begin, and where the last one ends."""
    content = storage.read_json(storage.join(folder, chunk_name(chunk)))
    return np.array(content["shards"][split]["offsets"])
