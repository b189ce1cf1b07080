import numpy as np
import pytest

from colorize_tf.evaluation.intervals import means, paired_differences, summarize


@pytest.mark.parametrize(
    ("ratio", "numerator", "denominator", "left"),
    [
        ("colorfulness_ratio", "colorfulness", "true_colorfulness", {"colorfulness": 20.0}),
        ("mottling_ratio", "mottling", "true_mottling", {}),
        ("mottled_share", "mottled_windows", "even_windows", {}),
    ],
)
def test_ratios_are_of_means(ratio, numerator, denominator, left):
    figures = {numerator: np.array([10.0, 30.0]), denominator: np.array([0.0, 80.0])}
    assert means(figures) == {**left, ratio: 0.5}


def test_intervals_agree_with_the_normal_approximation(random_figures):
    figures = random_figures(15)
    interval = summarize(figures)["ab_rmse"]
    error = 1.96 * figures["ab_rmse"].std() / np.sqrt(40)
    assert interval.value == pytest.approx(figures["ab_rmse"].mean())
    assert interval.high - interval.low == pytest.approx(2 * error, rel=0.1)
    assert interval.low < interval.value < interval.high


def test_ratios_resample_numerator_and_denominator_together(random_figures):
    figures = random_figures(15)
    figures["true_colorfulness"] = 2 * figures["colorfulness"]
    interval = summarize(figures)["colorfulness_ratio"]
    assert interval == pytest.approx((0.5, 0.5, 0.5))
    assert summarize(figures)["colorfulness"].high > summarize(figures)["colorfulness"].low


def test_intervals_are_deterministic(random_figures):
    assert summarize(random_figures(15)) == summarize(random_figures(15))


def test_pictures_that_are_hard_for_both_do_not_widen_a_difference(random_figures):
    one = random_figures(15)
    other = {**one, "ab_rmse": one["ab_rmse"] - 0.5}
    difference = paired_differences(one, other)["ab_rmse"]
    assert difference == pytest.approx((0.5, 0.5, 0.5))


def test_differences_cover_measures_that_both_have(random_figures):
    one = {**random_figures(15), "size_shift": np.ones(40)}
    differences = paired_differences(one, random_figures(14, seed=1))
    assert set(differences) == {"ab_rmse", "colorfulness", "colorfulness_ratio"}
    assert differences["ab_rmse"].value == pytest.approx(1, abs=1)


def test_one_exact_prediction_has_an_infinite_psnr(random_figures):
    figures = {**random_figures(15), "psnr": np.append(np.full(39, 20.0), np.inf)}
    interval = summarize(figures)["psnr"]
    assert (interval.value, interval.low, interval.high) == (np.inf, 20, np.inf)
    assert interval.half_width is None


def test_ratios_that_some_resamples_do_not_have_come_without_interval(random_figures):
    extremes = {"extreme_chroma": np.eye(40)[0], "true_extreme_chroma": np.eye(40)[0] * 2}
    interval = summarize({**random_figures(15), **extremes})["extreme_chroma_ratio"]
    assert interval.value == 0.5 and interval.half_width is None
