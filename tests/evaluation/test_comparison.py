import json
import shutil

import keras
import numpy as np
import pytest

import colorize_tf
from colorize_tf import imagefiles
from colorize_tf.artifacts.keras_file import save_generator
from colorize_tf.artifacts.run_folder import read_json, write_json
from colorize_tf.evaluation import comparison
from colorize_tf.evaluation.comparison import GRAY, TRUTH, evaluate_colorizers
from colorize_tf.evaluation.features import Features
from colorize_tf.evaluation.intervals import Interval
from colorize_tf.evaluation.scores import gray, mean_color

VIVID, PALE = mean_color([0.1, 0.1]), mean_color([0.05, 0.02])


@pytest.fixture(scope="module")
def evaluation(landscapes):
    return evaluate_colorizers({"vivid": VIVID}, landscapes[:4], size=48, against=PALE)


@pytest.fixture
def run(generator, tmp_path):
    """A run folder of two epochs whose training set was greenish on average."""
    run = tmp_path / "runs" / "green"
    run.mkdir(parents=True)
    save_generator(generator, run / "generator.keras")
    write_json(run / "config.json", {"batch_size": 8, "recipe": "tiny"})
    write_json(run / "data.json", {"mean_ab": [-0.05, 0.05]})
    (run / "metrics.csv").write_text("steps,seconds,val_ab_rmse\n5,2,15\n10,4,14\n")
    return run


def test_public_function_returns_what_the_command_prints(landscapes):
    evaluation = colorize_tf.evaluate_colorizers({"mine": VIVID}, landscapes[0].parent, size=32)
    assert len(evaluation.photographs) == 12
    first, *others = evaluation.tables()
    assert first.splitlines()[3].startswith("mine") and "CIEDE2000" in first
    assert any("mottling ratio" in table and "windows above 6" in table for table in others)
    assert evaluation.tables(markdown=True)[0].startswith("|  | ab RMSE | PSNR |")
    json.dumps(evaluation.as_json(), allow_nan=False)


def test_every_model_has_figures_with_intervals_and_distances(evaluation):
    assert list(evaluation.scores)[:4] == [GRAY, TRUTH, "vivid", "colorizer"]
    for figures in evaluation.scores.values():
        assert isinstance(figures["ciede2000"], Interval)
        assert isinstance(figures["sliced_wasserstein"], float)
    values = evaluation.per_picture["vivid"]["ciede2000"]
    assert evaluation.scores["vivid"]["ciede2000"].value == pytest.approx(values.mean())


def test_paler_model_is_measured_again_at_equal_colorfulness(evaluation):
    row = list(evaluation.scores)[4]
    assert row.startswith("colorizer, chroma x")
    colorfulness = {name: one["colorfulness"].value for name, one in evaluation.scores.items()}
    assert colorfulness[row] == pytest.approx(colorfulness["vivid"], rel=0.02)
    assert list(evaluation.differences) == ["vivid less colorizer", f"vivid less {row}"]
    expected = colorfulness["vivid"] - colorfulness["colorizer"]
    difference = evaluation.differences["vivid less colorizer"]["colorfulness"]
    assert difference.value == pytest.approx(expected)


def test_paler_model_may_come_first(landscapes):
    evaluation = evaluate_colorizers({"pale": PALE}, landscapes[:2], size=48, against=VIVID)
    row = list(evaluation.scores)[-1]
    assert row.startswith("pale, chroma x")
    assert list(evaluation.differences) == ["pale less colorizer", f"{row} less colorizer"]


def test_model_without_color_cannot_be_matched(landscapes):
    evaluation = evaluate_colorizers({"none": gray}, landscapes[:2], size=48, against=VIVID)
    assert evaluation.unmatched == [("none", "colorizer")]
    assert "none cannot be made as colorful as colorizer" in "".join(evaluation.notes())


def test_robustness_is_measured_for_models_only(landscapes):
    evaluation = evaluate_colorizers({"pale": PALE}, landscapes[:2], size=32, robustness=True)
    assert evaluation.scores["pale"]["exposure_shift"].value == pytest.approx(0, abs=1e-5)
    assert "exposure_shift" not in evaluation.scores[GRAY]
    assert "half a stop darker and brighter" in "".join(evaluation.notes())


def test_figures_without_interval_are_explained(landscapes):
    (note,) = [
        note
        for note in evaluate_colorizers({"pale": PALE}, landscapes, size=48).notes()
        if "without ±" in note
    ]
    assert "too few photographs" in note


def test_run_has_facts_a_log_and_a_mean_color(run, landscapes):
    evaluation = evaluate_colorizers(run, landscapes[:2], size=32)
    assert list(evaluation.scores) == [GRAY, TRUTH, "mean color", "green"]
    facts = evaluation.scores["green"]
    assert (facts["pictures"], facts["pictures_per_second"], facts["input_size"]) == (80, 20, 32)
    assert facts["parameters"] > 1000 and "parameters" not in evaluation.scores["mean color"]
    assert evaluation.candidates["green"].log[-1]["val_ab_rmse"] == "14"


def test_run_without_a_log_has_no_speed(run, landscapes):
    (run / "metrics.csv").unlink()
    facts = evaluate_colorizers(run, landscapes[:1], size=32).scores["green"]
    assert "parameters" in facts and "pictures" not in facts


def test_runs_on_other_photographs_have_a_mean_color_each(run, landscapes):
    for name, mean_ab in (("same", [-0.05, 0.05]), ("blue", [0.0, -0.1])):
        write_json(shutil.copytree(run, run.with_name(name)) / "data.json", {"mean_ab": mean_ab})
    runs = [run.with_name(name) for name in ("green", "same", "blue")]
    evaluation = evaluate_colorizers(runs, landscapes[:1], size=32)
    means = [name for name in evaluation.scores if name.startswith("mean")]
    assert means == ["mean color of green", "mean color of blue"]


def test_file_list_depends_on_names_and_not_on_the_folder(landscapes, tmp_path):
    copies = shutil.copytree(landscapes[0].parent, tmp_path / "copies")
    paths = sorted(copies.iterdir())

    def file_list(photographs):
        return evaluate_colorizers({"pale": PALE}, photographs, size=16).protocol["file_list"]

    assert file_list(paths[:2]) == file_list(landscapes[:2]) != file_list(paths[:1])


@pytest.fixture
def features(monkeypatch):
    """Features that need no network, in the place of SqueezeNet."""
    describe = Features("corners", lambda images: images[:, ::31, ::31].mean((1, 2)), "squeezenet")
    monkeypatch.setattr(comparison, "load_features", lambda name: describe)


def test_features_bring_kid_and_fid(landscapes, features):
    evaluation = evaluate_colorizers({"pale": PALE}, landscapes[:4], size=32, features="x.h5")
    assert {"kid_times_1000", "fid"} <= set(evaluation.scores["pale"])
    assert "these features: corners" in "".join(evaluation.notes())


@pytest.mark.parametrize(
    "settings",
    [{"feature_weights": "weights.h5"}, {"perceptual_network": "SqueezeNet"}],
    ids=["chose the epoch", "trained"],
)
def test_models_are_not_judged_by_the_network_that_trained_them(
    run, landscapes, features, settings
):
    write_json(run / "config.json", {**read_json(run / "config.json"), **settings})
    with pytest.warns(UserWarning, match="green has no KID and FID: .* squeezenet trained it or"):
        evaluation = evaluate_colorizers(run, landscapes[:3], size=32, features="x.h5")
    assert "fid" in evaluation.scores[GRAY] and "fid" not in evaluation.scores["green"]
    assert "green has no KID" in "".join(evaluation.notes())


def test_shipped_model_is_not_judged_by_the_network_that_chose_its_epoch(landscapes, features):
    with pytest.warns(UserWarning, match="landscapes.tflite has no KID"):
        evaluate_colorizers(None, landscapes[:2], size=32, features="x.h5")


def test_models_need_different_names(run):
    other = shutil.copytree(run, run.parent / "copies" / "green")
    for models in ([run, run], [run, other]):
        with pytest.raises(ValueError, match="two rows of the table would be called 'green'"):
            evaluate_colorizers(models, "photos")


def test_model_that_predicts_nan_is_named_and_not_averaged(generator, landscapes, tmp_path):
    broken = keras.models.clone_model(generator)
    broken.set_weights([np.full_like(weight, np.nan) for weight in generator.get_weights()])
    save_generator(broken, tmp_path / "broken.keras")
    with pytest.raises(ValueError, match="broken.keras cannot color .*00.png: .* NaN"):
        evaluate_colorizers(tmp_path / "broken.keras", landscapes[:2], size=32)


def test_gray_photographs_have_no_truth(offline, tmp_path):
    imagefiles.write_image(tmp_path / "gray.png", np.full((80, 80, 3), 90, np.uint8))
    with pytest.raises(ValueError, match="monochrome.* no true color to compare with"):
        evaluate_colorizers({"pale": PALE}, tmp_path)
