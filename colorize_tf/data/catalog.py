"""From the name of a dataset to photographs, checked and split into train and validation.

Only here are data shared out between teaching and testing; `places.py` knows where they are.
"""

import hashlib
import os
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from colorize_tf.data.audit import Audit, AuditedPhotograph, SkippedFile, audit
from colorize_tf.data.folders import OUTSIDE_SPLIT, check_folder, files_by_split
from colorize_tf.data.locations import cache_folder, expanded, locate, place_of, rendered
from colorize_tf.data.records.prepared_set import NO_LICENCE, copy_out, is_prepared, open_set
from colorize_tf.data.records.reading import Records

DATASETS = {
    "landscapes": "landscape photographs: your folder, a cached copy, or a download from Kaggle",
    "coco": "COCO 2017, everyday scenes; downloaded by you, see the error that says where",
    "folder": "the photographs under --data-dir",
    "synthetic": "landscapes rendered by this package, any number; needs no download",
}


@dataclass(frozen=True)
class Photographs:
    """A dataset, ready to be read.

    Attributes:
        train: files to learn from, or the records of a prepared set; none of them with the content
            of one in `validation`.
        validation: files to measure on.
        folder: where they are, here or in a bucket.
        source: what they are and where they come from, for people; nothing of this machine.
        audit: the verdict on every file that was found.
        licence: of the photographs, for people, where it is known.
    """

    train: tuple[Path, ...] | Records
    validation: tuple[Path, ...]
    folder: Path | str
    source: str
    audit: Audit
    licence: str | None = None

    @property
    def origin(self) -> str:
        """Where they come from, and where they are, for people."""
        return f"{self.source} in {self.folder}"

    def fingerprint(self) -> str:
        """Hash the contents of both sides in their order, so that any change is noticed."""
        if isinstance(self.train, Records):
            content = f"{self.train.sha256} {len(self.train)} {len(self.validation)}"
        else:
            contents = {photo.path: photo.sha256 for photo in self.audit.usable}
            content = "".join(contents[path] for path in (*self.train, *self.validation))
        return hashlib.sha256(content.encode()).hexdigest()


def find_photographs(
    dataset: str,
    *,
    data_dir: str | Path | None = None,
    validation_fraction: float = 0.1,
    seed: int = 0,
    synthetic_train: int = 1000,
    synthetic_validation: int = 100,
    synthetic_size: int = 160,
    progress: bool = True,
) -> Photographs:
    """Find a dataset's photographs, downloading or rendering them if need be.

    A split that the folders give (`train/` beside `val/`) is kept; otherwise the contents' hash
    decides, whatever the names, the order and the machine.

    Args:
        dataset: a name in `DATASETS`.
        data_dir: where the photographs are, or a set that `preparation.prepare` wrote, here or in
            a bucket, which brings its own split; None searches the usual places.
        validation_fraction: part of the photographs held out where the folders give no split.
        seed: of the rendered landscapes.
        synthetic_train: how many landscapes to render for training.
        synthetic_validation: how many landscapes to render for validation.
        synthetic_size: side of a rendered landscape in pixels.
        progress: shows bars on stderr for what takes long (a download always does).

    Returns:
        The usable photographs, with at least one on each side.

    Raises:
        ValueError: for an unknown name, a folder that is missing, empty or locked, or fewer than
            two usable photographs; one line that says how to mend it.
    """
    if dataset not in DATASETS:
        raise ValueError(f"unknown dataset {dataset!r}, expected one of {', '.join(DATASETS)}")
    if not 0 < validation_fraction < 1:
        came = f"validation_fraction is {validation_fraction}"
        raise ValueError(f"{came}, expected a number between 0 and 1 such as 0.1")

    if data_dir is not None and dataset != "synthetic" and is_prepared(place_of(data_dir)):
        return _open_prepared(place_of(data_dir), dataset, progress)

    def render() -> tuple[Path, str]:
        return rendered(synthetic_train, synthetic_validation, synthetic_size, seed, progress)

    folder, source = locate(dataset, data_dir, render)
    train, validation, others = files_by_split(folder, dataset)
    # Validation first: of two equal files the audit keeps the first, and losing one of thousands
    # in training costs less than changing what is measured.
    verdict = audit((*validation, *train), cache_file=_audit_cache(folder), progress=progress)
    if validation:
        held_out = set(validation)
        sides = _sides(verdict.usable, lambda photograph: photograph.path in held_out)
    else:
        sides = _split_by_content(verdict.usable, validation_fraction)
    _check_sides(folder, verdict, *sides)
    outside = tuple(SkippedFile(path, OUTSIDE_SPLIT) for path in others)
    verdict = Audit(verdict.usable, verdict.skipped + outside)
    return Photographs(*sides, folder, source, verdict)


def list_photographs(folder: str | Path, *, progress: bool = True) -> tuple[Path, ...]:
    """List the usable photographs in a folder to measure on: of a split, the validation half.

    Args:
        folder: where the photographs are, in any layout that `find_photographs` understands, or a
            prepared set.
        progress: shows a bar on stderr for what takes long.

    Returns:
        The usable photographs, sorted.

    Raises:
        ValueError: for a folder that is missing, empty or locked, or without a usable photograph.
    """
    if is_prepared(place_of(folder)):
        return _open_prepared(place_of(folder), "folder", progress).validation
    folder = expanded(folder)
    check_folder(folder)
    files, validation, _ = files_by_split(folder, "folder")
    verdict = audit(validation or files, cache_file=_audit_cache(folder), progress=progress)
    if not verdict.usable:
        raise ValueError(f"folder {folder}: {verdict.summary()}; give it color photographs")
    return tuple(photograph.path for photograph in verdict.usable)


def _open_prepared(folder: str, dataset: str, progress: bool) -> Photographs:
    """Open a set of records; its validation half, which is small, becomes files in the cache."""
    found = open_set(folder)
    verdict = found.audit()
    if found.unreadable:
        some = "; ".join(list(found.unreadable.values())[:3])
        warnings.warn(
            f"shards left out of {folder}: {len(found.unreadable)}, {some}; prepare it again "
            "with the same command, which mends it",
            stacklevel=3,
        )
    for side, records in found.sides.items():
        if not len(records):
            raise ValueError(
                f"{folder}: {verdict.summary()}, none of these for {side}; prepare it again with "
                "the same command"
            )
    held_out = found.sides["validation"]
    name = hashlib.sha256(repr((held_out.sha256, held_out.shards)).encode()).hexdigest()[:16]

    def bar(places: range) -> Iterable[int]:
        return tqdm(places, desc="Fetching photographs", unit="file", delay=2, disable=not progress)

    files = copy_out(held_out, cache_folder() / "records" / name, bar)
    source, licence = (found.index[name] for name in ("origin", "licence"))
    licence = None if licence == NO_LICENCE else licence
    return Photographs(found.sides["train"], files, folder, source, verdict, licence)


def _audit_cache(folder: Path) -> Path:
    name = hashlib.sha256(os.fsencode(folder.absolute())).hexdigest()[:16]
    return cache_folder() / "audits" / f"{name}.json"


# Who teaches and who tests.


def _sides(
    usable: tuple[AuditedPhotograph, ...],
    is_held_out: Callable[[AuditedPhotograph], bool],
) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    train = tuple(photo.path for photo in usable if not is_held_out(photo))
    return train, tuple(photo.path for photo in usable if is_held_out(photo))


def _split_by_content(
    usable: tuple[AuditedPhotograph, ...], fraction: float
) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Split by hash, so that a photograph stays on its side when others come and go.

    Of two photographs or more, the lowest hash always tests and the highest always teaches.
    """
    digests = sorted(photograph.sha256 for photograph in usable)
    threshold = f"{int(fraction * 16**12):012x}"

    def is_held_out(photograph: AuditedPhotograph) -> bool:
        if photograph.sha256 == digests[0]:
            return True
        return photograph.sha256 < threshold and photograph.sha256 != digests[-1]

    return _sides(usable, is_held_out)


def _check_sides(
    folder: Path, verdict: Audit, train: tuple[Path, ...], validation: tuple[Path, ...]
) -> None:
    if train and validation:
        return
    found = f"folder {folder}: {verdict.summary()}"
    if not verdict.usable:
        raise ValueError(f"{found}; give it color photographs of 64 pixels or more")
    if len(verdict.usable) == 1:
        raise ValueError(f"{found}; at least 2 are needed, one to learn from and one to test on")
    side = "validation" if train else "train"
    raise ValueError(f"{found}, none of these for {side}; add photographs to its {side} folder")
