import cv2
import numpy as np
import pytest

from colorize_tf import imagefiles
from colorize_tf.data.records.conversion import convert
from colorize_tf.data.synthetic.landscapes import render_landscape


@pytest.fixture
def location(tmp_path):
    imagefiles.write_image(tmp_path / "a.png", render_landscape(1, 100, 130))
    return str(tmp_path / "a.png")


def test_photograph_is_reduced_and_encoded(location):
    converted = convert(location, 80, 95)
    image = imagefiles.decode_image(converted.contents)
    assert image.shape == (80, 104, 3) and (converted.height, converted.width) == (80, 104)
    assert not converted.finding.problem and len(converted.finding.sha256) == 64


def test_chroma_keeps_its_resolution(tmp_path):
    stripes = np.random.default_rng(0).integers(0, 255, (1, 64, 3), dtype=np.uint8)
    stripes = stripes.repeat(64, axis=0)
    imagefiles.write_image(tmp_path / "a.png", stripes)
    image = imagefiles.decode_image(convert(str(tmp_path / "a.png"), 64, 100).contents)
    assert np.abs(image.astype(int) - stripes).max() < 20


def test_quality_determines_the_size(location):
    sizes = [len(convert(location, 100, quality).contents) for quality in (60, 80, 95)]
    assert sizes == sorted(sizes) and sizes[0] < sizes[2] / 2


def test_orientation_is_applied(tmp_path):
    from PIL import Image

    picture = Image.fromarray(render_landscape(1, 80, 120))
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(tmp_path / "turned.jpg", exif=exif)
    converted = convert(str(tmp_path / "turned.jpg"), 80, 95)
    assert (converted.height, converted.width) == (120, 80)


@pytest.mark.parametrize(
    ("contents", "kind"),
    [(b"", "zero-byte"), (b"no image at all", "unsupported"), (None, "missing")],
)
def test_unusable_files_have_a_reason(tmp_path, contents, kind):
    path = tmp_path / "a.jpg"
    if contents is not None:
        path.write_bytes(contents)
    converted = convert(str(path), 80, 95)
    assert converted.finding.problem.startswith(f"{kind}: ") and not converted.contents


def test_strip_beyond_the_limit_of_jpeg_is_left_out(tmp_path):
    strip = np.random.default_rng(0).integers(0, 255, (8, 2, 3), dtype=np.uint8)
    strip = cv2.resize(strip, (64, 66000))
    imagefiles.write_image(tmp_path / "a.png", strip)
    assert convert(str(tmp_path / "a.png"), 64, 95).finding.problem.startswith("unsupported: 64 x")
