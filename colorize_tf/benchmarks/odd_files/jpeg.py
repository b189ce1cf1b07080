"""Odd JPEG files."""

import itertools
import struct
from collections.abc import Iterator
from typing import Any

import imagecodecs
from PIL import Image

from colorize_tf.benchmarks.odd_files.base import (
    DAMAGE,
    OddFile,
    cut,
    decode_with_pillow,
    expect,
    make_exif,
    picture,
    save,
    turn_upright,
)


def make_jpeg() -> Iterator[OddFile]:
    """Yield JPEG files."""
    plain = save(picture(), "JPEG", quality=95)
    kinds: tuple[dict[str, Any], ...] = ({}, {"progressive": True}, {"restart_marker_rows": 1})
    for mode, sampling, options in itertools.product(("L", "RGB", "CMYK"), (0, 1, 2), kinds):
        if mode == "L" and sampling:
            continue
        image = Image.fromarray(picture()).convert(mode)
        data = save(image, "JPEG", quality=90, subsampling=sampling, **options)
        name = f"{mode}, sampling {sampling}, {next(iter(options), 'baseline')}"
        tolerance = 2.0 if mode == "CMYK" else 1.0  # Rounded twice, as floats or as integers.
        yield OddFile("JPEG", name, data, decode_with_pillow(data), tolerance=tolerance)
    for ratio in ("444", "422", "420", "411", "440"):
        data = bytes(imagecodecs.jpeg8_encode(picture(), level=95, subsampling=ratio))
        pixels = decode_with_pillow(data)
        yield OddFile("JPEG", f"sampling {ratio}", data, pixels, tolerance=1.0)
    data = bytes(
        imagecodecs.jpeg8_encode(picture(), level=95, colorspace="rgb", outcolorspace="rgb")
    )
    yield OddFile("JPEG", "RGB without YCbCr", data, decode_with_pillow(data), tolerance=1.0)
    for orientation, order in itertools.product(range(1, 9), "<>"):
        data = save(picture(), "JPEG", exif=b"Exif\0\0" + make_exif(orientation, order))
        expected = turn_upright(decode_with_pillow(data), orientation)
        yield OddFile("JPEG", f"orientation {orientation}, {order}", data, expected)
    sixth = make_exif(6)
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
        data = save(picture(), "JPEG", exif=b"Exif\0\0" + tags)
        yield OddFile("JPEG", name, data, turn_upright(decode_with_pillow(data), 6))
    endings = {"no end": plain[:-2], "half an end": plain[:-1], "notes behind": plain + b"notes"}
    endings["zeros before the end"] = plain[:-2] + bytes(50) + plain[-2:]
    for name, data in endings.items():
        yield OddFile("JPEG", name, data, decode_with_pillow(plain))
    yield from cut("JPEG", plain)
    progressive = save(picture(), "JPEG", progressive=True)
    yield from cut("JPEG", progressive, (0.5, 0.8))
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
        data = bytes(imagecodecs.jpeg8_encode(deep, level=98, bitspersample=12))
        expected = expect(deep, 4095)
        yield OddFile("JPEG", f"12 bits, {channels} channels", data, expected, tolerance=3.0)
    data = bytes(imagecodecs.jpeg8_encode(picture(1).squeeze(), lossless=True))
    yield OddFile("JPEG", "lossless gray", data, expect(picture(1)))
    for channels, white in itertools.product((1, 3), (255, 65535)):
        samples = picture(channels, white)
        data = bytes(imagecodecs.jpegls_encode(samples.squeeze()))
        yield OddFile("JPEG", f"JPEG-LS, {channels} to {white}", data, None)
    data = bytes(imagecodecs.ljpeg_encode(picture(1, 65535).squeeze(), bitspersample=16))
    yield OddFile("JPEG", "lossless, 16 bits", data, expect(picture(1, 65535), 65535))
