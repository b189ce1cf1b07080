"""Write prepared sets: photographs audited and converted by many processes, in shards.

The work is divided into chunks of as many files as a shard holds. The JSON list of a chunk is
written after its shards, so that an interrupted preparation knows which chunks are complete.
"""

import contextlib
import csv
import dataclasses
import functools
import os
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from colorize_tf.data import locks, storage
from colorize_tf.data.audit import CountedAudit, duplicate
from colorize_tf.data.folders import (
    OUTSIDE_SPLIT,
    check_folder,
    find_splits,
    is_image,
    walk_images,
    walk_outside,
)
from colorize_tf.data.processes import Processes
from colorize_tf.data.records import prepared_set
from colorize_tf.data.records.conversion import Conversion, convert, crashed
from colorize_tf.data.records.file_index import OUTSIDE, TRAIN, VALIDATION, FileIndex
from colorize_tf.data.records.shards import (
    SPLITS,
    Shard,
    ShardWriter,
    chunk_name,
    shards_of_chunk,
)
from colorize_tf.options import check_options, option

# Where the folders give no split, at most this share is held out.
_MAXIMUM_VALIDATION = 0.1
_CHUNK_KEYS = {"usable", "skipped", "shards"}


@dataclasses.dataclass(frozen=True)
class PreparationConfig:
    """The options that determine the content of a prepared set.

    Raises:
        ValueError: a value is out of its range.
    """

    short_side: int = option(
        288,
        group="the set",
        flag="--size",
        least=32,
        help="short side in pixels to which larger photographs are reduced: 9/8 of --image-size, "
        "times 1 + --scale-jitter",
    )
    quality: int = option(
        95,
        group="the set",
        least=1,
        most=100,
        help="JPEG quality in the shards; chroma keeps its resolution",
    )
    shard_size: int = option(
        1024, group="the set", least=1, most=10**6, help="number of files per shard"
    )
    validation: int = option(
        1000,
        group="the set",
        least=1,
        help="about how many photographs to hold out where SRC has no split, at most a tenth",
    )
    origin: str = option(
        "photographs",
        group="the set",
        metavar="TEXT",
        help="where the photographs come from, stored in the index",
    )
    license: str = option(
        prepared_set.NO_LICENSE,
        group="the set",
        metavar="TEXT",
        old_flags=("--licence",),
        help="license of the photographs, stored in the index and in each record",
    )

    def __post_init__(self) -> None:
        check_options(self)

    def to_json(self) -> dict[str, Any]:
        """Return the values as they are stored, with the key `licence`."""
        values = dataclasses.asdict(self)
        values["licence"] = values.pop("license")
        return values


def prepare(
    source: str | Path,
    destination: str | Path,
    config: PreparationConfig,
    *,
    jobs: int = 1,
    verify: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> CountedAudit:
    """Write a prepared set, continue an interrupted preparation, or replace lost shards.

    Of two files with the same contents or pixels one is kept. Records are in the order of hashes of
    the file names, so that each shard is a sample of the set.

    Args:
        source: folder of photographs, in any layout that `catalog.find_photographs` understands,
            or a location in a bucket, which has no split.
        destination: folder or location in a bucket for the set.
        config: determines the content of the set.
        jobs: processes that convert photographs; a photograph that crashes one is left out. 1
            converts in this process.
        verify: whether to read existing shards completely, instead of comparing their sizes.
        progress: called with the number of files done and of all files.

    Returns:
        The verdict on all files.

    Raises:
        ValueError: there are no photographs, or too few for both splits; the destination holds
            another set or other files, or is in use; or a location cannot be read or written.
    """
    source, destination = str(source), str(destination)
    with contextlib.ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="colorize_tf-"))
        files = stack.enter_context(_temporary_file_index(scratch))
        has_split = _list_files(source, files)
        storage.make_folder(destination)
        if not storage.is_url(destination):
            stack.enter_context(locks.held(destination))
        _check_plan(source, destination, config, files)
        processes = stack.enter_context(Processes(jobs))
        check = prepared_set.content_problem if verify else prepared_set.shard_problem
        chunks = _Chunks(source, destination, config, files, has_split, processes)
        shards: list[Shard] = []
        left_out: Counter[str] = Counter()
        report = Path(scratch, "skipped.csv")
        with report.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
            rows = csv.writer(file)
            rows.writerow(("file", "reason"))
            done, total = 0, len(files)
            for number, listed in enumerate(files.chunks(config.shard_size)):
                content = chunks.load(number, check) or chunks.make(number, listed)
                shards += shards_of_chunk(number, content)
                left_out.update(reason.partition(":")[0] for _, reason in content["skipped"])
                rows.writerows(content["skipped"])
                done += len(listed)
                progress(done, total)
        audit = CountedAudit((), (), sum(shard.count for shard in shards), dict(left_out))
        _check_splits(source, shards, audit)
        storage.write_bytes(storage.join(destination, "skipped.csv"), report.read_bytes())
        prepared_set.write_index(destination, config.to_json(), shards, dict(left_out))
        return audit


@contextlib.contextmanager
def _temporary_file_index(folder: str) -> Iterator[FileIndex]:
    with contextlib.closing(FileIndex(Path(folder, "files.sqlite"))) as files:
        try:
            yield files
        except sqlite3.OperationalError as error:
            raise ValueError(
                f"cannot keep the list of files in {folder}: {error}; free space there, or set "
                "TMPDIR to a folder that has it"
            ) from error


def _list_files(source: str, files: FileIndex) -> bool:
    """List the files below a folder; return whether the folder has a split."""
    if storage.is_url(source):
        files.add(TRAIN, (name for name in storage.walk(source) if is_image(Path(name))))
        has_split = False
    else:
        check_folder(Path(source))
        train, validation = find_splits(Path(source), "folder")
        has_split = validation is not None
        parts = {TRAIN: walk_images(train)}
        if validation is not None:
            parts[VALIDATION] = walk_images(validation)
            parts[OUTSIDE] = walk_outside(Path(source), train, validation)
        for split, paths in parts.items():
            files.add(split, (os.fspath(path.relative_to(source)) for path in paths))
    if not len(files):
        raise ValueError(f"{source} holds no image file")
    return has_split


def _check_plan(source: str, destination: str, config: PreparationConfig, files: FileIndex) -> None:
    """Store the plan of a new set, or compare it with the plan that is stored there."""
    plan = {**config.to_json(), "files": len(files), "names": files.sha256()}
    location = storage.join(destination, prepared_set.PLAN)
    if storage.size(location) is None:
        if name := storage.any_name(destination):
            raise ValueError(
                f"{destination} holds something else, such as {name}; choose an empty folder"
            )
        storage.write_json(location, plan)
        return
    try:
        stored = storage.read_json(location)
    except storage.DamagedError as error:
        raise ValueError(
            f"{location} is damaged; choose another folder, or remove it to continue with the "
            "command that began the set"
        ) from error
    different = [name for name, value in plan.items() if stored.get(name) != value]
    if different:
        name = different[0]
        made = (
            f"other files than those in {source} now"
            if name == "names"
            else f"{name} {stored.get(name)}, now it would be {plan[name]}"
        )
        raise ValueError(
            f"{destination} holds a set of {made}; choose another folder, or give the files and "
            "options that the set was begun with"
        )


class _Chunks:
    """Makes the chunks of a set, or loads those that are complete."""

    def __init__(
        self,
        source: str,
        destination: str,
        config: PreparationConfig,
        files: FileIndex,
        has_split: bool,
        processes: Processes,
    ):
        self._source, self._destination = source, destination
        self._license, self._files, self._has_split = config.license, files, has_split
        converter = functools.partial(convert, short_side=config.short_side, quality=config.quality)
        self._convert = functools.partial(processes.map, converter, on_crash=crashed)
        # As in the catalog: a photograph keeps its split when others are added or removed.
        fraction = min(_MAXIMUM_VALIDATION, config.validation / len(files))
        self._threshold = f"{int(fraction * 16**12):012x}"

    def load(self, number: int, check: Callable[[str, Shard], str]) -> dict[str, Any] | None:
        """Return the list of a chunk if it is complete and its shards pass the check."""
        location = storage.join(self._destination, chunk_name(number))
        if storage.size(location) is None:
            return None
        try:
            content = storage.read_json(location)
        except storage.DamagedError:  # such as after a power failure
            return None
        if not content.keys() >= _CHUNK_KEYS:
            return None
        if any(check(self._destination, shard) for shard in shards_of_chunk(number, content)):
            return None
        for name, *digests in content["usable"]:
            self._files.keep(name, *digests)
        return content

    def make(self, number: int, files: Sequence[tuple[int, str]]) -> dict[str, Any]:
        """Convert the files of a chunk, write its shards, then its list; return the list."""
        usable: list[tuple[str, str, str]] = []
        skipped = [(name, OUTSIDE_SPLIT) for split, name in files if split == OUTSIDE]
        files = [(split, name) for split, name in files if split != OUTSIDE]
        locations = [storage.join(self._source, name) for _, name in files]
        writers: dict[str, ShardWriter] = {}
        with contextlib.ExitStack() as opened:
            for (listed, name), photograph in zip(files, self._convert(locations), strict=True):
                finding = photograph.finding
                problem = finding.problem or duplicate(finding, self._files.first_with)
                if problem:
                    skipped.append((name, problem))
                    continue
                split = self._split_of(listed, photograph)
                self._files.keep(name, finding.sha256, finding.pixels)
                usable.append((name, finding.sha256, finding.pixels))
                if split not in writers:
                    file = f"{split}-{number:05d}.tfrecord"
                    writer = ShardWriter(self._destination, file, self._license)
                    writers[split] = opened.enter_context(writer)
                writers[split].write(name, photograph)
        entries = {split: writer.entry() for split, writer in writers.items()}
        content = {"usable": usable, "skipped": skipped, "shards": entries}
        storage.write_json(storage.join(self._destination, chunk_name(number)), content)
        return content

    def _split_of(self, listed: int, photograph: Conversion) -> str:
        if self._has_split:
            return "validation" if listed == VALIDATION else "train"
        if self._files.kept < len(SPLITS):  # Each split gets one of the first two photographs.
            return ("validation", "train")[self._files.kept]
        return "validation" if photograph.finding.sha256 < self._threshold else "train"


def _check_splits(source: str, shards: Sequence[Shard], audit: CountedAudit) -> None:
    for split in SPLITS:
        if not any(shard.split == split for shard in shards):
            raise ValueError(
                f"{source}: {audit.summary()}, none of these for {split}; give it more "
                "photographs, or divide them into train/ and val/"
            )
