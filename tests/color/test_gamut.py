import numpy as np
import pytest

from colorize_tf.color import lab_tf
from colorize_tf.color.gamut import lab_to_linear_in_gamut
from colorize_tf.color.lab import images_to_lab, lab_to_linear


def lab_grid(most_chroma=150):
    """L* 0..100 and every hue, far beyond the gamut, as one image."""
    lightness, chroma = np.linspace(0, 100, 41), np.linspace(0, most_chroma, 16)
    hues = np.linspace(0, 2 * np.pi, 60)
    lightness, chroma, hues = np.meshgrid(lightness, chroma, hues)
    lab = np.stack([lightness, chroma * np.cos(hues), chroma * np.sin(hues)], -1)
    return lab.reshape(-1, 60, 3).astype("float32")


def mapped(lab):
    """Lab after gamut mapping."""
    linear = np.clip(lab_to_linear_in_gamut(lab), 0, 1)
    return lab_tf.rgb_to_lab(lab_tf.linear_to_rgb(linear)).numpy()


def test_all_colors_are_mapped_into_the_gamut():
    linear = lab_to_linear_in_gamut(lab_grid())
    assert lab_to_linear(lab_grid()).max() > 1.5
    assert linear.min() >= -2e-4 and linear.max() <= 1 + 2e-4


def test_lightness_is_kept():
    lab = lab_grid()
    np.testing.assert_allclose(mapped(lab)[..., 0], lab[..., 0], rtol=0, atol=0.1)


def test_hue_is_kept():
    before, after = lab_grid(), mapped(lab_grid())
    across = before[..., 1] * after[..., 2] - before[..., 2] * after[..., 1]
    chroma = np.hypot(before[..., 1], before[..., 2])
    # The distance from the line of constant hue, in Lab units.
    off = across[chroma > 0] / chroma[chroma > 0]
    assert np.abs(off).max() < 0.5


def test_chroma_is_reduced_no_more_than_necessary():
    after = mapped(lab_grid())
    slightly_more = after * np.float32([1, 1.02, 1.02])
    reduced = np.hypot(*np.moveaxis(after - lab_grid(), -1, 0)[1:]) > 1
    reduced &= (after[..., 0] > 5) & (
        after[..., 0] < 95
    )  # Near black and white little chroma is left.
    linear = lab_to_linear(slightly_more)
    outside = (linear < 0).any(-1) | (linear > 1).any(-1)
    assert reduced.sum() > 1000 and outside[reduced].all()


def test_colors_inside_the_gamut_are_unchanged():
    images = np.random.default_rng(0).integers(30, 226, (40, 40, 3), np.uint8)
    lab = images_to_lab(images)
    np.testing.assert_array_equal(lab_to_linear_in_gamut(lab), lab_to_linear(lab))


@pytest.mark.parametrize("lightness", [0, 100])
def test_black_and_white_have_no_color(lightness):
    linear = lab_to_linear_in_gamut(np.float32([[[lightness, 40, -60]]]))
    np.testing.assert_allclose(linear, lightness / 100, atol=2e-3)
