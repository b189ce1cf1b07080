import numpy as np
import pytest
import skimage.metrics
import tensorflow as tf
from skimage.color import deltaE_ciede2000, rgb2lab

from colorize_tf.metrics.pictures import (
    ColorfulnessRatio,
    ab_rmse,
    ciede2000,
    color_differences,
    colorfulness,
    extreme_chroma,
    out_of_gamut,
    psnr,
    ssim,
)

# Sharma, Wu and Dalal 2005, table 1: L, a, b of both colors, and their difference. Most lie on a
# step of the formula, such as two hues that are half a turn apart.
SHARMA = """
50.0000 2.6772 -79.7751 50.0000 0.0000 -82.7485 2.0425
50.0000 3.1571 -77.2803 50.0000 0.0000 -82.7485 2.8615
50.0000 2.8361 -74.0200 50.0000 0.0000 -82.7485 3.4412
50.0000 -1.3802 -84.2814 50.0000 0.0000 -82.7485 1.0000
50.0000 -1.1848 -84.8006 50.0000 0.0000 -82.7485 1.0000
50.0000 -0.9009 -85.5211 50.0000 0.0000 -82.7485 1.0000
50.0000 0.0000 0.0000 50.0000 -1.0000 2.0000 2.3669
50.0000 -1.0000 2.0000 50.0000 0.0000 0.0000 2.3669
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0009 7.1792
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0010 7.1792
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0011 7.2195
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0012 7.2195
50.0000 -0.0010 2.4900 50.0000 0.0009 -2.4900 4.8045
50.0000 -0.0010 2.4900 50.0000 0.0010 -2.4900 4.8045
50.0000 -0.0010 2.4900 50.0000 0.0011 -2.4900 4.7461
50.0000 2.5000 0.0000 50.0000 0.0000 -2.5000 4.3065
50.0000 2.5000 0.0000 73.0000 25.0000 -18.0000 27.1492
50.0000 2.5000 0.0000 61.0000 -5.0000 29.0000 22.8977
50.0000 2.5000 0.0000 56.0000 -27.0000 -3.0000 31.9030
50.0000 2.5000 0.0000 58.0000 24.0000 15.0000 19.4535
50.0000 2.5000 0.0000 50.0000 3.1736 0.5854 1.0000
50.0000 2.5000 0.0000 50.0000 3.2972 0.0000 1.0000
50.0000 2.5000 0.0000 50.0000 1.8634 0.5757 1.0000
50.0000 2.5000 0.0000 50.0000 3.2592 0.3350 1.0000
60.2574 -34.0099 36.2677 60.4626 -34.1751 39.4387 1.2644
63.0109 -31.0961 -5.8663 62.8187 -29.7946 -4.0864 1.2630
61.2901 3.7196 -5.3901 61.4292 2.2480 -4.9620 1.8731
35.0831 -44.1164 3.7933 35.0232 -40.0716 1.5901 1.8645
22.7233 20.0904 -46.6940 23.0331 14.9730 -42.5619 2.0373
36.4612 47.8580 18.3852 36.2715 50.5065 21.2231 1.4146
90.8027 -2.0831 1.4410 91.1528 -1.6435 0.0447 1.4441
90.9257 -0.5406 -0.9208 88.6381 -0.8985 -0.7239 1.5381
6.7747 -0.2908 -2.4247 5.8714 -0.0985 -2.2286 0.6377
2.0776 0.0795 -1.1350 0.9033 -0.0636 -0.5514 0.9082
"""


def pictures(seed, count=3, height=16, width=24):
    return np.random.default_rng(seed).random((count, height, width, 3), dtype="float32")


def colors(seed, chroma=100.0):
    """40,000 colors of any lightness, as as many pictures of one pixel."""
    unit = np.random.default_rng(seed).random((40_000, 1, 1, 3), dtype="float32")
    return unit * np.float32([100, 2 * chroma, 2 * chroma]) - np.float32([0, chroma, chroma])


def reference_differences(lab, generated_lab):
    return deltaE_ciede2000(lab.astype(float), generated_lab.astype(float)).mean(axis=(1, 2))


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


def test_ssim_agrees_with_scikit_image():
    rgb = pictures(0, height=32, width=48)
    generated_rgb = 0.7 * rgb + 0.3 * pictures(1, height=32, width=48)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    maps = [
        skimage.metrics.structural_similarity(
            *pair, data_range=1.0, channel_axis=-1, full=True, **options
        )[1]
        for pair in zip(rgb, generated_rgb, strict=True)
    ]
    # TensorFlow leaves out the border, where the window does not fit into the picture.
    expected = [np.mean(one[5:-5, 5:-5]) for one in maps]
    np.testing.assert_allclose(ssim(rgb, generated_rgb), expected, rtol=1e-4)


def test_ciede2000_agrees_with_the_pairs_of_sharma():
    values = np.array(SHARMA.split(), "float32").reshape(34, 7)
    lab, generated_lab = values[:, None, None, :3], values[:, None, None, 3:6]
    np.testing.assert_allclose(ciede2000(lab, generated_lab), values[:, 6], rtol=0, atol=1e-4)
    np.testing.assert_allclose(ciede2000(generated_lab, lab), values[:, 6], rtol=0, atol=1e-4)


@pytest.mark.parametrize("chroma", [100.0, 5.0, 0.01, 0.0])
def test_ciede2000_agrees_with_scikit_image(chroma):
    lab, generated_lab = colors(0), colors(1, chroma)
    expected = reference_differences(lab, generated_lab)
    np.testing.assert_allclose(ciede2000(lab, generated_lab), expected, rtol=0, atol=1e-3)


def test_ciede2000_agrees_with_scikit_image_for_small_differences():
    lab = colors(2)
    generated_lab = lab + np.random.default_rng(3).normal(0, 1, lab.shape).astype("float32")
    expected = reference_differences(lab, generated_lab)
    np.testing.assert_allclose(ciede2000(lab, generated_lab), expected, rtol=0, atol=1e-3)


def test_two_grays_differ_in_lightness_alone():
    gray, lighter = colors(4, chroma=0.0), colors(5, chroma=0.0)
    expected = reference_differences(gray, lighter)
    np.testing.assert_allclose(ciede2000(gray, lighter), expected, rtol=0, atol=1e-3)
    np.testing.assert_array_equal(ciede2000(gray, gray), 0.0)


def test_ciede2000_is_the_mean_over_pixels_of_each_picture():
    lab = colors(6).reshape(4, 100, 100, 3)
    generated_lab = colors(7).reshape(4, 100, 100, 3)
    expected = reference_differences(lab, generated_lab)
    np.testing.assert_allclose(ciede2000(lab, generated_lab), expected, rtol=0, atol=1e-3)


def test_ciede2000_is_the_same_in_a_graph():
    lab, generated_lab = tf.constant(colors(8)), tf.constant(colors(9))
    in_a_graph = tf.function(ciede2000)(lab, generated_lab)
    np.testing.assert_allclose(in_a_graph, ciede2000(lab, generated_lab), rtol=0, atol=1e-3)


def test_colorfulness_agrees_with_the_paper():
    expected = [colorfulness_of(rgb) for rgb in pictures(2)]
    np.testing.assert_allclose(colorfulness(pictures(2)), expected, rtol=1e-5)


def test_colorfulness_of_one_flat_color_is_its_mean_term():
    red = np.zeros((1, 16, 16, 3), "float32")
    red[..., 0] = 1.0
    np.testing.assert_allclose(colorfulness(red), [0.3 * np.hypot(255, 127.5)], rtol=1e-5)


def test_gray_has_no_colorfulness():
    gray = np.repeat(pictures(3)[..., :1], 3, axis=-1)
    np.testing.assert_array_equal(colorfulness(gray), 0.0)


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


def test_the_ratio_of_gray_to_color_is_zero_and_of_nothing_too():
    metric = ColorfulnessRatio()
    assert float(metric.result()) == 0.0
    metric.update_state(pictures(10), np.full_like(pictures(10), 0.5))
    assert float(metric.result()) == 0.0


def test_color_differences_are_those_of_each_pixel():
    random = np.random.default_rng(0)
    lab = random.uniform((0, -40, -40), (100, 40, 40), (2, 2, 6, 5, 3)).astype("float32")
    differences = color_differences(*lab)
    assert differences.shape == (2, 6, 5)
    np.testing.assert_allclose(differences, deltaE_ciede2000(*lab), rtol=1e-3)


def lab_of(lightness, chroma):
    """A square of 20 pixels in one color; the network's scale for `lightness`."""
    lab = np.zeros((1, 20, 20, 3), np.float32)
    lab[..., 0], lab[..., 1] = (lightness + 1) * 50, chroma
    return lab


@pytest.mark.parametrize(("true_l", "expected"), [(5, 8), (12, 0), (50, 0), (95, 0), (99, 8)])
def test_extreme_chroma_is_that_of_flat_black_and_white(true_l, expected):
    lightness = np.full((1, 20, 20, 1), true_l / 50 - 1, np.float32)
    lab = lab_of(lightness[..., 0], chroma=8)
    assert float(extreme_chroma(lab, lightness)[0]) == pytest.approx(expected, abs=1e-3)


def test_extreme_chroma_counts_per_pixel_of_the_picture():
    lightness = np.zeros((1, 20, 20, 1), np.float32)
    lightness[:, :, :10] = -1
    lab = lab_of(lightness[..., 0], chroma=8)
    # Within three pixels of the edge the black is not flat.
    assert float(extreme_chroma(lab, lightness)[0]) == pytest.approx(8 * 7 / 20, abs=1e-3)


def test_extreme_chroma_ignores_texture():
    random = np.random.default_rng(0).uniform(-1, -0.82, (1, 20, 20, 1)).astype(np.float32)
    assert extreme_chroma(lab_of(random[..., 0], chroma=8), random)[0] < 1


def test_srgb_colors_are_in_gamut():
    rgb = np.random.default_rng(0).random((2, 16, 16, 3))
    np.testing.assert_array_equal(out_of_gamut(rgb2lab(rgb).astype("float32")), [0, 0])


def test_out_of_gamut_is_the_share_of_pixels_of_each_picture():
    lab = np.zeros((2, 4, 5, 3), np.float32) + np.float32([50, 0, 0])
    lab[1, 0] = [50, -100, 0]  # a cyan that sRGB has not
    lab[1, 1, 0] = [100, 20, 0]  # nothing but white is as light as white
    np.testing.assert_allclose(out_of_gamut(lab), [0, 6 / 20])


def test_a_color_that_is_hardly_moved_counts_as_inside():
    lab = np.full((1, 1, 1, 3), np.float32([100, 0.5, 0]))
    assert out_of_gamut(lab)[0] == 0
