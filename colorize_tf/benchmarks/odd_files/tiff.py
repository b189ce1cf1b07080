"""Odd TIFF files."""

import io
import itertools
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import tifffile
from PIL import Image, ImageCms

from colorize_tf.benchmarks.odd_files.base import (
    DAMAGE,
    HEIGHT,
    WIDTH,
    OddFile,
    decode_with_pillow,
    expect,
    pack_rows,
    picture,
    save,
    turn_upright,
)


def write_tiff(samples: np.ndarray, **options: Any) -> bytes:
    """Write a file with tifffile."""
    file = io.BytesIO()
    tifffile.imwrite(file, samples, metadata=None, **options)
    return file.getvalue()


def make_tiff() -> Iterator[OddFile]:
    """Yield TIFF files."""
    yield from _tiff_kinds()
    yield from _tiff_numbers()
    yield from _tiff_colors()
    yield from _tiff_alpha()
    for orientation in range(1, 9):
        data = write_tiff(picture(), photometric="rgb", extratags=[(274, 3, 1, orientation, True)])
        expected = turn_upright(expect(picture()), orientation)
        yield OddFile("TIFF", f"orientation {orientation}", data, expected)
    pages = np.stack([picture(), picture()[::-1]])
    yield OddFile("TIFF", "two pages", write_tiff(pages, photometric="rgb"), expect(pages[0]))
    for compression in (None, "lzw", "zlib", "packbits", "zstd", "lzma"):
        data = write_tiff(picture(), photometric="rgb", compression=compression, rowsperstrip=8)
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
            data = write_tiff(
                samples, photometric=photometric, compression=compression, predictor=predictor
            )
            name = f"{compression}, {channels} channels to {white}, predictor {predictor}"
            yield OddFile("TIFF", name, data, expect(samples, white))
    for compression in ("jpeg", "webp", "jpeg2000", "jpegxl"):
        data = write_tiff(picture(), photometric="rgb", compression=compression)
        yield OddFile("TIFF", f"{compression} within", data, expect(picture()), tolerance=6.0)
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
        data = write_tiff(stored, photometric="rgb", **options)
        yield OddFile("TIFF", f"{name}, to {white}", data, expect(samples, white))
    for mode in ("L", "RGB", "CMYK", "YCbCr"):
        image = Image.fromarray(picture()).convert(mode)
        data = save(image, "TIFF", compression="jpeg", quality=95)
        expected = expect(np.asarray(image.convert("RGB")))
        yield OddFile("TIFF", f"JPEG within, {mode}", data, expected, tolerance=6.0)
    for number in (12345, 32766, 32809, 34676, 32909):
        data = _tiff_directory(bytes(500), bits=8, photometric=1, compression=number)
        yield OddFile("TIFF", f"compression {number}", data, None)
    one_bit = Image.fromarray(picture(1)[..., 0]).convert("1")
    expected = expect(np.asarray(one_bit), 1)
    for name in ("raw", "group3", "group4", "tiff_ccitt", "packbits", "tiff_lzw"):
        data = save(one_bit, "TIFF", compression=name)
        yield OddFile("TIFF", f"one bit, {name}", data, expected)
    packed = b"".join(pack_rows(np.asarray(one_bit)[..., None].astype(np.uint8), 1))
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
        yield OddFile("TIFF", name, data, expect(picture(channels)))
    for length in (0, 10, 10**6, 2**32 - 1):
        wrong = {279: (4, struct.pack("<I", length))}
        data = _tiff_directory(picture(1).tobytes(), bits=8, photometric=1, more=wrong)
        yield OddFile("TIFF", f"a strip of {length} bytes", data, expect(picture(1)))
    nowhere = {273: (4, struct.pack("<I", 10**6))}
    data = _tiff_directory(picture(1).tobytes(), bits=8, photometric=1, more=nowhere)
    yield OddFile("TIFF", "a strip beyond the end", data, None, DAMAGE)
    circle = _tiff_directory(picture(1).tobytes(), bits=8, photometric=1, following=8)
    yield OddFile("TIFF", "a circle of directories", circle, expect(picture(1)))


def _tiff_numbers() -> Iterator[OddFile]:
    """Yield depths and types of numbers."""
    for bits in (1, 2, 4, 12):
        samples = picture(3, 2**bits - 1)
        rows = b"".join(pack_rows(samples, bits))
        data = _tiff_directory(rows, bits=bits, photometric=2, samples=3)
        yield OddFile("TIFF", f"RGB of {bits} bits", data, expect(samples, 2**bits - 1))
    for bits, inverted in itertools.product((2, 3, 4, 6, 7, 10, 12, 14, 15), (False, True)):
        white = 2**bits - 1
        samples = picture(1, white)
        rows = b"".join(pack_rows(samples, bits))
        expected = white - samples if inverted else samples
        data = _tiff_directory(rows, bits=bits, photometric=0 if inverted else 1)
        name = f"gray of {bits} bits, {'white' if inverted else 'black'} is zero"
        yield OddFile("TIFF", name, data, expect(expected.astype(float), white))
    gray = picture(1)[..., 0].astype(np.float64)
    stretched = (gray - gray.min()) / np.ptp(gray)
    for dtype in ("int8", "int16", "int32", "uint32", "uint64", "int64"):
        samples = (gray / 2 - (50 if dtype == "int8" else 0)).astype(dtype)
        expected = (samples - samples.min()) / float(np.ptp(samples))
        data = write_tiff(samples, photometric="minisblack")
        yield OddFile("TIFF", dtype, data, expect(expected, 1))
    for dtype, scale in itertools.product(("float16", "float32", "float64"), (1 / 255, 1.0, -3.0)):
        samples = (gray * scale).astype(dtype)
        expected = samples.astype(float) if scale < 1 and scale > 0 else None
        if expected is None:
            expected = stretched if scale > 0 else 1 - stretched
        data = write_tiff(samples, photometric="minisblack", compression="zlib", predictor=True)
        yield OddFile("TIFF", f"{dtype}, times {scale:.2g}", data, expect(expected, 1))
    holes = (gray / 255).astype(np.float32)
    holes[3, 4], holes[5, 6] = np.nan, np.inf
    expected = np.where(np.isfinite(holes), holes, 0)
    data = write_tiff(holes, photometric="minisblack")
    yield OddFile("TIFF", "no numbers among floats", data, expect(expected, 1))
    data = write_tiff(gray.astype(np.complex64), photometric="minisblack")
    yield OddFile("TIFF", "complex numbers", data, None)


def _tiff_colors() -> Iterator[OddFile]:
    """Yield palettes, CMYK, YCbCr, CIE Lab and old-style JPEG."""
    colors = np.random.default_rng(0).integers(0, 256, (256, 3), np.uint8)
    for bits, scale in itertools.product((1, 2, 4, 8), (256, 257)):
        indices = picture(1, 2**bits - 1)
        table = (colors[: 2**bits].T.astype(np.uint16) * scale).tobytes()
        data = _tiff_directory(
            b"".join(pack_rows(indices, bits)), bits=bits, photometric=3, palette=table
        )
        expected = expect(colors[indices[..., 0]])
        yield OddFile("TIFF", f"palette of {bits} bits times {scale}", data, expected)
    for white in (255, 65535):
        inks = picture(4, white)
        data = write_tiff(inks, photometric="separated", planarconfig="contig")
        light = 1 - expect(inks, white)
        yield OddFile("TIFF", f"CMYK to {white}", data, light[..., :3] * light[..., 3:])
    image = Image.fromarray(picture())
    data = save(image.convert("YCbCr"), "TIFF", compression="tiff_lzw")
    yield OddFile("TIFF", "YCbCr", data, expect(picture()), tolerance=2.0)
    lab = ImageCms.profileToProfile(
        image, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    data = save(lab, "TIFF")
    # libtiff takes a white point of D50 for one of D65, and gives warmer colors.
    yield OddFile("TIFF", "CIE Lab", data, expect(picture()), tolerance=20.0)
    jpeg = save(picture(), "JPEG", quality=95, subsampling=0)
    interchange = {513: (4, struct.pack("<I", 8)), 514: (4, struct.pack("<I", len(jpeg)))}
    data = _tiff_directory(jpeg, bits=8, photometric=6, samples=3, compression=6, more=interchange)
    yield OddFile("TIFF", "old-style JPEG", data, decode_with_pillow(jpeg), tolerance=2.0)


def _tiff_alpha() -> Iterator[OddFile]:
    for channels, white, meaning in itertools.product(
        (2, 4), (255, 65535), ("unspecified", "assocalpha", "unassalpha")
    ):
        samples = picture(channels, white)
        stored, expected = samples, expect(samples, white)
        if meaning == "unspecified":
            expected = expected[..., :3]
        elif meaning == "assocalpha":
            alpha = samples[..., -1:] / white
            colors = np.rint(samples[..., :-1] * alpha).astype(samples.dtype)
            stored = np.concatenate([colors, samples[..., -1:]], axis=2)
        data = write_tiff(
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
    yield OddFile("TIFF", "palette with alpha", data, expect(expected))
    yield OddFile(
        "TIFF",
        "palette with unspecified samples",
        _tiff_directory(
            indices.tobytes(), bits=8, photometric=3, samples=2, palette=table, extra=0
        ),
        expect(expected[..., :3]),
    )


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
