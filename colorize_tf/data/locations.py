"""Locate data sets: a given folder, the default folders, a download, or rendered landscapes."""

import functools
import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from tqdm import tqdm

from colorize_tf.data import kaggle
from colorize_tf.data.folders import check_folder
from colorize_tf.data.kaggle import KAGGLE_PAGE
from colorize_tf.data.storage import is_url

DATA_VARIABLE = "COLORIZE_TF_DATA"


def cache_folder() -> Path:
    """Return the user's cache folder of this package; it may not exist yet."""
    base = os.environ.get("XDG_CACHE_HOME") or expanded("~/.cache")
    return Path(base) / "colorize_tf"


def expanded(path: str | Path) -> Path:
    """Replace `~` by the user's home folder.

    Raises:
        ValueError: there is no home folder.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ValueError(
            f"{path}: {error} give an absolute path, or set HOME and XDG_CACHE_HOME"
        ) from error


def location_of(folder: str | Path) -> str:
    """Return a local folder with `~` replaced, or a location in a bucket, as a string."""
    return str(folder) if is_url(folder) else str(expanded(folder))


def locate(
    dataset: str,
    data_dir: str | Path | None,
    render: Callable[[], tuple[Path, str]],
) -> tuple[Path, str]:
    """Find the folder of a data set; download or render it if necessary.

    Args:
        dataset: a name in `catalog.DATASETS`.
        data_dir: folder of the photographs; None searches the default folders.
        render: called if nothing else is found; returns what `rendered` does.

    Returns:
        The folder, and a description of its photographs.

    Raises:
        ValueError: the folder is missing.
    """
    if dataset == "synthetic":
        if data_dir is not None:
            raise ValueError(
                f"dataset 'synthetic' with data folder {data_dir}: it is rendered, not read; use "
                "dataset 'folder' or no folder"
            )
        return render()
    if data_dir is not None:
        folder = expanded(data_dir)
        check_folder(folder)
        return folder, dataset
    if dataset == "folder":
        raise ValueError("dataset 'folder' needs a folder; name one with --data-dir")
    for folder in _default_folders(dataset):
        if os.path.isdir(folder):  # Unlike Path.is_dir, False without permission.
            return folder, dataset
    if dataset == "landscapes":
        return _download_landscapes(render)
    folders = f"--data-dir, ${DATA_VARIABLE}/coco or {cache_folder() / 'coco'}"
    raise ValueError(
        "dataset 'coco' was not found: unzip train2017.zip (18 GB) and val2017.zip (1 GB) from "
        f"http://images.cocodataset.org/zips into a folder and name it with {folders}"
    )


def _default_folders(dataset: str) -> Iterator[Path]:
    if os.environ.get(DATA_VARIABLE):
        yield expanded(os.environ[DATA_VARIABLE]) / dataset
    yield cache_folder() / dataset
    if dataset == "landscapes":
        yield from kaggle.earlier_downloads()


def _download_landscapes(render: Callable[[], tuple[Path, str]]) -> tuple[Path, str]:
    failure = "www.kaggle.com cannot be reached"
    if kaggle.is_reachable():
        try:
            folder = kaggle.download(cache_folder() / "landscapes")
            return folder, f"landscapes from {KAGGLE_PAGE}"
        # kagglehub raises many unrelated types.
        except Exception as error:
            failure = " ".join(f"the download failed, {type(error).__name__}: {error}".split())
    warnings.warn(
        f"no landscape photographs: {failure}; continuing with rendered landscapes. For real ones "
        f"name a folder with --data-dir, put it at ${DATA_VARIABLE}/landscapes, or download "
        f"{KAGGLE_PAGE}",
        stacklevel=4,
    )
    return render()


def rendered(train: int, validation: int, size: int, seed: int, progress: bool) -> tuple[Path, str]:
    """Render landscapes unless they are in the cache; return what `locate` does.

    The arguments are those of `synthetic.landscapes.write_landscapes`.

    Raises:
        ValueError: they cannot be written.
    """
    from colorize_tf.data.synthetic.landscapes import write_landscapes

    bar = functools.partial(tqdm, desc="Rendering landscapes", unit="picture", disable=not progress)
    folder = cache_folder() / "synthetic" / f"{size}-{train}-{validation}-{seed}"
    try:
        write_landscapes(
            folder, train=train, validation=validation, size=size, seed=seed, progress=bar
        )
    except OSError as error:
        raise ValueError(
            f"cannot write rendered landscapes to {folder}: {error.strerror or error}; free space "
            "or set XDG_CACHE_HOME to a writable folder"
        ) from error
    return folder, f"rendered landscapes (seed {seed})"
