from pathlib import Path

import cv2
import numpy as np
import pytest

from colorize_tf import imagefiles
from colorize_tf.data.synthetic.landscapes import render_landscape
from colorize_tf.imagefiles import ImageFileError, Photograph, read_photograph
from colorize_tf.inference.batch.processor import PhotographProcessor
from colorize_tf.inference.batch.tasks import Task
from colorize_tf.inference.colorizer import Colorizer
from colorize_tf.inference.errors import AlreadyInColorError


def green(lightness, z=None):
    """Every photograph is green; a z says how much."""
    amount = np.full(len(lightness), 1.0) if z is None else z[:, 0]
    answer = np.zeros((len(lightness), 32, 32, 2), np.float32)
    answer[..., 0] = -0.2 * amount[:, np.newaxis, np.newaxis]
    return answer


COLORIZER = Colorizer(green, 32, z_size=1)


@pytest.fixture
def gray():
    luma = cv2.cvtColor(render_landscape(1, 30, 40), cv2.COLOR_RGB2GRAY)
    return np.repeat(luma[..., np.newaxis], 3, axis=-1)


def color(processor, source, *targets):
    """Take one photograph through all stages."""
    task = Task(source, targets)
    opened, megapixels = processor.open(task)
    photograph = processor.decode(task, opened)
    [predicted] = processor.predict([photograph])
    processor.write(task, photograph, predicted)
    return megapixels


def greenness(images):
    images = images.astype(int)
    return float((images[..., 1] - images[..., 0]).mean())


def test_a_photograph_passes_all_stages_into_a_new_folder(gray, tmp_path):
    imagefiles.write_image(tmp_path / "old.png", gray)
    target = tmp_path / "a/b/new.png"
    assert color(PhotographProcessor(COLORIZER), tmp_path / "old.png", target) == pytest.approx(
        0.0012
    )
    assert greenness(imagefiles.read_image(target)) > 10


def test_intensity_scales_the_colors(gray, tmp_path):
    imagefiles.write_image(tmp_path / "old.png", gray)
    measured = []
    for intensity in (0, 0.5, 1, 1.5):
        target = tmp_path / f"{intensity}.png"
        color(PhotographProcessor(COLORIZER, intensity=intensity), tmp_path / "old.png", target)
        measured.append(greenness(imagefiles.read_image(target)))
    assert measured[0] == pytest.approx(0, abs=0.5)
    assert measured == sorted(measured) and measured[3] > 1.3 * measured[2]


def test_each_sample_uses_its_own_noise(gray, tmp_path):
    imagefiles.write_image(tmp_path / "old.png", gray)
    targets = [tmp_path / "1.png", tmp_path / "2.png"]
    processor = PhotographProcessor(COLORIZER, zs=np.float32([[0], [1]]))
    color(processor, tmp_path / "old.png", *targets)
    one, two = (greenness(imagefiles.read_image(target)) for target in targets)
    assert one == pytest.approx(0, abs=0.5) and two > 10


def test_a_batch_predicts_all_samples_of_each_photograph():
    photographs = [Photograph(np.full((8, width, 3), 99, np.uint8)) for width in (8, 16, 24)]
    processor = PhotographProcessor(COLORIZER, zs=np.float32([[0], [1]]))
    predicted = processor.predict(photographs)
    assert [[float(ab.mean()) for ab in results] for results in predicted] == [
        pytest.approx([0, -0.1])
    ] * 3
    assert [results[0].shape[:2] for results in predicted] == [(32, 32), (16, 32), (11, 32)]


def test_the_ensemble_is_passed_to_the_colorizer(gray):
    def lopsided(lightness):
        answer = np.zeros((len(lightness), 32, 32, 2), np.float32)
        answer[:, :, :16] = 0.2
        return answer

    for ensemble, expected in ((None, [0.2, 0]), ("flip", [0.1, 0.1])):
        processor = PhotographProcessor(Colorizer(lopsided, 32), ensemble=ensemble)
        [[ab]] = processor.predict([Photograph(gray)])
        assert [ab[:, 0].mean(), ab[:, -1].mean()] == pytest.approx(expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_side_by_side_shows_gray_and_color(gray, dtype):
    gray = gray.astype(dtype)
    alpha = np.arange(30 * 40).astype(dtype).reshape(30, 40)
    processor = PhotographProcessor(COLORIZER, side_by_side=True)
    photograph = Photograph(gray * (np.iinfo(dtype).max // 255), alpha)
    [[ab]] = processor.predict([photograph])
    both = processor.render(photograph, ab)
    assert both.images.shape == (30, 80, 3)
    assert both.images.dtype == dtype
    levels = both.images / (np.iinfo(dtype).max / 255)
    assert np.abs(levels[:, :40] - gray).max() <= 1
    assert greenness(levels[:, 40:]) > 10
    np.testing.assert_array_equal(both.alpha, np.hstack([alpha, alpha]))


def test_alpha_and_depth_are_kept(gray, tmp_path):
    alpha = np.full((30, 40, 1), 1000, np.uint16)
    cv2.imwrite(str(tmp_path / "old.png"), np.concatenate([gray * np.uint16(257), alpha], -1))
    color(PhotographProcessor(COLORIZER), tmp_path / "old.png", tmp_path / "new.png")
    written = read_photograph(tmp_path / "new.png")
    assert written.images.dtype == np.uint16
    assert (written.alpha == 1000).all()


def test_a_photograph_in_color_is_refused_unless_forced(tmp_path):
    source = tmp_path / "old.png"
    imagefiles.write_image(source, render_landscape(1, 60, 80))
    with pytest.raises(AlreadyInColorError, match="old.png is in color already; --force"):
        color(PhotographProcessor(COLORIZER), source, tmp_path / "new.png")
    assert not (tmp_path / "new.png").exists()
    color(PhotographProcessor(COLORIZER, force=True), source, tmp_path / "new.png")
    assert (tmp_path / "new.png").is_file()


def test_a_toned_print_is_colorized(gray, tmp_path):
    sepia = (gray * [1.0, 0.9, 0.72]).astype(np.uint8)
    imagefiles.write_image(tmp_path / "old.png", sepia)
    color(PhotographProcessor(COLORIZER), tmp_path / "old.png", tmp_path / "new.png")
    assert greenness(imagefiles.read_image(tmp_path / "new.png")) > 10


def test_further_pages_are_left_out_with_a_warning(gray, tmp_path):
    source = tmp_path / "old.tiff"
    cv2.imwritemulti(str(source), [gray, 255 - gray])
    with pytest.warns(UserWarning, match="old.tiff has 2 frames or pages; only the first is"):
        color(PhotographProcessor(COLORIZER, intensity=0), source, tmp_path / "new.png")
    assert np.abs(imagefiles.read_image(tmp_path / "new.png").astype(int) - gray).max() <= 1


def test_too_many_pixels_are_refused_before_decoding(gray, tmp_path):
    imagefiles.write_image(tmp_path / "old.png", gray)
    with pytest.raises(ImageFileError, match="too large: 40 x 30"):
        PhotographProcessor(COLORIZER, max_megapixels=0.001).open(Task(tmp_path / "old.png", ()))


def test_existing_files_are_kept_unless_overwritten(gray, tmp_path):
    imagefiles.write_image(tmp_path / "old.png", gray)
    (tmp_path / "new.png").write_bytes(b"mine")
    color(PhotographProcessor(COLORIZER), tmp_path / "old.png", tmp_path / "new.png")
    assert (tmp_path / "new.png").read_bytes() == b"mine"
    color(
        PhotographProcessor(COLORIZER, overwrite=True), tmp_path / "old.png", tmp_path / "new.png"
    )
    assert (tmp_path / "new.png").read_bytes() != b"mine"


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_quality_changes_the_file_size(gray, tmp_path, suffix):
    imagefiles.write_image(tmp_path / "old.png", gray)
    sizes = []
    for quality in (10, 95):
        target = tmp_path / f"{quality}{suffix}"
        color(PhotographProcessor(COLORIZER, quality=quality), tmp_path / "old.png", target)
        sizes.append(target.stat().st_size)
    assert sizes[0] < 0.7 * sizes[1]


@pytest.mark.parametrize(
    ("given", "asked", "begins"),
    [
        (".jpg", None, b"\xff\xd8"),
        (".png", None, b"\x89PNG"),
        (".webp", None, b"RIFF"),
        (".bmp", None, b"BM"),
        (".tiff", None, b"II"),
        (".gif", None, b"\x89PNG"),
        (".jpg", ".png", b"\x89PNG"),
    ],
)
def test_convert_keeps_or_changes_the_format(gray, tmp_path, given, asked, begins):
    path = tmp_path / f"old{given}"
    cv2.imwrite(str(path), gray)
    # The colors of a GIF are few: its grays are no longer quite gray.
    content = PhotographProcessor(COLORIZER, force=True).convert(path.read_bytes(), "it", asked)
    assert content.startswith(begins)
    assert greenness(imagefiles.decode_image(content)) > 10


@pytest.mark.parametrize("chosen", [{"side_by_side": True}, {"zs": np.zeros((1, 1), np.float32)}])
def test_films_refuse_samples_and_side_by_side(tmp_path, chosen):
    task = Task(Path("old.mov"), (tmp_path / "new.mp4",))
    with pytest.raises(ValueError, match="old.mov is a film: no --samples"):
        PhotographProcessor(COLORIZER, **chosen).film(task, lambda done, total: None)


@pytest.fixture
def film(tmp_path, gray):
    """Writes a film of so many frames in color, and then so many in gray; returns its task."""

    def make(in_color, in_gray):
        path = tmp_path / "old.avi"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 12, (64, 48))
        for picture in [render_landscape(1, 30, 40)] * in_color + [gray] * in_gray:
            writer.write(cv2.resize(picture, (64, 48))[..., ::-1].copy())
        writer.release()
        return Task(path, (tmp_path / "out/new.mp4",))

    return make


def test_a_gray_film_with_titles_in_color_is_colorized(film):
    task = film(2, 10)
    shown = []
    report = PhotographProcessor(COLORIZER).film(task, lambda done, total: shown.append(done))
    assert report.frames == 12 and shown[-1] == 12
    assert task.targets[0].is_file()


def test_a_film_in_color_is_refused_unless_forced(film):
    task = film(10, 2)
    with pytest.raises(AlreadyInColorError, match="old.avi is in color already"):
        PhotographProcessor(COLORIZER).film(task, lambda done, total: None)
    assert not task.targets[0].exists()
    PhotographProcessor(COLORIZER, force=True).film(task, lambda done, total: None)
    assert task.targets[0].is_file()
