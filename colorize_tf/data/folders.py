"""What a folder of photographs holds, in the layouts that data sets come in."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from colorize_tf import imagefiles

OUTSIDE_SPLIT = "outside the split: in neither half"
"""Why a file is left out that has no side."""

_TRAIN_NAMES = ("train", "training", "train2017")
_VALIDATION_NAMES = ("val", "validation", "valid", "val2017", "test")
_COCO_FOLDERS = ("train2017", "val2017")


def files_by_split(folder: Path, dataset: str) -> tuple[list[Path], list[Path], list[Path]]:
    """List the files of train, of validation and of neither; without a split all are of train."""
    train, validation = halves(folder, dataset)
    if not validation:
        files = list_images(train)
        if not files:
            raise ValueError(_no_images(train))
        return files, [], []
    split = list_images(train), list_images(validation)
    for side, files in zip((train, validation), split, strict=True):
        if not files:
            raise ValueError(_no_images(side))
    return *split, sorted(walk_outside(folder, train, validation))


def halves(folder: Path, dataset: str) -> tuple[Path, Path | None]:
    """Find the folders of train and of validation; without a split one holds all."""
    folder = _unwrap(folder)
    children = {child.name.lower(): child for child in _subfolders(folder)}
    train = next((children[name] for name in _TRAIN_NAMES if name in children), None)
    validation = next((children[name] for name in _VALIDATION_NAMES if name in children), None)
    if train and validation:
        return train, validation
    half = next((children[name] for name in _COCO_FOLDERS if name in children), None)
    return (half if dataset == "coco" and half else folder), None


def walk_outside(folder: Path, train: Path, validation: Path) -> Iterator[Path]:
    """Yield the image files of a folder with a split that are in neither half."""
    real = [os.path.realpath(half) for half in (train, validation)]
    for path in walk_images(_unwrap(folder)):
        # The folder's: photographs of a half may be links to where they lie.
        if not any(Path(os.path.realpath(path.parent)).is_relative_to(half) for half in real):
            yield path


def _unwrap(folder: Path) -> Path:
    """Go into a folder that is alone in another, as archives are often packed."""
    for _ in range(3):
        inside = _subfolders(folder)
        if len(inside) != 1 or any(is_image(path) for path in folder.iterdir()):
            break
        folder = inside[0]
    return folder


def _color_half(folder: Path) -> Path:
    """Of a pair `color/` and `gray/` (the Kaggle set), only the first has something to teach."""
    children = {child.name.lower(): child for child in _subfolders(folder)}
    for color, gray in (("color", "gray"), ("colour", "grey"), ("color", "grey")):
        if color in children and gray in children:
            return children[color]
    return folder


def list_images(folder: Path) -> list[Path]:
    """List the image files below a folder, sorted; links are followed, but never in a circle."""
    return sorted(walk_images(folder))


def walk_images(folder: Path) -> Iterator[Path]:
    """Yield what `list_images` lists, folder by folder, without holding more than one folder's."""
    seen: set[str] = set()
    for root, folders, names in os.walk(
        _color_half(folder), followlinks=True, onerror=_refuse_folder
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
    """Say whether a name is that of an image file."""
    return path.suffix.lower() in imagefiles.IMAGE_SUFFIXES and not _is_hidden(path.name)


def check_folder(folder: Path) -> None:
    """Raise ValueError unless `folder` is a folder that may be looked into."""
    try:
        mode = folder.stat().st_mode
    except FileNotFoundError as error:
        raise ValueError(f"data folder {folder} does not exist; check how it is spelled") from error
    except OSError as error:
        _refuse_folder(error)
    if not stat.S_ISDIR(mode):
        raise ValueError(f"data folder {folder} is a file; name the folder that holds it")


def _refuse_folder(error: OSError) -> NoReturn:
    raise ValueError(
        f"cannot look into folder {error.filename}: {error.strerror}; allow reading it or move it"
    ) from error


def _no_images(folder: Path) -> str:
    return (
        f"folder {folder} holds no image file; expected {', '.join(imagefiles.IMAGE_SUFFIXES)} "
        "in it or in folders below it"
    )
