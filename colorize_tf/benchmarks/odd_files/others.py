"""Odd WebP, GIF, PNM, AVIF, JPEG 2000 and raw files, and files that are no images."""

import io
import itertools
import struct
from collections.abc import Iterator
from typing import Any

import imagecodecs
import numpy as np
from PIL import Image

from colorize_tf.benchmarks.odd_files.base import (
    HEIGHT,
    WIDTH,
    OddFile,
    cut,
    expect,
    make_exif,
    pack_rows,
    picture,
    save,
    turn_upright,
)
from colorize_tf.benchmarks.odd_files.tiff import write_tiff


def make_webp() -> Iterator[OddFile]:
    """Yield WebP files."""
    for channels, lossless in itertools.product((3, 4), (False, True)):
        pixels = picture(channels)
        options = {"lossless": lossless, "exact": True, "quality": 95}
        data = save(pixels, "WEBP", **options)
        expected = expect(pixels if lossless else np.asarray(Image.open(io.BytesIO(data))))
        yield OddFile("WebP", f"{channels} channels, lossless {lossless}", data, expected)
        for orientation in (3, 6, 8):
            data = save(pixels, "WEBP", exif=make_exif(orientation), **options)
            turned = turn_upright(expected, orientation)
            yield OddFile("WebP", f"{channels}, {lossless}, {orientation}", data, turned)
        yield from cut("WebP", data)
    frames = [Image.fromarray(picture()), Image.fromarray(picture()[::-1])]
    data = save(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    yield OddFile("WebP", "animated", data, expect(picture()))
    whole = save(picture(), "WEBP", lossless=True)
    yield OddFile("WebP", "notes behind", whole + b"notes", expect(picture()))


def make_gif() -> Iterator[OddFile]:
    """Yield GIF files."""
    image = Image.fromarray(picture()).quantize(32)
    seen = np.asarray(image.convert("RGB"))
    indices = np.asarray(image)
    whole = save(image, "GIF")
    for interlace in (0, 1):
        data = save(image, "GIF", interlace=interlace)
        yield OddFile("GIF", f"interlace {interlace}", data, expect(seen))
    for frames, transparent in itertools.product((1, 3), (None, 3, 200)):
        options: dict[str, Any] = {} if transparent is None else {"transparency": transparent}
        if frames > 1:
            options |= {"save_all": True, "append_images": [image.rotate(90 * i) for i in (1, 2)]}
        data = save(image, "GIF", **options)
        expected = seen
        if transparent == 3:
            alpha = np.where(indices == 3, 0, 255)[..., None]
            expected = np.concatenate([seen, alpha], axis=2)
        yield OddFile("GIF", f"{frames} frames, {transparent} transparent", data, expect(expected))
    for disposal in range(8):
        extension = whole.find(b"!\xf9")
        control = bytes([0x21, 0xF9, 4, disposal << 2, 0, 0, 0, 0])
        frame = whole.index(b",", 13 + 96)
        start = extension if 0 <= extension < frame else frame
        data = whole[:start] + control + whole[frame:]
        yield OddFile("GIF", f"disposal {disposal}", data, expect(seen))
    frame = whole.index(b",\0\0\0\0", 13)
    small = bytearray(whole)
    struct.pack_into("<HH", small, 6, WIDTH - 9, HEIGHT - 5)
    yield OddFile("GIF", "a frame beyond the screen", bytes(small), expect(seen))
    comment = whole[:frame] + b"!\xfe\x05notes\0" + whole[frame:]
    yield OddFile("GIF", "a comment", comment, expect(seen))
    yield OddFile("GIF", "no end", whole[:-1], expect(seen))
    yield from cut("GIF", whole)


def make_pnm() -> Iterator[OddFile]:
    """Yield PBM, PGM and PPM files."""
    for kind, white in itertools.product("235", (255, 100, 1023, 65535)):
        channels = 3 if kind == "3" else 1
        samples = picture(channels, white)
        header = f"P{kind}\n# a comment\n{WIDTH} {HEIGHT}\n{white}\n".encode()
        if kind == "5":
            body = samples.astype(">u2" if white > 255 else "u1").tobytes()
        else:
            body = " ".join(map(str, samples.reshape(-1))).encode()
        yield OddFile("PNM", f"P{kind} to {white}", header + body, expect(samples, white))
    for white in (255, 100, 1023, 65535):
        samples = picture(3, white)
        body = samples.astype(">u2" if white > 255 else "u1").tobytes()
        data = f"P6 {WIDTH} {HEIGHT} {white}\n".encode() + body
        yield OddFile("PNM", f"P6 to {white}", data, expect(samples, white))
        yield from cut("PNM", data)
    dark = picture(1, 1)
    header = f"{WIDTH} {HEIGHT}\n".encode()
    plain = b"P1\n" + header + " ".join(map(str, dark.reshape(-1))).encode()
    yield OddFile("PNM", "P1", plain, expect(1 - dark.astype(float), 1))
    packed = b"P4\n" + header + b"".join(pack_rows(dark, 1))
    yield OddFile("PNM", "P4", packed, expect(1 - dark.astype(float), 1))


def make_avif() -> Iterator[OddFile]:
    """Yield AVIF files."""
    for channels, subsampling in itertools.product((3, 4), ("4:4:4", "4:2:0")):
        options = {"quality": 95, "subsampling": subsampling}
        data = save(picture(channels), "AVIF", **options)
        expected = expect(picture(channels))
        yield OddFile("AVIF", f"{channels}, {subsampling}", data, expected, tolerance=6.0)
    for orientation in range(1, 9):
        data = save(picture(), "AVIF", quality=95, exif=make_exif(orientation))
        expected = turn_upright(expect(picture()), orientation)
        yield OddFile("AVIF", f"orientation {orientation}", data, expected, tolerance=6.0)
    yield from cut("AVIF", data)


def make_jpeg2000() -> Iterator[OddFile]:
    """Yield JPEG 2000 files."""
    for channels, boxes in itertools.product((1, 3, 4), (False, True)):
        data = save(picture(channels), "JPEG2000", no_jp2=not boxes)
        yield OddFile("JPEG 2000", f"{channels}, boxes {boxes}", data, expect(picture(channels)))
        yield from cut("JPEG 2000", data, (0.1, 0.4))
    for channels, bits in itertools.product((1, 3), (12, 16)):
        samples = picture(channels, 2**bits - 1)
        encoded = imagecodecs.jpeg2k_encode(
            samples.squeeze(), reversible=True, level=0, bitspersample=bits, codecformat="jp2"
        )
        name = f"{channels} channels of {bits} bits"
        yield OddFile("JPEG 2000", name, bytes(encoded), expect(samples, 2**bits - 1))


def make_raw() -> Iterator[OddFile]:
    """Yield DNG files."""
    filters: list[tuple[Any, ...]] = [(33421, 3, 2, (2, 2), True), (33422, 1, 4, b"\0\1\1\2", True)]
    version: list[tuple[Any, ...]] = [
        (50706, 1, 4, b"\1\4\0\0", True),
        (50708, 2, 5, b"Test\0", True),
    ]
    matrix = (1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1)
    version.append((50721, 10, 9, matrix, True))
    mosaic = np.full((64, 64), 20_000, np.uint16)
    data = write_tiff(mosaic, photometric=32803, extratags=filters + version)
    flat = np.full((64, 64, 3), 0.5)
    yield OddFile("raw", "DNG of one gray", data, flat, tolerance=255.0)


def make_unknown() -> Iterator[OddFile]:
    """Yield unknown files."""
    starts = {
        "text": b"once upon a time",
        "PDF": b"%PDF-1.7\n",
        "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "Photoshop": b"8BPS\0\1" + bytes(40),
        "WAVE": b"RIFF\x24\0\0\0WAVEfmt ",
        "JPEG XL": bytes(imagecodecs.jpegxl_encode(picture())),
        "film": b"\0\0\0\x18ftypmp42" + bytes(40),
    }
    for name, data in starts.items():
        yield OddFile("others", name, data, None)
