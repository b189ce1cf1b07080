"""Odd image files of every format, made here, each with the pixels that it stands for.

A file of few pixels is written with Pillow, tifffile, imagecodecs or, where those cannot write the
variant, byte by byte. None of the code that reads photographs takes part.
"""

import dataclasses
import io
import itertools
import struct
import warnings
import zlib
from collections.abc import Iterator
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from PIL import Image, ImageCms

HEIGHT, WIDTH = 29, 37


@dataclasses.dataclass(frozen=True)
class OddFile:
    """An image file, and what is right to do with it.

    Attributes:
        format: of the file.
        name: what is odd.
        data: the contents.
        pixels: float `(height, width, 3 or 4)` in 0..1, upright, the fourth channel alpha; None
            for contents that are to be refused.
        refusals: reasons that are right: of intact files "unsupported" alone.
        tolerance: accepted error in levels of 255: the maximum, or, where it is above 1, the mean.
    """

    format: str
    name: str
    data: bytes
    pixels: np.ndarray | None
    refusals: tuple[str, ...] = ("unsupported",)
    tolerance: float = 0.51


DAMAGE = ("corrupt", "truncated", "damaged")


def make_corpus() -> Iterator[OddFile]:
    """Yield all files."""
    makers = (_jpeg, _png, _webp, _bmp, _gif, _tiff, _pnm, _avif, _jpeg2000, _raw, _unknown)
    for maker in makers:
        yield from maker()


def picture(channels: int = 3, white: int = 255) -> np.ndarray:
    """Return smooth colors, whose last channel of 2 or 4 is alpha, in 0..white."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    waves = [rows / HEIGHT, columns / WIDTH, np.sin(rows / 5) / 2 + 0.5, np.cos(columns / 7) / 2]
    waves[3] = np.clip(waves[3] + 0.6, 0, 1)
    chosen = {1: [2], 2: [2, 3], 3: [0, 1, 2], 4: [0, 1, 2, 3]}[channels]
    pixels = np.stack([waves[index] for index in chosen], axis=-1)
    return np.rint(pixels * white).astype(np.uint8 if white < 256 else np.uint16)


def _expected(pixels: np.ndarray, white: float = 255) -> np.ndarray:
    """Return what an array of 1 to 4 channels stands for."""
    pixels = pixels.reshape(*pixels.shape[:2], -1) / white
    if pixels.shape[2] == 2:
        return np.concatenate([pixels[..., :1].repeat(3, axis=2), pixels[..., 1:]], axis=2)
    return pixels.repeat(3, axis=2) if pixels.shape[2] == 1 else pixels


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    turns = {
        2: lambda image: image[:, ::-1],
        3: lambda image: image[::-1, ::-1],
        4: lambda image: image[::-1],
        5: lambda image: image.swapaxes(0, 1),
        6: lambda image: np.rot90(image, -1),
        7: lambda image: np.rot90(image, 2).swapaxes(0, 1),
        8: np.rot90,
    }
    return turns.get(orientation, lambda image: image)(pixels)


def _save(pixels: np.ndarray | Image.Image, form: str, **options: Any) -> bytes:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels.squeeze())
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def _pillow(data: bytes) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It complains of odd EXIF.
        with Image.open(io.BytesIO(data)) as image:
            return _expected(np.asarray(image.convert("RGB")))


def _exif(orientation: int, order: str = "<") -> bytes:
    begin = b"II*\0" if order == "<" else b"MM\0*"
    entry = struct.pack(order + "HHIHH", 274, 3, 1, orientation, 0)
    return begin + struct.pack(order + "IH", 8, 1) + entry + bytes(4)


def _cut(form: str, data: bytes, shares: tuple[float, ...] = (0.3, 0.6, 0.9)) -> Iterator[OddFile]:
    for share in shares:
        cut = data[: int(len(data) * share)]
        yield OddFile(form, f"the first {share:.0%}", cut, None, DAMAGE)


def _jpeg() -> Iterator[OddFile]:
    plain = _save(picture(), "JPEG", quality=95)
    variants = itertools.product(
        ("L", "RGB", "CMYK"), (0, 1, 2), ({}, {"progressive": True}, {"restart_marker_rows": 1})
    )
    for mode, subsampling, options in variants:
        if mode == "L" and subsampling:
            continue
        image = Image.fromarray(picture()).convert(mode)
        data = _save(image, "JPEG", quality=90, subsampling=subsampling, **options)
        name = f"{mode}, sampling {subsampling}, {next(iter(options), 'baseline')}"
        tolerance = 2.0 if mode == "CMYK" else 1.0  # Rounded twice, as floats or as integers.
        yield OddFile("JPEG", name, data, _pillow(data), tolerance=tolerance)
    for subsampling in ("444", "422", "420", "411", "440"):
        data = imagecodecs.jpeg8_encode(picture(), level=95, subsampling=subsampling)
        yield OddFile("JPEG", f"sampling {subsampling}", data, _pillow(data), tolerance=1.0)
    data = imagecodecs.jpeg8_encode(picture(), level=95, colorspace="rgb", outcolorspace="rgb")
    yield OddFile("JPEG", "RGB without YCbCr", data, _pillow(data), tolerance=1.0)
    for orientation, order in itertools.product(range(1, 9), "<>"):
        data = _save(picture(), "JPEG", exif=b"Exif\0\0" + _exif(orientation, order))
        expected = _upright(_pillow(data), orientation)
        yield OddFile("JPEG", f"orientation {orientation}, {order}", data, expected)
    sixth = _exif(6)
    faults = {
        "EXIF with a wild next directory": sixth[:-4] + b"\xff\xff\xff\x7f",
        "EXIF without next directory": sixth[:-4],
        "EXIF of more entries than there are": sixth[:8] + b"\x09\0" + sixth[10:-4],
        "EXIF with an entry beyond the end": sixth[:8]
        + struct.pack("<H", 2)
        + sixth[10:22]
        + struct.pack("<HHII", 315, 2, 500, 90_000)
        + bytes(4),
    }
    for name, tags in faults.items():
        data = _save(picture(), "JPEG", exif=b"Exif\0\0" + tags)
        yield OddFile("JPEG", name, data, _upright(_pillow(data), 6))
    endings = {"no end": plain[:-2], "half an end": plain[:-1], "notes behind": plain + b"notes"}
    endings["zeros before the end"] = plain[:-2] + bytes(50) + plain[-2:]
    for name, data in endings.items():
        yield OddFile("JPEG", name, data, _pillow(plain))
    yield from _cut("JPEG", plain)
    progressive = _save(picture(), "JPEG", progressive=True)
    yield from _cut("JPEG", progressive, (0.5, 0.8))
    half = len(plain) // 2
    yield OddFile("JPEG", "zeros for half of it", plain[:half] + bytes(half), None, DAMAGE)
    middle = (plain.index(b"\xff\xda") + len(plain)) // 2
    lost = plain[:middle] + plain[middle + 200 :]
    yield OddFile("JPEG", "a piece lost", lost, None, DAMAGE)
    frame = plain.index(b"\xff\xc0") + 5
    bomb = plain[:frame] + struct.pack(">HH", 13_000, 13_000) + plain[frame + 4 :]
    yield OddFile("JPEG", "169 megapixels announced", bomb, None, DAMAGE)
    for channels in (1, 3):
        deep = picture(channels, 4095).squeeze()
        data = imagecodecs.jpeg8_encode(deep, level=98, bitspersample=12)
        expected = _expected(deep, 4095)
        yield OddFile("JPEG", f"12 bits, {channels} channels", data, expected, tolerance=3.0)
    data = imagecodecs.jpeg8_encode(picture(1).squeeze(), lossless=True)
    yield OddFile("JPEG", "lossless gray", data, _expected(picture(1)))
    data = imagecodecs.ljpeg_encode(picture(1, 65535).squeeze(), bitspersample=16)
    yield OddFile("JPEG", "lossless, 16 bits", data, _expected(picture(1, 65535), 65535))


def _png_chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def _pack_rows(samples: np.ndarray, bits: int) -> list[bytes]:
    """Return the rows of samples `(height, width, channels)` as big-endian bits."""
    if bits >= 8:
        return [row.astype(f">u{bits // 8}").tobytes() for row in samples]
    flat = samples.reshape(len(samples), -1)
    planes = (flat[..., None] >> np.arange(bits)[::-1]) & 1
    return [np.packbits(row).tobytes() for row in planes.reshape(len(samples), -1)]


_ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2))
_ADAM7 += ((1, 0, 2, 1),)


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
    rows = b"".join(b"\0" + row for part in passes if part.size for row in _pack_rows(part, bits))
    header = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, interlaced)
    body = _png_chunk(b"IHDR", header) + b"".join(_png_chunk(*chunk) for chunk in chunks)
    body += _png_chunk(b"IDAT", zlib.compress(rows)) + _png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def _png() -> Iterator[OddFile]:
    kinds = [(0, 1, bits) for bits in (1, 2, 4, 8, 16)]
    kinds += [(color, n, bits) for color, n in ((2, 3), (4, 2), (6, 4)) for bits in (8, 16)]
    for (color, channels, bits), interlaced in itertools.product(kinds, (False, True)):
        white = 2**bits - 1
        samples = picture(channels, white)
        data = _png_file(samples, color, bits, interlaced=interlaced)
        name = f"color type {color}, {bits} bits, {'interlaced' if interlaced else 'plain'}"
        yield OddFile("PNG", name, data, _expected(samples, white))
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
        yield OddFile("PNG", name, _png_file(indices, 3, bits, *chunks), _expected(expected))
    for channels, bits in itertools.product((1, 3), (8, 16)):
        white = 2**bits - 1
        samples = picture(channels, white)
        level = samples[3, 4]
        chunk = (b"tRNS", level.astype(">u2").tobytes())
        alpha = np.where((samples == level).all(axis=2, keepdims=True), 0, white)
        data = _png_file(samples, channels - 1, bits, chunk)
        expected = _expected(np.concatenate([samples, alpha], axis=2), white)
        yield OddFile("PNG", f"a transparent color, {channels} of {bits} bits", data, expected)
    whole = _png_file(picture(), 2, 8)
    for orientation in range(1, 9):
        data = _png_file(picture(), 2, 8, (b"eXIf", _exif(orientation)))
        expected = _upright(_expected(picture()), orientation)
        yield OddFile("PNG", f"orientation {orientation}", data, expected)
    exif = (b"Exif\0\0" + _exif(6)).hex()
    text = f"\nexif\n{len(exif) // 2:8}\n{exif[:72]}\n{exif[72:]}\n".encode()
    raw = {b"tEXt": b"Raw profile type exif\0" + text}
    raw[b"zTXt"] = b"Raw profile type APP1\0\0" + zlib.compress(text)
    for chunk in raw.items():
        data = _png_file(picture(), 2, 8, chunk)
        name = f"EXIF as text, {chunk[0].decode()}"
        yield OddFile("PNG", name, data, _upright(_expected(picture()), 6))
    faults = {"bad profile": (b"iCCP", b"x\0\0junk"), "gamma": (b"gAMA", bytes([0, 0, 117, 48]))}
    faults["bad text"] = (b"zTXt", b"Raw profile type exif\0\0junk")
    for name, chunk in faults.items():
        yield OddFile("PNG", name, _png_file(picture(), 2, 8, chunk), _expected(picture()))
    frames = [Image.fromarray(picture()), Image.fromarray(picture()[::-1])]
    data = _save(frames[0], "PNG", save_all=True, append_images=frames[1:])
    yield OddFile("PNG", "animated", data, _expected(picture()))
    yield from _cut("PNG", whole, (0.1, 0.3, 0.6, 0.9, 0.99))
    at = whole.index(b"IDAT") + 40
    flipped = whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :]
    yield OddFile("PNG", "a flipped byte", flipped, None, DAMAGE)
    rows = {"junk for pixels": b"junk", "half the pixels": zlib.compress(bytes(999))}
    for name, content in rows.items():
        data = whole[:33] + _png_chunk(b"IDAT", content) + _png_chunk(b"IEND", b"")
        yield OddFile("PNG", name, data, None, DAMAGE)


def _webp() -> Iterator[OddFile]:
    for channels, lossless in itertools.product((3, 4), (False, True)):
        pixels = picture(channels)
        options = {"lossless": lossless, "exact": True, "quality": 95}
        data = _save(pixels, "WEBP", **options)
        expected = _expected(pixels if lossless else imagecodecs.webp_decode(data))
        yield OddFile("WebP", f"{channels} channels, lossless {lossless}", data, expected)
        for orientation in (3, 6, 8):
            data = _save(pixels, "WEBP", exif=_exif(orientation), **options)
            turned = _upright(expected, orientation)
            yield OddFile("WebP", f"{channels}, {lossless}, {orientation}", data, turned)
        yield from _cut("WebP", data)
    frames = [Image.fromarray(picture()), Image.fromarray(picture()[::-1])]
    data = _save(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    yield OddFile("WebP", "animated", data, _expected(picture()))
    whole = _save(picture(), "WEBP", lossless=True)
    yield OddFile("WebP", "notes behind", whole + b"notes", _expected(picture()))


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


def _bmp() -> Iterator[OddFile]:
    colors = np.random.default_rng(0).integers(0, 256, (256, 3), np.uint8)
    for bits, os2, gray, top_down in itertools.product((1, 4, 8), *[(False, True)] * 3):
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
            _pack_rows(indices, bits),
            bits,
            palette=entries.tobytes(),
            header_size=12 if os2 else 40,
            top_down=top_down,
        )
        name = f"{bits} bits, OS/2 {os2}, gray {gray}, top down {top_down}"
        yield OddFile("BMP", name, data, _expected(table[indices[..., 0]]))
    rows = [row[:, ::-1].tobytes() for row in picture()]
    for size in (12, 40, 108, 124):
        data = _bmp_file(rows, 24, header_size=size)
        yield OddFile("BMP", f"24 bits, header of {size}", data, _expected(picture()))
    yield from _cut("BMP", data, (0.01, 0.1, 0.5, 0.99))
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
        yield OddFile("BMP", name, data, _expected(colors[indices]))
        yield from _cut("BMP", data, (0.7, 0.9))


def _gif() -> Iterator[OddFile]:
    image = Image.fromarray(picture()).quantize(32)
    seen = np.asarray(image.convert("RGB"))
    indices = np.asarray(image)
    whole = _save(image, "GIF")
    for interlace in (0, 1):
        data = _save(image, "GIF", interlace=interlace)
        yield OddFile("GIF", f"interlace {interlace}", data, _expected(seen))
    for frames, transparent in itertools.product((1, 3), (None, 3, 200)):
        options: dict[str, Any] = {} if transparent is None else {"transparency": transparent}
        if frames > 1:
            options |= {"save_all": True, "append_images": [image.rotate(90 * i) for i in (1, 2)]}
        data = _save(image, "GIF", **options)
        expected = seen
        if transparent == 3:
            alpha = np.where(indices == 3, 0, 255)[..., None]
            expected = np.concatenate([seen, alpha], axis=2)
        yield OddFile(
            "GIF", f"{frames} frames, {transparent} transparent", data, _expected(expected)
        )
    for disposal in range(8):
        extension = whole.find(b"!\xf9")
        control = bytes([0x21, 0xF9, 4, disposal << 2, 0, 0, 0, 0])
        frame = whole.index(b",", 13 + 96)
        start = extension if 0 <= extension < frame else frame
        data = whole[:start] + control + whole[frame:]
        yield OddFile("GIF", f"disposal {disposal}", data, _expected(seen))
    frame = whole.index(b",\0\0\0\0", 13)
    small = bytearray(whole)
    struct.pack_into("<HH", small, 6, WIDTH - 9, HEIGHT - 5)
    yield OddFile("GIF", "a frame beyond the screen", bytes(small), _expected(seen))
    comment = whole[:frame] + b"!\xfe\x05notes\0" + whole[frame:]
    yield OddFile("GIF", "a comment", comment, _expected(seen))
    yield OddFile("GIF", "no end", whole[:-1], _expected(seen))
    yield from _cut("GIF", whole)


def _tiff_file(samples: np.ndarray, **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, samples, metadata=None, **options)
    return file.getvalue()


def _tiff() -> Iterator[OddFile]:
    yield from _tiff_kinds()
    yield from _tiff_numbers()
    yield from _tiff_colors()
    yield from _tiff_alpha()
    for orientation in range(1, 9):
        data = _tiff_file(picture(), photometric="rgb", extratags=[(274, 3, 1, orientation, True)])
        expected = _upright(_expected(picture()), orientation)
        yield OddFile("TIFF", f"orientation {orientation}", data, expected)
    pages = np.stack([picture(), picture()[::-1]])
    yield OddFile("TIFF", "two pages", _tiff_file(pages, photometric="rgb"), _expected(pages[0]))
    for compression in (None, "lzw", "zlib", "packbits", "zstd", "lzma"):
        data = _tiff_file(picture(), photometric="rgb", compression=compression, rowsperstrip=8)
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            starts, counts = file.pages.first.dataoffsets, file.pages.first.databytecounts
        cut = data[: starts[-1] + counts[-1] // 2]
        yield OddFile("TIFF", f"cut, {compression}", cut, None, DAMAGE)
        yield OddFile("TIFF", f"header alone, {compression}", data[:40], None, DAMAGE)
        if compression in ("zlib", "lzma"):  # Which have check sums.
            at = starts[1] + counts[1] // 2
            flipped = data[:at] + bytes([data[at] ^ 255]) + data[at + 1 :]
            yield OddFile("TIFF", f"a flipped byte, {compression}", flipped, None, DAMAGE)


def _tiff_kinds() -> Iterator[OddFile]:
    """Yield compressions, layouts and byte orders."""
    compressions = (None, "lzw", "zlib", "packbits", "zstd", "lzma")
    for compression, channels, white in itertools.product(compressions, (1, 3), (255, 65535)):
        samples = picture(channels, white).squeeze()
        photometric = "minisblack" if channels == 1 else "rgb"
        for predictor in (False, True) if compression in ("lzw", "zlib", "zstd") else (False,):
            data = _tiff_file(
                samples, photometric=photometric, compression=compression, predictor=predictor
            )
            name = f"{compression}, {channels} channels to {white}, predictor {predictor}"
            yield OddFile("TIFF", name, data, _expected(samples, white))
    for compression in ("jpeg", "webp", "jpeg2000", "jpegxl"):
        data = _tiff_file(picture(), photometric="rgb", compression=compression)
        yield OddFile("TIFF", f"{compression} within", data, _expected(picture()), tolerance=6.0)
    layouts: dict[str, dict[str, Any]] = {
        "tiles of 16": {"tile": (16, 16)},
        "tiles of 32, planes": {"tile": (32, 32), "planarconfig": "separate"},
        "planes": {"planarconfig": "separate"},
        "planes, LZW": {"planarconfig": "separate", "compression": "lzw", "predictor": True},
        "BigTIFF": {"bigtiff": True},
        "BigTIFF, big-endian": {"bigtiff": True, "byteorder": ">"},
        "big-endian": {"byteorder": ">"},
        "strips of 5 rows": {"rowsperstrip": 5},
    }
    for (name, options), white in itertools.product(layouts.items(), (255, 65535)):
        samples = picture(3, white)
        stored = np.moveaxis(samples, 2, 0) if "planarconfig" in options else samples
        data = _tiff_file(stored, photometric="rgb", **options)
        yield OddFile("TIFF", f"{name}, to {white}", data, _expected(samples, white))
    for mode in ("L", "RGB", "CMYK", "YCbCr"):
        image = Image.fromarray(picture()).convert(mode)
        data = _save(image, "TIFF", compression="jpeg", quality=95)
        expected = _expected(np.asarray(image.convert("RGB")))
        yield OddFile("TIFF", f"JPEG within, {mode}", data, expected, tolerance=6.0)
    for compression in (12345, 32766, 32809, 34676, 32909):
        data = _tiff_directory(bytes(500), bits=8, photometric=1, compression=compression)
        yield OddFile("TIFF", f"compression {compression}", data, None)
    one_bit = Image.fromarray(picture(1)[..., 0]).convert("1")
    expected = _expected(np.asarray(one_bit), 1)
    for name in ("raw", "group3", "group4", "tiff_ccitt", "packbits", "tiff_lzw"):
        data = _save(one_bit, "TIFF", compression=name)
        yield OddFile("TIFF", f"one bit, {name}", data, expected)
    packed = b"".join(_pack_rows(np.asarray(one_bit)[..., None].astype(np.uint8), 1))
    reverse = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
    fill_order = {266: (3, struct.pack("<H", 2))}
    data = _tiff_directory(packed.translate(reverse), bits=1, photometric=1, more=fill_order)
    yield OddFile("TIFF", "one bit, the last one first", data, expected)
    yield from _tiff_tags()


def _tiff_tags() -> Iterator[OddFile]:
    """Yield files without tags that readers can do without, and with wrong ones."""
    for channels, left_out in itertools.product((1, 3), (259, 262, 278, 279)):
        data = _tiff_directory(
            picture(channels).tobytes(),
            bits=8,
            photometric=1 if channels == 1 else 2,
            samples=channels,
            left_out=left_out,
        )
        name = f"{channels} channels without tag {left_out}"
        yield OddFile("TIFF", name, data, _expected(picture(channels)))
    for length in (0, 10, 10**6, 2**32 - 1):
        wrong = {279: (4, struct.pack("<I", length))}
        data = _tiff_directory(picture(1).tobytes(), bits=8, photometric=1, more=wrong)
        yield OddFile("TIFF", f"a strip of {length} bytes", data, _expected(picture(1)))
    nowhere = {273: (4, struct.pack("<I", 10**6))}
    data = _tiff_directory(picture(1).tobytes(), bits=8, photometric=1, more=nowhere)
    yield OddFile("TIFF", "a strip beyond the end", data, None, DAMAGE)
    circle = _tiff_directory(picture(1).tobytes(), bits=8, photometric=1, following=8)
    yield OddFile("TIFF", "a circle of directories", circle, _expected(picture(1)))


def _tiff_numbers() -> Iterator[OddFile]:
    """Yield depths and types of numbers."""
    for bits in (1, 2, 4, 12):
        samples = picture(3, 2**bits - 1)
        rows = b"".join(_bit_rows(samples, bits))
        data = _tiff_directory(rows, bits=bits, photometric=2, samples=3)
        yield OddFile("TIFF", f"RGB of {bits} bits", data, _expected(samples, 2**bits - 1))
    for bits, inverted in itertools.product((2, 3, 4, 6, 7, 10, 12, 14, 15), (False, True)):
        white = 2**bits - 1
        samples = picture(1, white)
        rows = b"".join(_bit_rows(samples, bits))
        expected = white - samples if inverted else samples
        data = _tiff_directory(rows, bits=bits, photometric=0 if inverted else 1)
        name = f"gray of {bits} bits, {'white' if inverted else 'black'} is zero"
        yield OddFile("TIFF", name, data, _expected(expected.astype(float), white))
    gray = picture(1)[..., 0].astype(np.float64)
    stretched = (gray - gray.min()) / np.ptp(gray)
    for dtype in ("int8", "int16", "int32", "uint32", "uint64", "int64"):
        samples = (gray / 2 - (50 if dtype == "int8" else 0)).astype(dtype)
        expected = (samples - samples.min()) / float(np.ptp(samples))
        data = _tiff_file(samples, photometric="minisblack")
        yield OddFile("TIFF", dtype, data, _expected(expected, 1))
    for dtype, scale in itertools.product(("float16", "float32", "float64"), (1 / 255, 1.0, -3.0)):
        samples = (gray * scale).astype(dtype)
        expected = samples.astype(float) if scale < 1 and scale > 0 else None
        if expected is None:
            expected = stretched if scale > 0 else 1 - stretched
        data = _tiff_file(samples, photometric="minisblack", compression="zlib", predictor=True)
        yield OddFile("TIFF", f"{dtype}, times {scale:.2g}", data, _expected(expected, 1))
    holes = (gray / 255).astype(np.float32)
    holes[3, 4], holes[5, 6] = np.nan, np.inf
    expected = np.where(np.isfinite(holes), holes, 0)
    data = _tiff_file(holes, photometric="minisblack")
    yield OddFile("TIFF", "no numbers among floats", data, _expected(expected, 1))
    data = _tiff_file(gray.astype(np.complex64), photometric="minisblack")
    yield OddFile("TIFF", "complex numbers", data, None)


def _tiff_colors() -> Iterator[OddFile]:
    """Yield palettes, CMYK, YCbCr, CIE Lab and old-style JPEG."""
    colors = np.random.default_rng(0).integers(0, 256, (256, 3), np.uint8)
    for bits, scale in itertools.product((1, 2, 4, 8), (256, 257)):
        indices = picture(1, 2**bits - 1)
        table = (colors[: 2**bits].T.astype(np.uint16) * scale).tobytes()
        data = _tiff_directory(
            b"".join(_bit_rows(indices, bits)), bits=bits, photometric=3, palette=table
        )
        expected = _expected(colors[indices[..., 0]])
        yield OddFile("TIFF", f"palette of {bits} bits times {scale}", data, expected)
    for white in (255, 65535):
        inks = picture(4, white)
        data = _tiff_file(inks, photometric="separated", planarconfig="contig")
        light = 1 - _expected(inks, white)
        yield OddFile("TIFF", f"CMYK to {white}", data, light[..., :3] * light[..., 3:])
    image = Image.fromarray(picture())
    data = _save(image.convert("YCbCr"), "TIFF", compression="tiff_lzw")
    yield OddFile("TIFF", "YCbCr", data, _expected(picture()), tolerance=2.0)
    lab = ImageCms.profileToProfile(
        image, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    data = _save(lab, "TIFF")
    # libtiff takes a white point of D50 for one of D65, and gives warmer colors.
    yield OddFile("TIFF", "CIE Lab", data, _expected(picture()), tolerance=20.0)
    jpeg = _save(picture(), "JPEG", quality=95, subsampling=0)
    interchange = {513: (4, struct.pack("<I", 8)), 514: (4, struct.pack("<I", len(jpeg)))}
    data = _tiff_directory(jpeg, bits=8, photometric=6, samples=3, compression=6, more=interchange)
    yield OddFile("TIFF", "old-style JPEG", data, _pillow(jpeg), tolerance=2.0)


def _tiff_alpha() -> Iterator[OddFile]:
    for channels, white, meaning in itertools.product(
        (2, 4), (255, 65535), ("unspecified", "assocalpha", "unassalpha")
    ):
        samples = picture(channels, white)
        stored, expected = samples, _expected(samples, white)
        if meaning == "unspecified":
            expected = expected[..., :3]
        elif meaning == "assocalpha":
            alpha = samples[..., -1:] / white
            colors = np.rint(samples[..., :-1] * alpha).astype(samples.dtype)
            stored = np.concatenate([colors, samples[..., -1:]], axis=2)
        data = _tiff_file(
            stored,
            photometric="minisblack" if channels == 2 else "rgb",
            planarconfig="contig",
            extrasamples=[meaning],
        )
        # Dark colors that were multiplied come back with fewer levels.
        tolerance = 3.0 if meaning == "assocalpha" else 0.51
        yield OddFile(
            "TIFF", f"{meaning}, {channels} to {white}", data, expected, ("unsupported",), tolerance
        )
    colors = np.random.default_rng(0).integers(0, 256, (256, 3), np.uint8)
    indices = picture(2)
    table = (colors.T.astype(np.uint16) * 257).tobytes()
    data = _tiff_directory(
        indices.tobytes(), bits=8, photometric=3, samples=2, palette=table, extra=2
    )
    expected = np.concatenate([colors[indices[..., 0]], indices[..., 1:]], axis=2)
    yield OddFile("TIFF", "palette with alpha", data, _expected(expected))
    yield OddFile(
        "TIFF",
        "palette with unspecified samples",
        _tiff_directory(
            indices.tobytes(), bits=8, photometric=3, samples=2, palette=table, extra=0
        ),
        _expected(expected[..., :3]),
    )


def _bit_rows(samples: np.ndarray, bits: int) -> list[bytes]:
    flat = samples.reshape(len(samples), -1).astype(np.uint16)
    planes = (flat[..., None] >> np.arange(bits, dtype=np.uint16)[::-1]) & 1
    return [np.packbits(row).tobytes() for row in planes.astype(np.uint8).reshape(len(flat), -1)]


def _tiff_directory(
    content: bytes,
    *,
    bits: int,
    photometric: int,
    samples: int = 1,
    compression: int = 1,
    palette: bytes = b"",
    extra: int | None = None,
    more: dict[int, tuple[int, bytes]] | None = None,
    left_out: int = 0,
    following: int = 0,
) -> bytes:
    """Write a little-endian TIFF file of one strip, tag by tag."""
    short = lambda *values: (3, struct.pack(f"<{len(values)}H", *values))  # noqa: E731
    tags = {256: short(WIDTH), 257: short(HEIGHT), 258: short(*[bits] * samples)}
    tags |= {259: short(compression), 262: short(photometric), 277: short(samples)}
    tags |= {273: (4, struct.pack("<I", 8)), 278: short(HEIGHT)}
    tags[279] = (4, struct.pack("<I", len(content)))
    tags |= more or {}
    tags.pop(left_out, None)
    if palette:
        tags[320] = (3, palette)
    if extra is not None:
        tags[338] = short(extra)
    content += bytes(len(content) % 2)
    start = 8 + len(content)
    entries, values = b"", b""
    for tag, (kind, value) in sorted(tags.items()):
        count = len(value) // (2 if kind == 3 else 4)
        if len(value) > 4:
            position = start + 2 + 12 * len(tags) + 4 + len(values)
            values += value
            value = struct.pack("<I", position)
        entries += struct.pack("<HHI4s", tag, kind, count, value)
    directory = struct.pack("<H", len(tags)) + entries + struct.pack("<I", following) + values
    return struct.pack("<4sI", b"II*\0", start) + content + directory


def _pnm() -> Iterator[OddFile]:
    for kind, white in itertools.product("235", (255, 100, 1023, 65535)):
        channels = 3 if kind == "3" else 1
        samples = picture(channels, white)
        header = f"P{kind}\n# a comment\n{WIDTH} {HEIGHT}\n{white}\n".encode()
        if kind == "5":
            body = samples.astype(">u2" if white > 255 else "u1").tobytes()
        else:
            body = " ".join(map(str, samples.reshape(-1))).encode()
        yield OddFile("PNM", f"P{kind} to {white}", header + body, _expected(samples, white))
    for white in (255, 100, 1023, 65535):
        samples = picture(3, white)
        body = samples.astype(">u2" if white > 255 else "u1").tobytes()
        data = f"P6 {WIDTH} {HEIGHT} {white}\n".encode() + body
        yield OddFile("PNM", f"P6 to {white}", data, _expected(samples, white))
        yield from _cut("PNM", data)
    dark = picture(1, 1)
    header = f"{WIDTH} {HEIGHT}\n".encode()
    plain = b"P1\n" + header + " ".join(map(str, dark.reshape(-1))).encode()
    yield OddFile("PNM", "P1", plain, _expected(1 - dark.astype(float), 1))
    packed = b"P4\n" + header + b"".join(_pack_rows(dark, 1))
    yield OddFile("PNM", "P4", packed, _expected(1 - dark.astype(float), 1))


def _avif() -> Iterator[OddFile]:
    for channels, subsampling in itertools.product((3, 4), ("4:4:4", "4:2:0")):
        options = {"quality": 95, "subsampling": subsampling}
        data = _save(picture(channels), "AVIF", **options)
        expected = _expected(picture(channels))
        yield OddFile("AVIF", f"{channels}, {subsampling}", data, expected, tolerance=6.0)
    for orientation in range(1, 9):
        data = _save(picture(), "AVIF", quality=95, exif=_exif(orientation))
        expected = _upright(_expected(picture()), orientation)
        yield OddFile("AVIF", f"orientation {orientation}", data, expected, tolerance=6.0)
    yield from _cut("AVIF", data)


def _jpeg2000() -> Iterator[OddFile]:
    for channels, boxes in itertools.product((1, 3, 4), (False, True)):
        data = _save(picture(channels), "JPEG2000", no_jp2=not boxes)
        yield OddFile("JPEG 2000", f"{channels}, boxes {boxes}", data, _expected(picture(channels)))
        yield from _cut("JPEG 2000", data, (0.1, 0.4))
    for channels, bits in itertools.product((1, 3), (12, 16)):
        samples = picture(channels, 2**bits - 1)
        data = imagecodecs.jpeg2k_encode(
            samples.squeeze(), reversible=True, level=0, bitspersample=bits, codecformat="jp2"
        )
        name = f"{channels} channels of {bits} bits"
        yield OddFile("JPEG 2000", name, data, _expected(samples, 2**bits - 1))


def _raw() -> Iterator[OddFile]:
    filters = [(33421, 3, 2, (2, 2), True), (33422, 1, 4, b"\0\1\1\2", True)]
    version = [(50706, 1, 4, b"\1\4\0\0", True), (50708, 2, 5, b"Test\0", True)]
    matrix = (1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1)
    version.append((50721, 10, 9, matrix, True))
    mosaic = np.full((64, 64), 20_000, np.uint16)
    data = _tiff_file(mosaic, photometric=32803, extratags=filters + version)
    flat = np.full((64, 64, 3), 0.5)
    yield OddFile("raw", "DNG of one gray", data, flat, tolerance=255.0)


def _unknown() -> Iterator[OddFile]:
    starts = {
        "text": b"once upon a time",
        "PDF": b"%PDF-1.7\n",
        "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "Photoshop": b"8BPS\0\1" + bytes(40),
        "WAVE": b"RIFF\x24\0\0\0WAVEfmt ",
        "JPEG XL": imagecodecs.jpegxl_encode(picture()),
        "film": b"\0\0\0\x18ftypmp42" + bytes(40),
    }
    for name, data in starts.items():
        yield OddFile("others", name, data, None)
