import cv2
import matplotlib
import numpy as np
import pytest

from colorize_tf.evaluation.charts import (
    colorfulness_chart,
    curve_chart,
    histogram_chart,
    hue_chart,
    lightness_chart,
)


def pixels(png):
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape[1] > image.shape[0] > 400
    return image


STEEP, FLAT = np.arange(12.0), np.full(12, 5.0)


@pytest.mark.parametrize(
    "draw",
    [
        lambda values: hue_chart({"run": values}),
        lambda values: lightness_chart({"run": values[:10]}, "chroma"),
        lambda values: colorfulness_chart(
            {"run": {"true_colorfulness": STEEP, "colorfulness": values}}
        ),
        lambda values: curve_chart(
            [{"steps": f"{step}", "loss": f"{value}"} for step, value in enumerate(values)], "loss"
        ),
        lambda values: histogram_chart(np.outer(values, STEEP) / 1000, "run"),
    ],
    ids=["hue", "lightness", "colorfulness", "curve", "histogram"],
)
def test_a_chart_shows_its_values(draw):
    steep, flat = pixels(draw(STEEP)), pixels(draw(FLAT))
    assert steep.std() > 5
    assert not np.array_equal(steep, flat)


def test_curves_skip_rows_without_a_value():
    rows = [{"steps": "1", "loss": "2"}, {"steps": "2", "loss": ""}, {"steps": "3", "loss": "1"}]
    assert curve_chart(rows, "loss") == curve_chart([rows[0], rows[2]], "loss")


@pytest.mark.parametrize("name", ["a$b$c", "^_\\", "x" * 300])
def test_names_with_formula_characters_can_be_drawn(name):
    hue_chart({name: STEEP})
    histogram_chart(np.full((4, 4), 1 / 16), name)


def test_empty_bins_can_be_drawn():
    hue_chart({"run": np.where(STEEP < 5, np.nan, STEEP)})


def test_drawing_keeps_the_settings_of_matplotlib():
    before = dict(matplotlib.rcParams)
    hue_chart({"run": STEEP})
    assert dict(matplotlib.rcParams) == before
