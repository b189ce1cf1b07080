import numpy as np
import pytest
import scipy.linalg

from colorize_tf.color.lab_tf import encode, images_to_rgb
from colorize_tf.data.synthetic.landscapes import render_landscape
from colorize_tf.metrics.distributions import (
    color_samples,
    frechet_distance,
    kernel_distance,
    sliced_wasserstein,
)


@pytest.fixture(scope="module")
def rendered():
    """Lightness and ab of 24 rendered landscapes of 32 pixels."""
    images = np.stack([render_landscape(index, 32, 32) for index in range(24)])
    return [tensor.numpy() for tensor in encode(images_to_rgb(images))]


def colors_of_parts(lightness, ab):
    """A stand-in for a network's features: mean L, a and b of the 16 parts of each picture."""
    parts = np.concatenate([lightness, 4 * ab], axis=-1).reshape(-1, 4, 8, 4, 8, 3)
    return parts.mean(axis=(2, 4)).reshape(len(ab), -1)


def ramp(size=32):
    """One picture, lightness 0 at the left to 100 at the right, ab 0 at the top to 1 below."""
    x = np.linspace(-1, 1, size, dtype="float32")
    lightness = np.broadcast_to(x[:, None], (1, size, size, 1))
    ab = np.broadcast_to((x[:, None, None] + 1) / 2, (1, size, size, 2))
    return lightness, ab


def test_samples_are_in_lab_units():
    lightness = np.full((2, 16, 16, 1), 0.5, "float32")
    ab = np.full((2, 16, 16, 2), 0.1, "float32") * np.float32([1, -1])
    samples = color_samples(lightness, ab, per_picture=10)
    assert samples.shape == (20, 5) and samples.dtype == np.float32
    np.testing.assert_allclose(samples[:, :3], np.tile([75, 11, -11], (20, 1)), rtol=1e-6)
    np.testing.assert_array_equal(samples[:, 4], 0)


def test_height_is_0_at_the_bottom_and_50_at_the_top():
    samples = color_samples(*ramp(), per_picture=200)
    heights = 50 * (1 - samples[:, 1] / 110)
    np.testing.assert_allclose(samples[:, 3], heights, atol=1)
    assert samples[:, 3].min() < 10 and samples[:, 3].max() > 40


def test_contrast_is_the_deviation_of_lightness_among_25_pixels():
    steps = 100 / 31
    samples = color_samples(*ramp(), per_picture=50)
    np.testing.assert_allclose(samples[:, 4], steps * np.std(range(5)), rtol=1e-3)


def test_every_picture_is_sampled_at_the_same_places(rendered):
    samples = color_samples(*rendered)
    np.testing.assert_array_equal(samples, color_samples(*rendered))
    first, second = samples[:64], samples[64:128]
    np.testing.assert_array_equal(first[:, 3], second[:, 3])
    np.testing.assert_array_equal(first, color_samples(*(one[:1] for one in rendered)))


def test_places_are_spread_over_the_whole_picture():
    lightness, ab = ramp()
    samples = color_samples(lightness, ab, per_picture=64)
    cells = np.histogram2d(samples[:, 0], samples[:, 1], bins=4, range=[(0, 100), (0, 110)])[0]
    assert cells.min() >= 1


def test_sliced_wasserstein_of_a_shift_is_the_mean_projection_of_the_shift():
    samples = np.random.default_rng(0).normal(size=(500, 3)).astype("float32")
    shift = np.float32([0, 0, 2])
    # The mean of |cos| over the sphere is a half.
    distance = sliced_wasserstein(samples, samples + shift, directions=4000)
    assert distance == pytest.approx(1, rel=0.03)


def test_sliced_wasserstein_needs_no_equal_counts():
    random = np.random.default_rng(0)
    samples = random.normal(size=(3000, 2)).astype("float32")
    doubled = random.permutation(np.concatenate([samples, samples]))
    assert sliced_wasserstein(samples, doubled) == pytest.approx(0, abs=1e-6)
    far = sliced_wasserstein(samples, samples + np.float32([3, 0]))
    assert sliced_wasserstein(samples, doubled + np.float32([3, 0])) == pytest.approx(far, rel=1e-4)


def test_directions_follow_the_seed():
    random = np.random.default_rng(0)
    sets = [random.normal(size=(50, 5)), random.normal(1, 2, size=(50, 5))]
    distances = [sliced_wasserstein(*sets, directions=4, seed=seed) for seed in (0, 0, 1)]
    assert distances[0] == distances[1] != distances[2]


def test_sliced_wasserstein_orders_gray_muted_and_true_landscapes(rendered):
    lightness, ab = rendered
    truth = color_samples(lightness, ab)
    distances = [
        sliced_wasserstein(truth, color_samples(lightness, ab * chroma))
        for chroma in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    assert distances == sorted(distances, reverse=True)
    assert distances[0] > 1.5 * distances[2] and distances[-1] == 0


def test_sliced_wasserstein_sees_a_cast_and_colors_at_the_wrong_height(rendered):
    lightness, ab = rendered
    truth = color_samples(lightness, ab)
    cast = color_samples(lightness, ab + np.float32([0.05, -0.05]))
    upside_down = color_samples(lightness, ab[:, ::-1])
    assert sliced_wasserstein(truth, cast) > 1
    assert sliced_wasserstein(truth, upside_down) > 1


def test_kernel_distance_agrees_with_its_definition():
    random = np.random.default_rng(0)
    one, other = random.random((4, 3)), random.random((5, 3)) + 0.5

    def kernel(x, y):
        return (x @ y / 3 + 1) ** 3

    within = np.mean([kernel(x, y) for i, x in enumerate(one) for y in np.delete(one, i, 0)])
    beyond = np.mean([kernel(x, y) for i, x in enumerate(other) for y in np.delete(other, i, 0)])
    across = np.mean([kernel(x, y) for x in one for y in other])
    expected = within + beyond - 2 * across
    assert kernel_distance(one, other) == pytest.approx(expected, rel=1e-9)


def test_kernel_distance_of_one_source_is_around_zero():
    random = np.random.default_rng(0)
    distances = [
        kernel_distance(random.normal(size=(20, 8)), random.normal(size=(20, 8)))
        for _ in range(400)
    ]
    error = np.std(distances) / np.sqrt(len(distances))
    assert abs(np.mean(distances)) < 3 * error
    assert min(distances) < 0 < max(distances)
    moved = kernel_distance(random.normal(size=(20, 8)), random.normal(1, 1, size=(20, 8)))
    assert moved > 10 * np.std(distances)


def test_kernel_distance_orders_gray_muted_and_true_landscapes(rendered):
    lightness, ab = rendered
    truth = colors_of_parts(lightness, ab)
    gray, muted, same = (
        kernel_distance(truth, colors_of_parts(lightness, ab * chroma))
        for chroma in (0.0, 0.5, 1.0)
    )
    assert gray > muted > 0 > same


def test_kernel_distance_takes_two_pictures_a_side():
    with pytest.raises(ValueError, match="at least two images in each set, got 3 and 1"):
        kernel_distance(np.zeros((3, 4)), np.zeros((1, 4)))


def test_frechet_distance_agrees_with_its_definition():
    random = np.random.default_rng(0)
    one = random.normal(size=(50, 4)) @ random.normal(size=(4, 4))
    other = random.normal(1, 2, size=(60, 4)) @ random.normal(size=(4, 4))
    covariances = [np.cov(side, rowvar=False) for side in (one, other)]
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    expected = np.sum((one.mean(axis=0) - other.mean(axis=0)) ** 2)
    expected += np.trace(covariances[0] + covariances[1] - 2 * root)
    assert frechet_distance(one, other) == pytest.approx(expected, rel=1e-9)


def test_frechet_distance_takes_fewer_pictures_than_dimensions():
    random = np.random.default_rng(0)
    one, shift = random.normal(size=(10, 64)), np.full(64, 0.5)
    assert frechet_distance(one, one) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(one, one + shift) == pytest.approx(16)


def test_frechet_distance_shrinks_with_more_pictures_of_one_source():
    random = np.random.default_rng(0)
    few, many = (
        frechet_distance(random.normal(size=(count, 8)), random.normal(size=(count, 8)))
        for count in (20, 2000)
    )
    assert few > 10 * many > 0


def test_frechet_distance_takes_two_pictures_a_side():
    with pytest.raises(ValueError, match="at least two images in each set, got 1 and 3"):
        frechet_distance(np.zeros((1, 4)), np.zeros((3, 4)))
