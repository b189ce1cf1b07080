import numpy as np
import pytest

from colorize_tf.evaluation.features import Features
from colorize_tf.evaluation.sets import SetDistances

# Mean and spread of each channel in the four corners: enough to tell gray pictures from others.
CORNERS = Features(
    "corners",
    lambda images: (
        (images.reshape(len(images), 2, -1, 2, 24, 3) / 255).mean((2, 4)).reshape(len(images), -1)
    ),
)


@pytest.fixture(scope="module")
def distances(measured):
    sets = SetDistances(CORNERS)
    for one in measured:
        sets.add(one)
    return sets.by_name()


def test_the_true_colors_are_nearest(distances):
    for measure in ("sliced_wasserstein", "kid_times_1000", "fid"):
        assert distances["truth"][measure] < 0.2 * distances["gray"][measure], measure
    assert distances["truth"]["sliced_wasserstein"] < 0.1


def test_without_features_there_is_one_distance(measured):
    sets = SetDistances()
    sets.add(measured[0])
    assert set(sets.by_name()["gray"]) == {"sliced_wasserstein"}


def test_pictures_are_not_kept(measured):
    sets = SetDistances(CORNERS)
    sets.add(measured[0])
    kept = sum(array.nbytes for array in (*sets.samples, *sets.described))
    assert kept < measured[0].images.nbytes // 2
    np.testing.assert_array_equal(sets.described[0], CORNERS.describe(measured[0].images))
