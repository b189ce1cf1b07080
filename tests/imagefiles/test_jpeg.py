import io

import cv2
import numpy as np
import pytest
from PIL import Image

from colorize_tf.imagefiles import ImageFileError, decode_photograph
from colorize_tf.imagefiles.jpeg import FORMAT


def decode_jpeg(data, decode=None):
    images, _, damage = FORMAT.decode(data, True)
    return images, damage


def picture(height=64, width=96):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def contents(mode="RGB", **options):
    file = io.BytesIO()
    Image.fromarray(picture()).convert(mode).save(file, "JPEG", **options)
    return file.getvalue()


def nobody(data):
    raise AssertionError("this needs no other decoder")


def opencv(data):
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def without(data, count):
    """Lose a piece in the middle of the data; the end of the file stays."""
    middle = (data.index(b"\xff\xda") + len(data)) // 2
    return data[:middle] + data[middle + count :]


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"subsampling": 0}, {"restart_marker_rows": 1}]
)
def test_whole_files_give_the_pixels_that_opencv_gives(mode, options):
    data = contents(mode, **options)
    pixels, damage = decode_jpeg(data, nobody)
    assert damage is None
    np.testing.assert_array_equal(pixels, opencv(data))


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}])
def test_a_lost_piece_is_noticed_and_the_rest_decoded(mode, options, capfd):
    data = contents(mode, **options)
    pixels, damage = decode_jpeg(without(data, 200), nobody)
    assert damage and "Corrupt" not in damage
    assert pixels.shape == (64, 96, 3)
    # Of a progressive one the last scans are lost, which refine all of it.
    assert np.abs(pixels[:16].astype(int) - opencv(data)[:16]).mean() < 20
    assert capfd.readouterr() == ("", "")


def test_bytes_that_no_pixel_needs_are_damage():
    data = contents()
    _, damage = decode_jpeg(data[:-2] + b"junk" * 25 + data[-2:], nobody)
    assert "extraneous bytes before marker 0xd9" in damage


def test_zeros_before_the_end_are_no_damage():
    data = contents()
    pixels, damage = decode_jpeg(data[:-2] + bytes(99) + data[-2:], nobody)
    assert damage is None
    np.testing.assert_array_equal(pixels, opencv(data))


def test_a_strange_header_is_no_damage():
    data = contents()
    assert data.startswith(b"\xff\xd8\xff\xe0\0\x10JFIF\0\1")
    data = data[:11] + b"\2" + data[12:]
    pixels, damage = decode_jpeg(data, opencv)
    assert damage is None
    np.testing.assert_array_equal(pixels, opencv(data))


def test_what_nobody_can_decode_is_an_error():
    data = contents()
    with pytest.raises(ImageFileError):
        decode_photograph(data[:30] + bytes(200) + data[230:])
