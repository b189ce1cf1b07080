"""Open prepared sets: read their index, check their shards.

A set is a folder, here or in a bucket, with an index (`records.json`) of its shards. Each chunk of
the work has a JSON list (`00012.json`) of the files in its shards (`train-00012.tfrecord`,
`validation-00012.tfrecord`) and of those that were left out.
"""

import contextlib
import dataclasses
import functools
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from colorize_tf.data import storage
from colorize_tf.data.audit import CountedAudit, SkippedFile
from colorize_tf.data.records.reading import Records
from colorize_tf.data.records.shards import SPLITS, Shard
from colorize_tf.files import atomic_write

FORMAT = 1
INDEX = "records.json"
PLAN = "plan.json"
NO_LICENSE = "not stated"
_INDEX_KEYS = {"origin", "licence", "short_side", "left_out", "sha256", "shards"}
# Shards that are checked at once.
_THREADS = 16


def is_prepared(folder: str | Path) -> bool:
    """Return whether a folder is a prepared set; photographs in buckets always are.

    Raises:
        ValueError: the preparation was interrupted.
    """
    if storage.is_url(folder) or Path(folder, INDEX).is_file():
        return True
    if Path(folder, PLAN).is_file():
        raise ValueError(
            f"the preparation of {folder} was interrupted; give the same colorize_tf.prepare "
            "command again"
        )
    return False


@dataclasses.dataclass(frozen=True)
class PreparedSet:
    """The readable part of a set.

    Attributes:
        splits: the photographs of each of `SPLITS`.
        index: content of the index.
        unreadable: shards left out, and why.
    """

    splits: dict[str, Records]
    index: dict[str, Any]
    unreadable: dict[Shard, str]

    def audit(self) -> CountedAudit:
        """Return the verdict of the preparation, with unreadable shards left out."""
        skipped = (
            SkippedFile(Path(shard.name), f"unreadable shard: {problem}")
            for shard, problem in self.unreadable.items()
        )
        left_out = Counter(self.index["left_out"])
        left_out["unreadable shard"] = sum(shard.count for shard in self.unreadable)
        return CountedAudit((), tuple(skipped), sum(map(len, self.splits.values())), +left_out)


def open_set(folder: str | Path) -> PreparedSet:
    """Read the index of a set, and check that its shards are complete.

    Raises:
        ValueError: the index is missing or cannot be read, or no shard can be read.
    """
    folder = str(folder)
    index, shards = _read_index(storage.join(folder, INDEX))
    with ThreadPoolExecutor(_THREADS) as pool:
        problems = pool.map(functools.partial(shard_problem, folder), shards)
        unreadable = {
            shard: problem for shard, problem in zip(shards, problems, strict=True) if problem
        }
    if unreadable and len(unreadable) == len(shards):
        raise ValueError(
            f"no shard of {folder} can be read: {next(iter(unreadable.values()))}; copy it again"
        )
    readable = [shard for shard in shards if shard not in unreadable]
    # Unlike the digest in the index, this depends on the shards left out here.
    sha256 = sha256_of(readable)
    splits = {
        split: Records(
            folder,
            [shard for shard in readable if shard.split == split],
            short_side=index["short_side"],
            sha256=sha256,
        )
        for split in SPLITS
    }
    return PreparedSet(splits, index, unreadable)


def write_index(
    folder: str, config: dict[str, Any], shards: Sequence[Shard], left_out: dict[str, int]
) -> None:
    """Write the index of a set, which completes it; `config` is `PreparationConfig.to_json`."""
    counts = {
        split: sum(shard.count for shard in shards if shard.split == split) for split in SPLITS
    }
    index = {
        "format": FORMAT,
        **{key: config[key] for key in ("origin", "licence", "short_side")},
        "encoding": f"JPEG, chroma at full resolution, quality {config['quality']}",
        "photographs": counts,
        "left_out": left_out,
        "sha256": sha256_of(shards),
        "shards": [shard.to_json() for shard in shards],
    }
    storage.write_json(storage.join(folder, INDEX), index)


def sha256_of(shards: Iterable[Shard]) -> str:
    """Return the digest that identifies a set of shards."""
    return hashlib.sha256("".join(shard.sha256 for shard in shards).encode()).hexdigest()


def _read_index(location: str) -> tuple[dict[str, Any], list[Shard]]:
    index = storage.read_json(location)
    problem = f"{location} is no index of this version; prepare the set again"
    if index.get("format") != FORMAT or not index.keys() >= _INDEX_KEYS:
        raise ValueError(problem)
    try:
        return index, [Shard.from_json(entry) for entry in index["shards"]]
    except (TypeError, KeyError) as error:
        raise ValueError(problem) from error


def shard_problem(folder: str, shard: Shard) -> str:
    """Return why a shard cannot be read, or an empty string; compare its size with the index.

    Raises:
        UnreachableError: the bucket does not respond.
    """
    try:
        found = storage.size(storage.join(folder, shard.name))
    except storage.UnreachableError:
        raise
    except ValueError as error:
        return str(error)
    if found is None:
        return f"{shard.name} is missing"
    if found != shard.bytes:
        return f"{shard.name} has {found:,} bytes of {shard.bytes:,}"
    return ""


def content_problem(folder: str, shard: Shard) -> str:
    """Read a shard completely, and return what is wrong with it, or an empty string.

    Raises:
        UnreachableError: the bucket does not respond.
    """
    import tensorflow as tf

    digest = hashlib.sha256()
    try:
        with storage.local_file(storage.join(folder, shard.name), "r") as file:
            for record in tf.data.TFRecordDataset(file).as_numpy_iterator():
                digest.update(record)
    except tf.errors.OpError as error:
        return f"{shard.name}: {error.message.splitlines()[0]}"
    except storage.UnreachableError:
        raise
    except ValueError as error:
        return str(error)
    return "" if digest.hexdigest() == shard.sha256 else f"{shard.name} holds other records"


@contextlib.contextmanager
def translate_damage(folder: str | Path) -> Iterator[None]:
    """Translate TensorFlow's error about a damaged record into `ValueError`."""
    import tensorflow as tf

    try:
        yield
    except tf.errors.DataLossError as error:
        raise ValueError(
            f"a shard of {folder} has damaged records; give the command that prepared it again, "
            "with --verify, which finds and replaces it"
        ) from error


def copy_out(
    records: Records, folder: Path, progress: Callable[[range], Iterable[int]]
) -> tuple[Path, ...]:
    """Write records as image files, unless the folder exists.

    Args:
        records: few enough to be listed.
        folder: for the files; its parent is made.
        progress: wraps the indices of the records, such as `tqdm.tqdm`.

    Returns:
        The files, in the order of the records.

    Raises:
        ValueError: they cannot be read or written.
    """
    if not folder.is_dir():
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(folder) as temporary:
                temporary.mkdir()
                for index in progress(range(len(records))):
                    contents, name = records.read(index)
                    # File systems limit the length of names.
                    stem = Path(name).stem.encode(errors="ignore")[:100].decode(errors="ignore")
                    (temporary / f"{index:07d}-{stem}.jpg").write_bytes(contents)
        except OSError as error:
            if not folder.is_dir():  # Otherwise another process was faster.
                raise ValueError(
                    f"cannot write photographs to {folder}: {error.strerror}; free space or set "
                    "XDG_CACHE_HOME to a folder that can be written"
                ) from error
    return tuple(sorted(folder.iterdir()))
