import numpy as np
import pytest
from skimage.color import rgb2lab
from skimage.metrics import peak_signal_noise_ratio

from colorize_tf import media
from colorize_tf.evaluation.scores import evaluation_image, grey, score, table


def test_a_photograph_is_seen_as_its_central_square(tmp_path):
    image = np.zeros((32, 96, 3), np.uint8)
    image[:, 32:64] = 255
    media.write_image(tmp_path / "wide.png", image)
    assert np.all(evaluation_image(tmp_path / "wide.png", 32) == 255)


def test_the_truth_scores_best(landscapes):
    scores = score(lambda image: image, landscapes[:3], size=64)
    assert scores["ab_rmse"] == scores["ciede2000"] == 0
    assert scores["psnr"] == np.inf
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


def test_grey_photographs_have_no_truth_to_compare_with(tmp_path):
    media.write_image(tmp_path / "grey.png", np.full((64, 64, 3), 90, np.uint8))
    with pytest.raises(ValueError, match="grey: there is no true colour"):
        score(grey, [tmp_path / "grey.png"], size=64)


def test_the_table_has_a_line_for_each_answer():
    figures = {"ab_rmse": 15.5, "psnr": 21.0, "ciede2000": 11.25, "colorfulness_ratio": 0.5}
    lines = table({"grey": figures, "this model": figures}).splitlines()
    assert lines[0].split() == ["ab", "RMSE", "PSNR", "CIEDE2000", "colourfulness", "ratio"]
    assert lines[1].split() == ["grey", "15.50", "21.00", "11.25", "0.50"]
    assert len(lines) == 3
