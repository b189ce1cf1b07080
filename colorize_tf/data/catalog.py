"""Find the photographs of a data set, audited and split into train and validation.

Besides the named data sets, a function can provide one with a layout of its own. It takes the data
folder and returns the files of both splits; without validation files, the split is by content:

    def by_camera(folder):
        files = sorted(Path(folder).rglob("*.jpg"))
        is_held_out = [path.parent.name == "camera 2" for path in files]
        return (
            [path for path, held_out in zip(files, is_held_out) if not held_out],
            [path for path, held_out in zip(files, is_held_out) if held_out],
        )

    find_photographs(by_camera, data_dir="photos")
    find_photographs("my_layouts:by_camera", data_dir="photos")  # by its name
"""

import functools
import hashlib
import os
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from colorize_tf.data.audit import Audit, AuditedPhotograph, SkippedFile, audit
from colorize_tf.data.folders import OUTSIDE_SPLIT, check_folder, files_by_split
from colorize_tf.data.locations import cache_folder, expanded, locate, location_of, rendered
from colorize_tf.data.records.prepared_set import NO_LICENSE, copy_out, is_prepared, open_set
from colorize_tf.data.records.reading import Records
from colorize_tf.plugins import find_function

DATASETS = {
    "landscapes": "landscape photographs: your folder, a cached copy, or a download from Kaggle",
    "coco": "COCO 2017, everyday scenes; download it yourself, the error message says where",
    "folder": "the photographs in --data-dir",
    "synthetic": "landscapes rendered by this package, any number; needs no download",
}

Layout = Callable[[Path], tuple[Iterable[str | Path], Iterable[str | Path]]]
"""A function from the data folder to the files of train and of validation."""


@dataclass(frozen=True)
class Photographs:
    """A data set that was found.

    Attributes:
        train: files to train on, or the records of a prepared set; none has the same content as one
            in `validation`.
        validation: files to validate on.
        folder: where they are, here or in a bucket.
        source: what they are and where they come from, without paths of this machine.
        audit: the verdict on every file that was found.
        license: of the photographs, if known.
    """

    train: tuple[Path, ...] | Records
    validation: tuple[Path, ...]
    folder: Path | str
    source: str
    audit: Audit
    license: str | None = None

    @property
    def origin(self) -> str:
        """Source and folder."""
        return f"{self.source} in {self.folder}"

    def fingerprint(self) -> str:
        """Return a digest of the contents of both splits in order."""
        if isinstance(self.train, Records):
            content = f"{self.train.sha256} {len(self.train)} {len(self.validation)}"
        else:
            contents = {photo.path: photo.sha256 for photo in self.audit.usable}
            content = "".join(contents[path] for path in (*self.train, *self.validation))
        return hashlib.sha256(content.encode()).hexdigest()


def find_photographs(
    dataset: str | Layout,
    *,
    data_dir: str | Path | None = None,
    validation_fraction: float = 0.1,
    seed: int = 0,
    synthetic_train: int = 1000,
    synthetic_validation: int = 100,
    synthetic_size: int = 160,
    progress: bool = True,
) -> Photographs:
    """Find the photographs of a data set; download or render them if necessary.

    A split of the folders (`train/` beside `val/`) is kept; otherwise the digest of its content
    assigns a photograph to a split, independently of names, order and machine.

    Args:
        dataset: a name in `DATASETS`, or a layout of your own: a function (see the module's
            docstring) or its name, `package.module:function`.
        data_dir: folder of the photographs, or a prepared set, here or in a bucket, which has a
            split; None searches the default folders.
        validation_fraction: share of the photographs to hold out if the folders have no split.
        seed: of the rendered landscapes.
        synthetic_train: number of landscapes to render for training.
        synthetic_validation: number of landscapes to render for validation.
        synthetic_size: height and width of a rendered landscape, in pixels.
        progress: whether to show progress bars on stderr (a download always shows one).

    Returns:
        The usable photographs, at least one in each split.

    Raises:
        ValueError: the name is unknown, a folder is missing, empty or locked, or fewer than two
            photographs are usable.
    """
    if not 0 < validation_fraction < 1:
        raise ValueError(
            f"validation_fraction is {validation_fraction}, expected a number between 0 and 1 "
            "such as 0.1"
        )
    if callable(dataset) or ":" in dataset:
        folder, source, files = _apply_layout(dataset, data_dir)
        return _audit_files(folder, source, *files, validation_fraction, progress)
    if dataset not in DATASETS:
        raise ValueError(
            f"unknown dataset {dataset!r}, expected one of {', '.join(DATASETS)}, or your own "
            "layout as package.module:function"
        )
    if data_dir is not None and dataset != "synthetic" and is_prepared(location_of(data_dir)):
        return _open_prepared(location_of(data_dir), progress)

    def render() -> tuple[Path, str]:
        return rendered(synthetic_train, synthetic_validation, synthetic_size, seed, progress)

    folder, source = locate(dataset, data_dir, render)
    files = files_by_split(folder, dataset)
    return _audit_files(folder, source, *files, validation_fraction, progress)


def list_photographs(folder: str | Path, *, progress: bool = True) -> tuple[Path, ...]:
    """List the usable photographs in a folder for measuring: of a split, those of validation.

    Args:
        folder: of photographs, in any layout that `find_photographs` understands, or a prepared
            set.
        progress: whether to show a progress bar on stderr.

    Returns:
        The usable photographs, sorted.

    Raises:
        ValueError: the folder is missing, empty or locked, or has no usable photograph.
    """
    if is_prepared(location_of(folder)):
        return _open_prepared(location_of(folder), progress).validation
    folder = expanded(folder)
    check_folder(folder)
    files, validation, _ = files_by_split(folder, "folder")
    verdict = audit(validation or files, cache_file=_audit_cache(folder), progress=progress)
    if not verdict.usable:
        raise ValueError(f"folder {folder}: {verdict.summary()}; give it color photographs")
    return tuple(photograph.path for photograph in verdict.usable)


def _apply_layout(
    dataset: str | Layout, data_dir: str | Path | None
) -> tuple[Path, str, tuple[list[Path], list[Path], list[Path]]]:
    layout = find_function(dataset, "dataset", {}) if isinstance(dataset, str) else dataset
    name = dataset if isinstance(dataset, str) else getattr(dataset, "__name__", "a function")
    if data_dir is None:
        raise ValueError(f"dataset {name} needs a folder; name one with --data-dir")
    folder = expanded(data_dir)
    check_folder(folder)
    found = layout(folder)
    if not isinstance(found, tuple) or len(found) != 2:
        raise ValueError(
            f"dataset {name} must return two lists of files, to train and to validate on; got "
            f"{type(found).__name__}"
        )
    train, validation = ([Path(path) for path in paths] for paths in found)
    if not train:
        raise ValueError(f"dataset {name} found no files to train on in {folder}")
    return folder, name, (train, validation, [])


def _audit_files(
    folder: Path,
    source: str,
    train: list[Path],
    validation: list[Path],
    outside: list[Path],
    validation_fraction: float,
    progress: bool,
) -> Photographs:
    # Validation first: of two equal files the audit keeps the first, and losing one of thousands
    # in training costs less than changing what is measured.
    verdict = audit((*validation, *train), cache_file=_audit_cache(folder), progress=progress)
    if validation:
        held_out = set(validation)
        splits = _split(verdict.usable, lambda photograph: photograph.path in held_out)
    else:
        splits = _split_by_content(verdict.usable, validation_fraction)
    _check_splits(folder, verdict, *splits)
    skipped = verdict.skipped + tuple(SkippedFile(path, OUTSIDE_SPLIT) for path in outside)
    return Photographs(*splits, folder, source, Audit(verdict.usable, skipped))


def _open_prepared(folder: str, progress: bool) -> Photographs:
    """Open a prepared set; copy its validation photographs, which are few, to the cache."""
    prepared = open_set(folder)
    verdict = prepared.audit()
    if prepared.unreadable:
        examples = "; ".join(list(prepared.unreadable.values())[:3])
        warnings.warn(
            f"shards left out of {folder}: {len(prepared.unreadable)}, {examples}; prepare the set "
            "again with the same command, which replaces them",
            stacklevel=3,
        )
    for split, records in prepared.splits.items():
        if not len(records):
            raise ValueError(
                f"{folder}: {verdict.summary()}, none of these for {split}; prepare the set again "
                "with the same command"
            )
    held_out = prepared.splits["validation"]
    name = hashlib.sha256(repr((held_out.sha256, held_out.shards)).encode()).hexdigest()[:16]
    bar = functools.partial(
        tqdm, desc="Fetching photographs", unit="file", delay=2, disable=not progress
    )
    files = copy_out(held_out, cache_folder() / "records" / name, bar)
    source, stored = prepared.index["origin"], prepared.index["licence"]
    license = None if stored == NO_LICENSE else stored
    return Photographs(prepared.splits["train"], files, folder, source, verdict, license)


def _audit_cache(folder: Path) -> Path:
    name = hashlib.sha256(os.fsencode(folder.absolute())).hexdigest()[:16]
    return cache_folder() / "audits" / f"{name}.json"


def _split(
    usable: tuple[AuditedPhotograph, ...],
    is_held_out: Callable[[AuditedPhotograph], bool],
) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    train = tuple(photo.path for photo in usable if not is_held_out(photo))
    return train, tuple(photo.path for photo in usable if is_held_out(photo))


def _split_by_content(
    usable: tuple[AuditedPhotograph, ...], fraction: float
) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Split by digest, so that photographs keep their split when others are added or removed.

    Of two photographs or more, the lowest digest is always held out and the highest never is.
    """
    digests = sorted(photograph.sha256 for photograph in usable)
    threshold = f"{int(fraction * 16**12):012x}"

    def is_held_out(photograph: AuditedPhotograph) -> bool:
        if photograph.sha256 == digests[0]:
            return True
        return photograph.sha256 < threshold and photograph.sha256 != digests[-1]

    return _split(usable, is_held_out)


def _check_splits(
    folder: Path, verdict: Audit, train: tuple[Path, ...], validation: tuple[Path, ...]
) -> None:
    if train and validation:
        return
    found = f"folder {folder}: {verdict.summary()}"
    if not verdict.usable:
        raise ValueError(f"{found}; give it color photographs of 64 pixels or more")
    if len(verdict.usable) == 1:
        raise ValueError(f"{found}; at least 2 are needed, one to train and one to validate on")
    split = "validation" if train else "train"
    raise ValueError(f"{found}, none of these for {split}; add photographs to its {split} folder")
