import dataclasses

import cv2
import numpy as np
import pytest

from colorize_tf import colorize, imagefiles
from colorize_tf.demo_app.previews import make_previews, translate_errors
from colorize_tf.inference.batch.processor import PhotographProcessor, sample_noise
from colorize_tf.inference.colorizer import Colorizer
from colorize_tf.inference.errors import ModelUnavailableError


def run_colorize(monkeypatch, colorizer, *arguments):
    monkeypatch.setattr(Colorizer, "load", lambda model: colorizer)
    assert colorize.main([str(argument) for argument in arguments]) == 0


def decode(preview, intensity):
    return cv2.imdecode(np.frombuffer(preview.encode(intensity), np.uint8), cv2.IMREAD_COLOR)


@pytest.mark.parametrize("name", ["old.jpg", "old.png", "old.tiff", "old.webp"])
def test_written_file_equals_that_of_colorize(
    name, upload, processor, colorizer, progress, tmp_path, monkeypatch
):
    path = upload(name)
    [preview], _ = make_previews([path], processor, progress)
    written = preview.write(dataclasses.replace(processor, intensity=1.3))
    run_colorize(monkeypatch, colorizer, path, "-o", tmp_path / name, "--intensity", "1.3")
    assert written.name == name
    assert written.read_bytes() == (tmp_path / name).read_bytes()


def test_samples_equal_those_of_colorize(upload, colorizer, progress, tmp_path, monkeypatch):
    path = upload("old.png")
    processor = PhotographProcessor(colorizer, zs=sample_noise(colorizer, 2, 7))
    previews, _ = make_previews([path], processor, progress)
    flags = ["--samples", "2", "--seed", "7"]
    run_colorize(monkeypatch, colorizer, path, "-o", tmp_path / "old.png", *flags)
    assert [preview.title for preview in previews] == ["old.png, sample 1", "old.png, sample 2"]
    for preview in previews:
        written = preview.write(processor)
        assert written.read_bytes() == (tmp_path / written.name).read_bytes()


def test_intensity_scales_the_chroma(upload, processor, progress):
    [preview], _ = make_previews([upload("old.png")], processor, progress)
    vivid = [
        np.ptp(decode(preview, intensity).astype(int), axis=-1).mean() for intensity in (0, 1, 2)
    ]
    assert vivid[0] < 3 < vivid[1] < vivid[2]


def test_preview_is_reduced_and_file_has_full_resolution(upload, processor, progress):
    [preview], _ = make_previews([upload("old.jpg", height=40, width=1500)], processor, progress)
    assert decode(preview, 1).shape == (34, 1280, 3)
    assert max(imagefiles.read_image(preview.thumbnail).shape) == 240
    assert imagefiles.read_image(preview.write(processor)).shape == (40, 1500, 3)


def test_unreadable_photograph_is_noted_by_name_without_path(upload, processor, progress):
    bad, good = upload("bad.jpg", 2), upload("good.jpg")
    bad.write_text("no picture")
    previews, notes = make_previews([bad, good], processor, progress)
    assert [preview.title for preview in previews] == ["good.jpg"]
    (line,) = notes.failures
    assert line.startswith("cannot read bad.jpg: unsupported: ")
    assert progress == [(0, 2), (1, 2)]


def test_colored_photograph_is_recolored_with_a_remark(upload, processor, progress):
    previews, notes = make_previews([upload("new.jpg", 3, color=True)], processor, progress)
    assert len(previews) == 1 and not notes.failures
    assert notes.remarks == ["new.jpg is in color already; its colors are replaced"]


def test_too_large_photograph_is_a_failure(upload, colorizer, progress):
    small = PhotographProcessor(colorizer, max_megapixels=0.001)
    _, notes = make_previews([upload("old.jpg")], small, progress)
    assert "old.jpg: too large: 90 x 60 pixels, at most 0.001 megapixels" in notes.failures[0]


def test_unavailable_model_ends_the_upload(upload, progress):
    def predict_ab(lightness):
        raise ModelUnavailableError("the server at localhost does not answer")

    with pytest.raises(ModelUnavailableError, match="does not answer"):
        make_previews([upload("old.jpg")], PhotographProcessor(Colorizer(predict_ab, 32)), progress)


def test_out_of_memory_is_translated(tmp_path):
    with pytest.raises(ValueError, match=r"^old.jpg: out of memory; try a smaller one$"):
        with translate_errors(tmp_path / "old.jpg"):
            raise MemoryError
