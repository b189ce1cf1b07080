import numpy as np
import pytest
import skimage.color

from colorize_tf.color import lab_tf
from colorize_tf.color.lab import (
    encode_images,
    images_to_l_star,
    images_to_lab,
    lab_to_linear,
    linear_to_images,
)

DTYPES = [np.uint8, np.uint16]


def images_grid(dtype=np.uint8):
    """Colors of the whole RGB cube, black and white included, as one image."""
    levels = np.linspace(0, 1, 36)
    rgb = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(-1, 36, 3)
    return np.rint(rgb * np.iinfo(dtype).max).astype(dtype)


def expected_lab(images):
    return lab_tf.rgb_to_lab(images / np.iinfo(images.dtype).max).numpy()


@pytest.mark.parametrize("dtype", DTYPES)
def test_lab_agrees_with_tensorflow(dtype):
    lab = images_to_lab(images_grid(dtype))
    assert lab.dtype == np.float32
    np.testing.assert_allclose(lab, expected_lab(images_grid(dtype)), rtol=0, atol=1e-3)


def test_lab_agrees_with_scikit_image():
    expected = skimage.color.rgb2lab(images_grid())
    np.testing.assert_allclose(images_to_lab(images_grid()), expected, rtol=0, atol=1e-3)


def test_encoded_images_are_those_of_tensorflow():
    images = np.stack([images_grid(), images_grid()[::-1]])
    encoded = encode_images(images)
    for part, expected in zip(encoded, lab_tf.encode(lab_tf.images_to_rgb(images)), strict=True):
        assert part.dtype == np.float32 and part.shape == expected.shape
        np.testing.assert_allclose(part, expected, rtol=0, atol=1e-3 / 110)


def test_levels_are_applied_to_each_image_of_a_batch():
    images = np.stack([images_grid(), images_grid()])
    rgb = np.float32([np.linspace(0, 1, 256), np.linspace(1, 0, 256) ** 2])
    encoded = encode_images(images, lab_tf.rgb_to_linear(rgb).numpy())
    exposed = np.stack([rgb[0][images[0]], rgb[1][images[1]]])
    for part, expected in zip(encoded, lab_tf.encode(exposed), strict=True):
        np.testing.assert_allclose(part, expected, rtol=0, atol=1e-3 / 110)


@pytest.mark.parametrize("dtype", DTYPES)
def test_l_star_agrees_with_tensorflow(dtype):
    l_star = images_to_l_star(images_grid(dtype))
    assert l_star.dtype == np.float32
    expected = expected_lab(images_grid(dtype))[..., 0]
    np.testing.assert_allclose(l_star, expected, rtol=0, atol=1e-3)


def test_linear_light_agrees_with_tensorflow_out_of_gamut_too():
    lightness, chroma = np.linspace(0, 100, 21), np.linspace(-60, 60, 13)
    lab = np.stack(np.meshgrid(lightness, chroma, chroma), -1).reshape(-1, 13, 3)
    lab = lab[lab[:, 0, 0] >= 20].astype(
        "float32"
    )  # Darker, lab_tf.py keeps Z from being negative.
    linear = lab_to_linear(lab)
    assert linear.min() < -0.01 and linear.max() > 1.01
    expected = lab_tf.lab_to_rgb(lab)
    np.testing.assert_allclose(lab_tf.linear_to_rgb(linear), expected, rtol=0, atol=2e-4)


@pytest.mark.parametrize("dtype", DTYPES)
def test_images_come_back_from_the_lab_of_tensorflow(dtype):
    images = images_grid(dtype)
    back = linear_to_images(lab_to_linear(expected_lab(images)), dtype)
    assert back.dtype == dtype
    # Through float32 and a rounded white, 16 bits are kept to a tenth of a level of 8.
    off = np.abs(back.astype(int) - images).max()
    assert off <= (0 if dtype == np.uint8 else 25)


@pytest.mark.parametrize(("dtype", "levels_off"), [(np.uint8, 0), (np.uint16, 1)])
def test_every_gray_comes_back(dtype, levels_off):
    levels = np.arange(np.iinfo(dtype).max + 1, dtype=dtype).reshape(16, -1, 1)
    images = levels.repeat(3, axis=-1)
    lab = images_to_l_star(images)[..., np.newaxis] * np.float32([1, 0, 0])
    back = linear_to_images(lab_to_linear(lab), dtype)
    assert np.ptp(back, axis=-1).max() == 0
    assert np.abs(back.astype(int) - images).max() <= levels_off


def test_linear_light_outside_the_range_is_clipped():
    linear = np.float32([[[-0.5, 0.0, 1.0]], [[1.5, 1e-9, 7.0]]])
    assert linear_to_images(linear, np.uint8).tolist() == [[[0, 0, 255]], [[255, 0, 255]]]
