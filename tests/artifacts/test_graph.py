import io
import struct

import cv2
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from colorize_tf.artifacts import graph
from colorize_tf.data.synthetic.landscapes import render_landscape


def gray(lightness):
    """A network that predicts no color."""
    return tf.zeros_like(lightness)[..., :1] * tf.zeros(2)


def colorize(files):
    return graph.colorize_bytes(gray, tf.constant(files), 32)


def encoded(image, kind, **options):
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind, **options)
    return file.getvalue()


def lightness(image):
    return cv2.cvtColor(np.asarray(image), cv2.COLOR_RGB2LAB)[..., 0].astype(int)


IMAGE = render_landscape(1, 30, 46)
KINDS = ("JPEG", "PNG", "BMP", "GIF")
FILES = {kind: encoded(IMAGE, kind) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_file_keeps_its_size_and_its_lightness(kind):
    colorized = tf.io.decode_png(colorize([FILES[kind]])[0])
    assert colorized.shape == IMAGE.shape
    assert np.abs(lightness(colorized) - lightness(IMAGE)).mean() < 5  # GIF has 256 colors


def test_of_an_animation_the_first_frame_is_colored():
    frames = [Image.fromarray(np.full((20, 30, 3), value, np.uint8)) for value in (60, 200)]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    colorized = tf.io.decode_png(colorize([file.getvalue()])[0])
    assert colorized.shape == (20, 30, 3)
    np.testing.assert_allclose(colorized, 60, atol=1)


def test_it_works_inside_a_data_pipeline_as_it_does_alone():
    batches = tf.data.Dataset.from_tensors([FILES["JPEG"], FILES["PNG"]])
    (result,) = batches.map(lambda files: graph.colorize_bytes(gray, files, 32))
    np.testing.assert_array_equal(result, colorize([FILES["JPEG"], FILES["PNG"]]))


def test_an_empty_batch_gives_an_empty_batch():
    assert graph.colorize_bytes(gray, tf.zeros([0], tf.string), 32).shape == (0,)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("position", [0, 2])
def test_a_file_that_was_cut_short_is_named(kind, position):
    files = [FILES["PNG"]] * 2
    files.insert(position, FILES[kind][:-100])
    words = f"image {position} of the batch is damaged or cut short"
    with pytest.raises(tf.errors.InvalidArgumentError, match=words):
        colorize(files)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("length", [2, 4, 8, 17])
def test_a_file_that_ends_within_its_header_is_named(kind, length):
    with pytest.raises(tf.errors.InvalidArgumentError, match="image 0 of the batch is"):
        colorize([FILES[kind][:length]])


@pytest.mark.parametrize(
    "contents", [b"", b"no image", b"RIFF    WEBPVP8 ", b"<svg/>", b"\x89PNG"], ids=repr
)
def test_contents_that_are_no_image_are_named(contents):
    words = "image 1 of the batch is no JPEG, PNG, BMP or GIF file"
    with pytest.raises(tf.errors.InvalidArgumentError, match=words):
        colorize([FILES["PNG"], contents])


@pytest.mark.parametrize("kind", KINDS)
def test_the_size_is_checked_before_the_pixels(kind, monkeypatch):
    monkeypatch.setattr(graph, "MAX_MEGAPIXELS", 0.001)
    # Cut short as well, which decoding would find.
    file = FILES[kind][:-100]
    words = "image 0 of the batch is too large: 46 x 30 pixels, at most 0.001 megapixels"
    with pytest.raises(tf.errors.InvalidArgumentError, match=words):
        colorize([file])


@pytest.mark.parametrize(
    ("header", "size"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 10**4, 10**4), "10000 x 10000"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\xff" * 8, "4294967295 x 4294967295"),
        (b"BM" + bytes(16) + struct.pack("<ii", 8000, -6000), "8000 x 6000"),
        (b"GIF89a" + struct.pack("<HH", 65535, 65535), "65535 x 65535"),
    ],
)
def test_a_huge_size_in_a_header_is_refused(header, size):
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"too large: {size} pixels"):
        colorize([header + bytes(100)])
