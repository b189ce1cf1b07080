import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from colorize_tf.color.lab_tf import images_to_rgb, rgb_to_lab, rgb_to_linear
from colorize_tf.data import augmentation

SEEDS = st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**40))


def seed(*numbers):
    return tf.constant(numbers, tf.int64)


def views(count, **options):
    """How many columns of a picture 108 high and 150 wide are seen, from a ramp along it."""
    ramp = np.repeat(np.arange(150, dtype=np.uint8)[np.newaxis, :, np.newaxis], 108, axis=0)
    ramp = tf.constant(np.repeat(ramp, 3, axis=-1))
    views = [
        augmentation.random_view(ramp, size=64, margin=9 / 8, seed=seed(0, position), **options)
        for position in range(count)
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
    for position in range(5):
        view = augmentation.random_view(image, seed=seed(0, position), **options)
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


def test_contrast_turns_about_mid_gray():
    changed = augmentation.change_contrast(tf.constant([0.1, 0.4, 0.5, 0.7]), 1.5)
    np.testing.assert_allclose(changed, [0.0, 0.35, 0.5, 0.8], atol=1e-6)


def test_no_tone_jitter_is_the_light_of_srgb():
    levels = augmentation.random_levels(exposure_jitter=0, contrast_jitter=0, seed=seed(0, 0))
    assert levels.shape == (256,) and levels.dtype == tf.float32
    assert np.array_equal(levels, rgb_to_linear(images_to_rgb(np.arange(256, dtype=np.uint8))))


@pytest.mark.parametrize(
    ("jitter", "level", "lowest", "highest"),
    [
        # Half and twice the light of sRGB 128, by IEC 61966-2-1.
        ({"exposure_jitter": 1.0, "contrast_jitter": 0.0}, 128, 0.108, 0.432),
        # sRGB 0.8 by the same.
        ({"exposure_jitter": 0.0, "contrast_jitter": 0.4}, 255, 0.604, 1.0),
    ],
)
def test_tones_are_drawn_from_the_whole_range(jitter, level, lowest, highest):
    tones = [
        float(augmentation.random_levels(seed=seed(0, position), **jitter)[level])
        for position in range(80)
    ]
    assert min(tones) == pytest.approx(lowest, abs=0.03) and min(tones) >= lowest - 2e-3
    assert max(tones) == pytest.approx(highest, abs=0.03) and max(tones) <= highest + 2e-3
