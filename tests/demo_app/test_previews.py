import dataclasses

import cv2
import numpy as np
import pytest

from colorize_tf import colorize
from colorize_tf.demo_app.previews import make_slides, worded
from colorize_tf.imagefiles import media
from colorize_tf.inference.batch.processor import PhotographProcessor, sample_noise
from colorize_tf.inference.colorizer import Colorizer
from colorize_tf.inference.errors import ModelUnavailableError


def command(monkeypatch, colorizer, *arguments):
    """Run `colorize` with this model."""
    monkeypatch.setattr(Colorizer, "load", lambda model: colorizer)
    assert colorize.main([str(argument) for argument in arguments]) == 0


def shown(slide, intensity):
    return cv2.imdecode(np.frombuffer(slide.shown(intensity), np.uint8), cv2.IMREAD_COLOR)


@pytest.mark.parametrize("name", ["old.jpg", "old.png", "old.tiff", "old.webp"])
def test_what_is_written_is_what_the_command_writes(
    name, upload, processor, colorizer, progress, tmp_path, monkeypatch
):
    path = upload(name)
    [slide], _ = make_slides([path], processor, progress)
    written = slide.write(dataclasses.replace(processor, intensity=1.3))
    command(monkeypatch, colorizer, path, "-o", tmp_path / name, "--intensity", "1.3")
    assert written.name == name
    assert written.read_bytes() == (tmp_path / name).read_bytes()


def test_samples_are_those_of_the_command(upload, colorizer, progress, tmp_path, monkeypatch):
    path = upload("old.png")
    processor = PhotographProcessor(colorizer, zs=sample_noise(colorizer, 2, 7))
    slides, _ = make_slides([path], processor, progress)
    flags = ["--samples", "2", "--seed", "7"]
    command(monkeypatch, colorizer, path, "-o", tmp_path / "old.png", *flags)
    assert [slide.title for slide in slides] == ["old.png, sample 1", "old.png, sample 2"]
    for slide in slides:
        written = slide.write(processor)
        assert written.read_bytes() == (tmp_path / written.name).read_bytes()


def test_intensity_is_seen(upload, processor, progress):
    [slide], _ = make_slides([upload("old.png")], processor, progress)
    vivid = [np.ptp(shown(slide, much).astype(int), axis=-1).mean() for much in (0, 1, 2)]
    assert vivid[0] < 3 < vivid[1] < vivid[2]


def test_what_is_shown_is_small_and_what_is_written_is_not(upload, processor, progress):
    [slide], _ = make_slides([upload("old.jpg", height=40, width=1500)], processor, progress)
    assert shown(slide, 1).shape == (34, 1280, 3)
    assert max(media.read_image(slide.thumbnail).shape) == 240
    assert media.read_image(slide.write(processor)).shape == (40, 1500, 3)


def test_what_cannot_be_read_is_told_by_its_name_alone(upload, processor, progress):
    bad, good = upload("bad.jpg", 2), upload("good.jpg")
    bad.write_text("no picture")
    slides, notes = make_slides([bad, good], processor, progress)
    assert [slide.title for slide in slides] == ["good.jpg"]
    (line,) = notes.failed
    assert line.startswith("cannot read bad.jpg: unsupported: ")
    assert progress == [(0, 2), (1, 2)]


def test_a_photograph_in_color_is_colored_anew_and_that_is_told(upload, processor, progress):
    slides, notes = make_slides([upload("new.jpg", 3, color=True)], processor, progress)
    assert len(slides) == 1 and not notes.failed
    assert notes.known == ["new.jpg is in color already; its black and white is colored anew"]


def test_too_large_a_photograph_is_told(upload, colorizer, progress):
    small = PhotographProcessor(colorizer, max_megapixels=0.001)
    _, notes = make_slides([upload("old.jpg")], small, progress)
    assert "old.jpg: too large: 90 x 60 pixels, at most 0.001 megapixels" in notes.failed[0]


def test_a_model_that_is_gone_is_no_fault_of_a_photograph(upload, progress):
    def predict_ab(lightness):
        raise ModelUnavailableError("the server at localhost does not answer")

    with pytest.raises(ModelUnavailableError, match="does not answer"):
        make_slides([upload("old.jpg")], PhotographProcessor(Colorizer(predict_ab, 32)), progress)


def test_lack_of_memory_is_worded_for_the_page(tmp_path):
    with pytest.raises(ValueError, match=r"^old.jpg: out of memory; try a smaller one$"):
        with worded(tmp_path / "old.jpg"):
            raise MemoryError
