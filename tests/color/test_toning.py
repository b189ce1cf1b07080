import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from colorize_tf import imagefiles
from colorize_tf.color.toning import describe_color, measure_toning
from colorize_tf.data.synthetic.landscapes import render_landscape


def gray(height=72, width=96):
    corners = np.random.default_rng(0).integers(0, 255, (4, 5), dtype=np.uint8)
    return cv2.resize(corners, (width, height))[..., np.newaxis].repeat(3, axis=-1)


def sepia():
    return np.rint(gray() * (0.95, 0.85, 0.65)).astype(np.uint8)


PICTURES = {"gray": gray(), "toned": sepia(), "color": render_landscape(0, 72, 96)}


@pytest.mark.parametrize("kind", PICTURES)
@pytest.mark.parametrize("turn", [0, 1])
def test_photographs_are_told_apart(kind, turn):
    assert describe_color(np.rot90(PICTURES[kind], turn)) == kind


@pytest.mark.parametrize("kind", PICTURES)
def test_sixteen_bits_are_judged_like_eight(kind):
    sixteen = measure_toning(PICTURES[kind].astype(np.uint16) * 257)
    eight = measure_toning(PICTURES[kind])
    assert sixteen.kind == kind
    assert sixteen.chroma == pytest.approx(eight.chroma, abs=0.5)


def test_a_cyanotype_is_toned():
    assert describe_color(sepia()[..., ::-1]) == "toned"


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (3, 7)])
def test_the_smallest_pictures_have_an_answer(shape):
    assert describe_color(np.full((*shape, 3), 90, np.uint8)) == "gray"
    assert describe_color(np.full((*shape, 3), (200, 90, 0), np.uint8)) == "toned"


def test_the_measures_are_in_lab_units():
    toning = measure_toning(np.full((64, 64, 3), (255, 0, 0), np.uint8))
    assert toning.chroma == pytest.approx(104.5, abs=1) and toning.residual < 0.1


def photographs(folder):
    found = sorted(Path(os.environ.get("COLORIZE_TF_DATA", "none"), folder).glob("*.jp*g"))
    if not found:
        pytest.skip(f"COLORIZE_TF_DATA names no folder with {folder}")
    return [imagefiles.read_image(path) for path in found]


def test_real_color_photographs_are_in_color():
    assert {describe_color(images) for images in photographs("highres")} == {"color"}


def test_real_old_scans_are_not():
    assert {describe_color(images) for images in photographs("historical")} == {"gray", "toned"}


def test_two_colors_of_a_palette_are_no_tone():
    red_and_yellow = np.where(gray() > 128, (250, 240, 0), (180, 0, 0)).astype(np.uint8)
    brown_and_cream = np.where(gray() > 128, (240, 225, 190), (60, 45, 25)).astype(np.uint8)
    assert describe_color(red_and_yellow) == "color"
    assert describe_color(np.full_like(red_and_yellow, (0, 128, 0))) == "color"
    assert describe_color(brown_and_cream) == "toned"
