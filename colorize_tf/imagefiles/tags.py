"""Directories of tags as TIFF has them: a TIFF file consists of them, and so does EXIF.

The format is that of TIFF 6.0, section 2; what is written is little-endian.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

import numpy as np

ORIENTATION = 274
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 282, 283, 296
EXTRA_SAMPLES, ICC_PROFILE = 338, 34675
SHORT, LONG, RATIONAL, UNDEFINED = 3, 4, 5, 7

Tree: TypeAlias = "dict[int, tuple[int, bytes] | Tree]"
"""Tag -> (kind, little-endian values), or the directory that the tag points to."""

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_LETTERS = {1: "B", 3: "H", 4: "I", 5: "I", 6: "b", 8: "h", 9: "i", 10: "i", 13: "I"}
_WORDS = {3: 2, 4: 4, 5: 4, 8: 2, 9: 4, 10: 4, 11: 4, 12: 8, 13: 4}  # What byte order turns round.
_DIRECTORIES = (34665, 34853, 40965)  # Exif, GPS and, within Exif, Interoperability.


class Entry(NamedTuple):
    """Where a tag is: `at` for the entry itself, `values` for its first value."""

    at: int
    kind: int
    count: int
    values: int


def byte_order(data: bytes) -> str:
    """Return how `struct` calls the byte order of a TIFF file or of EXIF.

    Raises:
        struct.error: it is neither.
    """
    if data[:4] not in (b"II*\0", b"MM\0*"):
        raise struct.error("neither TIFF nor EXIF")
    return "<" if data[:1] == b"I" else ">"


def directories(data: bytes) -> Iterator[dict[int, Entry]]:
    """Yield the directories that follow each other, each as tag -> entry.

    Raises:
        struct.error: there is none, or one goes beyond the end.
    """
    order = byte_order(data)
    (start,) = struct.unpack_from(order + "I", data, 4)
    if not start:
        raise struct.error("no directory")
    seen = {0}
    while start not in seen and len(seen) < 1000:  # A damaged file may lead round in a circle.
        seen.add(start)
        entries, end = _directory(data, order, start)
        yield entries
        if end + 4 > len(data):  # Some cameras leave out the pointer to no further directory.
            return
        (start,) = struct.unpack_from(order + "I", data, end)


def numbers(data: bytes, entry: Entry) -> tuple[float, ...]:
    """Return the values of a tag: integers, or floats where it holds fractions.

    Raises:
        struct.error: they go beyond the end, or are no numbers.
    """
    if entry.kind not in _LETTERS:
        raise struct.error(f"kind {entry.kind} holds no numbers")
    size = _SIZES[entry.kind] // struct.calcsize(_LETTERS[entry.kind])
    form = f"{byte_order(data)}{entry.count * size}{_LETTERS[entry.kind]}"
    found = struct.unpack_from(form, data, entry.values)
    if size == 1:
        return found
    return tuple(
        above / below if below else 0.0
        for above, below in zip(found[::2], found[1::2], strict=True)
    )


def unpack(data: bytes) -> Tree:
    """Return the first directory with those that it points to; damaged entries are left out.

    Raises:
        struct.error: the directory itself goes beyond the end.
    """
    order = byte_order(data)
    (start,) = struct.unpack_from(order + "I", data, 4)
    return _unpack(data, order, start, depth=0)


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


def set_short(buffer: bytearray, entry: Entry, value: int) -> None:
    """Make a value below 65536 the only one of a tag, in place."""
    order = byte_order(buffer)
    struct.pack_into(order + "HIHH", buffer, entry.at + 2, SHORT, 1, value, 0)


def set_long(buffer: bytearray, entry: Entry, value: int) -> None:
    """Make a value below 2**32 the only one of a tag, in place."""
    struct.pack_into(byte_order(buffer) + "HII", buffer, entry.at + 2, LONG, 1, value)


def _directory(data, order, start):
    (count,) = struct.unpack_from(order + "H", data, start)
    entries = {}
    for at in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind, values = struct.unpack_from(order + "HHI", data, at)
        position = at + 8
        if _SIZES.get(kind, 1) * values > 4:
            (position,) = struct.unpack_from(order + "I", data, at + 8)
        entries[tag] = Entry(at, kind, values, position)
    return entries, start + 2 + 12 * count


def _unpack(data, order, start, depth):
    tree = {}
    for tag, entry in _directory(data, order, start)[0].items():
        end = entry.values + _SIZES.get(entry.kind, 0) * entry.count
        if entry.kind not in _SIZES or end > len(data):
            continue
        if tag not in _DIRECTORIES:
            content = bytes(data[entry.values : end])
            if order == ">" and entry.kind in _WORDS:
                word = _WORDS[entry.kind]
                content = np.frombuffer(content, f">u{word}").astype(f"<u{word}").tobytes()
            tree[tag] = (entry.kind, content)
        elif depth < 2:
            try:
                tree[tag] = _unpack(data, order, int(numbers(data, entry)[0]), depth + 1)
            except (struct.error, IndexError):
                continue
    return tree
