import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import peak_signal_noise_ratio

from colorize_tf import media
from colorize_tf.evaluation.scores import (
    compare,
    evaluation_image,
    grey,
    mean_color,
    score,
    table,
)

FIGURES = {
    "ab_rmse": 15.5,
    "psnr": 21.0,
    "ssim": 0.9,
    "ciede2000": 11.25,
    "colorfulness_ratio": 0.5,
}


def test_a_photograph_is_seen_as_its_central_square(tmp_path):
    image = np.zeros((32, 96, 3), np.uint8)
    image[:, 32:64] = 255
    media.write_image(tmp_path / "wide.png", image)
    assert np.all(evaluation_image(tmp_path / "wide.png", 32) == 255)


def test_the_truth_scores_best(landscapes):
    scores = score(lambda image: image, landscapes[:3], size=64)
    assert scores["ab_rmse"] == scores["ciede2000"] == 0
    assert scores["psnr"] == np.inf
    assert scores["ssim"] == pytest.approx(1)
    assert scores["colorfulness_ratio"] == pytest.approx(1)


def test_the_grey_answer_scores_the_chroma_of_the_truth(landscapes):
    expected = []
    for path in landscapes[:3]:
        lab = rgb2lab(evaluation_image(path, 64))
        expected.append(np.sqrt(np.mean(lab[..., 1:] ** 2)))
    scores = score(grey, landscapes[:3], size=64)
    assert scores["ab_rmse"] == pytest.approx(np.mean(expected), rel=0.01)
    assert scores["colorfulness_ratio"] == pytest.approx(0, abs=0.02)


def test_psnr_is_the_mean_over_pictures(landscapes):
    images = [evaluation_image(path, 64) for path in landscapes[:3]]
    expected = np.mean([peak_signal_noise_ratio(image, grey(image)) for image in images])
    assert score(grey, landscapes[:3], size=64)["psnr"] == pytest.approx(expected, rel=1e-4)


def test_ciede2000_is_the_mean_over_pixels_and_pictures(landscapes):
    images = [evaluation_image(path, 64) for path in landscapes[:3]]
    expected = np.mean([deltaE_ciede2000(rgb2lab(one), rgb2lab(grey(one))) for one in images])
    assert score(grey, landscapes[:3], size=64)["ciede2000"] == pytest.approx(expected, abs=1e-3)


def test_a_mean_colour_is_given_to_every_pixel():
    image = np.repeat(np.linspace(80, 160, 32, dtype=np.uint8), 32 * 3).reshape(32, 32, 3)
    lab = rgb2lab(mean_color([0.1, -0.05])(image))
    np.testing.assert_allclose(lab[..., 1:], np.broadcast_to([11, -5.5], (32, 32, 2)), atol=0.7)
    np.testing.assert_allclose(lab[..., 0], rgb2lab(image)[..., 0], atol=0.5)


def test_the_mean_colour_of_the_truth_beats_grey(landscapes):
    lab = np.stack([rgb2lab(evaluation_image(path, 64)) for path in landscapes[:3]])
    warm = mean_color(lab[..., 1:].mean(axis=(0, 1, 2)) / 110)
    scores = compare({"grey": grey, "mean": warm}, landscapes[:3], size=64)
    assert scores["mean"]["ab_rmse"] < scores["grey"]["ab_rmse"]


def test_colorizers_are_compared_as_if_alone(landscapes):
    cool = mean_color([0.0, -0.2])
    scores = compare({"grey": grey, "cool": cool}, landscapes[:3], size=64)
    assert list(scores) == ["grey", "cool"]
    assert scores["grey"] == pytest.approx(score(grey, landscapes[:3], size=64))
    assert scores["cool"] == pytest.approx(score(cool, landscapes[:3], size=64))


def test_every_photograph_is_read_once(landscapes, monkeypatch):
    read = []
    read_image = media.read_image
    monkeypatch.setattr(media, "read_image", lambda path: read.append(path) or read_image(path))
    compare({"grey": grey, "cool": mean_color([0, -0.2])}, landscapes[:3], size=64)
    assert read == landscapes[:3]


def test_a_model_that_cannot_answer_is_named_with_the_photograph(landscapes):
    def broken(image):
        raise ValueError("the model answered NaN")

    with pytest.raises(ValueError, match="new model cannot colour .*00.png: the model answered"):
        compare({"grey": grey, "new model": broken}, landscapes[:3], size=64)


def test_grey_photographs_have_no_truth_to_compare_with(tmp_path):
    media.write_image(tmp_path / "grey.png", np.full((64, 64, 3), 90, np.uint8))
    with pytest.raises(ValueError, match="grey: there is no true colour"):
        score(grey, [tmp_path / "grey.png"], size=64)


def test_the_table_has_a_line_for_each_answer():
    lines = table({"grey": FIGURES, "a model of long name": FIGURES}).splitlines()
    assert lines[0].split() == ["ab", "RMSE", "PSNR", "SSIM", "CIEDE2000", "colourfulness", "ratio"]
    assert lines[1].split() == ["grey", "15.50", "21.00", "0.900", "11.25", "0.50"]
    assert len(lines) == 3
    assert len({len(line) for line in lines}) == 1


def test_the_table_shows_what_a_model_cost_where_it_is_known():
    cost = {"input_size": 128, "parameters": 4168098, "pictures": 46720}
    lines = table({"grey": FIGURES, "run": {**FIGURES, **cost}}).splitlines()
    assert lines[0].split()[-5:] == ["input", "px", "parameters", "pictures", "seen"]
    assert lines[1].split()[-3:] == ["-", "-", "-"]
    assert lines[2].split()[-3:] == ["128", "4,168,098", "46,720"]


def test_a_markdown_table_has_a_rule_and_as_many_cells_in_each_line():
    lines = table({"grey": FIGURES}, markdown=True).splitlines()
    assert lines[1] == "| --- | ---: | ---: | ---: | ---: | ---: |"
    assert lines[2] == "| grey | 15.50 | 21.00 | 0.900 | 11.25 | 0.50 |"
    assert {line.count("|") for line in lines} == {7}
