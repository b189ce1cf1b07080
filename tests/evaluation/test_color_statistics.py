import numpy as np
import pytest
from skimage.color import rgb2lab

from colorize_tf.evaluation.color_statistics import ColorStatistics


@pytest.fixture(scope="module")
def statistics(measured):
    statistics = ColorStatistics()
    for measurement in measured:
        statistics.add(measurement)
    return statistics


@pytest.fixture(scope="module")
def lab(measured):
    return rgb2lab(np.stack([one.images[0] for one in measured]))


def test_error_by_lightness_is_the_mean_over_pixels(statistics, measured, lab):
    differences = np.stack([one.differences[0] for one in measured])
    expected = differences[(lab[..., 0] >= 40) & (lab[..., 0] < 50)].mean()
    assert statistics.error_by_lightness()["gray"][4] == pytest.approx(expected, rel=0.01)


def test_error_by_hue_is_the_mean_over_pixels_with_hue(statistics, measured, lab):
    differences = np.stack([one.differences[1] for one in measured])
    a, b = lab[..., 1], lab[..., 2]
    hue = np.degrees(np.arctan2(b, a)) % 360
    expected = differences[(hue >= 270) & (hue < 300) & (np.hypot(a, b) >= 5)].mean()
    assert statistics.error_by_hue()["cool"][9] == pytest.approx(expected, rel=0.05)


def test_empty_bins_are_nan(statistics, lab):
    empty = np.histogram(lab[..., 0], bins=10, range=(0, 100))[0] == 0
    assert list(np.isnan(statistics.error_by_lightness()["gray"])) == list(empty)


def test_chroma_by_lightness_covers_photographs_and_predictions(statistics, lab):
    chroma = statistics.chroma_by_lightness()
    bright = (lab[..., 0] >= 60) & (lab[..., 0] < 70)
    expected = np.hypot(lab[..., 1], lab[..., 2])[bright].mean()
    assert chroma[""][6] == pytest.approx(expected, rel=0.02)
    assert chroma["gray"][6] == pytest.approx(0, abs=0.5)
    assert chroma["cool"][6] == pytest.approx(22, abs=2)


def test_histograms_have_a_in_columns_and_b_in_rows(statistics):
    histograms = statistics.histograms()
    assert list(histograms) == ["", "gray", "cool", "truth"]
    assert all(one.sum() == pytest.approx(1) for one in histograms.values())
    middle = len(histograms[""]) // 2
    below = histograms["cool"][: middle - 2, middle - 2 : middle + 2].sum()
    assert below > 0.7
