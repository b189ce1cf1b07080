import dataclasses
import os
import resource
import struct
import zlib

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from colorize_tf import imagefiles as media
from colorize_tf.imagefiles import png


def picture(height=48, width=64, seed=0):
    corners = np.random.default_rng(seed).integers(0, 255, (4, 5, 3), dtype=np.uint8)
    return cv2.resize(corners, (width, height), interpolation=cv2.INTER_LINEAR)


def distance(first, second):
    assert first.shape == second.shape
    return np.abs(first.astype(int) - second.astype(int)).mean()


def refusal(path, reason, **options):
    with pytest.raises(ValueError) as caught:
        media.read_image(path, **options)
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


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.png", {}),
        ("a.bmp", {}),
        ("a.tiff", {}),
        ("lzw.tif", {"compression": "tiff_lzw"}),
        ("a.webp", {"lossless": True}),
    ],
)
def test_lossless_formats_read_exactly(tmp_path, name, options):
    Image.fromarray(picture()).save(tmp_path / name, **options)
    np.testing.assert_array_equal(media.read_image(tmp_path / name), picture())


@pytest.mark.parametrize("options", [{"quality": 95}, {"quality": 95, "progressive": True}])
def test_jpeg_reads_closely(tmp_path, options):
    Image.fromarray(picture()).save(tmp_path / "a.JPG", format="JPEG", **options)
    assert distance(media.read_image(tmp_path / "a.JPG"), picture()) < 3


def test_gif_gives_its_first_frame(tmp_path):
    first, second = (Image.fromarray(picture(seed=seed)).quantize() for seed in (0, 1))
    first.save(tmp_path / "a.gif", save_all=True, append_images=[second])
    expected = np.asarray(first.convert("RGB"))
    assert distance(media.read_image(tmp_path / "a.gif"), expected) < 1


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tiff"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path, suffix, orientation):
    path = tmp_path / f"a{suffix}"
    exif = Image.Exif()
    exif[274] = orientation
    options = {"tiffinfo": {274: orientation}} if suffix == ".tiff" else {"exif": exif}
    Image.fromarray(picture()).save(path, **options)
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    assert distance(media.read_image(path), expected) < 1


@pytest.mark.parametrize("mode", ["L", "1", "LA"])
def test_gray_becomes_three_equal_channels(tmp_path, mode):
    Image.fromarray(picture()).convert(mode).save(tmp_path / "a.png")
    image = media.read_image(tmp_path / "a.png")
    assert image.shape == (48, 64, 3) and image.std() > 0
    np.testing.assert_array_equal(image, image[..., :1].repeat(3, axis=-1))


def test_alpha_is_dropped_and_the_color_beneath_kept(tmp_path):
    alpha = np.zeros((48, 64, 1), np.uint8)
    Image.fromarray(np.concatenate([picture(), alpha], -1)).save(tmp_path / "a.png")
    np.testing.assert_array_equal(media.read_image(tmp_path / "a.png"), picture())


@pytest.mark.parametrize("suffix", [".jpg", ".tiff"])
def test_cmyk_is_converted_as_pillow_does(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    Image.fromarray(picture()).convert("CMYK").save(path)
    with Image.open(path) as image:
        expected = np.asarray(image.convert("RGB"))
    assert distance(media.read_image(path), expected) < 3


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_sixteen_bits_are_rounded_to_eight(tmp_path, suffix):
    deep = np.random.default_rng(0).integers(0, 65536, (48, 64, 3), dtype=np.uint16)
    cv2.imwrite(str(tmp_path / f"a{suffix}"), deep[..., ::-1])
    image = media.read_image(tmp_path / f"a{suffix}")
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, np.round(deep / 257))


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_sixteen_bit_gray_becomes_three_equal_channels(tmp_path, suffix):
    deep = np.random.default_rng(0).integers(0, 65536, (48, 64), dtype=np.uint16)
    cv2.imwrite(str(tmp_path / f"a{suffix}"), deep)
    expected = np.round(deep / 257)[..., None].repeat(3, axis=-1)
    np.testing.assert_array_equal(media.read_image(tmp_path / f"a{suffix}"), expected)


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


@pytest.mark.parametrize("part", [0.02, 0.5, 0.99])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp"])
def test_truncated_file(tmp_path, suffix, part, capfd):
    path = tmp_path / f"a{suffix}"
    Image.fromarray(picture(200, 300)).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    refusal(path, "truncated")
    assert capfd.readouterr().err == ""


def test_jpeg_cut_short_and_padded_with_zeros_is_truncated(tmp_path):
    path = tmp_path / "a.jpg"
    Image.fromarray(picture(200, 300)).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] + bytes(len(whole)))
    refusal(path, "truncated")


def test_jpeg_with_a_thumbnail_is_still_found_truncated(tmp_path):
    path = tmp_path / "a.jpg"
    Image.fromarray(picture(16, 16)).save(tmp_path / "thumbnail.jpg")
    exif = b"Exif\0\0" + (tmp_path / "thumbnail.jpg").read_bytes()
    Image.fromarray(picture(200, 300)).save(path, exif=exif)
    path.write_bytes(path.read_bytes()[:-20])
    refusal(path, "truncated")


def test_bytes_after_the_end_of_a_jpeg_are_no_fault(tmp_path):
    path = tmp_path / "a.jpg"
    Image.fromarray(picture()).save(path)
    expected = media.read_image(path)
    path.write_bytes(path.read_bytes() + b"\0\0 a camera's own notes")
    np.testing.assert_array_equal(media.read_image(path), expected)


@pytest.mark.parametrize("suffix", [".tiff", ".gif"])
def test_damage_without_a_header_to_show_it_is_refused_quietly(tmp_path, suffix, capfd):
    path = tmp_path / f"a{suffix}"
    Image.fromarray(picture(200, 300)).save(path)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(media.ImageFileError):
        media.read_image(path)
    assert capfd.readouterr().err == ""


def test_flipped_byte_in_png_is_corrupt(tmp_path, capfd):
    path = tmp_path / "a.png"
    Image.fromarray(picture()).save(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    refusal(path, "corrupt")
    assert capfd.readouterr().err == ""


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
        photograph = media.read_photograph(path, allow_damage=True)
    assert distance(photograph.images[:8], picture(100, 150)[:8]) < 5


def test_a_deflated_tiff_of_several_strips_or_tiles_is_whole(tmp_path):
    for name, options in (("strips", {"rowsperstrip": 16}), ("tiles", {"tile": (32, 32)})):
        path = tmp_path / f"{name}.tiff"
        tifffile.imwrite(path, picture(100, 150), compression="zlib", photometric="rgb", **options)
        np.testing.assert_array_equal(media.read_image(path), picture(100, 150))


def test_decompression_bomb_is_refused_from_its_header(tmp_path):
    path = tmp_path / "bomb.png"
    path.write_bytes(png_bytes(60_000, 30_000))
    assert "60000 x 30000" in refusal(path, "too large")


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp", ".tiff", ".gif"])
def test_every_format_is_measured_before_decoding(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    Image.fromarray(picture(48, 65)).save(path)
    assert "65 x 48" in refusal(path, "too large", max_megapixels=0.003)
    media.read_image(path, max_megapixels=0.00312)


@pytest.mark.parametrize("options", [{"lossless": True}, {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0"}])
def test_every_kind_of_webp_is_measured(tmp_path, options):
    path = tmp_path / "a.webp"
    Image.fromarray(picture(48, 65)).save(path, **options)
    assert "65 x 48" in refusal(path, "too large", max_megapixels=0.003)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".tiff", ".PNG"])
def test_write_then_read_is_exact(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    media.write_image(path, picture())
    np.testing.assert_array_equal(media.read_image(path), picture())


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_quality_decides_size(tmp_path, suffix):
    sizes = []
    for quality in (30, 95):
        media.write_image(tmp_path / f"a{suffix}", picture(200, 300), quality=quality)
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
        media.write_image(tmp_path / name, image, **options)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_full_disk_is_one_line_and_leaves_the_old_file(tmp_path):
    media.write_image(tmp_path / "a.png", picture())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(ValueError, match="File too large; free space") as caught:
            media.write_image(tmp_path / "a.png", picture(seed=1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    np.testing.assert_array_equal(media.read_image(tmp_path / "a.png"), picture())


@pytest.mark.parametrize(
    ("size", "short_side", "expected"),
    [((48, 64), 24, (24, 32)), ((64, 48), 96, (128, 96)), ((300, 2), 1, (150, 1))],
)
def test_resize_keeps_the_aspect(size, short_side, expected):
    assert media.resize_to_short_side(picture(*size), short_side).shape == (*expected, 3)


def test_shrinking_averages():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 200
    assert (media.resize_to_short_side(stripes, 32) == 100).all()


def test_resize_to_nothing_is_refused():
    with pytest.raises(ValueError, match="short_side is 0, expected at least 1"):
        media.resize_to_short_side(picture(), 0)


@pytest.mark.parametrize("error", [MemoryError(), cv2.error("std::bad_alloc")])
def test_a_lack_of_memory_is_no_fault_of_the_file(tmp_path, monkeypatch, error):
    def no_memory(*arguments):
        raise error

    media.write_image(tmp_path / "a.png", picture())
    opened = media.open_image((tmp_path / "a.png").read_bytes(), "a.png")
    without = dataclasses.replace(opened.format, decode=no_memory)
    with pytest.raises(MemoryError, match="cannot read a.png: not enough memory"):
        dataclasses.replace(opened, format=without).decode()


def test_a_decoder_that_hides_a_lack_of_memory_is_found_out(tmp_path, monkeypatch):
    media.write_image(tmp_path / "a.png", picture())
    data = (tmp_path / "a.png").read_bytes()
    monkeypatch.setattr(media.photograph, "_CODEC_BYTES", 2**50)
    monkeypatch.setattr(png.imagecodecs, "png_decode", lambda *arguments: None)
    with pytest.raises(MemoryError):
        media.decode_photograph(data)
    monkeypatch.setattr(png.cv2, "imencode", lambda *arguments: (False, None))
    with pytest.raises(MemoryError):
        media.write_image(tmp_path / "b.png", picture())


@pytest.mark.parametrize(("alpha", "expected"), [(255, False), (254, True)])
def test_transparency(alpha, expected):
    pixels = np.concatenate([picture(), np.full((48, 64, 1), 255, np.uint8)], -1)
    pixels[0, 0, 3] = alpha
    data = cv2.imencode(".png", pixels)[1].tobytes()
    assert media.decode_photograph(data).is_transparent is expected
