import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from colorize_tf import imagefiles
from colorize_tf.color.lab import images_to_lab
from colorize_tf.inference.upsampling import RowUpsampler, chroma_lines

WIDTH = 256  # What the chroma is shrunk to: a network's long side.


def upsampled(chroma, small_l_star, l_star):
    upsampler = RowUpsampler(np.dstack(chroma_lines(chroma, small_l_star)), *l_star.shape)
    return apply(upsampler.rows(0, len(l_star)), l_star)


def apply(lines, l_star):
    return np.stack([lines[0] * l_star + lines[2], lines[1] * l_star + lines[3]], axis=-1)


def two_fields(height, width, edge):
    """L* of a dark and a light field that meet at column `edge`, and their chroma."""
    l_star = np.full((height, width), 30, np.float32)
    l_star[:, edge:] = 80
    chroma = np.where(l_star[..., np.newaxis] > 50, np.float32([-5, -30]), np.float32([5, 40]))
    return l_star, chroma


def shrunk(array, width):
    height = round(array.shape[0] * width / array.shape[1])
    return cv2.resize(array, (width, height), interpolation=cv2.INTER_AREA)


def test_chroma_follows_edges_of_lightness():
    l_star, chroma = two_fields(160, 320, edge=167)  # Not between two pixels of the small picture.
    small = shrunk(chroma, 20)
    guided = upsampled(small, shrunk(l_star, 20), l_star)
    bilinear = cv2.resize(small, (320, 160), interpolation=cv2.INTER_LINEAR)
    assert np.abs(guided - chroma).mean() < 0.3 * np.abs(bilinear - chroma).mean()


def test_constant_chroma_stays_constant():
    l_star = np.random.default_rng(0).uniform(0, 100, (90, 130)).astype(np.float32)
    chroma = np.full((9, 13, 2), (12, -34), np.float32)
    guided = upsampled(chroma, shrunk(l_star, 13), l_star)
    np.testing.assert_allclose(guided, np.broadcast_to((12, -34), guided.shape), atol=1e-3)


def test_constant_lightness_gives_bilinear_interpolation():
    chroma = np.random.default_rng(0).normal(0, 20, (6, 8, 2)).astype(np.float32)
    flat = np.full((60, 80), 50, np.float32)
    guided = upsampled(chroma, flat[:6, :8], flat)
    expected = cv2.resize(chroma, (80, 60), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(guided, expected, atol=0.01)


def test_chroma_of_full_size_is_unchanged():
    chroma = np.random.default_rng(0).normal(0, 20, (7, 9, 2)).astype(np.float32)
    np.testing.assert_array_equal(upsampled(chroma, None, np.zeros((7, 9), np.float32)), chroma)


def test_bands_equal_the_whole():
    random = np.random.default_rng(0)
    l_star = random.uniform(0, 100, (50, 30)).astype(np.float32)
    chroma = random.normal(0, 20, (10, 6, 2)).astype(np.float32)
    upsampler = RowUpsampler(np.dstack(chroma_lines(chroma, shrunk(l_star, 6))), 50, 30)
    whole = apply(upsampler.rows(0, 50), l_star)
    bands = [
        apply(upsampler.rows(top, len(l_star[top : top + 7])), l_star[top : top + 7])
        for top in range(0, 50, 7)
    ]
    np.testing.assert_allclose(np.concatenate(bands), whole, atol=1e-4)


def edge_band(l_star, width):
    """Where strong edges of L* are no further than `width` pixels."""
    smooth = cv2.GaussianBlur(l_star, (0, 0), l_star.shape[1] / 1500)
    slope = cv2.magnitude(*(cv2.Sobel(smooth, cv2.CV_32F, x, 1 - x) for x in (0, 1)))
    edges = (slope > np.percentile(slope, 97)).astype(np.uint8)
    return cv2.dilate(edges, np.ones((width | 1, width | 1), np.uint8)) > 0


def edge_errors(images):
    """Mean chroma error near strong edges of bilinear and of guided upsampling, in Lab units.

    The chroma is the photograph's own, shrunk: the prediction of a perfect network.
    """
    lab = images_to_lab(images)
    l_star, chroma = np.ascontiguousarray(lab[..., 0]), np.ascontiguousarray(lab[..., 1:])
    small = shrunk(chroma, WIDTH)
    bilinear = cv2.resize(small, l_star.shape[::-1], interpolation=cv2.INTER_LINEAR)
    guided = upsampled(small, shrunk(l_star, WIDTH), l_star)
    band = edge_band(l_star, l_star.shape[1] // WIDTH)
    return [float(np.linalg.norm(one - chroma, axis=-1)[band].mean()) for one in (bilinear, guided)]


def test_guided_chroma_is_better_than_bilinear_at_edges_of_photographs():
    paths = sorted(Path(os.environ.get("COLORIZE_TF_DATA", "none"), "highres").glob("*.jpg"))
    if not paths:
        pytest.skip("COLORIZE_TF_DATA names no folder with highres")
    for path in paths:
        bilinear, guided = edge_errors(shrunk(imagefiles.read_image(path), 1920))
        print(
            f"{path.name}: chroma error around edges {bilinear:.2f} bilinear, {guided:.2f} guided"
        )
        assert guided < 0.9 * bilinear
