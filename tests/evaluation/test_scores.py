import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import peak_signal_noise_ratio

from colorize_tf import imagefiles
from colorize_tf.evaluation.features import Features
from colorize_tf.evaluation.scores import (
    SetDistances,
    compare,
    evaluation_image,
    gray,
    mean_color,
    measure,
    saturated,
    score,
    truth,
)
from colorize_tf.inference.colorizer import Colorizer


def test_evaluation_image_is_the_central_square(tmp_path):
    image = np.zeros((32, 96, 3), np.uint8)
    image[:, 32:64] = 255
    imagefiles.write_image(tmp_path / "wide.png", image)
    assert np.all(evaluation_image(tmp_path / "wide.png", 32) == 255)


def test_truth_scores_best(landscapes):
    scores = score(truth, landscapes[:3], size=64)
    assert scores["ab_rmse"] < 0.2 and scores["ciede2000"] < 0.2
    assert scores["psnr"] > 50
    assert scores["ssim"] == pytest.approx(1, abs=1e-3)
    assert scores["colorfulness_ratio"] == pytest.approx(1, abs=0.01)
    assert scores["out_of_gamut"] == 0
    assert scores["mottling_ratio"] == pytest.approx(1, abs=0.02) and scores["mottled_share"] == 0


def test_gray_scores_the_chroma_of_the_truth(landscapes):
    expected = []
    for path in landscapes[:3]:
        lab = rgb2lab(evaluation_image(path, 64))
        expected.append(np.sqrt(np.mean(lab[..., 1:] ** 2)))
    scores = score(gray, landscapes[:3], size=64)
    assert scores["ab_rmse"] == pytest.approx(np.mean(expected), rel=0.01)
    assert scores["colorfulness_ratio"] == pytest.approx(0, abs=0.02)
    assert scores["mottling_ratio"] < 0.2 and scores["mottled_share"] == 0


def test_psnr_is_the_mean_over_pictures(landscapes):
    images = [evaluation_image(path, 64) for path in landscapes[:3]]
    expected = np.mean([peak_signal_noise_ratio(image, gray(image)) for image in images])
    assert score(gray, landscapes[:3], size=64)["psnr"] == pytest.approx(expected, rel=1e-4)


def test_ciede2000_is_the_mean_over_pixels_and_pictures(landscapes):
    images = [evaluation_image(path, 64) for path in landscapes[:3]]
    expected = np.mean([deltaE_ciede2000(rgb2lab(one), rgb2lab(gray(one))) for one in images])
    assert score(gray, landscapes[:3], size=64)["ciede2000"] == pytest.approx(expected, abs=1e-3)


def test_mean_color_is_the_chroma_of_every_pixel():
    image = np.repeat(np.linspace(80, 160, 32, dtype=np.uint8), 32 * 3).reshape(32, 32, 3)
    lab = rgb2lab(mean_color([0.1, -0.05])(image))
    np.testing.assert_allclose(lab[..., 1:], np.broadcast_to([11, -5.5], (32, 32, 2)), atol=0.7)
    np.testing.assert_allclose(lab[..., 0], rgb2lab(image)[..., 0], atol=0.5)


def test_mean_color_of_the_truth_beats_gray(landscapes):
    lab = np.stack([rgb2lab(evaluation_image(path, 64)) for path in landscapes[:3]])
    warm = mean_color(lab[..., 1:].mean(axis=(0, 1, 2)) / 110)
    scores = compare({"gray": gray, "mean": warm}, landscapes[:3], size=64)
    assert scores["mean"]["ab_rmse"] < scores["gray"]["ab_rmse"]


def test_compare_scores_each_as_score_does(landscapes):
    cool = mean_color([0.0, -0.2])
    scores = compare({"gray": gray, "cool": cool}, landscapes[:3], size=64)
    assert list(scores) == ["gray", "cool"]
    assert scores["gray"] == pytest.approx(score(gray, landscapes[:3], size=64))
    assert scores["cool"] == pytest.approx(score(cool, landscapes[:3], size=64))


def test_every_photograph_is_read_once(landscapes, monkeypatch):
    read = []
    read_image = imagefiles.read_image
    monkeypatch.setattr(
        imagefiles, "read_image", lambda path: read.append(path) or read_image(path)
    )
    compare({"gray": gray, "cool": mean_color([0, -0.2])}, landscapes[:3], size=64)
    assert read == landscapes[:3]


def test_model_that_predicts_nan_is_named_with_the_photograph(landscapes):
    broken = Colorizer(lambda lightness: np.full((1, 8, 8, 2), np.nan, np.float32), 8)
    with pytest.raises(ValueError, match="new model cannot color .*00.png"):
        compare({"gray": gray, "new model": broken}, landscapes[:3], size=64)


def test_gray_photographs_are_refused(tmp_path):
    imagefiles.write_image(tmp_path / "gray.png", np.full((64, 64, 3), 90, np.uint8))
    with pytest.raises(ValueError, match="gray: there is no true color"):
        score(gray, [tmp_path / "gray.png"], size=64)


def test_out_of_gamut_is_measured_before_mapping(landscapes):
    inside, outside = mean_color([0.01, 0.01]), mean_color([0.9, -0.9])
    scores = compare({"inside": inside, "outside": outside}, landscapes[:3], size=64)
    assert scores["inside"]["out_of_gamut"] < 0.05
    assert scores["outside"]["out_of_gamut"] == 1


def test_saturated_multiplies_chroma(landscapes):
    image = evaluation_image(landscapes[0], 64)
    ab = saturated(mean_color([0.1, -0.2]), 1.5).predict_one(image)
    np.testing.assert_allclose(ab, np.broadcast_to([0.15, -0.3], ab.shape), rtol=1e-6)


def test_measurements_have_the_photograph_first(landscapes):
    (measurement,) = measure({"gray": gray, "cool": mean_color([0, -0.2])}, landscapes[:1], size=32)
    assert measurement.names == ("gray", "cool")
    np.testing.assert_array_equal(measurement.images[0], evaluation_image(landscapes[0], 32))
    np.testing.assert_allclose(measurement.ab[1], 0, atol=0.01)
    np.testing.assert_array_equal(measurement.predicted_ab[1][..., 1], np.float32(-0.2))
    errors = measurement.differences.mean(axis=(1, 2))
    np.testing.assert_allclose(errors, measurement.figures["ciede2000"], rtol=1e-5)


def test_chroma_in_black_and_white_is_measured_where_there_are_such_areas(tmp_path):
    image = np.full((32, 32, 3), 128, np.uint8)
    image[:, :16] = 14, 10, 10
    image[:, 16:, 0] = 160
    imagefiles.write_image(tmp_path / "dark.png", image)
    dark = score(mean_color([0.1, 0]), [tmp_path / "dark.png"], size=32)
    assert dark["extreme_chroma_ratio"] > 2
    assert score(gray, [tmp_path / "dark.png"], size=32)["extreme_chroma_ratio"] < 0.1
    imagefiles.write_image(tmp_path / "bright.png", np.maximum(image, np.uint8([140, 120, 90])))
    bright = score(gray, [tmp_path / "bright.png"], size=32)
    assert "extreme_chroma_ratio" not in bright and "extreme_chroma" not in bright


# Mean and spread of each channel in the four corners: enough to tell gray pictures from others.
CORNERS = Features(
    "corners",
    lambda images: (
        (images.reshape(len(images), 2, -1, 2, 24, 3) / 255).mean((2, 4)).reshape(len(images), -1)
    ),
)


def distances(measured, features):
    sets = SetDistances(features)
    for measurement in measured:
        sets.add(measurement)
    return sets.by_name()


def test_set_distances_are_least_for_the_truth(measured):
    found = distances(measured, CORNERS)
    for name in ("sliced_wasserstein", "kid_times_1000", "fid"):
        assert found["truth"][name] < 0.2 * found["gray"][name], name
    assert found["truth"]["sliced_wasserstein"] < 0.1


def test_set_distances_need_no_features(measured):
    assert set(distances(measured[:1], None)["gray"]) == {"sliced_wasserstein"}
