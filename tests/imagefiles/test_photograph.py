import dataclasses
import io
import os
import resource
import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from colorize_tf import imagefiles
from colorize_tf.imagefiles import Photograph, decode_photograph, encode_photograph, png

WHITE = {"uint8": 255, "uint16": 65535}


def picture(height=48, width=64, seed=0):
    corners = np.random.default_rng(seed).integers(0, 255, (4, 5, 3), dtype=np.uint8)
    return cv2.resize(corners, (width, height), interpolation=cv2.INTER_LINEAR)


def distance(first, second):
    assert first.shape == second.shape
    return np.abs(first.astype(int) - second.astype(int)).mean()


def pixels(height, width, channels=3, dtype="uint8", seed=0):
    shape = (height, width, channels)
    return np.random.default_rng(seed).integers(0, WHITE[dtype] + 1, shape, dtype)


def contents(image, form, **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


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


def refusal(path, reason, **options):
    with pytest.raises(ValueError) as caught:
        imagefiles.read_image(path, **options)
    message = str(caught.value)
    assert str(path) in message and "\n" not in message
    assert caught.value.reason == reason
    return message


def png_bytes(width, height):
    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


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


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_cmyk_has_no_alpha(form):
    found = decode_photograph(contents(Image.fromarray(pixels(9, 8)).convert("CMYK"), form))
    assert found.images.shape == (9, 8, 3) and found.alpha is None


def test_contents_decide_not_the_name(tmp_path):
    array = pixels(5, 6)
    (tmp_path / "a.jpg").write_bytes(contents(Image.fromarray(array), "PNG"))
    assert_same(imagefiles.read_photograph(tmp_path / "a.jpg"), array)


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
        imagefiles.write_photograph(tmp_path / f"a{suffix}", too_long)
    assert not list(tmp_path.iterdir())


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
    except imagefiles.ImageFileError as error:
        assert "\n" not in str(error)
    else:
        assert found.images.ndim == 3


def test_alpha_is_dropped_and_the_color_beneath_kept(tmp_path):
    alpha = np.zeros((48, 64, 1), np.uint8)
    Image.fromarray(np.concatenate([picture(), alpha], -1)).save(tmp_path / "a.png")
    np.testing.assert_array_equal(imagefiles.read_image(tmp_path / "a.png"), picture())


def test_missing_file(tmp_path):
    refusal(tmp_path / "none.jpg", "missing")


def test_folder_is_not_a_file(tmp_path):
    refusal(tmp_path, "not a file")


def test_pipe_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "a.jpg")
    refusal(tmp_path / "a.jpg", "not a file")


def test_zero_byte_file(tmp_path):
    (tmp_path / "a.jpg").touch()
    refusal(tmp_path / "a.jpg", "zero-byte")


@pytest.mark.parametrize("contents", [b"once upon a time", b"RIFF\0\0\0\0WAVEfmt "])
def test_other_contents_are_unsupported(tmp_path, contents):
    (tmp_path / "a.jpg").write_bytes(contents)
    refusal(tmp_path / "a.jpg", "unsupported")


def test_decompression_bomb_is_refused_from_its_header(tmp_path):
    path = tmp_path / "bomb.png"
    path.write_bytes(png_bytes(60_000, 30_000))
    assert "60000 x 30000" in refusal(path, "too large")


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp", ".tiff", ".gif"])
def test_every_format_is_measured_before_decoding(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    Image.fromarray(picture(48, 65)).save(path)
    assert "65 x 48" in refusal(path, "too large", max_megapixels=0.003)
    imagefiles.read_image(path, max_megapixels=0.00312)


@pytest.mark.parametrize("options", [{"lossless": True}, {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0"}])
def test_every_kind_of_webp_is_measured(tmp_path, options):
    path = tmp_path / "a.webp"
    Image.fromarray(picture(48, 65)).save(path, **options)
    assert "65 x 48" in refusal(path, "too large", max_megapixels=0.003)


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_quality_decides_size(tmp_path, suffix):
    sizes = []
    for quality in (30, 95):
        imagefiles.write_image(tmp_path / f"a{suffix}", picture(200, 300), quality=quality)
        sizes.append((tmp_path / f"a{suffix}").stat().st_size)
    assert sizes[0] < sizes[1]


@pytest.mark.parametrize(
    ("name", "image", "options", "words"),
    [
        ("a.xyz", picture(), {}, "'.xyz', expected one of .jpg"),
        ("a", picture(), {}, "suffix is ''"),
        ("a.png", picture().astype(np.float32), {}, "float32 (48, 64, 3), expected uint8"),
        ("a.png", picture()[..., 0], {}, "uint8 (48, 64), expected uint8"),
        ("a.jpg", picture(), {"quality": 0}, "quality is 0, expected 1 to 100"),
        ("none/a.png", picture(), {}, "no folder"),
        ("folder.png", picture(), {}, "it is a folder"),
        ("a.webp", np.zeros((1, 20_000, 3), np.uint8), {}, "does not take 20000 x 1"),
    ],
)
def test_wrong_writes_say_what_was_expected(tmp_path, name, image, options, words):
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(ValueError) as caught:
        imagefiles.write_image(tmp_path / name, image, **options)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_other_objects_are_neither_read_nor_written(tmp_path):
    with pytest.raises(ValueError, match="expected a Photograph, got ndarray"):
        imagefiles.write_photograph(tmp_path / "a.png", picture())
    with pytest.raises(ValueError, match="expected the path of an image file, got bytes"):
        imagefiles.read_photograph(b"contents")


def test_full_disk_is_one_line_and_leaves_the_old_file(tmp_path):
    imagefiles.write_image(tmp_path / "a.png", picture())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(ValueError, match="File too large; free space") as caught:
            imagefiles.write_image(tmp_path / "a.png", picture(seed=1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    np.testing.assert_array_equal(imagefiles.read_image(tmp_path / "a.png"), picture())


@pytest.mark.parametrize("error", [MemoryError(), cv2.error("std::bad_alloc")])
def test_a_lack_of_memory_is_no_fault_of_the_file(tmp_path, monkeypatch, error):
    def no_memory(*arguments):
        raise error

    imagefiles.write_image(tmp_path / "a.png", picture())
    opened = imagefiles.open_image((tmp_path / "a.png").read_bytes(), "a.png")
    without = dataclasses.replace(opened.format, decode=no_memory)
    with pytest.raises(MemoryError, match="cannot read a.png: not enough memory"):
        dataclasses.replace(opened, format=without).decode()


def test_a_decoder_that_hides_a_lack_of_memory_is_found_out(tmp_path, monkeypatch):
    imagefiles.write_image(tmp_path / "a.png", picture())
    data = (tmp_path / "a.png").read_bytes()
    monkeypatch.setattr(imagefiles.photograph, "_CODEC_BYTES", 2**50)
    monkeypatch.setattr(png.imagecodecs, "png_decode", lambda *arguments: None)
    with pytest.raises(MemoryError):
        imagefiles.decode_photograph(data)
    monkeypatch.setattr(cv2, "imencode", lambda *arguments: (False, None))
    with pytest.raises(MemoryError):
        imagefiles.write_image(tmp_path / "b.png", picture())


@pytest.mark.parametrize(("alpha", "expected"), [(255, False), (254, True)])
def test_transparency(alpha, expected):
    pixels = np.concatenate([picture(), np.full((48, 64, 1), 255, np.uint8)], -1)
    pixels[0, 0, 3] = alpha
    data = cv2.imencode(".png", pixels)[1].tobytes()
    assert imagefiles.decode_photograph(data).is_transparent is expected


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".tiff", ".PNG"])
def test_write_then_read_is_exact(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    imagefiles.write_image(path, picture())
    np.testing.assert_array_equal(imagefiles.read_image(path), picture())


def damaged(path, count=200, **options):
    """Write a picture and turn bits in the middle of its data."""
    Image.fromarray(picture(100, 150)).save(path, **options)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + count] = bytes(byte ^ 0x55 for byte in data[middle : middle + count])
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("suffix", "options"), [(".jpg", {}), (".tiff", {"compression": "tiff_adobe_deflate"})]
)
def test_damage_inside_the_data_is_refused_quietly(tmp_path, suffix, options, capfd):
    damaged(tmp_path / f"a{suffix}", **options)
    assert "parts of it are lost (" in refusal(tmp_path / f"a{suffix}", "damaged")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("suffix", "options"), [(".jpg", {}), (".tiff", {"compression": "tiff_adobe_deflate"})]
)
def test_what_is_left_of_a_damaged_file_comes_with_a_warning(tmp_path, suffix, options):
    path = tmp_path / f"a{suffix}"
    damaged(path, **options)
    with pytest.warns(UserWarning, match=f"a{suffix} is damaged .*; what is left of it is taken"):
        photograph = imagefiles.read_photograph(path, allow_damage=True)
    assert distance(photograph.images[:8], picture(100, 150)[:8]) < 5


@pytest.mark.parametrize("part", [0.02, 0.5, 0.99])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp"])
def test_truncated_file(tmp_path, suffix, part, capfd):
    path = tmp_path / f"a{suffix}"
    Image.fromarray(picture(200, 300)).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    refusal(path, "truncated")
    assert capfd.readouterr().err == ""
