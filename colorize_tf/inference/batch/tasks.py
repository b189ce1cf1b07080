"""Lists the files to colorize and the paths of their results.

Conflicts are found here, before anything is written.
"""

import functools
import glob
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from colorize_tf.imagefiles import IMAGE_SUFFIXES, WRITABLE_SUFFIXES, check_writable_path
from colorize_tf.inference.video.film import FILM_SUFFIXES, check_film_target


class Task(NamedTuple):
    """One photograph or film.

    Attributes:
        source: the file to read.
        targets: the files to write, one for each sample.
    """

    source: Path
    targets: tuple[Path, ...]

    @property
    def is_film(self) -> bool:
        """Whether `source` has the suffix of a film."""
        return self.source.suffix.lower() in FILM_SUFFIXES

    @property
    def is_done(self) -> bool:
        """Whether all of `targets` exist."""
        return all(map(os.path.isfile, self.targets))


class Refusal(NamedTuple):
    """Inputs that cannot be colorized.

    Attributes:
        text: one line that names them and the reason.
        reason: one or two words to count by.
        files: number of inputs.
    """

    text: str
    reason: str
    files: int = 1


class Listing(NamedTuple):
    """The files that were found.

    Attributes:
        tasks: photographs and films to colorize.
        refused: inputs that cannot be colorized.
        others: number of files in folders that are neither photographs nor films, by suffix.
        skipped_folders: subfolders, which are only searched if `recursive` is set.
    """

    tasks: list[Task]
    refused: list[Refusal]
    others: Counter[str]
    skipped_folders: list[Path]

    def left_out(self) -> list[str]:
        """Describe the files and folders that an input folder holds and that are ignored."""
        notes = []
        if self.others:
            kinds = ", ".join(f"{count} {kind}" for kind, count in self.others.most_common(5))
            notes.append(f"files of other kinds: {self.others.total()} ({kinds})")
        if self.skipped_folders:
            notes.append(f"subfolders, without --recursive: {len(self.skipped_folders)}")
        return notes


def names_one_file(inputs: Sequence[str], output: str) -> bool:
    """Return whether `output` is the file of the only result, rather than a folder.

    Raises:
        ValueError: it looks like a file, but there may be several results.
    """
    if os.path.isdir(output) or output.endswith(("/", os.sep)):
        return False
    path = Path(output)
    one = len(inputs) == 1 and (os.path.isfile(inputs[0]) or not glob.has_magic(inputs[0]))
    if one and not os.path.isdir(inputs[0]):
        return bool(path.suffix) or path.exists()
    if path.exists():
        raise ValueError(f"{output} is a file; name a folder with -o for more than one photograph")
    if path.suffix.lower() in (*IMAGE_SUFFIXES, *FILM_SUFFIXES):
        raise ValueError(
            f"-o {output} names one file, but there may be several; name a folder, or {output}/"
        )
    return False


def list_tasks(
    inputs: Sequence[str],
    output: Path,
    *,
    recursive: bool = False,
    suffix: str | None = None,
    samples: int | None = None,
) -> Listing:
    """Find photographs and films, and mirror their relative paths below a folder.

    The result of a file goes directly into `output`. The result of a file that a folder or a
    pattern contains keeps its path relative to that folder, or to the part of the pattern before
    the first wildcard. Files in `output` are no inputs, so that a second run does not colorize the
    results of the first.

    Args:
        inputs: files, folders, and patterns with `*`, `?`, `[...]` and `**`.
        output: the folder for the results; it need not exist.
        recursive: whether to search subfolders.
        suffix: suffix of the results of photographs; by default that of the photograph, or `.png`
            if its format cannot be written.
        samples: number of results of each photograph; None for one without a number.

    Returns:
        The tasks, in the order of `inputs`, within folders by name.

    Raises:
        ValueError: `output` is an input folder.
    """
    listing = Listing([], [], Counter(), [])
    tasks: dict[tuple[str, str], Task] = {}  # An input that is named twice is colorized once.
    for name in inputs:
        for path, relative in _find(name, os.path.realpath(output), recursive, listing):
            target = output / relative.with_name(_result_name(path, suffix))
            task = Task(path, numbered(target, samples))
            tasks.setdefault((_identity(path), _identity(target)), task)
    sources = {identity for identity, _ in tasks}
    writers = defaultdict(list)
    for task in tasks.values():
        for target in task.targets:
            writers[_identity(target)].append(task)
    refused: dict[Refusal, None] = {}  # Several inputs may share a refusal.
    for task in tasks.values():
        refusal = _refusal(task, writers, sources)
        if refusal is None:
            listing.tasks.append(task)
        else:
            refused[refusal] = None
    listing.refused.extend(refused)
    return listing


def _refusal(task: Task, writers: dict[str, list[Task]], sources: set[str]) -> Refusal | None:
    """Return the conflict of a task, if any: it shares a target, or its target is an input."""
    for target in task.targets:
        names = [str(other.source) for other in writers[_identity(target)]]
        if len(names) > 1:
            return Refusal(
                f"{' and '.join(names)} would both be written to {target}; "
                "colorize them into different folders",
                "same output",
                len(names),
            )
        if _identity(target) in sources:
            text = f"{task.source} would be written to {target}, an input; choose another -o"
            return Refusal(text, "output is an input")
    return None


def task_of_one(source: Path, target: Path, samples: int | None = None) -> Task:
    """Return the task of one file whose result is another file.

    Raises:
        ValueError: the source does not exist, or the target cannot be written.
    """
    task = Task(source, numbered(target, samples))
    try:
        source.stat()
    except OSError as error:
        raise ValueError(f"cannot read {source}: {error.strerror}; check the path") from error
    if _identity(source) in map(_identity, task.targets):
        raise ValueError(f"{target} is the input itself; choose another -o")
    if task.is_film:
        check_film_target(source, target)
    else:
        check_writable_path(target)
    return task


def numbered(target: Path, samples: int | None) -> tuple[Path, ...]:
    """Return `target`, or for N samples `NAME-1.png` to `NAME-N.png`."""
    if samples is None:
        return (target,)
    return tuple(
        target.with_name(f"{target.stem}-{number}{target.suffix}")
        for number in range(1, samples + 1)
    )


def _find(name: str, output: str, recursive: bool, listing: Listing) -> Iterator[tuple[Path, Path]]:
    """Yield files, and their paths relative to the folder or the pattern that contains them."""
    if os.path.isdir(name):
        if os.path.realpath(name) == output:
            raise ValueError(f"-o {name} is the folder of the photographs; choose another folder")
        yield from _walk(Path(name), Path(), output, recursive, listing)
    elif os.path.lexists(name) or not glob.has_magic(name):
        try:
            os.stat(name)
        except OSError as error:
            text = f"cannot read {name}: {error.strerror}; check the path"
            listing.refused.append(Refusal(text, "missing"))
        else:
            yield Path(name), Path(Path(name).name)
    else:
        yield from _match(name, output, recursive, listing)


def _match(
    pattern: str, output: str, recursive: bool, listing: Listing
) -> Iterator[tuple[Path, Path]]:
    parts = Path(pattern).parts
    wild = next(index for index, part in enumerate(parts) if glob.has_magic(part))
    base = Path(*parts[:wild])
    matches = [Path(match) for match in sorted(glob.glob(pattern, recursive=True))]
    if not matches:
        text = f"{pattern} matches nothing; check the pattern"
        listing.refused.append(Refusal(text, "missing"))
    for path in matches:
        relative = path.relative_to(base)
        if not path.is_dir():
            if not _is_inside(os.path.realpath(path.parent), output):
                yield from _accept(path, relative, listing)
        elif parts[-1] != "**":  # A final ** matches the files of the folder, too.
            yield from _walk(path, relative, output, recursive, listing)


def _walk(
    folder: Path, base: Path, output: str, recursive: bool, listing: Listing
) -> Iterator[tuple[Path, Path]]:
    def refuse(error: OSError) -> None:
        text = f"cannot read folder {error.filename}: {error.strerror}; check its permissions"
        listing.refused.append(Refusal(text, "unreadable"))

    seen: set[str] = set()  # Links may form a circle.
    for root, folders, names in os.walk(folder, followlinks=True, onerror=refuse):
        real = os.path.realpath(root)
        if real in seen or _is_inside(real, output):
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not _is_hidden(name))
        for name in sorted(names):
            path = Path(root, name)
            yield from _accept(path, base / path.relative_to(folder), listing)
        if not recursive:
            below = (Path(root, name) for name in folders)
            listing.skipped_folders.extend(one for one in below if os.path.realpath(one) != output)
            return


def _accept(path: Path, relative: Path, listing: Listing) -> Iterator[tuple[Path, Path]]:
    if _is_hidden(path.name):
        return
    if path.suffix.lower() in (*IMAGE_SUFFIXES, *FILM_SUFFIXES):
        yield path, relative
    else:
        listing.others[path.suffix.lower() or path.name] += 1


def _result_name(path: Path, suffix: str | None) -> str:
    own = path.suffix.lower()
    if own in FILM_SUFFIXES:
        return f"{path.stem}.mp4"
    if own not in IMAGE_SUFFIXES:  # `scan.001` and `scan.002` have different results.
        return f"{path.name}{suffix or '.png'}"
    if suffix is None and own in WRITABLE_SUFFIXES:
        return path.name
    return f"{path.stem}{suffix or '.png'}"


@functools.lru_cache(maxsize=1024)
def _real_folder(folder: Path) -> str:
    return os.path.realpath(folder)


def _identity(path: Path) -> str:
    """Return the path of a file, with the links of its folder resolved."""
    return os.path.join(_real_folder(path.parent.absolute()), path.name)


def _is_inside(folder: str, output: str) -> bool:
    return folder == output or folder.startswith(os.path.join(output, ""))


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"
