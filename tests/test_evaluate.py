import csv
import json
import shutil

import keras
import numpy as np
import pytest

from colorize_tf.artifacts.keras_file import save_generator
from colorize_tf.artifacts.run_folder import read_json, write_json
from colorize_tf.evaluate import main
from colorize_tf.imagefiles import media


@pytest.fixture
def model(tiny_run):
    return str(tiny_run[0] / "export/tiny.tflite")


@pytest.fixture
def run(tiny_run, tmp_path):
    """A copy of a finished run, whose training set was greenish on average."""
    run = tmp_path / "runs/green"
    run.mkdir(parents=True)
    for name in ("config.json", "data.json", "metrics.csv", "generator.keras"):
        shutil.copy(tiny_run[0] / name, run)
    write_json(run / "data.json", {**read_json(run / "data.json"), "mean_ab": [-0.05, 0.05]})
    return run


@pytest.fixture
def evaluate(landscapes, offline, tmp_path, capsys):
    """Evaluates models on twelve renderings of 64 pixels; gives what is printed and the JSON."""

    def evaluate(*arguments):
        file = tmp_path / "scores.json"
        flags = ["--data-dir", str(landscapes[0].parent), "--size", "64", "--json", str(file)]
        assert main([*flags, *map(str, arguments)]) == 0
        return capsys.readouterr().out, json.loads(file.read_text())

    return evaluate


def test_a_model_is_printed_beside_the_gray_answer(model, evaluate):
    output, content = evaluate(model)
    assert list(content["scores"]) == ["gray (ab = 0)", model]
    for name, figures in content["scores"].items():
        line = next(line for line in output.splitlines() if line.startswith(name))
        assert f"{figures['ab_rmse']:.2f}" in line and f"{figures['ssim']:.3f}" in line


def test_without_a_model_it_is_the_one_that_comes_with_the_package(evaluate):
    _, content = evaluate()
    assert list(content["scores"]) == ["gray (ab = 0)", "landscapes.tflite"]
    assert content["scores"]["landscapes.tflite"]["input_size"] == 128


def test_the_protocol_is_stated(model, evaluate):
    output, content = evaluate(model)
    assert (content["size"], content["pictures"]) == (64, 12)
    assert output.startswith("12 photographs in")
    assert "short side to 64 px, central square" in output
    assert f"file list {content['file_list']}" in output


def test_the_file_list_is_told_by_names_and_not_by_place(model, evaluate, landscapes, tmp_path):
    copies = shutil.copytree(landscapes[0].parent, tmp_path / "copies")
    expected = evaluate(model)[1]["file_list"]
    assert evaluate(model, "--data-dir", copies)[1]["file_list"] == expected
    (copies / "00.png").unlink()
    assert evaluate(model, "--data-dir", copies)[1]["file_list"] != expected


def test_a_run_tells_what_it_cost(run, evaluate):
    output, content = evaluate(run)
    with (run / "metrics.csv").open(newline="") as file:
        last = list(csv.DictReader(file))[-1]
    pictures = int(last["steps"]) * read_json(run / "config.json")["batch_size"]
    figures = content["scores"]["green"]
    assert figures["pictures"] == pictures > 0
    assert figures["pictures_per_second"] == pytest.approx(pictures / float(last["seconds"]))
    assert figures["input_size"] == 64
    assert 200_000 < figures["parameters"] < 400_000
    assert f"{figures['parameters']:,}" in output


def test_a_run_brings_the_mean_color_of_its_photographs(run, evaluate):
    _, content = evaluate(run)
    assert list(content["scores"]) == ["gray (ab = 0)", "mean color", "green"]
    gray, mean = content["scores"]["gray (ab = 0)"], content["scores"]["mean color"]
    assert mean["ab_rmse"] != gray["ab_rmse"]
    assert "parameters" not in mean


def test_runs_with_other_photographs_bring_a_mean_color_each(run, evaluate):
    for name, mean_ab in (("same", [-0.05, 0.05]), ("blue", [0.0, -0.1])):
        other = shutil.copytree(run, run.with_name(name))
        write_json(other / "data.json", {"mean_ab": mean_ab})
    _, content = evaluate(*(run.with_name(name) for name in ("green", "same", "blue")))
    means = [name for name in content["scores"] if name.startswith("mean")]
    assert means == ["mean color of green", "mean color of blue"]


def test_a_run_that_was_stopped_in_its_first_epoch_has_no_speed(run, evaluate):
    (run / "metrics.csv").unlink()
    figures = evaluate(run)[1]["scores"]["green"]
    assert "parameters" in figures and "pictures" not in figures


def test_markdown(model, evaluate):
    output, _ = evaluate(model, "--markdown")
    heading = next(line for line in output.splitlines() if line.startswith("|"))
    assert heading.startswith("|  | ab RMSE | PSNR |")


@pytest.fixture
def pair(calm, tmp_path):
    """Two generators of which the second answers with half of the first one's chroma."""
    paths = [tmp_path / "vivid.keras", tmp_path / "pale.keras"]
    half = keras.models.clone_model(calm)
    *weights, kernel, bias = calm.get_weights()
    half.set_weights([*weights, 0.5 * kernel, 0.5 * bias])
    for path, generator in zip(paths, (calm, half), strict=True):
        save_generator(generator, path)
    return [str(path) for path in paths]


@pytest.fixture
def weights_file(squeezenet, tmp_path):
    return squeezenet.write(tmp_path / "weights.h5", scale=0.05)


def test_everything_is_kept_with_its_interval_and_for_each_picture(model, evaluate):
    output, content = evaluate(model)
    figures, values = content["scores"][model], content["per_picture"][model]
    assert content["photographs"] == [f"{index:02}.png" for index in range(12)]
    assert figures["ciede2000"] == pytest.approx(np.mean(values["ciede2000"]))
    ratio = sum(values["colorfulness"]) / sum(values["true_colorfulness"])
    assert figures["colorfulness_ratio"] == pytest.approx(ratio)
    low, high = content["intervals_95"][model]["ciede2000"]
    assert low < figures["ciede2000"] < high
    assert f"{figures['ciede2000']:.2f} ±{(high - low) / 2:.2f}" in output


def test_a_model_is_set_against_another(pair, evaluate):
    vivid, pale = pair
    output, content = evaluate(vivid, "--against", pale)
    row = list(content["scores"])[-1]
    assert row.startswith(f"{pale}, chroma x")
    assert list(content["differences"]) == [f"{vivid} less {pale}", f"{vivid} less {row}"]
    scores = content["scores"]
    assert scores[row]["colorfulness"] == pytest.approx(scores[vivid]["colorfulness"], rel=0.03)
    low, high = content["intervals_95"][f"{vivid} less {pale}"]["colorfulness"]
    assert 0 < low < content["differences"][f"{vivid} less {pale}"]["colorfulness"] < high
    assert f"{vivid} less {row}" in output


def test_features_bring_kid_and_fid_and_are_named(pair, weights_file, evaluate):
    output, content = evaluate(pair[0], "--features", weights_file)
    assert {"kid_times_1000", "fid"} <= set(content["scores"][pair[0]])
    assert "SqueezeNet 1.1 (weights.h5), layer fire9" in output
    assert "SqueezeNet" in content["features"]
    assert "KID x1000" in output


def test_without_features_realism_is_the_sliced_wasserstein_distance(pair, evaluate):
    output, content = evaluate(pair[0])
    assert content["scores"][pair[0]]["sliced_wasserstein"] > 0
    assert "sliced Wasserstein" in output and "KID" not in output


def test_robustness_is_measured_and_defined(pair, evaluate):
    output, content = evaluate(pair[0], "--robustness")
    assert content["scores"][pair[0]]["exposure_shift"] > 0
    assert content["scores"][pair[0]]["size_shift"] > 0
    assert "half a stop darker and brighter" in output
    assert "moved by exposure" in output


def test_a_report_holds_the_curves_of_a_run(run, evaluate, tmp_path):
    output, _ = evaluate(run, "--report", tmp_path / "report")
    text = (tmp_path / "report/index.html").read_text()
    assert f"report in {tmp_path / 'report/index.html'}" in output
    assert "<h2>Training of green</h2>" in text and 'alt="val_ab_rmse"' in text
    assert "12 photographs in" in text


def test_a_report_that_exists_is_refused_before_anything_is_loaded(tmp_path, capsys):
    (tmp_path / "report").mkdir()
    flags = ["--data-dir", "nowhere", "--report", str(tmp_path / "report")]
    assert main(["missing.keras", *flags]) == 2
    assert "report exists already; choose another --report" in capsys.readouterr().err


def test_a_model_that_answers_nan_is_named_and_not_averaged(
    calm, landscapes, offline, tmp_path, capsys
):
    broken = keras.models.clone_model(calm)
    broken.set_weights([np.full_like(weight, np.nan) for weight in calm.get_weights()])
    save_generator(broken, tmp_path / "broken.keras")
    arguments = [str(tmp_path / "broken.keras"), "--data-dir", str(landscapes[0].parent)]
    assert main([*arguments, "--size", "32", "--json", str(tmp_path / "scores.json")]) == 2
    error = capsys.readouterr().err
    assert "broken.keras cannot color" in error and "00.png: the model answered NaN" in error
    assert not (tmp_path / "scores.json").exists()


def test_a_model_of_another_kind_is_refused(landscapes, tmp_path, capsys):
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)]).save(tmp_path / "other.keras")
    flags = ["--data-dir", str(landscapes[0].parent)]
    assert main([str(tmp_path / "other.keras"), *flags]) == 2
    assert "other.keras is not a colorize_tf generator" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--data-dir", "nowhere"], "nowhere does not exist"),
        (["--data-dir", ".", "--size", "3"], "--size must be at least 16"),
        (["--data-dir", ".", "--json", "nowhere/scores.json"], "no folder nowhere"),
        (["--data-dir", "."], "holds no image file"),
        (["--data-dir", ".", "--report", "nowhere/report"], "no folder nowhere"),
        (["--data-dir", ".", "--features", "AlexNet"], "no features by the name of 'AlexNet'"),
        (["--data-dir", ".", "--features", "none.h5"], "no weights at none.h5"),
        (["--data-dir", ".", "--against", "missing.keras"], "no model at missing.keras"),
        (["missing.keras", "--data-dir", "nowhere"], "no model at missing.keras"),
    ],
)
def test_a_mistake_is_one_line(model, offline, tmp_path, monkeypatch, capsys, flags, words):
    monkeypatch.chdir(tmp_path)
    assert main([model, *flags]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_two_models_need_two_names(run, capsys):
    other = shutil.copytree(run, run.parent / "copies/green")
    for models in ([run, run], [run, other]):
        assert main([*map(str, models), "--data-dir", "."]) == 2
        assert "would both be called 'green'" in capsys.readouterr().err


def test_a_folder_of_gray_photographs_has_no_truth(model, offline, tmp_path, capsys):
    media.write_image(tmp_path / "gray.png", np.full((80, 80, 3), 90, np.uint8))
    assert main([model, "--data-dir", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "monochrome" in error and "no true color to compare with" in error
