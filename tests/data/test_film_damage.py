import functools

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from colorize_tf.color.lab_tf import images_to_rgb, rgb_to_lab
from colorize_tf.data import film_damage
from colorize_tf.data.synthetic.landscapes import render_landscape

SEEDS = st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**40))
GRAY = tf.zeros((64, 64, 1))


def seed(*numbers):
    return tf.constant(numbers, tf.int64)


@pytest.fixture(scope="module")
def lightness():
    """A landscape's, 48 pixels high and 64 wide."""
    lab = rgb_to_lab(images_to_rgb(render_landscape(3, 48, 64)))
    return lab[..., :1] / 50 - 1


@given(SEEDS)
@settings(deadline=None, max_examples=15)
def test_an_old_print_stays_in_range_and_follows_its_seed(numbers):
    noise = np.random.default_rng(0).uniform(-1, 1, (24, 40, 1)).astype(np.float32)
    first, again = (film_damage.old_print(tf.constant(noise), seed(*numbers)) for _ in range(2))
    assert first.shape == (24, 40, 1)
    assert -1 <= np.min(first) and np.max(first) <= 1
    assert np.array_equal(first, again) and not np.array_equal(first, noise)


def test_an_old_print_is_the_same_in_a_graph(lightness):
    graph = tf.function(film_damage.old_print)
    for position in range(3):
        eager = film_damage.old_print(lightness, seed(0, position))
        np.testing.assert_allclose(graph(lightness, seed(0, position)), eager, atol=1e-4)


def test_each_seed_gives_different_damage(lightness):
    prints = [film_damage.old_print(lightness, seed(0, position)).numpy() for position in range(6)]
    assert len({each.tobytes() for each in prints}) == 6


@pytest.mark.parametrize(
    "change",
    [
        lambda picture: film_damage.blur(picture, 0.0),
        lambda picture: film_damage.darken_corners(picture, 0.0),
        lambda picture: film_damage.add_grain(picture, 0.0, 0.5, seed(0, 0)),
        lambda picture: film_damage.fade(picture, 0.0, 0.0),
        lambda picture: film_damage.scratch(picture, 0.0, seed(0, 0)),
        lambda picture: film_damage.sprinkle_dust(picture, 0.0, seed(0, 0)),
    ],
)
def test_zero_strength_changes_nothing(lightness, change):
    np.testing.assert_allclose(change(lightness), lightness, atol=1e-6)


def test_blur_is_scipys_gaussian(lightness):
    expected = ndimage.gaussian_filter(lightness[..., 0], 1.3, radius=4)
    np.testing.assert_allclose(film_damage.blur(lightness, 1.3)[..., 0], expected, atol=1e-5)


def test_corners_lose_their_share_of_light_and_the_center_none():
    darkened = film_damage.darken_corners(tf.ones((65, 65, 1)), 0.4).numpy()[..., 0]
    assert darkened[32, 32] == pytest.approx(1.0)
    assert darkened[0, 0] == pytest.approx(0.2, abs=0.03)
    np.testing.assert_allclose(darkened, darkened.T, atol=1e-6)


def test_grain_has_its_strength_and_is_like_its_neighbors():
    grain = film_damage.add_grain(GRAY, 0.1, 0.8, seed(0, 0)).numpy()[..., 0]
    assert grain.std() == pytest.approx(0.1, rel=0.05)
    assert np.corrcoef(grain[:, 1:].ravel(), grain[:, :-1].ravel())[0, 1] > 0.4


def test_grain_is_strongest_in_the_middle_tones():
    dark = film_damage.add_grain(GRAY - 0.8, 0.02, 0.8, seed(0, 0)).numpy()
    assert dark.std() == pytest.approx(0.02 * (1 - 0.5 * 0.8**2), rel=0.05)


def test_fading_lifts_black_and_lowers_white():
    faded = film_damage.fade(tf.constant([-1.0, 0.0, 1.0]), 0.4, 0.2)
    np.testing.assert_allclose(faded, [-0.6, 0.1, 0.8], atol=1e-6)


def marks(draw):
    """Where ten pictures of gray were marked, lighter or darker."""
    drawn = np.stack([draw(GRAY, 1.0, seed(0, position)).numpy()[..., 0] for position in range(10)])
    return drawn > 0.05, drawn < -0.05


@pytest.mark.parametrize("draw", [film_damage.scratch, film_damage.sprinkle_dust])
def test_marks_are_few_pixels_light_and_dark_and_more_often_light(draw):
    light, dark = marks(draw)
    assert 0.1 > light.mean() > dark.mean() > 0.001


def test_scratches_are_long_and_mostly_upright():
    drawn = np.logical_or(*marks(film_damage.scratch))
    touched_rows, touched_columns = drawn.any(axis=2).mean(), drawn.any(axis=1).mean()
    assert touched_rows > 0.8 and touched_columns < 0.6 * touched_rows


def test_half_the_amount_makes_about_half_the_marks():
    whole = np.logical_or(*marks(film_damage.sprinkle_dust)).mean()
    half = np.logical_or(
        *marks(lambda picture, _, key: film_damage.sprinkle_dust(picture, 0.5, key))
    )
    assert half.mean() == pytest.approx(whole / 2, rel=0.3)


def test_damage_changes_its_share_of_pictures_only():
    batch = tf.zeros((100, 16, 16, 1))
    seeds = tf.stack([tf.zeros(100, tf.int64), tf.range(100, dtype=tf.int64)], axis=1)
    for share, fewest, most in ((0.0, 0, 0), (0.3, 18, 42), (1.0, 100, 100)):
        damage = tf.function(functools.partial(film_damage.damage_film, share=share))
        damaged = damage(batch, seeds=seeds)
        assert fewest <= np.any(damaged != 0, axis=(1, 2, 3)).sum() <= most


def test_damage_depends_on_a_pictures_own_seed_alone(lightness):
    batch = tf.stack([lightness] * 4)
    seeds = tf.constant([[0, position] for position in range(4)], tf.int64)
    together = film_damage.damage_film(batch, share=0.7, seeds=seeds)
    alone = [
        film_damage.damage_film(batch[i : i + 1], share=0.7, seeds=seeds[i : i + 1])
        for i in range(4)
    ]
    assert np.array_equal(together, tf.concat(alone, axis=0))
