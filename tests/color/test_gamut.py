import cv2
import numpy as np
import pytest

from colorize_tf.color.gamut import f_to_images, images_to_f_y
from colorize_tf.color.lab import images_to_l_star, images_to_lab, lab_to_linear


def lab_grid(most_chroma=150):
    """L* 0..100 and every hue, far beyond the gamut, as one picture."""
    l_star, chroma = np.linspace(0, 100, 41), np.linspace(0, most_chroma, 16)
    hues = np.linspace(0, 2 * np.pi, 60)
    l_star, chroma, hues = np.meshgrid(l_star, chroma, hues)
    lab = np.stack([l_star, chroma * np.cos(hues), chroma * np.sin(hues)], -1)
    return lab.reshape(-1, 60, 3).astype("float32")


def to_images(lab, dtype=np.uint16):
    f_y = (lab[..., 0] + 16) / 116
    images = np.empty(lab.shape, dtype)
    f_to_images(f_y, lab[..., 1] / 500, lab[..., 2] / -200, images)
    return images


def in_gamut(lab):
    return images_to_lab(to_images(lab))


def test_lightness_is_kept():
    lab = lab_grid()
    np.testing.assert_allclose(in_gamut(lab)[..., 0], lab[..., 0], rtol=0, atol=0.1)


def test_hue_is_kept():
    before, after = lab_grid(), in_gamut(lab_grid())
    across = before[..., 1] * after[..., 2] - before[..., 2] * after[..., 1]
    chroma = np.hypot(before[..., 1], before[..., 2])
    # The distance of the result from the line of its hue, in Lab units.
    distance = across[chroma > 0] / chroma[chroma > 0]
    assert np.abs(distance).max() < 0.5


def test_chroma_is_not_reduced_more_than_necessary():
    after = in_gamut(lab_grid())
    slightly_more = after * np.float32([1, 1.02, 1.02])
    reduced = np.hypot(*np.moveaxis(after - lab_grid(), -1, 0)[1:]) > 1
    reduced &= (after[..., 0] > 5) & (after[..., 0] < 95)  # Little chroma is left at the ends.
    linear = lab_to_linear(slightly_more)
    outside = (linear < 0).any(-1) | (linear > 1).any(-1)
    assert reduced.sum() > 1000 and outside[reduced].all()


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.uint8, 0), (np.uint16, 4)])
def test_colors_inside_the_gamut_are_unchanged(dtype, tolerance):
    images = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (40, 40, 3), dtype)
    converted = to_images(images_to_lab(images), dtype)
    assert np.abs(converted.astype(int) - images).max() <= tolerance


@pytest.mark.parametrize("l_star", [0, 100])
def test_black_and_white_have_no_chroma(l_star):
    lab = in_gamut(np.float32([[[l_star, 40, -60]]]))
    np.testing.assert_allclose(lab, [[[l_star, 0, 0]]], atol=1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("is_gray", [True, False])
def test_f_y_is_scaled_l_star(dtype, is_gray):
    images = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (30, 40, 3), dtype)
    if is_gray:
        images = cv2.merge([images[..., 0]] * 3)
    expected = (images_to_l_star(images) + 16) / 116
    np.testing.assert_allclose(images_to_f_y(images), expected, atol=1e-6)
