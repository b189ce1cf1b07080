"""EXIF: directories of tags as TIFF has them. A TIFF file consists of such directories, too.

The format is that of TIFF 6.0, section 2, and of BigTIFF, whose offsets have 64 bits. What is
written is little-endian.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

import numpy as np

ORIENTATION = 274
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 282, 283, 296
BYTE, SHORT, LONG, RATIONAL, UNDEFINED = 1, 3, 4, 5, 7
CENTIMETERS_PER_INCH = 2.54

Contents: TypeAlias = bytes | bytearray | memoryview

Tree: TypeAlias = "dict[int, tuple[int, bytes] | Tree]"
"""Tag -> (kind, little-endian values), or the directory that the tag points to."""

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_SIZES |= {16: 8, 17: 8, 18: 8, 129: 1}  # BigTIFF; UTF-8 of Exif 3.0.
_LETTERS = {1: "B", 3: "H", 4: "I", 5: "I", 6: "b", 8: "h", 9: "i", 10: "i", 13: "I", 16: "Q"}
_LETTERS |= {17: "q", 18: "Q"}
_WORDS = {3: 2, 4: 4, 5: 4, 8: 2, 9: 4, 10: 4, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_SUBDIRECTORIES = (34665, 34853, 40965)  # Exif, GPS and, within Exif, Interoperability.
_THUMBNAIL_START, _THUMBNAIL_LENGTH = 513, 514
_MAX_DIRECTORIES = 1000


class Entry(NamedTuple):
    """Where a tag is: `at` for the entry itself, `values` for the first of `length` values."""

    at: int
    kind: int
    length: int
    values: int


def directories(data: Contents) -> Iterator[dict[int, Entry]]:
    """Yield the directories that follow each other, each as tag -> entry.

    Entries beyond the end of the data, and those whose values are, are left out. A pointer to a
    directory beyond the end ends the list, unless it is the first.

    Raises:
        struct.error: there is no directory.
    """
    order, big = _byte_order(data)
    position = _offset(data, order, big, 8 if big else 4)
    seen = {0}
    if not position or position >= len(data):
        raise struct.error("no directory")
    while position not in seen and len(seen) < _MAX_DIRECTORIES:
        seen.add(position)
        entries, sound, end = _directory(data, order, big, position)
        if not entries and not sound:
            raise struct.error("no directory")
        yield entries
        # Some cameras leave out the pointer that says that there is no further directory.
        position = _offset(data, order, big, end) if end + (8 if big else 4) <= len(data) else 0
        if position >= len(data):
            return


def numbers(data: Contents, entry: Entry) -> tuple[float, ...]:
    """Return the values of a tag: integers, or floats where it holds fractions.

    Raises:
        struct.error: they are no numbers.
    """
    if entry.kind not in _LETTERS:
        raise struct.error(f"kind {entry.kind} holds no numbers")
    size = _SIZES[entry.kind] // struct.calcsize(_LETTERS[entry.kind])
    form = f"{_byte_order(data)[0]}{entry.length * size}{_LETTERS[entry.kind]}"
    found = struct.unpack_from(form, data, entry.values)
    if size == 1:
        return found
    return tuple(
        above / below if below else 0.0
        for above, below in zip(found[::2], found[1::2], strict=True)
    )


def first_number(
    data: Contents, directory: dict[int, Entry], tag: int, default: float = 0
) -> float:
    """Return the first value of a tag, or the default where the tag holds no number."""
    try:
        return numbers(data, directory[tag])[0]
    except (KeyError, IndexError, struct.error):
        return default


def unpack(data: Contents) -> Tree:
    """Return the first directory with its subdirectories; damaged entries are left out.

    Raises:
        struct.error: there is no directory.
    """
    order, big = _byte_order(data)
    return _unpack(data, order, big, _offset(data, order, big, 8 if big else 4), depth=0)


def pack(tree: Tree, start: int) -> bytes:
    """Return the bytes of a directory that will stand at `start`, and all that it points to."""
    entries = struct.pack("<H", len(tree))
    values = b""
    first = start + 2 + 12 * len(tree) + 4
    for tag in sorted(tree):
        value = tree[tag]
        position = first + len(values)
        if isinstance(value, dict):
            kind, count, content = LONG, 1, struct.pack("<I", position)
            values += pack(value, position)
        else:
            kind, content = value
            count = len(content) // _SIZES[kind]
            if len(content) > 4:
                values += content
                content = struct.pack("<I", position)
        values += bytes(len(values) % 2)  # Values begin at even positions.
        entries += struct.pack("<HHI4s", tag, kind, count, content)
    return entries + struct.pack("<I", 0) + values


def to_bytes(tree: Tree) -> bytes:
    """Return a directory as EXIF: a TIFF file without pixels."""
    return b"II*\0\x08\0\0\0" + pack(tree, 8)


def to_upright(data: bytes) -> tuple[bytes, int, tuple[float, float] | None]:
    """Set the orientation of EXIF to 1 and remove its thumbnail.

    Sound EXIF is changed in place, as the notes of camera makers contain positions in it. Of
    damaged EXIF the sound entries of the first directory are packed anew.

    Returns:
        The new EXIF, the orientation that it had (1 to 8), and its resolution.

    Raises:
        struct.error: there is no directory.
    """
    exif = bytearray(data)
    order, big = _byte_order(exif)
    start = _offset(exif, order, big, 4)
    first, sound, end = _directory(exif, order, big, start)
    orientation = int(first_number(exif, first, ORIENTATION, 1))
    if ORIENTATION in first:
        entry = first[ORIENTATION]
        struct.pack_into(order + "HIHH", exif, entry.at + 2, SHORT, 1, 1, 0)
    pages = list(directories(exif))
    if any(end <= entry.values < end + 4 for entry in first.values()):
        sound = False  # The pointer to a next directory was left out.
    else:
        exif[end : end + 4] = bytes(4)
    if len(pages) > 1 and {_THUMBNAIL_START, _THUMBNAIL_LENGTH} <= pages[1].keys():
        at, length = (
            int(first_number(exif, pages[1], tag)) for tag in (_THUMBNAIL_START, _THUMBNAIL_LENGTH)
        )
        length = max(0, min(length, len(exif) - at))
        exif[at : at + length] = bytes(length)
        if at + length == len(exif):
            del exif[at:]
    dpi = resolution(exif, first)
    result = bytes(exif) if sound else to_bytes(unpack(bytes(exif)))
    return result, orientation if 1 <= orientation <= 8 else 1, dpi


def resolution(data: Contents, directory: dict[int, Entry]) -> tuple[float, float] | None:
    """Return the pixels per inch, across and down, that a directory names; None for none."""
    across, down, unit = (
        first_number(data, directory, tag) for tag in (X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT)
    )
    if unit not in (2, 3) or not (across > 0 and down > 0):
        return None
    scale = 1 if unit == 2 else CENTIMETERS_PER_INCH
    return across * scale, down * scale


def resolution_tags(dpi: tuple[float, float]) -> Tree:
    """Return the tags that name a resolution in pixels per inch, across and down."""
    across, down = (
        (RATIONAL, struct.pack("<II", min(round(value * 1000), 2**32 - 1), 1000)) for value in dpi
    )
    unit = (SHORT, struct.pack("<H", 2))
    return {X_RESOLUTION: across, Y_RESOLUTION: down, RESOLUTION_UNIT: unit}


def _byte_order(data: Contents) -> tuple[str, bool]:
    """Return the byte order as `struct` names it, and whether the data are BigTIFF."""
    marks = {b"II*\0": ("<", False), b"MM\0*": (">", False)}
    marks |= {b"II+\0": ("<", True), b"MM\0+": (">", True)}
    try:
        return marks[bytes(data[:4])]
    except KeyError as error:
        raise struct.error("neither TIFF nor EXIF") from error


def _offset(data: Contents, order: str, big: bool, position: int) -> int:
    (offset,) = struct.unpack_from(order + ("Q" if big else "I"), data, position)
    return offset


def _directory(
    data: Contents, order: str, big: bool, start: int
) -> tuple[dict[int, Entry], bool, int]:
    """Return the entries that are sound, whether all are, and where the directory ends."""
    head, form = ("Q", "HHQ") if big else ("H", "HHI")
    (count,) = struct.unpack_from(order + head, data, start)
    room = 8 if big else 4
    size = 4 + 2 * room
    start += struct.calcsize(order + head)
    fitting = min(count, max(0, len(data) - start) // size)
    entries: dict[int, Entry] = {}
    for at in range(start, start + size * fitting, size):
        tag, kind, values = struct.unpack_from(order + form, data, at)
        position = at + 4 + room
        length = _SIZES.get(kind, 1) * values
        if length > room:
            position = _offset(data, order, big, position)
        if position + length <= len(data):
            entries.setdefault(tag, Entry(at, kind, values, position))
    return entries, len(entries) == count, start + size * count


def _unpack(data: Contents, order: str, big: bool, start: int, depth: int) -> Tree:
    tree: Tree = {}
    for tag, entry in _directory(data, order, big, start)[0].items():
        if entry.kind not in _SIZES:
            continue
        if tag not in _SUBDIRECTORIES:
            content = bytes(data[entry.values : entry.values + _SIZES[entry.kind] * entry.length])
            if order == ">" and entry.kind in _WORDS:
                word = _WORDS[entry.kind]
                content = np.frombuffer(content, f">u{word}").astype(f"<u{word}").tobytes()
            tree[tag] = (entry.kind, content)
        elif depth < 2:
            try:
                position = int(numbers(data, entry)[0])
                tree[tag] = _unpack(data, order, big, position, depth + 1)
            except (struct.error, IndexError):
                continue
    return tree
