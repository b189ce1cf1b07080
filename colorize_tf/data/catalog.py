"""From the name of a dataset to photographs, checked and split into train and validation.

Only here are data looked for, downloaded, and shared out between teaching and testing.
"""

import contextlib
import hashlib
import os
import secrets
import shutil
import socket
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

from tqdm import tqdm

from colorize_tf.data.audit import Audit, AuditedPhotograph, SkippedFile, audit
from colorize_tf.data.folders import check_folder, files_by_split

DATASETS = {
    "landscapes": "landscape photographs: your folder, a cached copy, or a download from Kaggle",
    "coco": "COCO 2017, everyday scenes; downloaded by you, see the error that says where",
    "folder": "the photographs under --data-dir",
    "synthetic": "landscapes rendered by this package, any number; needs no download",
}

KAGGLE_HANDLE = "theblackmamba31/landscape-image-colorization"
KAGGLE_PAGE = f"https://www.kaggle.com/datasets/{KAGGLE_HANDLE}"
DATA_VARIABLE = "COLORIZE_TF_DATA"

_PROBE_SECONDS = 8.0


@dataclass(frozen=True)
class Photographs:
    """A dataset, ready to be read.

    Attributes:
        train: files to learn from, none of them with the content of one in `validation`.
        validation: files to measure on.
        folder: where they are.
        origin: where they come from, for people.
        audit: the verdict on every file that was found.
    """

    train: tuple[Path, ...]
    validation: tuple[Path, ...]
    folder: Path
    origin: str
    audit: Audit


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
        data_dir: where the photographs are; None searches the usual places.
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

    def render() -> tuple[Path, str]:
        return _render(synthetic_train, synthetic_validation, synthetic_size, seed, progress)

    folder, origin = _locate(dataset, data_dir, render)
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
    outside = tuple(SkippedFile(path, "outside the split: in neither half") for path in others)
    verdict = Audit(verdict.usable, verdict.skipped + outside)
    return Photographs(*sides, folder, origin, verdict)


def list_photographs(folder: str | Path, *, progress: bool = True) -> tuple[Path, ...]:
    """List the usable photographs in a folder to measure on: of a split, the validation half.

    Args:
        folder: where the photographs are, in any layout that `find_photographs` understands.
        progress: shows a bar on stderr for what takes long.

    Returns:
        The usable photographs, sorted.

    Raises:
        ValueError: for a folder that is missing, empty or locked, or without a usable photograph.
    """
    folder = _expanded(folder)
    check_folder(folder)
    files, validation, _ = files_by_split(folder, "folder")
    verdict = audit(validation or files, cache_file=_audit_cache(folder), progress=progress)
    if not verdict.usable:
        raise ValueError(f"folder {folder}: {verdict.summary()}; give it colour photographs")
    return tuple(photograph.path for photograph in verdict.usable)


def cache_folder() -> Path:
    """Return the user's cache folder for this package, which need not exist yet."""
    base = os.environ.get("XDG_CACHE_HOME") or _expanded("~/.cache")
    return Path(base) / "colorize_tf"


def _expanded(path: str | Path) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ValueError(
            f"{path}: {error} give the whole path, or set HOME and XDG_CACHE_HOME"
        ) from error


# Where a dataset is.


def _locate(
    dataset: str,
    data_dir: str | Path | None,
    render: Callable[[], tuple[Path, str]],
) -> tuple[Path, str]:
    if dataset == "synthetic":
        if data_dir is not None:
            came = f"dataset 'synthetic' with data folder {data_dir}"
            raise ValueError(f"{came}: it is rendered, not read; use dataset 'folder' or no folder")
        return render()
    if data_dir is not None:
        folder = _expanded(data_dir)
        check_folder(folder)
        return folder, f"{dataset} in {folder}"
    if dataset == "folder":
        raise ValueError("dataset 'folder' came without a folder; name one with --data-dir")
    for folder in _usual_places(dataset):
        if os.path.isdir(folder):  # Unlike Path.is_dir, also an answer where looking is forbidden.
            return folder, f"{dataset} in {folder}"
    if dataset == "landscapes":
        return _download_landscapes(render)
    places = f"--data-dir, ${DATA_VARIABLE}/coco or {cache_folder() / 'coco'}"
    raise ValueError(
        "dataset 'coco' was not found: unzip train2017.zip (18 GB) and val2017.zip (1 GB) from "
        f"http://images.cocodataset.org/zips into a folder and name it with {places}"
    )


def _usual_places(dataset: str) -> Iterator[Path]:
    if os.environ.get(DATA_VARIABLE):
        yield _expanded(os.environ[DATA_VARIABLE]) / dataset
    yield cache_folder() / dataset
    if dataset == "landscapes":
        yield from _earlier_downloads()


def _earlier_downloads() -> Iterator[Path]:
    """Yield what kagglehub downloaded for other programs, newest first, whole ones only."""
    base = os.environ.get("KAGGLEHUB_CACHE") or _expanded("~/.cache/kagglehub")
    folder = Path(base) / "datasets" / KAGGLE_HANDLE
    try:
        versions = sorted(folder.glob("versions/[0-9]*"), key=lambda path: (len(path.name), path))
    except OSError:
        return
    for version in reversed(versions):
        if (folder / f"{version.name}.complete").exists():  # kagglehub's mark, made last.
            yield version


def _download_landscapes(render: Callable[[], tuple[Path, str]]) -> tuple[Path, str]:
    failure = "www.kaggle.com cannot be reached"
    if _kaggle_reachable():
        try:
            folder = _download(cache_folder() / "landscapes")
            return folder, f"landscapes from {KAGGLE_PAGE} in {folder}"
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


def _kaggle_reachable(timeout: float = _PROBE_SECONDS) -> bool:
    reached = threading.Event()

    def connect() -> None:
        with contextlib.suppress(OSError, ValueError):
            proxy = urlsplit(getproxies().get("https", ""))
            through_proxy = (proxy.hostname, proxy.port or 80)
            address = through_proxy if proxy.hostname else ("www.kaggle.com", 443)
            socket.create_connection(address, timeout=timeout).close()
            reached.set()

    # In a thread that is left behind, since looking up a name cannot be given a time limit.
    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(timeout)
    return reached.is_set()


def _download(folder: Path) -> Path:
    import kagglehub  # Slow to import, and configures logging when it is.

    # Beside its place and renamed: a download that breaks leaves nothing that looks whole.
    staging = folder.with_name(f".{folder.name}-{secrets.token_hex(4)}.part")
    try:
        kagglehub.dataset_download(KAGGLE_HANDLE, output_dir=str(staging))
        if not folder.is_dir():  # Else another run was faster.
            os.replace(staging, folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return folder


def _render(train: int, validation: int, size: int, seed: int, progress: bool) -> tuple[Path, str]:
    from colorize_tf.data.synthetic import write_landscapes

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
    return folder, f"rendered landscapes (seed {seed}) in {folder}"


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
        raise ValueError(f"{found}; give it colour photographs of 64 pixels or more")
    if len(verdict.usable) == 1:
        raise ValueError(f"{found}; at least 2 are needed, one to learn from and one to test on")
    side = "validation" if train else "train"
    raise ValueError(f"{found}, none of these for {side}; add photographs to its {side} folder")
