"""Odd PNG files."""

import itertools
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

from colorize_tf.benchmarks.odd_files.base import (
    DAMAGE,
    OddFile,
    cut,
    expect,
    make_exif,
    pack_rows,
    picture,
    save,
    turn_upright,
)


def _png_chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


_ADAM7 = (
    (0, 0, 8, 8),
    (0, 4, 8, 8),
    (4, 0, 8, 4),
    (0, 2, 4, 4),
    (2, 0, 4, 2),
    (0, 1, 2, 2),
    (1, 0, 2, 1),
)


def _png_file(
    samples: np.ndarray,
    color: int,
    bits: int,
    *chunks: tuple[bytes, bytes],
    interlaced: bool = False,
) -> bytes:
    height, width = samples.shape[:2]
    passes = [samples]
    if interlaced:
        passes = [samples[y::down, x::right] for y, x, down, right in _ADAM7]
    rows = b"".join(b"\0" + row for part in passes if part.size for row in pack_rows(part, bits))
    header = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, interlaced)
    body = _png_chunk(b"IHDR", header) + b"".join(_png_chunk(*chunk) for chunk in chunks)
    body += _png_chunk(b"IDAT", zlib.compress(rows)) + _png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def make_png() -> Iterator[OddFile]:
    """Yield PNG files."""
    kinds = [(0, 1, bits) for bits in (1, 2, 4, 8, 16)]
    kinds += [(color, n, bits) for color, n in ((2, 3), (4, 2), (6, 4)) for bits in (8, 16)]
    for (color, channels, bits), interlaced in itertools.product(kinds, (False, True)):
        white = 2**bits - 1
        samples = picture(channels, white)
        data = _png_file(samples, color, bits, interlaced=interlaced)
        name = f"color type {color}, {bits} bits, {'interlaced' if interlaced else 'plain'}"
        yield OddFile("PNG", name, data, expect(samples, white))
    palette = np.random.default_rng(0).integers(0, 256, (256, 3), np.uint8)
    for bits, transparent in itertools.product((1, 2, 4, 8), (b"", b"\x40\xff")):
        indices = picture(1, 2**bits - 1)
        chunks = [(b"PLTE", palette[: 2**bits].tobytes())]
        expected = palette[indices[..., 0]]
        if transparent:
            chunks.append((b"tRNS", transparent))
            alpha = np.where(indices == 0, 0x40, 255).astype(np.uint8)
            expected = np.concatenate([expected, alpha], axis=2)
        name = f"palette of {bits} bits, {'transparent' if transparent else 'opaque'}"
        yield OddFile("PNG", name, _png_file(indices, 3, bits, *chunks), expect(expected))
    for channels, bits in itertools.product((1, 3), (8, 16)):
        white = 2**bits - 1
        samples = picture(channels, white)
        level = samples[3, 4]
        chunk = (b"tRNS", level.astype(">u2").tobytes())
        alpha = np.where((samples == level).all(axis=2, keepdims=True), 0, white)
        data = _png_file(samples, channels - 1, bits, chunk)
        expected = expect(np.concatenate([samples, alpha], axis=2), white)
        yield OddFile("PNG", f"a transparent color, {channels} of {bits} bits", data, expected)
    whole = _png_file(picture(), 2, 8)
    for orientation in range(1, 9):
        data = _png_file(picture(), 2, 8, (b"eXIf", make_exif(orientation)))
        expected = turn_upright(expect(picture()), orientation)
        yield OddFile("PNG", f"orientation {orientation}", data, expected)
    exif = (b"Exif\0\0" + make_exif(6)).hex()
    text = f"\nexif\n{len(exif) // 2:8}\n{exif[:72]}\n{exif[72:]}\n".encode()
    raw = {b"tEXt": b"Raw profile type exif\0" + text}
    raw[b"zTXt"] = b"Raw profile type APP1\0\0" + zlib.compress(text)
    for chunk in raw.items():
        data = _png_file(picture(), 2, 8, chunk)
        name = f"EXIF as text, {chunk[0].decode()}"
        yield OddFile("PNG", name, data, turn_upright(expect(picture()), 6))
    faults = {"bad profile": (b"iCCP", b"x\0\0junk"), "gamma": (b"gAMA", bytes([0, 0, 117, 48]))}
    faults["bad text"] = (b"zTXt", b"Raw profile type exif\0\0junk")
    for name, chunk in faults.items():
        yield OddFile("PNG", name, _png_file(picture(), 2, 8, chunk), expect(picture()))
    frames = [Image.fromarray(picture()), Image.fromarray(picture()[::-1])]
    data = save(frames[0], "PNG", save_all=True, append_images=frames[1:])
    yield OddFile("PNG", "animated", data, expect(picture()))
    yield from cut("PNG", whole, (0.1, 0.3, 0.6, 0.9, 0.99))
    at = whole.index(b"IDAT") + 40
    flipped = whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :]
    yield OddFile("PNG", "a flipped byte", flipped, None, DAMAGE)
    rows = {"junk for pixels": b"junk", "half the pixels": zlib.compress(bytes(999))}
    for name, content in rows.items():
        data = whole[:33] + _png_chunk(b"IDAT", content) + _png_chunk(b"IEND", b"")
        yield OddFile("PNG", name, data, None, DAMAGE)
