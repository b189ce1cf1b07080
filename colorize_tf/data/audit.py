"""Audit photographs: which are usable for learning color, and why the others are not.

Every file is either usable or skipped with a reason; no file stops the audit. Findings are cached,
so that a second audit reads only sizes and modification times.
"""

import csv
import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from colorize_tf import imagefiles
from colorize_tf.color.toning import GRAY_CHROMA, measure_toning
from colorize_tf.files import atomic_write
from colorize_tf.imagefiles.arrays import to_eight_bits

MINIMUM_SIDE = 64

# Increase this when the rules (also those of toning.py) or the entries change, so that older caches
# are ignored.
_CACHE_FORMAT = 1


@dataclass(frozen=True)
class AuditedPhotograph:
    """A usable photograph; `sha256` is the hexadecimal digest of the file's contents."""

    path: Path
    sha256: str


@dataclass(frozen=True)
class SkippedFile:
    """A file left out; `reason` reads "kind: detail"."""

    path: Path
    reason: str

    @property
    def kind(self) -> str:
        """The part of the reason before the colon, for counting."""
        return self.reason.partition(":")[0]


@dataclass(frozen=True)
class Audit:
    """The verdict on a list of files, in the order of that list."""

    usable: tuple[AuditedPhotograph, ...]
    skipped: tuple[SkippedFile, ...]

    def summary(self) -> str:
        """Return a line such as "53 photographs: 50 usable, 3 left out (2 monochrome, 1 toned)"."""
        usable, left_out = self.usable_count(), sum(self.kinds().values())
        noun = "photograph" if usable + left_out == 1 else "photographs"
        line = f"{usable + left_out:,} {noun}: {usable:,} usable, {left_out:,} left out"
        return f"{line} ({self.reasons()})" if left_out else line

    def usable_count(self) -> int:
        """Return the number of usable photographs."""
        return len(self.usable)

    def kinds(self) -> Counter[str]:
        """Return how many files were left out for each kind of reason."""
        return Counter(skipped.kind for skipped in self.skipped)

    def reasons(self) -> str:
        """Return counts by kind, most frequent first, such as "2 monochrome, 1 toned"."""
        counts = self.kinds()
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return ", ".join(f"{count:,} {kind}" for kind, count in ranked)


@dataclass(frozen=True)
class CountedAudit(Audit):
    """The verdict on a prepared set, whose photographs are counted and not listed.

    `skipped` lists problems of the set itself, such as unreadable shards.
    """

    usable_number: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)

    def usable_count(self) -> int:
        """Return the number of usable photographs."""
        return self.usable_number

    def kinds(self) -> Counter[str]:
        """Return how many files were left out for each kind of reason."""
        return Counter(self.left_out)


@dataclass(frozen=True)
class Finding:
    """What the audit found in one file.

    Attributes:
        sha256: hexadecimal digest of the contents; empty if they cannot be decoded.
        pixels: hexadecimal digest of the decoded pixels.
        problem: why the file is left out, as `SkippedFile.reason`; empty for a usable file.
    """

    sha256: str = ""
    pixels: str = ""
    problem: str = ""


def audit(paths: Iterable[Path], *, cache_file: Path | None, progress: bool = True) -> Audit:
    """Divide photographs into usable ones and those with a problem.

    Args:
        paths: the files; of two with the same content the first is kept.
        cache_file: where findings are cached, or None. A damaged or unwritable cache is ignored.
        progress: whether to show a progress bar on stderr after two seconds.

    Returns:
        The verdict, in the order of `paths`.
    """
    paths = list(dict.fromkeys(Path(path) for path in paths))
    findings = _find(paths, cache_file, progress)
    usable: list[AuditedPhotograph] = []
    skipped: list[SkippedFile] = []
    first_with: dict[str, Path] = {}
    for path in paths:
        finding = findings[path]
        problem = finding.problem or duplicate(finding, first_with.get)
        if problem:
            skipped.append(SkippedFile(path, problem))
            continue
        usable.append(AuditedPhotograph(path, finding.sha256))
        first_with[finding.sha256] = first_with[finding.pixels] = path
    return Audit(tuple(usable), tuple(skipped))


def write_report(audit: Audit, path: Path) -> None:
    """Write the skipped files as CSV with the header `file,reason`, even if there are none."""
    with Path(path).open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "reason"))
        writer.writerows((str(skipped.path), skipped.reason) for skipped in audit.skipped)


def duplicate(finding: Finding, first_with: Callable[[str], str | Path | None]) -> str:
    """Return the reason to leave out a copy of an earlier file, or an empty string.

    `first_with` returns the earlier file with a digest, if there is one.
    """
    if first := first_with(finding.sha256):
        return f"duplicate: same bytes as {first}"
    if first := first_with(finding.pixels):
        return f"duplicate: same pixels as {first}"
    return ""


def _find(paths: list[Path], cache_file: Path | None, progress: bool) -> dict[Path, Finding]:
    stamps = {path: _stamp(path) for path in paths}
    cache = _read_cache(cache_file)
    findings = {
        path: Finding(*cache[str(path.absolute())][1])
        for path, stamp in stamps.items()
        if stamp and cache.get(str(path.absolute()), [None])[0] == stamp
    }
    missing = [path for path in paths if path not in findings]
    try:
        for path, finding in _examine_all(missing, progress):
            findings[path] = finding
    finally:  # Also after Ctrl-C, so that the next audit continues here.
        if missing:
            _write_cache(cache_file, stamps, findings)
    return findings


def _examine_all(paths: list[Path], progress: bool) -> Iterator[tuple[Path, Finding]]:
    # OpenCV and hashlib release the GIL. Each thread holds one or two decoded photographs.
    pool = ThreadPoolExecutor(min(16, os.cpu_count() or 1))
    try:
        findings = pool.map(lambda path: examine(path)[0], paths)
        yield from tqdm(
            zip(paths, findings, strict=True),
            desc="Checking photographs",
            total=len(paths),
            unit="file",
            delay=2,
            disable=not progress,
        )
    finally:
        pool.shutdown(cancel_futures=True)


def examine(
    path: str | Path, read: Callable[[str | Path], bytes] = imagefiles.read_bytes
) -> tuple[Finding, np.ndarray | None]:
    """Audit one file, whose contents `read` returns.

    Returns:
        The finding, and the image, uint8 `(height, width, 3)`, if it can be decoded.
    """
    try:
        data = read(path)
        photograph = imagefiles.decode_photograph(data, path)
        images = to_eight_bits(photograph.images)
        sha256 = hashlib.sha256(data).hexdigest()
        pixels = hashlib.sha256(f"{images.shape}".encode())  # A rotated photograph differs.
        pixels.update(np.ascontiguousarray(images).data)
        problem = _problem(images, photograph.is_transparent)
        return Finding(sha256, pixels.hexdigest(), problem), images
    except imagefiles.ImageFileError as error:
        return Finding(problem=f"{error.reason}: {error.detail}"), None
    except (cv2.error, MemoryError) as error:
        problem = f"corrupt: {' '.join(str(error).split()) or 'out of memory'}"
        return Finding(problem=problem), None


def _problem(images: np.ndarray, is_transparent: bool) -> str:
    height, width = images.shape[:2]
    if min(height, width) < MINIMUM_SIDE:
        return f"too small: {width} x {height} pixels, the short side needs {MINIMUM_SIDE}"
    return _color_problem(images) or (
        "transparent: some pixels are transparent, and their colors are not a photograph's"
        if is_transparent
        else ""
    )


def _color_problem(images: np.ndarray) -> str:
    toning = measure_toning(images)
    if toning.kind == "gray":
        return f"monochrome: chroma reaches {toning.chroma:.1f} Lab units of {GRAY_CHROMA:g} needed"
    if toning.kind == "toned":
        residual = f"{toning.residual:.1f} Lab units"
        return f"toned: its color is a function of its lightness, within {residual}"
    return ""


def _stamp(path: Path) -> list[int] | None:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return [status.st_size, status.st_mtime_ns]


def _read_cache(cache_file: Path | None) -> dict[str, list]:
    """Return [[size, mtime_ns], [sha256, pixels, problem]] by absolute path."""
    if cache_file is None:
        return {}
    try:
        content = json.loads(Path(cache_file).read_text(encoding="utf-8"))
        if content["version"] != _CACHE_FORMAT:
            return {}
        return {path: entry for path, entry in content["files"].items() if _is_entry(entry)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _is_entry(entry: object) -> bool:
    match entry:
        case [[int(), int()], [str(), str(), str()]]:
            return True
    return False


def _write_cache(
    cache_file: Path | None,
    stamps: dict[Path, list[int] | None],
    findings: dict[Path, Finding],
) -> None:
    if cache_file is None:
        return
    files = {
        str(path.absolute()): [stamps[path], [finding.sha256, finding.pixels, finding.problem]]
        for path, finding in findings.items()
        # A locked file may become readable without a change of its size or time.
        if stamps[path] and not finding.problem.startswith("unreadable")
    }
    # The cache only saves time: errors are ignored.
    with suppress(OSError, ValueError):
        cache_file.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(cache_file) as temporary:
            temporary.write_text(json.dumps({"version": _CACHE_FORMAT, "files": files}), "utf-8")
