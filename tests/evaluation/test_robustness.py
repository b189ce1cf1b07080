import numpy as np
import pytest
from skimage.color import deltaE_ciede2000

from colorize_tf.color.lab_tf import images_to_lab
from colorize_tf.evaluation.robustness import color_shifts
from colorize_tf.evaluation.scores import evaluation_image, mean_color
from colorize_tf.inference.colorizer import Colorizer


def by_lightness(lightness):
    """Redder where it is lighter: moves with exposure."""
    return np.concatenate([0.3 * lightness, 0 * lightness], axis=-1)


def test_constant_color_does_not_move(landscapes):
    shifts = color_shifts({"constant": mean_color([0.2, 0.1])}, landscapes[:2], size=32)
    for values in shifts["constant"].values():
        np.testing.assert_allclose(values, [0, 0], atol=1e-5)


def test_colors_that_follow_lightness_move_with_exposure_and_little_with_size(landscapes):
    shifts = color_shifts({"model": Colorizer(by_lightness, 32)}, landscapes[:3], size=32)["model"]
    assert np.all(shifts["exposure_shift"] > 1)
    assert np.all(shifts["exposure_shift"] > 2 * shifts["size_shift"])
    assert np.all(shifts["size_shift"] > 0)


def test_shift_is_measured_at_the_photographs_own_lightness(landscapes):
    predictions = iter([0.0, 0.1, 0.1, 0.0, 0.0])
    model = Colorizer(lambda lightness: np.full((1, 8, 8, 2), next(predictions), np.float32), 8)
    shifts = color_shifts({"model": model}, landscapes[:1], size=32)["model"]
    lab = images_to_lab(evaluation_image(landscapes[0], 32))
    lab[..., 1:] = 0
    moved = lab + np.float32([0, 11, 11])
    assert shifts["exposure_shift"] == pytest.approx(deltaE_ciede2000(lab, moved).mean(), rel=1e-3)
    assert shifts["size_shift"] == pytest.approx(0)


def test_model_sees_darker_brighter_smaller_and_larger_variants(landscapes):
    seen = []

    def predict_ab(lightness):
        seen.append(lightness)
        return np.zeros((1, 64, 64, 2), np.float32)

    color_shifts({"model": Colorizer(predict_ab, 64)}, landscapes[:1], size=32)
    own, darker, brighter, smaller, larger = (one.mean() for one in seen)
    assert darker < own - 0.02 < own + 0.02 < brighter
    assert smaller == pytest.approx(own, abs=0.02) and larger == pytest.approx(own, abs=0.02)
    sharpness = [np.abs(np.diff(one, axis=1)).mean() for one in (seen[3], seen[0], seen[4])]
    assert sharpness == sorted(sharpness)


def test_model_that_predicts_nan_is_named(landscapes):
    broken = Colorizer(lambda lightness: np.full((1, 8, 8, 2), np.nan, np.float32), 8)
    with pytest.raises(ValueError, match="broken cannot color .*00.png"):
        color_shifts({"broken": broken}, landscapes[:1], size=32)
