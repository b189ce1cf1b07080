import io

import cv2
import numpy as np
import pytest
from PIL import Image

from colorize_tf.imagefiles import CorruptImageError, ImageFileError, decode_photograph
from colorize_tf.imagefiles.jpeg import FORMAT


def contents(mode="RGB", **options):
    pixels = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, "JPEG", **options)
    return file.getvalue()


def decode_with_opencv(data):
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def remove_piece(data, count):
    """Remove bytes in the middle of the pixel data; the end of the file stays."""
    middle = (data.index(b"\xff\xda") + len(data)) // 2
    return data[:middle] + data[middle + count :]


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"subsampling": 0}, {"restart_marker_rows": 1}]
)
def test_sound_files_give_the_pixels_of_opencv(mode, options):
    data = contents(mode, **options)
    decoded = FORMAT.decode(data, False)
    assert decoded.damage is None
    np.testing.assert_array_equal(decoded.images, decode_with_opencv(data))


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}])
def test_a_missing_piece_is_found_and_the_rest_decoded(mode, options, capfd):
    data = contents(mode, **options)
    damaged = remove_piece(data, 200)
    with pytest.raises(CorruptImageError) as caught:
        decode_photograph(damaged)
    assert caught.value.reason == "damaged"
    decoded = FORMAT.decode(damaged, True)
    assert decoded.damage and "Corrupt" not in decoded.damage
    assert decoded.images.shape == (64, 96, 3)
    # A progressive file loses its last scans, which refine the whole picture.
    difference = decoded.images[:16].astype(int) - decode_with_opencv(data)[:16]
    assert np.abs(difference).mean() < 20
    assert capfd.readouterr() == ("", "")


def test_superfluous_bytes_before_the_end_are_damage():
    data = contents()
    decoded = FORMAT.decode(data[:-2] + b"junk" * 25 + data[-2:], True)
    assert "extraneous bytes before marker 0xd9" in decoded.damage


def test_an_odd_header_is_no_damage():
    data = contents()
    assert data.startswith(b"\xff\xd8\xff\xe0\0\x10JFIF\0\1")
    odd = data[:11] + b"\2" + data[12:]
    np.testing.assert_array_equal(FORMAT.decode(odd, False).images, decode_with_opencv(data))


def test_a_file_without_tables_is_an_error():
    data = contents()
    with pytest.raises(ImageFileError):
        decode_photograph(data[:30] + bytes(200) + data[230:])


def test_work_is_bounded_by_the_bytes_that_hold_pixels():
    data = contents(progressive=True)
    frame = data.index(b"\xff\xc2") + 5
    announced = data[:frame] + b"\x32\xc8\x32\xc8" + data[frame + 4 :]  # 13,000 x 13,000.
    padding = b"\xff\xe3\xff\xff" + bytes(65533)
    for bomb in (announced, announced[:2] + 6 * padding + announced[2:]):
        with pytest.raises(CorruptImageError, match="cannot hold 13000 x 13000 pixels"):
            decode_photograph(bomb, allow_damage=True)
