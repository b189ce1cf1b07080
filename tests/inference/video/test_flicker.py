import numpy as np
import pytest

from colorize_tf.color.lab import images_to_lab
from colorize_tf.inference.rendering import join
from colorize_tf.inference.video.flicker import flicker


def colored(ab, level=145):
    """A frame of 64 x 48 pixels of one color, and of the lightness of one gray."""
    gray = np.full((48, 64, 3), level, np.uint8)
    return join(gray, np.full((48, 64, 2), ab, np.float32) / 110)


GRAY = colored((0, 0))


def test_constant_colors_have_no_flicker():
    assert flicker([GRAY] * 4, [colored((20, 10))] * 4) == 0


def test_flicker_is_a_distance_in_lab_units():
    frames = [colored((20, 10)), colored((23, 14))] * 2
    distance = np.linalg.norm(np.diff([images_to_lab(one)[0, 0, 1:] for one in frames[:2]], axis=0))
    assert flicker([GRAY] * 4, frames) == pytest.approx(distance, rel=1e-3)
    assert distance == pytest.approx(5, abs=0.7)


def test_moving_pixels_are_ignored():
    source = [GRAY.copy(), GRAY.copy()]
    source[1][:, :24] = 220
    painted = [colored((0, 0)), colored((0, 0))]
    painted[1][:, :16] = colored((40, 40))[:, :16]
    assert flicker(source, painted) == 0


def test_cuts_are_ignored():
    source = [GRAY, GRAY, np.zeros_like(GRAY), np.zeros_like(GRAY)]
    source[2][:, ::2] = source[3][:, ::2] = np.arange(48, dtype=np.uint8)[:, None, None] * 5
    painted = [colored((20, 10))] * 2 + [colored((-20, 10))] * 2
    assert flicker(source, painted) == 0


def test_a_change_of_exposure_is_still():
    source = [colored((0, 0)), colored((0, 0), 160)]
    assert flicker(source, [colored((20, 10)), colored((24, 13))]) > 3


def test_films_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="shorter|longer"):
        flicker([GRAY] * 2, [GRAY] * 3)


def test_a_film_without_still_pixels_is_refused():
    random = np.random.default_rng(0)
    films = [random.integers(0, 256, (16, 16, 1), np.uint8).repeat(3, -1) for _ in range(3)]
    with pytest.raises(ValueError, match="no part of this film is still"):
        flicker(films, films)
