import io
import struct
import zlib

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from colorize_tf import imagefiles as subject
from colorize_tf.imagefiles import Photograph, decode_photograph, encode_photograph

WHITE = {"uint8": 255, "uint16": 65535}


def pixels(height, width, channels=3, dtype="uint8", seed=0):
    shape = (height, width, channels)
    return np.random.default_rng(seed).integers(0, WHITE[dtype] + 1, shape, dtype)


def contents(image, form, **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def tiff_contents(array, **options):
    file = io.BytesIO()
    tifffile.imwrite(file, array, **options)
    return file.getvalue()


def png_contents(array, color, *, transparent=b""):
    """A PNG of 16 bits as the standard has it: color is 0 for gray, 4 for gray with alpha."""

    def chunk(kind, body):
        checksum = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + checksum

    height, width = array.shape[:2]
    body = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, color, 0, 0, 0))
    body += chunk(b"tRNS", transparent) if transparent else b""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in array)
    body += chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def assert_same(found, expected):
    """Compare a photograph with an array of 1 to 4 channels."""
    channels = expected.shape[2]
    assert found.images.dtype == expected.dtype
    colors = expected[..., :1].repeat(3, axis=2) if channels < 3 else expected[..., :3]
    np.testing.assert_array_equal(found.images, colors)
    if channels in (2, 4):
        np.testing.assert_array_equal(found.alpha, expected[..., -1])
    else:
        assert found.alpha is None


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 70),
    dtype=st.sampled_from(["uint8", "uint16"]),
    alpha=st.booleans(),
    suffix=st.sampled_from([".png", ".tiff"]),
)
def test_lossless_formats_give_back_what_was_written(height, width, dtype, alpha, suffix):
    array = pixels(height, width, 4, dtype)
    photograph = Photograph(array[..., :3].copy(), array[..., 3].copy() if alpha else None)
    found = decode_photograph(encode_photograph(photograph, suffix))
    assert_same(found, array if alpha else array[..., :3])


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    dtype=st.sampled_from(["uint8", "uint16"]),
    channels=st.integers(1, 4),
    big_endian=st.booleans(),
    compression=st.sampled_from([None, "zlib"]),
    predictor=st.booleans(),
    orientation=st.integers(1, 8),
)
def test_every_kind_of_tiff_reads_exactly(
    height, width, dtype, channels, big_endian, compression, predictor, orientation
):
    array = pixels(height, width, channels, dtype)
    data = tiff_contents(
        array,
        photometric="minisblack" if channels < 3 else "rgb",
        planarconfig="contig" if channels > 1 else None,
        extrasamples=["unassalpha"] if channels in (2, 4) else None,
        byteorder=">" if big_endian else "<",
        compression=compression,
        predictor=predictor and compression is not None,
        extratags=[(274, 3, 1, orientation, True)],
    )
    assert_same(decode_photograph(data), upright(array, orientation))


def upright(array, orientation):
    turns = {
        2: lambda image: image[:, ::-1],
        3: lambda image: image[::-1, ::-1],
        4: lambda image: image[::-1],
        5: lambda image: image.swapaxes(0, 1),
        6: lambda image: np.rot90(image, -1),
        7: lambda image: np.rot90(image, 2).swapaxes(0, 1),
        8: np.rot90,
    }
    return turns.get(orientation, lambda image: image)(array)


@pytest.mark.parametrize("suffix", [".png", ".webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_alpha_turns_with_the_image(suffix, orientation):
    array = pixels(5, 8, 4)
    exif = Image.Exif()
    exif[274] = orientation
    options = {"lossless": True, "exact": True} if suffix == ".webp" else {}
    data = contents(Image.fromarray(array), suffix[1:], exif=exif, **options)
    assert_same(decode_photograph(data), upright(array, orientation))


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [1, 2])
def test_white_is_zero_tiff_is_no_negative(dtype, channels):
    array = pixels(6, 7, channels, dtype)
    extra = {"extrasamples": ["unassalpha"], "planarconfig": "contig"} if channels == 2 else {}
    data = tiff_contents(array, photometric="miniswhite", **extra)
    array[..., 0] = WHITE[dtype] - array[..., 0]
    assert_same(decode_photograph(data), array)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_colors_multiplied_with_alpha_are_divided_by_it(dtype):
    array = pixels(30, 40, 4, dtype)
    white = WHITE[dtype]
    array[..., 3] = np.maximum(array[..., 3], white // 2)
    multiplied = array.copy()
    multiplied[..., :3] = np.rint(array[..., :3] * (array[..., 3:] / white))
    data = tiff_contents(multiplied, photometric="rgb", extrasamples=["assocalpha"])
    found = decode_photograph(data)
    np.testing.assert_array_equal(found.alpha, array[..., 3])
    assert np.abs(found.images.astype(int) - array[..., :3]).max() <= 1


def test_sixteen_bit_gray_png_with_alpha():
    array = pixels(6, 7, 2, "uint16")
    assert_same(decode_photograph(png_contents(array, 4)), array)


def test_transparent_gray_level_of_a_png_becomes_alpha():
    array = pixels(6, 7, 1, "uint16")
    level = int(array[2, 3, 0])
    found = decode_photograph(png_contents(array, 0, transparent=struct.pack(">H", level)))
    alpha = np.where(array == level, 0, 65535).astype(np.uint16)
    assert_same(found, np.concatenate([array, alpha], axis=2))


@pytest.mark.parametrize("form", ["PNG", "GIF"])
def test_transparency_of_a_palette_becomes_alpha(form):
    image = Image.fromarray(cv2.resize(pixels(4, 5), (40, 30))).quantize(32)
    data = contents(image, form, transparency=3)
    found = decode_photograph(data)
    with Image.open(io.BytesIO(data)) as reference:
        expected = np.asarray(reference.convert("RGBA"))
    np.testing.assert_array_equal(found.alpha, expected[..., 3])
    assert 0 < (found.alpha == 0).mean() < 1
    seen = found.alpha > 0
    np.testing.assert_array_equal(found.images[seen], expected[..., :3][seen])


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_cmyk_has_no_alpha(form):
    found = decode_photograph(contents(Image.fromarray(pixels(9, 8)).convert("CMYK"), form))
    assert found.images.shape == (9, 8, 3) and found.alpha is None


def test_frame_of_a_gif_stands_at_its_place_on_the_screen():
    image = Image.fromarray(cv2.resize(pixels(4, 5), (40, 30))).quantize(32)
    data = bytearray(contents(image, "GIF"))
    frame = data.index(b",\0\0\0\0")
    struct.pack_into("<HH", data, 6, 60, 50)
    struct.pack_into("<HH", data, frame + 1, 10, 20)
    found = decode_photograph(bytes(data)).images
    assert found.shape == (50, 60, 3)
    np.testing.assert_array_equal(found[20:, 10:50], np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("frames", [1, 3])
def test_the_first_of_several_frames_is_read_and_all_are_counted(form, frames):
    first, *others = [Image.fromarray(pixels(9, 8, seed=seed)) for seed in range(frames)]
    lossless = {"lossless": True} if form == "WEBP" else {}
    data = contents(first, form, save_all=True, append_images=others, **lossless)
    found = decode_photograph(data)
    assert found.frames == frames
    with Image.open(io.BytesIO(data)) as reference:
        np.testing.assert_array_equal(found.images, np.asarray(reference.convert("RGB")))


def test_contents_decide_not_the_name(tmp_path):
    array = pixels(5, 6)
    (tmp_path / "a.jpg").write_bytes(contents(Image.fromarray(array), "PNG"))
    assert_same(subject.read_photograph(tmp_path / "a.jpg"), array)


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".bmp"])
def test_sixteen_bits_are_rounded_where_the_format_has_eight(suffix):
    flat = np.full((16, 16, 3), 100 * 257 + 140, np.uint16)
    found = decode_photograph(encode_photograph(Photograph(flat), suffix, quality=100))
    assert found.images.dtype == np.uint8 and np.abs(found.images.astype(int) - 101).max() <= 1


@pytest.mark.parametrize("suffix", [".jpg", ".bmp"])
def test_color_beneath_alpha_stays_where_the_format_has_none(suffix):
    image = Photograph(np.full((16, 16, 3), 90, np.uint8), np.zeros((16, 16), np.uint8))
    found = decode_photograph(encode_photograph(image, suffix))
    assert found.alpha is None and np.abs(found.images.astype(int) - 90).max() <= 1


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tiff"])
@pytest.mark.filterwarnings("error")
def test_alpha_is_seen_by_others(suffix):
    array = pixels(9, 8, 4)
    data = encode_photograph(Photograph(array[..., :3].copy(), array[..., 3].copy()), suffix)
    with Image.open(io.BytesIO(data)) as image:
        assert image.mode == "RGBA"
        np.testing.assert_array_equal(np.asarray(image)[..., 3], array[..., 3])


def test_other_pixels_keep_all_else():
    old = Photograph(pixels(5, 6), pixels(5, 6, 1)[..., 0], frames=3)
    new = old.with_images(pixels(5, 6, seed=1))
    assert new.alpha is old.alpha and new.metadata is old.metadata and new.frames == 3
    np.testing.assert_array_equal(new.images, pixels(5, 6, seed=1))


def test_alpha_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"alpha is uint8 \(5, 6\), expected uint8 \(5, 12\)"):
        Photograph(pixels(5, 6), pixels(5, 6, 1)[..., 0]).with_images(pixels(5, 12))


@pytest.mark.parametrize(("suffix", "limit"), [(".jpg", 65500), (".webp", 16383)])
def test_longest_sides_are_named(suffix, limit, tmp_path):
    fits, too_long = (Photograph(np.zeros((1, limit + more, 3), np.uint8)) for more in (0, 1))
    assert decode_photograph(encode_photograph(fits, suffix)).images.shape == (1, limit, 3)
    with pytest.raises(ValueError, match=f"does not take {limit + 1} x 1, at most {limit} a side"):
        subject.write_photograph(tmp_path / f"a{suffix}", too_long)
    assert not list(tmp_path.iterdir())


def test_write_then_read(tmp_path):
    subject.write_photograph(tmp_path / "a.PNG", Photograph(pixels(5, 6, dtype="uint16")))
    assert_same(subject.read_photograph(tmp_path / "a.PNG"), pixels(5, 6, dtype="uint16"))


@settings(max_examples=150, deadline=None)
@given(
    form=st.sampled_from(["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"]),
    data=st.data(),
)
def test_damage_anywhere_is_an_image_error_or_a_picture(form, data):
    exif = Image.Exif()
    exif[271] = "Maker" * 10
    options = {"exif": exif} if form in ("JPEG", "PNG", "WEBP", "TIFF") else {}
    options |= {"compression": "tiff_adobe_deflate"} if form == "TIFF" else {}
    damaged = bytearray(contents(Image.fromarray(pixels(6, 7, 4)).convert("RGB"), form, **options))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = decode_photograph(bytes(damaged), max_megapixels=1)
    except subject.ImageFileError as error:
        assert "\n" not in str(error)
    else:
        assert found.images.ndim == 3
