"""Write the sets that `prepared_set.py` opens: sharded photographs, audited by many processes.

The work is divided into units of as many files as fit a shard. The list of a unit is written after
its shards, so that whoever goes on after an interruption sees which are done.
"""

import contextlib
import csv
import functools
import os
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from colorize_tf.data import locks, storage
from colorize_tf.data.audit import CountedAudit, duplicate
from colorize_tf.data.folders import (
    OUTSIDE_SPLIT,
    check_folder,
    halves,
    is_image,
    walk_images,
    walk_outside,
)
from colorize_tf.data.processes import Processes
from colorize_tf.data.records import prepared_set
from colorize_tf.data.records.conversion import Converted, convert, crashed
from colorize_tf.data.records.file_index import OUTSIDE, TRAIN, VALIDATION, FileIndex
from colorize_tf.data.records.reading import SIDES, Shard, shards_of_unit, unit_name
from colorize_tf.data.records.shard_writer import ShardWriter

# Where the folders give no split, at most this share is held out.
_MOST_VALIDATION = 0.1
# What the list of a unit has to tell.
_TOLD = {"usable", "skipped", "shards"}


class Settings(NamedTuple):
    """What decides how a set comes out.

    Attributes:
        short_side: larger photographs are reduced to it, in pixels.
        quality: of the JPEG files in the records, 1 to 100.
        shard_size: files that go into a unit of the work, at most as many records into a shard.
        validation: about how many photographs are held out where the folders give no split.
        origin: where the photographs come from, for people.
        licence: of the photographs, for people.
    """

    short_side: int = 288
    quality: int = 95
    shard_size: int = 1024
    validation: int = 1000
    origin: str = "photographs"
    licence: str = prepared_set.NO_LICENCE


def prepare(
    source: str | Path,
    destination: str | Path,
    settings: Settings,
    *,
    jobs: int = 1,
    verify: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> CountedAudit:
    """Write a set of records, go on where an earlier call stopped, or mend one that lost shards.

    Of two files with the same contents or pixels one is kept. The order of the records follows from
    the names' hashes, so that each shard is a sample of all.

    Args:
        source: folder of photographs, in any layout that `catalog.find_photographs` understands,
            or a place in a bucket, which has no split.
        destination: folder, or place in a bucket, for the set.
        settings: how it comes out.
        jobs: processes that convert photographs, and may be ended by one of them, which is then
            left out; 1 does it in this one.
        verify: reads the shards that are there to their end, instead of comparing their lengths.
        progress: is told how many files are done, of how many.

    Returns:
        The verdict on all files.

    Raises:
        ValueError: no photographs, fewer than one for each side, another set or other files in
            that place, another command at work there, or a place that cannot be read or written.
    """
    source, destination = str(source), str(destination)
    with tempfile.TemporaryDirectory(prefix="colorize_tf-") as scratch:
        with contextlib.ExitStack() as ending:
            file_index = ending.enter_context(_ledger_in(scratch))
            has_split = _list_files(source, file_index)
            storage.make_folder(destination)
            if not storage.is_url(destination):
                ending.enter_context(locks.held(destination))
            _check_plan(source, destination, settings, file_index)
            run = ending.enter_context(Processes(jobs)).map
            report = Path(scratch, "skipped.csv")
            check = prepared_set.content_problem if verify else prepared_set.shard_problem
            work = _Work(source, destination, settings, file_index, has_split, run, report, check)
            done, total = 0, len(file_index)
            for number, files in enumerate(file_index.units(settings.shard_size)):
                work.do(number, files)
                done += len(files)
                progress(done, total)
            return work.finish()


@contextlib.contextmanager
def _ledger_in(folder: str) -> Iterator[FileIndex]:
    with contextlib.closing(FileIndex(Path(folder, "files.sqlite"))) as file_index:
        try:
            yield file_index
        except sqlite3.OperationalError as error:
            raise ValueError(
                f"cannot keep the list of files in {folder}: {error}; free space there, or set "
                "TMPDIR to a folder that has it"
            ) from error


def _list_files(source: str, file_index: FileIndex) -> bool:
    """List the files below a folder; return whether the folders share them out."""
    if storage.is_url(source):
        names = (name for name in storage.walk(source) if is_image(Path(name)))
        file_index.add(TRAIN, names)
        has_split = False
    else:
        check_folder(Path(source))
        train, validation = halves(Path(source), "folder")
        has_split = validation is not None
        parts = {TRAIN: walk_images(train)}
        if has_split:
            parts[VALIDATION] = walk_images(validation)
            parts[OUTSIDE] = walk_outside(Path(source), train, validation)
        for side, paths in parts.items():
            file_index.add(side, (os.fspath(path.relative_to(source)) for path in paths))
    if not len(file_index):
        raise ValueError(f"{source} holds no image file")
    return has_split


def _check_plan(source: str, destination: str, settings: Settings, file_index: FileIndex) -> None:
    """Write down what is being made there, or compare with what was begun there."""
    plan = {**settings._asdict(), "files": len(file_index), "names": file_index.sha256()}
    place = storage.join(destination, prepared_set.PLAN)
    if storage.size(place) is None:
        if name := storage.any_name(destination):
            raise ValueError(
                f"{destination} holds something else, such as {name}; choose an empty folder"
            )
        storage.write_json(place, plan)
        return
    try:
        begun = storage.read_json(place)
    except storage.Damaged as error:
        raise ValueError(
            f"{place} is damaged; choose another folder, or remove it to go on with the command "
            "that the set was begun with"
        ) from error
    other = [name for name, value in plan.items() if begun.get(name) != value]
    if other:
        name = other[0]
        made = (
            f"other files than those in {source} now"
            if name == "names"
            else f"{name} {begun.get(name)}, now it would be {plan[name]}"
        )
        raise ValueError(
            f"{destination} holds a set of {made}; choose another folder, or bring back what it "
            "was begun with"
        )


class _Work:
    """Makes the units one after another, and sums them up."""

    def __init__(self, source, destination, settings, file_index, has_split, run, report, check):
        self._source, self._destination, self._check = source, destination, check
        self._settings, self._ledger, self._has_split = settings, file_index, has_split
        self._report = report
        self._report.write_bytes(b"file,reason\r\n")  # as `csv` ends lines
        options = {"short_side": settings.short_side, "quality": settings.quality}
        self._convert = functools.partial(
            run, functools.partial(convert, **options), instead=crashed
        )
        fraction = min(_MOST_VALIDATION, settings.validation / len(file_index))
        # As the catalog does it: a photograph stays on its side when others come and go.
        self._threshold = f"{int(fraction * 16**12):012x}"
        self._shards: list[Shard] = []
        self._left_out = Counter()
        self._kept = 0

    def do(self, number: int, files: Sequence[tuple[int, str]]) -> None:
        """Make one unit, unless it is done."""
        place = storage.join(self._destination, unit_name(number))
        content = self._done(number, place)
        if content is None:
            content = self._make(number, files)
            storage.write_json(place, content)
        else:
            for name, *digests in content["usable"]:
                self._ledger.keep(name, *digests)
            self._kept += len(content["usable"])
        self._shards += shards_of_unit(number, content)
        self._left_out.update(reason.partition(":")[0] for _, reason in content["skipped"])
        with self._report.open("a", newline="", encoding="utf-8", errors="surrogateescape") as file:
            csv.writer(file).writerows(content["skipped"])

    def _done(self, number: int, place: str) -> dict | None:
        """Return the list of a unit whose shards are whole."""
        if storage.size(place) is None:
            return None
        try:
            content = storage.read_json(place)
        except storage.Damaged:  # as by a power failure
            return None
        if not content.keys() >= _TOLD:
            return None
        shards = shards_of_unit(number, content)
        return None if any(self._check(self._destination, shard) for shard in shards) else content

    def _make(self, number: int, files: Sequence[tuple[int, str]]) -> dict:
        usable, shards = [], {}
        skipped = [(name, OUTSIDE_SPLIT) for side, name in files if side == OUTSIDE]
        files = [(side, name) for side, name in files if side != OUTSIDE]
        places = [storage.join(self._source, name) for _, name in files]
        with contextlib.ExitStack() as opened:
            for (side, name), one in zip(files, self._convert(places), strict=True):
                problem = one.finding.problem or duplicate(one.finding, self._ledger.first_with)
                if problem:
                    skipped.append((name, problem))
                    continue
                digests = one.finding.sha256, one.finding.pixels
                self._ledger.keep(name, *digests)
                usable.append((name, *digests))
                side = self._side(side, one)
                self._kept += 1
                if side not in shards:
                    file, licence = f"{side}-{number:05d}.tfrecord", self._settings.licence
                    writer = ShardWriter(self._destination, file, licence)
                    shards[side] = opened.enter_context(writer)
                shards[side].write(name, one)
        contents = {side: shard.content() for side, shard in shards.items()}
        return {"usable": usable, "skipped": skipped, "shards": contents}

    def _side(self, side: int, converted: Converted) -> str:
        if self._has_split:
            return "validation" if side == VALIDATION else "train"
        if self._kept < len(SIDES):  # However few there are, each side has one.
            return ("validation", "train")[self._kept]
        return "validation" if converted.finding.sha256 < self._threshold else "train"

    def finish(self) -> CountedAudit:
        """Write what was left out and why, then the index."""
        counts = Counter()
        for shard in self._shards:
            counts[shard.side] += shard.count
        audit = CountedAudit((), (), sum(counts.values()), dict(self._left_out))
        for side in SIDES:
            if not counts[side]:
                raise ValueError(
                    f"{self._source}: {audit.summary()}, none of these for {side}; give it more "
                    "photographs, or share them into train/ and val/"
                )
        storage.write_bytes(
            storage.join(self._destination, "skipped.csv"), self._report.read_bytes()
        )
        index = {
            "format": prepared_set.FORMAT,
            **{key: getattr(self._settings, key) for key in ("origin", "licence", "short_side")},
            "encoding": f"JPEG, chroma at full resolution, quality {self._settings.quality}",
            "photographs": {side: counts[side] for side in SIDES},
            "left_out": dict(self._left_out),
            "sha256": prepared_set.sha256_of(self._shards),
            "shards": [shard._asdict() for shard in self._shards],
        }
        storage.write_json(storage.join(self._destination, prepared_set.INDEX), index)
        return audit
