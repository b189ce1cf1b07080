"""Odd BMP files."""

import itertools
import struct
from collections.abc import Iterator

import numpy as np

from colorize_tf.benchmarks.odd_files.base import (
    HEIGHT,
    WIDTH,
    OddFile,
    cut,
    expect,
    pack_rows,
    picture,
)


def _bmp_file(
    rows: list[bytes],
    bits: int,
    *,
    palette: bytes = b"",
    compression: int = 0,
    masks: bytes = b"",
    header_size: int = 40,
    top_down: bool = False,
) -> bytes:
    if compression in (0, 3, 6):
        rows = [row + bytes(-len(row) % 4) for row in rows]
    body = b"".join(rows if top_down else rows[::-1])
    if header_size == 12:
        header = struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, bits)
    else:
        height = -HEIGHT if top_down else HEIGHT
        colors = len(palette) // 4
        header = struct.pack("<IiiHHI", header_size, WIDTH, height, 1, bits, compression)
        header += struct.pack("<IiiII", len(body), 2835, 2835, colors, 0)
        header = (header + masks if header_size > 40 else header).ljust(header_size, b"\0")
        header += masks if header_size == 40 else b""
    start = 14 + len(header) + len(palette)
    return struct.pack("<2sIII", b"BM", start + len(body), 0, start) + header + palette + body


def _run_lengths(row: np.ndarray, four_bits: bool, style: str) -> bytes:
    """Encode a row of indices as runs, as literal pixels, or as runs that exceed the row."""
    if style == "literal":
        size = 5 if four_bits else 7
        parts = [row[at : at + size] for at in range(0, len(row) - size + 1, size)]
        rest = row[len(parts) * size :]
        encoded = b""
        for part in parts:
            body = bytes(part)
            if four_bits:
                nibbles = [*part, 0] if len(part) % 2 else part
                body = bytes(a << 4 | b for a, b in zip(nibbles[::2], nibbles[1::2], strict=True))
            encoded += bytes([0, len(part)]) + body + bytes(len(body) % 2)
        row = rest
    else:
        encoded = b""
    for value, group in itertools.groupby(row):
        encoded += bytes([len(list(group)), int(value) * 17 if four_bits else int(value)])
    if style == "exceeding":
        encoded = encoded[:-2] + bytes([encoded[-2] + 3, encoded[-1]])
    return encoded + b"\0\0"


def make_bmp() -> Iterator[OddFile]:
    """Yield BMP files."""
    colors = np.random.default_rng(0).integers(0, 256, (256, 3), np.uint8)
    for bits, os2, gray, top_down in itertools.product(
        (1, 4, 8), (False, True), (False, True), (False, True)
    ):
        if os2 and top_down:
            continue
        count = 2**bits
        table = np.linspace(0, 255, count).astype(np.uint8)[:, None].repeat(3, axis=1)
        table = table if gray else colors[:count]
        entries = table[:, ::-1]
        if not os2:
            entries = np.concatenate([entries, np.zeros((count, 1), np.uint8)], axis=1)
        indices = picture(1, count - 1)
        data = _bmp_file(
            pack_rows(indices, bits),
            bits,
            palette=entries.tobytes(),
            header_size=12 if os2 else 40,
            top_down=top_down,
        )
        name = f"{bits} bits, OS/2 {os2}, gray {gray}, top down {top_down}"
        yield OddFile("BMP", name, data, expect(table[indices[..., 0]]))
    rows = [row[:, ::-1].tobytes() for row in picture()]
    for size in (12, 40, 52, 56, 64, 108, 124):
        data = _bmp_file(rows, 24, header_size=size)
        yield OddFile("BMP", f"24 bits, header of {size}", data, expect(picture()))
    yield from cut("BMP", data, (0.01, 0.1, 0.5, 0.99))
    yield from _bmp_bit_fields()
    yield from _bmp_run_lengths(colors)
    for name, bits, compression in (("2 bits", 2, 0), ("a JPEG within", 24, 4)):
        data = _bmp_file(rows, bits, compression=compression)
        yield OddFile("BMP", name, data, None)


def _bmp_bit_fields() -> Iterator[OddFile]:
    layouts = {
        "5-5-5": (16, 0, (0x7C00, 0x3E0, 0x1F)),
        "5-5-5 with fields": (16, 3, (0x7C00, 0x3E0, 0x1F)),
        "5-6-5": (16, 3, (0xF800, 0x7E0, 0x1F)),
        "32 bits": (32, 0, (0xFF0000, 0xFF00, 0xFF)),
        "32 bits with fields": (32, 3, (0xFF0000, 0xFF00, 0xFF)),
        "32 bits in another order": (32, 3, (0xFF000000, 0xFF0000, 0xFF00)),
        "32 bits with alpha": (32, 3, (0xFF0000, 0xFF00, 0xFF, 0xFF000000)),
        "4-4-4": (16, 3, (0xF00, 0xF0, 0xF)),
        "10-10-10": (32, 3, (0x3FF00000, 0xFFC00, 0x3FF)),
    }
    for (name, (bits, compression, masks)), size in itertools.product(layouts.items(), (40, 108)):
        if size == 40 and len(masks) == 4:
            continue
        values = np.zeros((HEIGHT, WIDTH), np.uint64)
        expected = np.zeros((HEIGHT, WIDTH, len(masks)))
        for index, mask in enumerate(masks):
            low = (mask & -mask).bit_length() - 1
            white = mask >> low
            part = np.rint(picture(len(masks))[..., index] / 255 * white).astype(np.uint64)
            values |= part << np.uint64(low)
            expected[..., index] = part / white
        fields = b"".join(struct.pack("<I", mask) for mask in masks) if compression else b""
        rows = [row.astype(f"<u{bits // 8}").tobytes() for row in values]
        data = _bmp_file(rows, bits, compression=compression, masks=fields, header_size=size)
        yield OddFile("BMP", f"{name}, header of {size}", data, expected, tolerance=1.0)


def _bmp_run_lengths(colors: np.ndarray) -> Iterator[OddFile]:
    for bits, style in itertools.product((4, 8), ("runs", "literal", "exceeding", "cut short")):
        indices = picture(1, 2**bits - 1)[..., 0]
        entries = np.concatenate([colors[:, ::-1], np.zeros((256, 1), np.uint8)], axis=1)
        if style == "cut short":  # An end of the image before its last rows.
            indices = indices.copy()
            indices[:5] = 0
        rows = [_run_lengths(row, bits == 4, style) for row in indices]
        if style == "cut short":
            rows[:5] = [b""] * 4 + [b"\0\1"]
            rows = [b"".join(rows[4:5]), *rows[5:]]
        else:
            rows[0] += b"\0\1"
        palette = entries[: 2**bits].tobytes()
        data = _bmp_file(rows, bits, compression=2 if bits == 4 else 1, palette=palette)
        name = f"run lengths of {bits} bits, {style}"
        yield OddFile("BMP", name, data, expect(colors[indices]))
        yield from cut("BMP", data, (0.7, 0.9))
