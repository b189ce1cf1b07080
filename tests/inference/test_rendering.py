import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colorize_tf.color.lab import images_to_l_star, images_to_lab
from colorize_tf.inference import rendering
from colorize_tf.inference.rendering import fit_square, join, lightness_of, resize

SIDES = st.integers(1, 40)


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def muted(height, width, seed=0):
    """A picture of middle grays, around which every small chroma lies inside the gamut."""
    levels = np.random.default_rng(seed).integers(70, 190, (height, width, 1), dtype=np.uint8)
    return np.repeat(levels, 3, axis=-1)


@pytest.mark.parametrize(
    ("height", "width", "inner"),
    [
        (20, 40, (16, 32)),
        (40, 20, (32, 16)),
        (32, 32, (32, 32)),
        (200, 200, (32, 32)),
        (3, 2, (32, 21)),
        (1, 1, (32, 32)),
        (1, 40, (1, 32)),
        (40, 1, (32, 1)),
        (2, 3000, (1, 32)),
    ],
)
def test_the_window_is_centered_and_has_the_aspect_ratio_of_the_photograph(height, width, inner):
    square, window = fit_square(picture(height, width), 32)
    assert square.shape == (32, 32, 3) and square.dtype == np.uint8
    for part, length in zip(window, inner, strict=True):
        assert part == slice((32 - length) // 2, (32 - length) // 2 + length)


def test_a_photograph_of_the_network_size_is_unchanged():
    square, window = fit_square(picture(32, 32), 32)
    np.testing.assert_array_equal(square, picture(32, 32))
    np.testing.assert_array_equal(square[window], picture(32, 32))


def test_reflections_pad_the_photograph():
    images = picture(16, 32)
    square, window = fit_square(images, 32)
    np.testing.assert_array_equal(square[window], images)
    top = window[0].start
    np.testing.assert_array_equal(square[:top], images[top:0:-1])


def test_shrinking_averages():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::4] = 200
    np.testing.assert_array_equal(fit_square(stripes, 16)[0], 50)


@settings(max_examples=60, deadline=None, database=None, derandomize=True)
@given(height=SIDES, width=SIDES, size=st.integers(1, 24))
def test_photographs_of_any_size_fit_squares_of_any_size(height, width, size):
    square, window = fit_square(picture(height, width), size)
    assert square.shape == (size, size, 3)
    assert max(square[window].shape[:2]) == size and min(square[window].shape[:2]) >= 1
    assert all(0 <= part.start < part.stop <= size for part in window)


@settings(max_examples=60, deadline=None, database=None, derandomize=True)
@given(height=SIDES, width=SIDES, h=SIDES, w=SIDES)
def test_join_keeps_size_and_lightness_for_any_size_of_ab(height, width, h, w):
    images = muted(height, width)
    ab = np.random.default_rng(1).uniform(-0.1, 0.1, (h, w, 2)).astype("float32")
    joined = join(images, ab)
    assert joined.shape == images.shape and joined.dtype == np.uint8
    lightness = images_to_lab(images)[..., 0]
    np.testing.assert_allclose(images_to_lab(joined)[..., 0], lightness, rtol=0, atol=0.5)


def test_join_gives_the_chroma_of_ab():
    joined = join(muted(12, 20), np.full((3, 5, 2), (0.1, -0.2), "float32"))
    lab = images_to_lab(joined)[..., 1:]
    np.testing.assert_allclose(lab, np.broadcast_to((11, -22), lab.shape), atol=1.0)


def test_join_with_the_photographs_own_chroma_is_the_identity():
    images = picture(12, 20)
    joined = join(images, images_to_lab(images)[..., 1:] / 110).astype(int)
    # Colors on the rim of the gamut: OpenCV's Lab is a little off, to both sides.
    assert np.abs(joined - images).max() <= 1


def test_gray_stays_gray_without_chroma():
    grays = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=-1)
    np.testing.assert_array_equal(join(grays, np.zeros((4, 4, 2), "float32")), grays)


DTYPES = [np.uint8, np.uint16]


def levels(height, width, dtype, seed=0):
    """A picture of all levels, black and white included, gray where `seed` is even."""
    channels = 1 if seed % 2 == 0 else 3
    random = np.random.default_rng(seed)
    images = random.integers(
        0, np.iinfo(dtype).max, (height, width, channels), dtype, endpoint=True
    )
    return np.broadcast_to(images, (height, width, 3)).copy()


@settings(max_examples=60, deadline=None, database=None, derandomize=True)
@given(
    height=SIDES,
    width=SIDES,
    seed=st.integers(0, 9),
    dtype=st.sampled_from(DTYPES),
    vividness=st.floats(0, 1),
)
def test_join_keeps_lightness_for_any_chroma(height, width, seed, dtype, vividness):
    images = levels(height, width, dtype, seed)
    ab = np.random.default_rng(seed).uniform(-vividness, vividness, (3, 4, 2)).astype("float32")
    joined = join(images, ab, intensity=2)
    assert joined.shape == images.shape and joined.dtype == dtype
    before, after = (images_to_l_star(one) for one in (images, joined))
    np.testing.assert_allclose(after, before, rtol=0, atol=0.5)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("seed", [0, 1])
def test_the_mean_error_of_lightness_is_below_a_tenth(dtype, seed):
    images = levels(200, 300, dtype, seed)
    ab = np.random.default_rng(seed).normal(0, 0.3, (20, 30, 2)).astype("float32")
    before, after = (images_to_l_star(one) for one in (images, join(images, ab)))
    assert np.abs(after - before).max() <= 0.5
    assert np.abs(after - before).mean() <= 0.1


def test_colors_outside_the_gamut_keep_their_hue():
    joined = join(np.full((8, 8, 3), 119, np.uint8), np.full((8, 8, 2), (0.1, -0.9), "float32"))
    a, b = np.moveaxis(images_to_lab(joined)[..., 1:], -1, 0)
    np.testing.assert_allclose(np.degrees(np.arctan2(b, a)), np.degrees(np.arctan2(-9, 1)), atol=1)
    assert (np.hypot(a, b) > 45).all()


def test_intensity_multiplies_chroma():
    images, ab = muted(12, 20), np.full((3, 5, 2), (0.05, -0.04), "float32")
    for intensity in (0.5, 1, 2):
        lab = images_to_lab(join(images, ab, intensity=intensity))[..., 1:]
        expected = np.broadcast_to(np.multiply((5.5, -4.4), intensity), lab.shape)
        np.testing.assert_allclose(lab, expected, atol=1.0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_zero_intensity_gives_gray(dtype):
    joined = join(levels(30, 20, dtype, 1), np.full((3, 5, 2), 0.5, "float32"), intensity=0)
    assert np.ptp(joined, axis=-1).max() == 0


def test_join_agrees_for_eight_and_sixteen_bits():
    images, ab = muted(60, 90), np.full((6, 9, 2), (0.1, -0.1), "float32")
    joined = join(images.astype(np.uint16) * 257, ab)
    np.testing.assert_allclose(joined / 257, join(images, ab), atol=0.51)
    assert (joined % 257 != 0).mean() > 0.9


def test_bands_leave_no_seams(monkeypatch):
    images, ab = levels(40, 30, np.uint8, 1), picture(4, 3)[..., :2] / np.float32(500)
    whole = join(images, ab)
    monkeypatch.setattr(rendering, "_BAND_PIXELS", 90)
    np.testing.assert_array_equal(join(images, ab), whole)


def test_color_turns_gray_without_chroma():
    joined = join(picture(16, 16), np.zeros((16, 16, 2), "float32"))
    assert np.ptp(joined.astype(int), axis=-1).max() <= 1


def test_join_does_not_modify_its_inputs():
    images, ab = picture(8, 8), np.full((8, 8, 2), 0.1, "float32")
    join(images, ab)
    np.testing.assert_array_equal(images, picture(8, 8))
    np.testing.assert_array_equal(ab, np.float32(0.1))


def test_lightness_of_is_scaled_l_star():
    lightness = lightness_of(picture(8, 12))
    assert lightness.shape == (8, 12, 1) and lightness.dtype == np.float32
    expected = images_to_lab(picture(8, 12))[..., :1] / 50 - 1
    np.testing.assert_allclose(lightness, expected, atol=1e-4)
    assert lightness_of(np.full((1, 1, 3), 255, np.uint8)) == pytest.approx(1, abs=1e-4)
    assert lightness_of(np.zeros((1, 1, 3), np.uint8)) == pytest.approx(-1, abs=1e-4)


@pytest.mark.parametrize("threads", [1, 3])
def test_the_number_of_threads_does_not_change_the_result(monkeypatch, threads):
    made = []
    pool = rendering.ThreadPoolExecutor
    monkeypatch.setattr(rendering, "_BAND_PIXELS", 64)
    images, ab = picture(40, 30), np.full((10, 8, 2), 0.1, np.float32)
    expected = join(images, ab)
    monkeypatch.setattr(
        rendering, "ThreadPoolExecutor", lambda count: made.append(count) or pool(count)
    )
    np.testing.assert_array_equal(join(images, ab, threads=threads), expected)
    assert made == [threads]


@pytest.mark.parametrize("shape", [(600, 800), (601, 809), (512, 900), (990, 1001)])
def test_downscaling_approximates_area_means(shape):
    # As smooth as photographs are that are so much larger than what the network sees.
    images = cv2.GaussianBlur(picture(*shape), (0, 0), 4)
    expected = cv2.resize(images, (40, 30), interpolation=cv2.INTER_AREA)
    assert np.abs(resize(images, 30, 40).astype(int) - expected).max() <= 1


def test_resize_rounds_when_enlarging():
    image = picture(16, 16)
    exact = cv2.resize(image.astype(np.float32), (32, 32), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(resize(image, 32, 32), np.floor(exact + 0.5))
