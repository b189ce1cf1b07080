"""A set of records as a whole: its index, which of its shards are there, and its sides.

A set is a folder, here or in a bucket, with an index (`records.json`) of its shards; each unit of
the work has a list of its own (`00012.json`) of what went into its shards (`train-00012.tfrecord`,
`validation-00012.tfrecord`) and of what was left out.
"""

import contextlib
import dataclasses
import functools
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from colorize_tf.data import storage
from colorize_tf.data.audit import CountedAudit, SkippedFile
from colorize_tf.data.records.reading import SIDES, Records, Shard
from colorize_tf.files import atomic_write

FORMAT = 1
INDEX = "records.json"
PLAN = "plan.json"
NO_LICENCE = "not stated"
# What an index has to tell.
_TOLD = {"origin", "licence", "short_side", "left_out", "sha256", "shards"}
# Shards that are asked for at once.
_AT_ONCE = 16


def is_prepared(folder: str | Path) -> bool:
    """Say whether photographs are to be read as records: they are in a bucket, or were prepared.

    Raises:
        ValueError: the preparation was cut short.
    """
    if storage.is_url(folder) or Path(folder, INDEX).is_file():
        return True
    if Path(folder, PLAN).is_file():
        raise ValueError(
            f"{folder} is not prepared to its end; give the same colorize_tf.prepare command again"
        )
    return False


@dataclasses.dataclass(frozen=True)
class PreparedSet:
    """What an index tells, less the shards that cannot be read.

    Attributes:
        sides: the photographs of each of `SIDES`.
        index: content of the index.
        unreadable: shards left out, and why.
    """

    sides: dict[str, Records]
    index: dict
    unreadable: dict[Shard, str]

    def audit(self) -> CountedAudit:
        """Return the verdict of the preparation, and on the shards."""
        skipped = (
            SkippedFile(Path(shard.name), f"unreadable shard: {problem}")
            for shard, problem in self.unreadable.items()
        )
        left_out = Counter(self.index["left_out"])
        left_out["unreadable shard"] = sum(shard.count for shard in self.unreadable)
        return CountedAudit((), tuple(skipped), sum(map(len, self.sides.values())), +left_out)


def open_set(folder: str | Path) -> PreparedSet:
    """Read the index of a set, and look whether its shards are whole.

    Raises:
        ValueError: there is no index, or it cannot be read, or no shard can.
    """
    folder = str(folder)
    index, shards = _read_index(storage.join(folder, INDEX))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        problems = pool.map(functools.partial(shard_problem, folder), shards)
        unreadable = {
            shard: problem for shard, problem in zip(shards, problems, strict=True) if problem
        }
    if unreadable and len(unreadable) == len(shards):
        raise ValueError(
            f"no shard of {folder} can be read: {next(iter(unreadable.values()))}; copy it again"
        )
    readable = [shard for shard in shards if shard not in unreadable]
    # Not the index's, which says nothing of the shards that are left out here.
    sha256 = sha256_of(readable)
    sides = {
        side: Records(
            folder,
            [shard for shard in readable if shard.side == side],
            short_side=index["short_side"],
            sha256=sha256,
        )
        for side in SIDES
    }
    return PreparedSet(sides, index, unreadable)


def sha256_of(shards: Iterable[Shard]) -> str:
    """Return the digest by which a set of shards is known."""
    return hashlib.sha256("".join(shard.sha256 for shard in shards).encode()).hexdigest()


def _read_index(place: str) -> tuple[dict, list[Shard]]:
    index = storage.read_json(place)
    other = f"{place} is no index of this version; prepare the set again"
    if index.get("format") != FORMAT or not index.keys() >= _TOLD:
        raise ValueError(other)
    try:
        return index, [Shard(**shard) for shard in index["shards"]]
    except TypeError as error:
        raise ValueError(other) from error


def shard_problem(folder: str, shard: Shard) -> str:
    """Return why a shard cannot be read, or nothing; its length tells whether it was cut short.

    Raises:
        UnreachableError: nor can any other at present.
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
    """Return what is wrong with a shard that is read to its end, or nothing.

    Raises:
        UnreachableError: it cannot be read at present.
    """
    import tensorflow as tf

    digest = hashlib.sha256()
    try:
        with storage.readable_here(storage.join(folder, shard.name)) as file:
            for record in tf.data.TFRecordDataset(file).as_numpy_iterator():
                digest.update(record)
    except tf.errors.OpError as error:
        return f"{shard.name}: {error.message.splitlines()[0]}"
    except storage.UnreachableError:
        raise
    except ValueError as error:
        return str(error)
    return "" if digest.hexdigest() == shard.sha256 else f"{shard.name} holds something else"


@contextlib.contextmanager
def damage_told(folder: str | Path) -> Iterator[None]:
    """Turn what TensorFlow says of a shard that is damaged inside into a line that helps.

    Raises:
        ValueError: one was read.
    """
    import tensorflow as tf

    try:
        yield
    except tf.errors.DataLossError as error:
        raise ValueError(
            f"a shard of {folder} is damaged inside; give the command that prepared it again, with "
            "--verify, which finds and mends it"
        ) from error


def copy_out(
    records: Records, folder: Path, progress: Callable[[range], Iterable[int]]
) -> tuple[Path, ...]:
    """Write records as image files of their own; a folder that is there already is left alone.

    Args:
        records: few enough to be listed.
        folder: where the files go; the folder above it is made.
        progress: wraps the places of the records, such as `tqdm.tqdm`.

    Returns:
        The files, in the order of the records.

    Raises:
        ValueError: they cannot be read or written.
    """
    if not folder.is_dir():
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(folder) as aside:
                aside.mkdir()
                for index in progress(range(len(records))):
                    contents, name = records.read(index)
                    (aside / f"{index:07d}-{_shortened(name)}.jpg").write_bytes(contents)
        except OSError as error:
            if not folder.is_dir():  # Else another process was faster.
                raise ValueError(
                    f"cannot write photographs to {folder}: {error.strerror}; free space or set "
                    "XDG_CACHE_HOME to a folder that can be written"
                ) from error
    return tuple(sorted(folder.iterdir()))


def _shortened(name: str) -> str:
    """Return the stem of a file's name, or as much of it as leaves a name that systems take."""
    return Path(name).stem.encode(errors="ignore")[:100].decode(errors="ignore")
