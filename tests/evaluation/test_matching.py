import pytest

from colorize_tf.evaluation.matching import Thumbnails
from colorize_tf.evaluation.scores import compare, mean_color, measure, saturated


@pytest.fixture(scope="module")
def colorizers():
    return {"pale": mean_color([0.05, 0.02]), "vivid": mean_color([0.1, 0.1])}


@pytest.fixture(scope="module")
def thumbnails(landscapes, colorizers):
    thumbnails = Thumbnails(["pale", "vivid", "gray"])
    colorizers = {"gray": mean_color([0, 0]), **colorizers}
    for measurement in measure(colorizers, landscapes[:4], size=48):
        thumbnails.add(measurement)
    return thumbnails


def test_factor_makes_both_equally_colorful(thumbnails, colorizers, landscapes):
    factor = thumbnails.matching_factor("pale", "vivid")
    assert factor > 1.5
    matched = {**colorizers, "matched": saturated(colorizers["pale"], factor)}
    scores = compare(matched, landscapes[:4], size=48)
    vivid = scores["vivid"]["colorfulness"]
    assert scores["matched"]["colorfulness"] == pytest.approx(vivid, rel=0.02)
    assert scores["pale"]["colorfulness"] < 0.7 * vivid


def test_factor_of_equal_models_is_one(thumbnails):
    assert thumbnails.matching_factor("vivid", "vivid") == pytest.approx(1, abs=0.01)


def test_gray_cannot_be_made_colorful(thumbnails):
    assert thumbnails.matching_factor("gray", "vivid") is None
