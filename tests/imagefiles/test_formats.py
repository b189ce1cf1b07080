import io

import numpy as np
import pytest
from PIL import Image

from colorize_tf.imagefiles import open_image

FORMS = ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"]


def contents(form, frames=1, **options):
    random = np.random.default_rng(0)
    first, *others = (
        Image.fromarray(random.integers(0, 256, (48, 65, 3), np.uint8)) for _ in range(frames)
    )
    if others:
        options |= {"save_all": True, "append_images": others}
    file = io.BytesIO()
    first.save(file, form, **options)
    return file.getvalue()


@pytest.mark.parametrize("form", FORMS)
def test_size_is_read_without_decoding(form):
    assert open_image(contents(form)).header[:2] == (65, 48)


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF", "GIF"])
@pytest.mark.parametrize("frames", [1, 2, 5])
def test_frames_are_counted(form, frames):
    assert open_image(contents(form, frames)).header.frames == frames


def test_gif_with_a_comment_cut_short_in_its_second_frame_has_its_first():
    data = contents("GIF", 2, comment=b"a comment" * 100)
    assert open_image(data[: len(data) * 2 // 3]).header.frames == 2


def test_small_copies_of_a_tiff_page_do_not_count():
    data = contents("TIFF", 2, tiffinfo={254: 1})
    assert open_image(data).header.frames == 1


def test_tiff_with_circular_directories_ends():
    data = bytearray(contents("TIFF"))
    start = int.from_bytes(data[4:8], "little")
    end = start + 2 + 12 * int.from_bytes(data[start : start + 2], "little")
    data[end : end + 4] = data[4:8]
    assert open_image(bytes(data)).header.frames == 1
