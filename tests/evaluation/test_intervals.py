import numpy as np
import pytest

from colorize_tf.evaluation.intervals import means, paired_differences, summarize


def test_the_ratio_is_mean_predicted_over_mean_true():
    figures = {"colorfulness": np.array([10.0, 30.0]), "true_colorfulness": np.array([40.0, 40.0])}
    assert means(figures) == {"colorfulness": 20.0, "colorfulness_ratio": 0.5}


def test_every_measure_that_the_truth_has_too_becomes_a_ratio():
    figures = {"chroma": np.array([1.0, 2.0]), "true_chroma": np.array([0.0, 6.0])}
    assert means(figures) == {"chroma": 1.5, "chroma_ratio": 0.5}


def test_an_interval_is_that_of_the_normal_approximation(random_figures):
    figures = random_figures(15)
    interval = summarize(figures)["ab_rmse"]
    error = 1.96 * figures["ab_rmse"].std() / np.sqrt(40)
    assert interval.value == pytest.approx(figures["ab_rmse"].mean())
    assert interval.high - interval.low == pytest.approx(2 * error, rel=0.1)
    assert interval.low < interval.value < interval.high


def test_the_interval_of_the_ratio_resamples_both_sides_together(random_figures):
    figures = random_figures(15)
    figures["true_colorfulness"] = 2 * figures["colorfulness"]
    interval = summarize(figures)["colorfulness_ratio"]
    assert interval == pytest.approx((0.5, 0.5, 0.5))
    assert summarize(figures)["colorfulness"].high > summarize(figures)["colorfulness"].low


def test_intervals_are_the_same_each_time(random_figures):
    assert summarize(random_figures(15)) == summarize(random_figures(15))


def test_pictures_that_are_hard_for_both_do_not_widen_a_difference(random_figures):
    one = random_figures(15)
    other = {**one, "ab_rmse": one["ab_rmse"] - 0.5}
    difference = paired_differences(one, other)["ab_rmse"]
    assert difference == pytest.approx((0.5, 0.5, 0.5))


def test_differences_are_told_of_measures_that_both_have(random_figures):
    one = {**random_figures(15), "size_shift": np.ones(40)}
    differences = paired_differences(one, random_figures(14, seed=1))
    assert set(differences) == {"ab_rmse", "colorfulness", "colorfulness_ratio"}
    assert differences["ab_rmse"].value == pytest.approx(1, abs=1)


def test_one_perfect_answer_leaves_intervals_that_can_be_told(random_figures):
    figures = {**random_figures(15), "psnr": np.append(np.full(39, 20.0), np.inf)}
    interval = summarize(figures)["psnr"]
    assert (interval.value, interval.low, interval.high) == (np.inf, 20, np.inf)
