"""From the names on a command line to what is read and where each result goes.

Whatever cannot be done is found here, before anything is written.
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
        targets: the files to write; several where there are samples.
    """

    source: Path
    targets: tuple[Path, ...]

    @property
    def is_film(self) -> bool:
        """Whether the name of `source` is that of a film."""
        return self.source.suffix.lower() in FILM_SUFFIXES

    @property
    def is_done(self) -> bool:
        """Whether all of `targets` are there."""
        return all(map(os.path.isfile, self.targets))


class Refusal(NamedTuple):
    """Something that cannot be done.

    Attributes:
        text: one line that names it and says why.
        reason: the same in a word or two, for counting.
        files: how many inputs it stops.
    """

    text: str
    reason: str
    files: int = 1


class Listing(NamedTuple):
    """What was found.

    Attributes:
        tasks: what can be done.
        refused: what cannot.
        others: how many files in folders are neither photographs nor films, by suffix.
        closed: folders in folders, which only `recursive` looks into.
    """

    tasks: list[Task]
    refused: list[Refusal]
    others: Counter[str]
    closed: list[Path]

    def left_out(self) -> list[str]:
        """Say what is no input, though it lies in an input folder."""
        notes = []
        if self.others:
            kinds = ", ".join(f"{count} {kind}" for kind, count in self.others.most_common(5))
            notes.append(f"files of other kinds: {self.others.total()} ({kinds})")
        if self.closed:
            notes.append(f"folders in folders, without --recursive: {len(self.closed)}")
        return notes


def names_one_file(inputs: Sequence[str], output: str) -> bool:
    """Return whether `output` is the name of the one result, rather than of a folder for it.

    Raises:
        ValueError: it looks like a file, but there is more to come than one.
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
    """Find photographs and films, and mirror their places below a folder.

    A file goes right into the folder; what a folder or a pattern finds keeps its place relative to
    that folder or to the part of the pattern before the first wildcard. What lies in `output` is
    no input, so that a second run does not color the results of the first.

    Args:
        inputs: files, folders, and patterns with `*`, `?`, `[...]` and `**`.
        output: the folder for the results; need not exist.
        recursive: whether folders in folders are looked into.
        suffix: of the results, for photographs; by default that of the photograph, or `.png` where
            no such files can be written.
        samples: how many results each photograph has; None for one without a number.

    Returns:
        What there is to do, in the order of `inputs`, within folders by name.

    Raises:
        ValueError: the results would lie among the photographs of an input folder.
    """
    listing = Listing([], [], Counter(), [])
    tasks = {}  # What is named twice is colored once.
    for name in inputs:
        for path, place in _find(name, os.path.realpath(output), recursive, listing):
            target = output / place.with_name(_name(path, suffix))
            task = Task(path, numbered(target, samples))
            tasks.setdefault((_identity(path), _identity(target)), task)
    sources = {identity for identity, _ in tasks}
    writers = defaultdict(list)
    for task in tasks.values():
        for target in task.targets:
            writers[_identity(target)].append(task)
    refused = {}  # Without those that several inputs share.
    for task in tasks.values():
        refusal = _refusal(task, writers, sources)
        if refusal is None:
            listing.tasks.append(task)
        else:
            refused[refusal] = None
    listing.refused.extend(refused)
    return listing


def _refusal(task: Task, writers: dict[str, list[Task]], sources: set[str]) -> Refusal | None:
    """Say what is in a task's way: others that write the same file, or an input."""
    for target in task.targets:
        names = [str(other.source) for other in writers[_identity(target)]]
        if len(names) > 1:
            return Refusal(
                f"{' and '.join(names)} would both be written to {target}; "
                "color them into different folders",
                "same output",
                len(names),
            )
        if _identity(target) in sources:
            text = f"{task.source} would be written to {target}, an input; choose another -o"
            return Refusal(text, "output is an input")
    return None


def task_of_one(source: Path, target: Path, samples: int | None = None) -> Task:
    """Return the task of one file that is written to another.

    Raises:
        ValueError: there is no such file, or it cannot be written there.
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
    """Return `target`, or, for `samples` of them, `NAME-1.png` to `NAME-N.png`."""
    if samples is None:
        return (target,)
    return tuple(
        target.with_name(f"{target.stem}-{number}{target.suffix}")
        for number in range(1, samples + 1)
    )


def _find(name: str, output: str, recursive: bool, listing: Listing) -> Iterator[tuple[Path, Path]]:
    """Yield files with their places below the folder or the pattern that found them."""
    if os.path.isdir(name):
        if os.path.realpath(name) == output:
            raise ValueError(f"-o {name} is the folder of the photographs; choose another for them")
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
        place = path.relative_to(base)
        if not path.is_dir():
            if not _is_inside(os.path.realpath(path.parent), output):
                yield from _accept(path, place, listing)
        elif parts[-1] != "**":  # Which has found the files in it, too.
            yield from _walk(path, place, output, recursive, listing)


def _walk(
    folder: Path, place: Path, output: str, recursive: bool, listing: Listing
) -> Iterator[tuple[Path, Path]]:
    def refuse(error):
        text = f"cannot look into folder {error.filename}: {error.strerror}; check its permissions"
        listing.refused.append(Refusal(text, "unreadable"))

    seen = set()  # Links are followed, but never in a circle.
    for root, folders, names in os.walk(folder, followlinks=True, onerror=refuse):
        real = os.path.realpath(root)
        if real in seen or _is_inside(real, output):
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not _is_hidden(name))
        for name in sorted(names):
            path = Path(root, name)
            yield from _accept(path, place / path.relative_to(folder), listing)
        if not recursive:
            below = (Path(root, name) for name in folders)
            listing.closed.extend(one for one in below if os.path.realpath(one) != output)
            return


def _accept(path: Path, place: Path, listing: Listing) -> Iterator[tuple[Path, Path]]:
    if _is_hidden(path.name):
        return
    if path.suffix.lower() in (*IMAGE_SUFFIXES, *FILM_SUFFIXES):
        yield path, place
    else:
        listing.others[path.suffix.lower() or path.name] += 1


def _name(path: Path, suffix: str | None) -> str:
    own = path.suffix.lower()
    if own in FILM_SUFFIXES:
        return f"{path.stem}.mp4"
    if own not in IMAGE_SUFFIXES:  # `scan.001` and `scan.002` stay two.
        return f"{path.name}{suffix or '.png'}"
    if suffix is None and own in WRITABLE_SUFFIXES:
        return path.name
    return f"{path.stem}{suffix or '.png'}"


@functools.lru_cache(maxsize=1024)
def _real_folder(folder: Path) -> str:
    return os.path.realpath(folder)


def _identity(path: Path) -> str:
    """Return the path of a file without links on the way to it."""
    return os.path.join(_real_folder(path.parent.absolute()), path.name)


def _is_inside(folder: str, output: str) -> bool:
    return folder == output or folder.startswith(os.path.join(output, ""))


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"
