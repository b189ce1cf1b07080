import numpy as np
import pytest
import skimage.metrics

from colorize_tf.metrics import ColorfulnessRatio, ab_rmse, colorfulness, psnr


def pictures(seed, count=3, height=16, width=24):
    return np.random.default_rng(seed).random((count, height, width, 3), dtype="float32")


def colorfulness_of(rgb):
    """Hasler and Suesstrunk 2003, equations 12 to 14, of one picture in 0..1."""
    red, green, blue = (255.0 * rgb[..., channel].astype(float).ravel() for channel in range(3))
    rg, yb = red - green, (red + green) / 2 - blue
    return np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean())


def test_ab_rmse_is_in_lab_units():
    ab = np.zeros((1, 2, 2, 2), "float32")
    # Off by 11 Lab units in a everywhere, right in b: sqrt((121 + 0) / 2).
    generated_ab = ab + np.array([0.1, 0.0], "float32")
    np.testing.assert_allclose(ab_rmse(ab, generated_ab), [np.sqrt(121 / 2)], rtol=1e-5)


def test_ab_rmse_is_per_picture():
    ab = np.zeros((3, 4, 6, 2), "float32")
    generated_ab = ab + np.array([0.0, 0.5, -1.0], "float32")[:, None, None, None]
    np.testing.assert_allclose(ab_rmse(ab, generated_ab), [0.0, 55.0, 110.0], rtol=1e-6)


def test_psnr_agrees_with_scikit_image():
    expected = [
        skimage.metrics.peak_signal_noise_ratio(rgb, generated_rgb, data_range=1.0)
        for rgb, generated_rgb in zip(pictures(0), pictures(1), strict=True)
    ]
    np.testing.assert_allclose(psnr(pictures(0), pictures(1)), expected, rtol=1e-5)


def test_colorfulness_agrees_with_the_paper():
    expected = [colorfulness_of(rgb) for rgb in pictures(2)]
    np.testing.assert_allclose(colorfulness(pictures(2)), expected, rtol=1e-5)


def test_colorfulness_of_one_flat_colour_is_its_mean_term():
    red = np.zeros((1, 16, 16, 3), "float32")
    red[..., 0] = 1.0
    np.testing.assert_allclose(colorfulness(red), [0.3 * np.hypot(255, 127.5)], rtol=1e-5)


def test_grey_has_no_colorfulness():
    grey = np.repeat(pictures(3)[..., :1], 3, axis=-1)
    np.testing.assert_array_equal(colorfulness(grey), 0.0)


def test_the_ratio_is_mean_over_mean_across_batches():
    metric = ColorfulnessRatio()
    faded = np.concatenate([pictures(4, count=2) * 0.2, pictures(5, count=4)])
    vivid = np.concatenate([pictures(6, count=2), pictures(7, count=4) * 0.7])
    for batch in (slice(0, 2), slice(2, 6)):
        metric.update_state(faded[batch], vivid[batch])
    expected = np.mean([*map(colorfulness_of, vivid)]) / np.mean([*map(colorfulness_of, faded)])
    assert float(metric.result()) == pytest.approx(expected, rel=1e-5)


def test_the_ratio_forgets_on_reset():
    metric = ColorfulnessRatio()
    metric.update_state(pictures(8), pictures(8) * 0.5)
    metric.reset_state()
    metric.update_state(pictures(9), pictures(9))
    assert float(metric.result()) == pytest.approx(1.0)


def test_the_ratio_of_grey_to_colour_is_zero_and_of_nothing_too():
    metric = ColorfulnessRatio()
    assert float(metric.result()) == 0.0
    metric.update_state(pictures(10), np.full_like(pictures(10), 0.5))
    assert float(metric.result()) == 0.0
