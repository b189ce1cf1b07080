"""Find the image files of a folder, and its train/validation split, in common layouts."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from colorize_tf import imagefiles

OUTSIDE_SPLIT = "outside the split: neither in its train nor in its validation folder"
"""Reason to leave out a file that is in neither folder of a split."""

_TRAIN_NAMES = ("train", "training", "train2017")
_VALIDATION_NAMES = ("val", "validation", "valid", "val2017", "test")
_COCO_FOLDERS = ("train2017", "val2017")


def files_by_split(folder: Path, dataset: str) -> tuple[list[Path], list[Path], list[Path]]:
    """List the files of train, of validation and of neither; without a split, all are of train.

    Raises:
        ValueError: a folder holds no image file, or cannot be listed.
    """
    train, validation = find_splits(folder, dataset)
    if validation is None:
        return _list_some(train), [], []
    outside = sorted(walk_outside(folder, train, validation))
    return _list_some(train), _list_some(validation), outside


def find_splits(folder: Path, dataset: str) -> tuple[Path, Path | None]:
    """Find the folders of train and of validation; without a split, the first one holds all."""
    folder = _unwrap(folder)
    children = {child.name.lower(): child for child in _subfolders(folder)}
    train = next((children[name] for name in _TRAIN_NAMES if name in children), None)
    validation = next((children[name] for name in _VALIDATION_NAMES if name in children), None)
    if train and validation:
        return train, validation
    half = next((children[name] for name in _COCO_FOLDERS if name in children), None)
    return (half if dataset == "coco" and half else folder), None


def walk_outside(folder: Path, train: Path, validation: Path) -> Iterator[Path]:
    """Yield the image files of a folder with a split that are in neither of its folders."""
    splits = [os.path.realpath(split) for split in (train, validation)]
    for path in walk_images(_unwrap(folder)):
        # Compare folders, as the photographs of a split may be links.
        if not any(Path(os.path.realpath(path.parent)).is_relative_to(one) for one in splits):
            yield path


def _unwrap(folder: Path) -> Path:
    """Enter a folder that is the only entry of another, as in many archives."""
    for _ in range(3):
        inside = _subfolders(folder)
        if len(inside) != 1 or any(is_image(path) for path in folder.iterdir()):
            break
        folder = inside[0]
    return folder


def _color_folder(folder: Path) -> Path:
    """Return the color half of a pair `color/` and `gray/`, as the Kaggle set has it."""
    children = {child.name.lower(): child for child in _subfolders(folder)}
    for color, gray in (("color", "gray"), ("colour", "grey"), ("color", "grey")):
        if color in children and gray in children:
            return children[color]
    return folder


def _list_some(folder: Path) -> list[Path]:
    files = sorted(walk_images(folder))
    if not files:
        suffixes = ", ".join(imagefiles.IMAGE_SUFFIXES)
        raise ValueError(
            f"folder {folder} holds no image file; expected {suffixes} in it or in folders below it"
        )
    return files


def walk_images(folder: Path) -> Iterator[Path]:
    """Yield the image files below a folder in constant memory; follow links, but no cycles."""
    seen: set[str] = set()
    for root, folders, names in os.walk(
        _color_folder(folder), followlinks=True, onerror=_refuse_folder
    ):
        real = os.path.realpath(root)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not _is_hidden(name))
        yield from (Path(root, name) for name in names if is_image(Path(name)))


def _subfolders(folder: Path) -> list[Path]:
    try:
        children = sorted(folder.iterdir())
    except OSError as error:
        _refuse_folder(error)
    return [child for child in children if os.path.isdir(child) and not _is_hidden(child.name)]


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def is_image(path: Path) -> bool:
    """Return whether a name is that of an image file."""
    return path.suffix.lower() in imagefiles.IMAGE_SUFFIXES and not _is_hidden(path.name)


def check_folder(folder: Path) -> None:
    """Check that a folder exists and can be listed.

    Raises:
        ValueError: it is missing, a file, or locked.
    """
    try:
        mode = folder.stat().st_mode
    except FileNotFoundError as error:
        raise ValueError(f"data folder {folder} does not exist; check its name") from error
    except OSError as error:
        _refuse_folder(error)
    if not stat.S_ISDIR(mode):
        raise ValueError(f"data folder {folder} is a file; give the folder that contains it")


def _refuse_folder(error: OSError) -> NoReturn:
    raise ValueError(
        f"cannot read folder {error.filename}: {error.strerror}; change its permissions or move it"
    ) from error
