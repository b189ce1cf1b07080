"""Where data sets are: in a folder, in the usual places, downloaded, or rendered."""

import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tqdm import tqdm

from colorize_tf.data import kaggle
from colorize_tf.data.folders import check_folder
from colorize_tf.data.kaggle import KAGGLE_PAGE
from colorize_tf.data.storage import is_url

DATA_VARIABLE = "COLORIZE_TF_DATA"


def cache_folder() -> Path:
    """Return the user's cache folder for this package, which need not exist yet."""
    base = os.environ.get("XDG_CACHE_HOME") or expanded("~/.cache")
    return Path(base) / "colorize_tf"


def expanded(path: str | Path) -> Path:
    """Put the user's home in the place of `~`.

    Raises:
        ValueError: there is none.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ValueError(
            f"{path}: {error} give the whole path, or set HOME and XDG_CACHE_HOME"
        ) from error


def place_of(folder: str | Path) -> str:
    """Name a folder here, or a place in a bucket, as it is opened."""
    return str(folder) if is_url(folder) else str(expanded(folder))


def locate(
    dataset: str,
    data_dir: str | Path | None,
    render: Callable[[], tuple[Path, str]],
) -> tuple[Path, str]:
    """Find the folder of a data set, which is downloaded or rendered if need be.

    Args:
        dataset: a name in `catalog.DATASETS`.
        data_dir: where the photographs are; None searches the usual places.
        render: as `rendered`, for when there is nothing else.

    Returns:
        The folder, and what its photographs are, for people.

    Raises:
        ValueError: it is not there.
    """
    if dataset == "synthetic":
        if data_dir is not None:
            came = f"dataset 'synthetic' with data folder {data_dir}"
            raise ValueError(f"{came}: it is rendered, not read; use dataset 'folder' or no folder")
        return render()
    if data_dir is not None:
        folder = expanded(data_dir)
        check_folder(folder)
        return folder, dataset
    if dataset == "folder":
        raise ValueError("dataset 'folder' came without a folder; name one with --data-dir")
    for folder in _usual_places(dataset):
        if os.path.isdir(folder):  # Unlike Path.is_dir, also an answer where looking is forbidden.
            return folder, dataset
    if dataset == "landscapes":
        return _download_landscapes(render)
    places = f"--data-dir, ${DATA_VARIABLE}/coco or {cache_folder() / 'coco'}"
    raise ValueError(
        "dataset 'coco' was not found: unzip train2017.zip (18 GB) and val2017.zip (1 GB) from "
        f"http://images.cocodataset.org/zips into a folder and name it with {places}"
    )


def _usual_places(dataset: str) -> Iterator[Path]:
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
        # kagglehub raises a dozen unrelated types; whichever it is, there are no photographs.
        except Exception as error:
            failure = " ".join(f"the download failed, {type(error).__name__}: {error}".split())
    warnings.warn(
        f"no landscape photographs: {failure}; going on with rendered landscapes. For real ones "
        f"name a folder with --data-dir, put it at ${DATA_VARIABLE}/landscapes, or download "
        f"{KAGGLE_PAGE}",
        stacklevel=4,
    )
    return render()


def rendered(train: int, validation: int, size: int, seed: int, progress: bool) -> tuple[Path, str]:
    """Render landscapes, unless they are in the cache; return what `locate` does.

    Raises:
        ValueError: they cannot be written.
    """
    from colorize_tf.data.synthetic.landscapes import write_landscapes

    def bar(pictures: Iterable, total: int) -> Iterable:
        return tqdm(
            pictures, total=total, desc="Rendering landscapes", unit="picture", disable=not progress
        )

    folder = cache_folder() / "synthetic" / f"{size}-{train}-{validation}-{seed}"
    counts = {"train": train, "validation": validation}
    try:
        write_landscapes(folder, **counts, size=size, seed=seed, progress=bar)
    except OSError as error:
        raise ValueError(
            f"cannot write rendered landscapes to {folder}: {error.strerror or error}; free space "
            "or set XDG_CACHE_HOME to a folder that can be written"
        ) from error
    return folder, f"rendered landscapes (seed {seed})"
