import functools

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from colorize_tf.color import images_to_rgb, rgb_to_lab
from colorize_tf.data import augmentation
from colorize_tf.data.synthetic import render_landscape

SEEDS = st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**40))
GREY = tf.zeros((64, 64, 1))


def seed(*numbers):
    return tf.constant(numbers, tf.int64)


@pytest.fixture(scope="module")
def lightness():
    """A landscape's, 48 pixels high and 64 wide."""
    lab = rgb_to_lab(images_to_rgb(render_landscape(3, 48, 64)))
    return lab[..., :1] / 50 - 1


def views(count, **options):
    """How many columns of a picture 108 high and 150 wide are seen, from a ramp along it."""
    ramp = np.repeat(np.arange(150, dtype=np.uint8)[np.newaxis, :, np.newaxis], 108, axis=0)
    ramp = tf.constant(np.repeat(ramp, 3, axis=-1))
    views = [
        augmentation.random_view(ramp, size=64, margin=9 / 8, seed=seed(0, place), **options)
        for place in range(count)
    ]
    assert all(view.shape == (64, 64, 3) and view.dtype == tf.uint8 for view in views)
    steps = np.array([float(view[0, -9, 0]) - float(view[0, 8, 0]) for view in views]) / 47
    return steps * 64


def test_objects_appear_larger_and_smaller_as_far_as_the_picture_goes():
    # 96 columns at zoom 1, 64 at 1.5, and 108 is all there is.
    columns = views(60, scale_jitter=0.5)
    assert columns.min() == pytest.approx(66, abs=3) and columns.max() == pytest.approx(108, abs=2)
    assert np.median(columns) == pytest.approx(96, abs=8)


def test_little_jitter_stays_near_the_plain_view():
    assert np.ptp(views(30, scale_jitter=0.05)) == pytest.approx(9, abs=3)


def test_a_picture_that_is_too_small_for_the_zoom_is_never_enlarged():
    ramp = tf.repeat(tf.range(0, 64, dtype=tf.int32)[tf.newaxis, :, tf.newaxis], 64, axis=0)
    image = tf.cast(tf.repeat(ramp, 3, axis=-1), tf.uint8)
    options = {"size": 64, "margin": 9 / 8, "scale_jitter": 0.9}
    for place in range(5):
        view = augmentation.random_view(image, seed=seed(0, place), **options)
        assert np.array_equal(view, image)


@given(SEEDS, st.floats(-0.5, 0.5))
@settings(deadline=None, max_examples=20)
def test_exposure_keeps_the_hue(numbers, stops):
    """By CIE's formula, `a`, `b` and L + 16 grow by the cube root of the gain."""
    rgb = tf.random.stateless_uniform((8, 3), seed(*numbers), 0.25, 0.75)
    lab, exposed = rgb_to_lab(rgb), rgb_to_lab(augmentation.expose(rgb, stops))
    grown = (lab + [16.0, 0, 0]) * 2 ** (stops / 3) - [16.0, 0, 0]
    np.testing.assert_allclose(exposed, grown, atol=0.02)


@given(SEEDS, st.floats(-4, 4), st.floats(0, 2))
@settings(deadline=None, max_examples=20)
def test_tones_stay_in_range_and_in_order(numbers, stops, factor):
    rgb = tf.sort(tf.random.stateless_uniform((50,), seed(*numbers)))
    for changed in (augmentation.expose(rgb, stops), augmentation.change_contrast(rgb, factor)):
        assert 0 <= np.min(changed) and np.max(changed) <= 1
        assert (np.diff(changed) >= 0).all()


def test_no_stops_and_a_factor_of_one_change_nothing():
    rgb = tf.linspace(0.0, 1.0, 101)
    np.testing.assert_allclose(augmentation.expose(rgb, 0.0), rgb, atol=1e-6)
    np.testing.assert_allclose(augmentation.change_contrast(rgb, 1.0), rgb, atol=1e-6)


def test_contrast_turns_about_mid_grey():
    changed = augmentation.change_contrast(tf.constant([0.1, 0.4, 0.5, 0.7]), 1.5)
    np.testing.assert_allclose(changed, [0.0, 0.35, 0.5, 0.8], atol=1e-6)


def test_no_tone_jitter_is_exactly_the_picture():
    images = render_landscape(0, 32, 32)
    rgb = augmentation.random_tones(images, exposure_jitter=0, contrast_jitter=0, seed=seed(0, 0))
    assert np.array_equal(rgb, images_to_rgb(images))


@pytest.mark.parametrize(
    ("jitter", "level", "lowest", "highest"),
    [
        # Half and twice the light of sRGB 0.5, by IEC 61966-2-1.
        ({"exposure_jitter": 1.0, "contrast_jitter": 0.0}, 128, 0.363, 0.690),
        ({"exposure_jitter": 0.0, "contrast_jitter": 0.4}, 255, 0.8, 1.0),
    ],
)
def test_tones_are_drawn_from_the_whole_range(jitter, level, lowest, highest):
    tones = [
        float(augmentation.random_tones(np.uint8([level]), seed=seed(0, place), **jitter)[0])
        for place in range(80)
    ]
    assert min(tones) == pytest.approx(lowest, abs=0.02) and min(tones) >= lowest - 2e-3
    assert max(tones) == pytest.approx(highest, abs=0.02) and max(tones) <= highest + 2e-3


@given(SEEDS)
@settings(deadline=None, max_examples=15)
def test_an_old_print_stays_in_range_and_follows_its_seed(numbers):
    noise = np.random.default_rng(0).uniform(-1, 1, (24, 40, 1)).astype(np.float32)
    first, again = (augmentation.old_print(tf.constant(noise), seed(*numbers)) for _ in range(2))
    assert first.shape == (24, 40, 1)
    assert -1 <= np.min(first) and np.max(first) <= 1
    assert np.array_equal(first, again) and not np.array_equal(first, noise)


def test_an_old_print_is_the_same_in_a_graph(lightness):
    graph = tf.function(augmentation.old_print)
    for place in range(3):
        eager = augmentation.old_print(lightness, seed(0, place))
        np.testing.assert_allclose(graph(lightness, seed(0, place)), eager, atol=1e-4)


def test_no_two_prints_age_alike(lightness):
    prints = [augmentation.old_print(lightness, seed(0, place)).numpy() for place in range(6)]
    assert len({each.tobytes() for each in prints}) == 6


@pytest.mark.parametrize(
    "change",
    [
        lambda picture: augmentation.blur(picture, 0.0),
        lambda picture: augmentation.darken_corners(picture, 0.0),
        lambda picture: augmentation.add_grain(picture, 0.0, 0.5, seed(0, 0)),
        lambda picture: augmentation.fade(picture, 0.0, 0.0),
        lambda picture: augmentation.scratch(picture, 0.0, seed(0, 0)),
        lambda picture: augmentation.sprinkle_dust(picture, 0.0, seed(0, 0)),
    ],
)
def test_none_of_a_fault_changes_nothing(lightness, change):
    np.testing.assert_allclose(change(lightness), lightness, atol=1e-6)


def test_blur_is_scipys_gaussian(lightness):
    expected = ndimage.gaussian_filter(lightness[..., 0], 1.3, radius=4)
    np.testing.assert_allclose(augmentation.blur(lightness, 1.3)[..., 0], expected, atol=1e-5)


def test_corners_lose_their_share_of_light_and_the_centre_none():
    darkened = augmentation.darken_corners(tf.ones((65, 65, 1)), 0.4).numpy()[..., 0]
    assert darkened[32, 32] == pytest.approx(1.0)
    assert darkened[0, 0] == pytest.approx(0.2, abs=0.03)
    np.testing.assert_allclose(darkened, darkened.T, atol=1e-6)


def test_grain_has_its_strength_and_is_like_its_neighbours():
    grain = augmentation.add_grain(GREY, 0.1, 0.8, seed(0, 0)).numpy()[..., 0]
    assert grain.std() == pytest.approx(0.1, rel=0.05)
    assert np.corrcoef(grain[:, 1:].ravel(), grain[:, :-1].ravel())[0, 1] > 0.4


def test_grain_is_strongest_in_the_middle_tones():
    dark = augmentation.add_grain(GREY - 0.8, 0.02, 0.8, seed(0, 0)).numpy()
    assert dark.std() == pytest.approx(0.02 * (1 - 0.5 * 0.8**2), rel=0.05)


def test_fading_lifts_black_and_lowers_white():
    faded = augmentation.fade(tf.constant([-1.0, 0.0, 1.0]), 0.4, 0.2)
    np.testing.assert_allclose(faded, [-0.6, 0.1, 0.8], atol=1e-6)


def marks(draw):
    """Where ten pictures of grey were marked, lighter or darker."""
    drawn = np.stack([draw(GREY, 1.0, seed(0, place)).numpy()[..., 0] for place in range(10)])
    return drawn > 0.05, drawn < -0.05


@pytest.mark.parametrize("draw", [augmentation.scratch, augmentation.sprinkle_dust])
def test_marks_are_few_pixels_light_and_dark_and_more_often_light(draw):
    light, dark = marks(draw)
    assert 0.1 > light.mean() > dark.mean() > 0.001


def test_scratches_are_long_and_mostly_upright():
    drawn = np.logical_or(*marks(augmentation.scratch))
    touched_rows, touched_columns = drawn.any(axis=2).mean(), drawn.any(axis=1).mean()
    assert touched_rows > 0.8 and touched_columns < 0.6 * touched_rows


def test_half_the_amount_makes_about_half_the_marks():
    whole = np.logical_or(*marks(augmentation.sprinkle_dust)).mean()
    half = np.logical_or(
        *marks(lambda picture, _, key: augmentation.sprinkle_dust(picture, 0.5, key))
    )
    assert half.mean() == pytest.approx(whole / 2, rel=0.3)


def test_damage_comes_to_its_share_of_pictures_and_leaves_the_others_alone():
    batch = tf.zeros((100, 16, 16, 1))
    seeds = tf.stack([tf.zeros(100, tf.int64), tf.range(100, dtype=tf.int64)], axis=1)
    for share, fewest, most in ((0.0, 0, 0), (0.3, 18, 42), (1.0, 100, 100)):
        damage = tf.function(functools.partial(augmentation.damage_film, share=share))
        damaged = damage(batch, seeds=seeds)
        assert fewest <= np.any(damaged != 0, axis=(1, 2, 3)).sum() <= most


def test_damage_depends_on_a_pictures_own_seed_alone(lightness):
    batch = tf.stack([lightness] * 4)
    seeds = tf.constant([[0, place] for place in range(4)], tf.int64)
    together = augmentation.damage_film(batch, share=0.7, seeds=seeds)
    alone = [
        augmentation.damage_film(batch[i : i + 1], share=0.7, seeds=seeds[i : i + 1])
        for i in range(4)
    ]
    assert np.array_equal(together, tf.concat(alone, axis=0))
