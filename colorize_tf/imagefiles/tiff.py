"""TIFF and BigTIFF files, of which the first page is read.

tifffile and imagecodecs decode the samples; what they mean (colors, alpha, scale) is known here.
libtiff decodes the rare colors: YCbCr that is not JPEG, CIE Lab, and old-style JPEG.
"""

import io
import logging
import math
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import imagecodecs
import numpy as np
import tifffile

from colorize_tf.imagefiles import exif
from colorize_tf.imagefiles.arrays import divide_by_alpha, scale_samples, to_eight_bits
from colorize_tf.imagefiles.base import (
    CorruptImageError,
    Header,
    ImageFormat,
    Pixels,
    TruncatedImageError,
    UnsupportedImageError,
)
from colorize_tf.imagefiles.metadata import CARRIED_TAGS, Metadata

# Without a handler, Python prints the warnings of tifffile about odd tags to standard error.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

_SUBFILE_TYPE, _WIDTH, _HEIGHT, _PHOTOMETRIC = 254, 256, 257, 262
_ICC_PROFILE, _XMP, _IPTC, _PHOTOSHOP = 34675, 700, 33723, 34377
_REDUCED_OR_MASK = 5
_OLD_JPEG, _JPEG, _DEFLATE = 6, 7, (8, 32946)
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 1, 2, 3, 5, 6
_LAB = (8, 9, 10)
_COLORS = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3, _PALETTE: 1, _CMYK: 4, _YCBCR: 3}
_ASSOCIATED, _UNASSOCIATED = 1, 2


def _read_header(data: bytes) -> Header:
    try:
        pages = exif.directories(data)
        first = next(pages)
    except (struct.error, StopIteration) as error:
        raise CorruptImageError("it has no directory of tags; copy or export it again") from error
    width, height = (int(exif.first_number(data, first, tag)) for tag in (_WIDTH, _HEIGHT))
    if width < 1 or height < 1:
        raise CorruptImageError("its tags name no size; copy or export it again")
    frames = 1
    for page in pages:  # Reduced copies and masks do not count.
        frames += not int(exif.first_number(data, page, _SUBFILE_TYPE)) & _REDUCED_OR_MASK
    return Header(width, height, frames)


def _read_metadata(data: bytes) -> Iterator[tuple[str, Any]]:
    tree = exif.unpack(data)
    kinds = {_ICC_PROFILE: "icc", _XMP: "xmp", _PHOTOSHOP: "photoshop"}
    for tag, kind in kinds.items():
        if isinstance(value := tree.get(tag), tuple):
            yield kind, value[1]
    if isinstance(value := tree.get(_IPTC), tuple) and value[1].startswith(b"\x1c"):
        yield "iptc", value[1]
    carried = {tag: value for tag, value in tree.items() if tag in CARRIED_TAGS}
    if carried:
        yield "exif", exif.to_bytes(carried)


def _decode(data: bytes, allow_damage: bool) -> Pixels:
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages[0]
        compression, photometric = int(page.compression), int(page.photometric)
        if _PHOTOMETRIC not in page.tags:  # Old writers leave it out.
            photometric = _RGB if page.samplesperpixel >= 3 else _BLACK_IS_ZERO
        odd_ycbcr = photometric == _YCBCR and compression != _JPEG
        if odd_ycbcr or photometric in _LAB or compression == _OLD_JPEG:
            return _decode_rare(data, page)
        _check_supported(page, photometric, compression)
        samples, damage = _read_samples(data, page, allow_damage)
        return _to_pixels(samples, page, photometric)._replace(damage=damage)


def _check_supported(page: Any, photometric: int, compression: int) -> None:
    what = None
    if photometric not in _COLORS:
        what = f"photometric interpretation {photometric}"
    elif page.dtype is None or page.dtype.kind not in "buif":
        what = f"{page.dtype or 'unknown'} samples"
    elif page.samplesperpixel < _COLORS[photometric]:
        what = f"{page.samplesperpixel} channels where its colors need {_COLORS[photometric]}"
    else:
        try:
            tifffile.TIFF.DECOMPRESSORS[compression]
        except KeyError:
            what = f"compression {compression}"
    if what:
        raise UnsupportedImageError(f"a TIFF of {what}; export it as PNG or JPEG")


def _read_samples(data: bytes, page: Any, allow_damage: bool) -> tuple[np.ndarray, str | None]:
    """Return samples `(height, width, channels)` as stored, and what is damaged of them."""
    segments = list(zip(page.dataoffsets, page.databytecounts, strict=False))
    damage = None
    if len(segments) < math.prod(page.chunked) or not all(count for _, count in segments):
        damage = "some strips or tiles are missing"
    # Old writers name wrong lengths of uncompressed data.
    elif page.compression != 1 and any(start + count > len(data) for start, count in segments):
        damage = "the file ends too early"
    if page.is_contiguous or damage is None:
        try:
            samples, damage = page.asarray(squeeze=False), None
        except (imagecodecs.DelayedImportError, NotImplementedError):
            raise
        except Exception as error:
            damage = " ".join(str(error).split())[:80] or "its data do not decode"
    if damage and not allow_damage:
        if any(start + count > len(data) for start, count in segments):
            raise TruncatedImageError
        raise CorruptImageError(f"parts of it are lost ({damage}); copy it again", reason="damaged")
    if damage:
        samples = _read_sound_segments(data, page)
    # Planes, depth, height, width, samples of a plane.
    samples = samples[:, 0]
    samples = np.moveaxis(samples[..., 0], 0, 2) if len(samples) > 1 else samples[0]
    return samples, damage


def _read_sound_segments(data: bytes, page: Any) -> np.ndarray:
    """Decode the strips or tiles that are sound; the others stay zero."""
    samples = np.zeros(page.shaped, page.dtype)
    for index, (start, count) in enumerate(
        zip(page.dataoffsets, page.databytecounts, strict=False)
    ):
        segment = data[start : start + count]
        try:
            if int(page.compression) in _DEFLATE:
                segment = _repack(segment, math.prod(page.chunks) * page.dtype.itemsize)
            decoded, (plane, depth, top, left, _), _ = page.decode(segment, index)
            target = samples[plane, depth:, top:, left:]
            _, rows, columns, _ = (
                min(pair) for pair in zip(target.shape, decoded.shape, strict=True)
            )
            target[:1, :rows, :columns] = decoded[:1, :rows, :columns]
        except Exception:  # The libraries raise errors of many types.
            continue
    return samples


def _repack(segment: bytes, size: int) -> bytes:
    """Compress again what a damaged segment holds before the damage, filled up with zeros."""
    inflated = bytearray()
    inflater = zlib.decompressobj()
    try:
        for at in range(0, len(segment), 256):
            inflated += inflater.decompress(segment[at : at + 256])
    except zlib.error:
        pass
    return zlib.compress(inflated.ljust(size, b"\0"), 0)


def _to_pixels(samples: np.ndarray, page: Any, photometric: int) -> Pixels:
    count = _COLORS[photometric]
    channels = samples.shape[2]
    extra = [int(value) for value in page.extrasamples]
    if not extra and channels == count + 1 and photometric != _CMYK:
        extra = [_UNASSOCIATED]  # Old writers leave the tag out.
    bits = page.bitspersample
    alpha = kind = None
    for index, kind in enumerate(extra[: channels - count], count):
        if kind in (_ASSOCIATED, _UNASSOCIATED):
            alpha = np.ascontiguousarray(
                scale_samples(samples[..., index : index + 1], bits)[..., 0]
            )
            break
    colors = samples[..., :count]
    if photometric == _PALETTE:
        palette = (np.asarray(page.colormap) // 256).astype(np.uint8).T
        colors = palette[np.minimum(colors[..., 0], len(palette) - 1).astype(np.intp)]
        return Pixels(colors, None if alpha is None else to_eight_bits(alpha))
    colors = scale_samples(colors, bits)
    if photometric in (_WHITE_IS_ZERO, _CMYK):
        colors = ~colors
    if photometric == _CMYK:
        white = np.iinfo(colors.dtype).max
        black = colors[..., 3:].astype(np.uint32)
        colors = ((colors[..., :3] * black + white // 2) // white).astype(colors.dtype)
    if alpha is not None and kind == _ASSOCIATED:
        colors = divide_by_alpha(colors, alpha)
    colors = np.ascontiguousarray(np.broadcast_to(colors, (*colors.shape[:2], 3)))
    return Pixels(colors, alpha)


def _decode_rare(data: bytes, page: Any) -> Pixels:
    orientation = page.tags.get(exif.ORIENTATION)
    if orientation is not None:  # libtiff would apply some orientations.
        copy = bytearray(data)
        struct.pack_into(page.parent.byteorder + "H", copy, orientation.valueoffset, 1)
        data = bytes(copy)
    return Pixels(np.ascontiguousarray(imagecodecs.tiff_decode(data, asrgb=True)[..., :3]))


def _encode(
    images: np.ndarray, alpha: np.ndarray | None, metadata: Metadata, quality: int
) -> Sequence[bytes | memoryview]:
    file = io.BytesIO()
    tifffile.imwrite(
        file,
        images if alpha is None else np.dstack([images, alpha]),
        byteorder="<",
        photometric="rgb",
        extrasamples=None if alpha is None else ["unassalpha"],
        compression="zlib",
        compressionargs={"level": 1},
        predictor=True,
        metadata=None,
        software=False,
    )
    contents = file.getbuffer()
    tree = exif.unpack(contents)
    if metadata.exif:
        carried = exif.unpack(metadata.exif)
        tree |= {tag: value for tag, value in carried.items() if tag in CARRIED_TAGS}
    if metadata.dpi:
        tree |= exif.resolution_tags(metadata.dpi)
    tree |= {_XMP: (exif.BYTE, metadata.xmp)} if metadata.xmp else {}
    pieces = {_ICC_PROFILE: metadata.icc, _IPTC: metadata.iptc}
    tree |= {tag: (exif.UNDEFINED, piece) for tag, piece in pieces.items() if piece}
    padding = bytes(len(contents) % 2)
    start = len(contents) + len(padding)
    header = struct.pack("<4sI", b"II*\0", start)
    return [header, contents[8:], padding, exif.pack(tree, start)]


FORMAT = ImageFormat(
    name="TIFF",
    suffixes=(".tif", ".tiff"),
    matches=lambda start: start.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
    read_header=_read_header,
    read_metadata=_read_metadata,
    decode=_decode,
    encode=_encode,
    depth=16,
    alpha=True,
)
