import numpy as np
import pytest

from colorize_tf.evaluation.color_errors import ColorErrors
from colorize_tf.evaluation.intervals import Interval
from colorize_tf.evaluation.matching import Thumbnails
from colorize_tf.evaluation.report import write_report
from colorize_tf.evaluation.scores import gray, mean_color
from colorize_tf.evaluation.survey import Survey


@pytest.fixture(scope="module")
def colorizers():
    return {"vivid": mean_color([0.1, 0.1]), "pale": mean_color([0.05, 0.02])}


@pytest.fixture(scope="module")
def errors():
    return ColorErrors()


@pytest.fixture(scope="module")
def survey(landscapes, colorizers, errors):
    survey = Survey(landscapes[:4], size=48)
    thumbnails = Thumbnails(colorizers)
    survey.measure({"gray": gray, **colorizers}, thumbnails, errors)
    survey.set_against("pale", colorizers, thumbnails)
    return survey


def test_every_name_has_figures_with_intervals_and_distances(survey):
    scores = survey.scores()
    assert list(scores)[:3] == ["gray", "vivid", "pale"]
    for figures in scores.values():
        assert isinstance(figures["ciede2000"], Interval)
        assert isinstance(figures["sliced_wasserstein"], float)


def test_the_paler_one_is_measured_again_equally_colorful(survey):
    row = list(survey.scores())[3]
    assert row.startswith("pale, chroma x")
    colorfulness = {name: one["colorfulness"].value for name, one in survey.scores().items()}
    assert colorfulness[row] == pytest.approx(colorfulness["vivid"], rel=0.02)


def test_differences_are_those_of_the_means(survey):
    scores, differences = survey.scores(), survey.differences()
    row = list(scores)[3]
    assert list(differences) == ["vivid less pale", f"vivid less {row}"]
    expected = scores["vivid"]["psnr"].value - scores["pale"]["psnr"].value
    assert differences["vivid less pale"]["psnr"].value == pytest.approx(expected)


def test_a_pale_model_is_saturated_to_match_the_one_it_is_set_against(landscapes, colorizers):
    survey, thumbnails = Survey(landscapes[:2], size=48), Thumbnails(colorizers)
    survey.measure(colorizers, thumbnails)
    survey.set_against("vivid", colorizers, thumbnails)
    row = list(survey.scores())[2]
    assert row.startswith("pale, chroma x")
    assert list(survey.differences()) == ["pale less vivid", f"{row} less vivid"]


def test_a_model_without_color_is_named_instead_of_saturated(landscapes, colorizers):
    both = {"gray": gray, "vivid": colorizers["vivid"]}
    survey, thumbnails = Survey(landscapes[:2], size=48), Thumbnails(both)
    survey.measure(both, thumbnails)
    survey.set_against("vivid", both, thumbnails)
    assert survey.unmatched == [("gray", "vivid")]
    assert list(survey.scores()) == ["gray", "vivid"]


def test_shifts_come_with_intervals(landscapes, colorizers):
    survey = Survey(landscapes[:2], size=48)
    survey.measure(colorizers)
    survey.measure_shifts({"pale": colorizers["pale"]})
    assert survey.scores()["pale"]["exposure_shift"].value == pytest.approx(0, abs=1e-5)
    assert "exposure_shift" not in survey.scores()["vivid"]


def test_every_pass_is_wrapped_in_progress(landscapes, colorizers):
    passes = []
    survey = Survey(landscapes[:2], size=48, progress=lambda some: passes.append(1) or iter(some))
    survey.measure(colorizers)
    survey.measure_shifts(colorizers)
    assert len(passes) == 2


def test_the_report_holds_every_part(survey, errors, colorizers, tmp_path):
    log = [
        {"epoch": "1", "steps": "10", "val_ab_rmse": "14", "generator_loss": "0.1"},
        {"epoch": "2", "steps": "20", "val_ab_rmse": "13", "generator_loss": ""},
    ]
    page = write_report(
        tmp_path / "report",
        survey,
        errors,
        colorizers,
        protocol="4 photographs",
        logs={"vivid": log},
    )
    text = page.read_text()
    for words in ("4 photographs", "vivid less pale", "best: ", "median: ", "worst: ", "true"):
        assert words in text, words
    for caption in (
        "error of pale",
        "error by hue",
        "error by lightness",
        "chroma by lightness",
        "ab of the photographs",
        "ab of vivid",
        "val_ab_rmse",
        "generator_loss",
    ):
        assert f'<img alt="{caption}"' in text, caption
    # Each of the four photographs, in gray, twice predicted, with two maps, and true.
    assert text.count("data:image/jpeg") == 24
    assert 'alt="epoch"' not in text


def test_figures_are_kept_of_every_picture(survey):
    values = survey.figures["vivid"]["ciede2000"]
    assert values.shape == (4,) and np.all(values > 0)
