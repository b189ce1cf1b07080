import csv
import json
import shutil

import numpy as np
import pytest

from colorize_tf import media
from colorize_tf.evaluate import main
from colorize_tf.runs import read_json, write_json


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


def test_a_model_is_printed_beside_the_grey_answer(model, evaluate):
    output, content = evaluate(model)
    assert list(content["scores"]) == ["grey (ab = 0)", model]
    for name, figures in content["scores"].items():
        line = next(line for line in output.splitlines() if line.startswith(name))
        assert f"{figures['ab_rmse']:.2f}" in line and f"{figures['ssim']:.3f}" in line


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


def test_a_run_brings_the_mean_colour_of_its_photographs(run, evaluate):
    _, content = evaluate(run)
    assert list(content["scores"]) == ["grey (ab = 0)", "mean colour", "green"]
    grey, mean = content["scores"]["grey (ab = 0)"], content["scores"]["mean colour"]
    assert mean["ab_rmse"] != grey["ab_rmse"]
    assert "parameters" not in mean


def test_runs_with_other_photographs_bring_a_mean_colour_each(run, evaluate):
    for name, mean_ab in (("same", [-0.05, 0.05]), ("blue", [0.0, -0.1])):
        other = shutil.copytree(run, run.with_name(name))
        write_json(other / "data.json", {"mean_ab": mean_ab})
    _, content = evaluate(*(run.with_name(name) for name in ("green", "same", "blue")))
    means = [name for name in content["scores"] if name.startswith("mean")]
    assert means == ["mean colour of green", "mean colour of blue"]


def test_a_run_that_was_stopped_in_its_first_epoch_has_no_speed(run, evaluate):
    (run / "metrics.csv").unlink()
    figures = evaluate(run)[1]["scores"]["green"]
    assert "parameters" in figures and "pictures" not in figures


def test_markdown(model, evaluate):
    output, _ = evaluate(model, "--markdown")
    assert output.splitlines()[1].startswith("|  | ab RMSE | PSNR |")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--data-dir", "nowhere"], "nowhere does not exist"),
        (["--data-dir", ".", "--size", "3"], "--size must be at least 16"),
        (["--data-dir", ".", "--json", "nowhere/scores.json"], "no folder nowhere"),
        (["--data-dir", "."], "holds no image file"),
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


def test_a_folder_of_grey_photographs_has_no_truth(model, offline, tmp_path, capsys):
    media.write_image(tmp_path / "grey.png", np.full((80, 80, 3), 90, np.uint8))
    assert main([model, "--data-dir", str(tmp_path)]) == 2
    assert "monochrome" in capsys.readouterr().err
