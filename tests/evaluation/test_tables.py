from math import inf, nan

import pytest

from colorize_tf.evaluation.intervals import Interval
from colorize_tf.evaluation.tables import GROUPS, cells, table

FIGURES = {
    "ab_rmse": 15.5,
    "psnr": 21.0,
    "ssim": 0.9,
    "ciede2000": 11.25,
    "colorfulness_ratio": 0.5,
}


def test_table_has_a_line_for_each_model():
    lines = table({"gray": FIGURES, "a model of long name": FIGURES}).splitlines()
    assert lines[0].split() == ["ab", "RMSE", "PSNR", "SSIM", "CIEDE2000", "colorfulness", "ratio"]
    assert lines[1].split() == ["gray", "15.50", "21.00", "0.900", "11.25", "0.50"]
    assert len(lines) == 3
    assert len({len(line) for line in lines}) == 1


def test_table_shows_facts_where_they_are_known():
    cost = {"input_size": 128, "parameters": 4168098, "pictures": 46720}
    lines = table({"gray": FIGURES, "run": {**FIGURES, **cost}}).splitlines()
    assert lines[0].split()[-5:] == ["input", "px", "parameters", "pictures", "seen"]
    assert lines[1].split()[-3:] == ["-", "-", "-"]
    assert lines[2].split()[-3:] == ["128", "4,168,098", "46,720"]


def test_markdown_table_has_a_rule_and_equal_rows():
    lines = table({"gray": FIGURES}, markdown=True).splitlines()
    assert lines[1] == "| --- | ---: | ---: | ---: | ---: | ---: |"
    assert lines[2] == "| gray | 15.50 | 21.00 | 0.900 | 11.25 | 0.50 |"
    assert {line.count("|") for line in lines} == {7}


def test_intervals_show_half_of_their_width():
    scores = {"run": {"ab_rmse": Interval(13.2, 12.8, 13.7), "out_of_gamut": Interval(0.1, 0, 0.2)}}
    assert cells(scores)[1] == ["run", "13.20 ±0.45", "10.0% ±10.0%"]


@pytest.mark.parametrize("ends", [(nan, nan), (20.0, inf), (inf, inf)])
def test_figures_without_a_finite_interval_show_the_value_alone(ends):
    assert cells({"run": {"psnr": Interval(21.0, *ends)}})[1] == ["run", "21.00"]


def test_table_of_unknown_columns_is_empty():
    first, *_, last = GROUPS
    assert table({"gray": FIGURES}, columns=first)
    assert table({"gray": FIGURES}, columns=last) == ""
    assert table({}) == ""


def test_every_column_is_in_one_group():
    everything = cells({"": dict.fromkeys([key for group in GROUPS for key in group], 0)})
    assert len(everything[0]) == 1 + sum(map(len, GROUPS)) == 20
