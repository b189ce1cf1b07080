import json
import shutil

import keras
import pytest

from colorize_tf.evaluate import main


@pytest.fixture
def model(tiny_tflite):
    return str(tiny_tflite)


def test_command_prints_and_writes_figures_and_report(model, landscapes, offline, tmp_path, capsys):
    file, folder = tmp_path / "scores.json", tmp_path / "report"
    flags = ["--data-dir", str(landscapes[0].parent), "--size", "32", "--against"]
    other = shutil.copy(model, tmp_path / "other.tflite")
    assert main([model, *flags, str(other), "--json", str(file), "--report", str(folder)]) == 0
    output, content = capsys.readouterr().out, json.loads(file.read_text())
    assert output.startswith("12 photographs in")
    assert "short side to 32 px, central square" in output
    assert list(content["scores"])[:4] == ["gray (ab = 0)", "truth", model, str(other)]
    for name, figures in content["scores"].items():
        line = next(line for line in output.splitlines() if line.startswith(f"{name}  "))
        assert f"{figures['ab_rmse']:.2f}" in line and f"{figures['ssim']:.3f}" in line
    low, high = content["intervals_95"][model]["ciede2000"]
    ciede2000 = content["scores"][model]["ciede2000"]
    assert low < ciede2000 < high and f"{ciede2000:.2f} ±{(high - low) / 2:.2f}" in output
    assert len(content["per_picture"][model]["ciede2000"]) == len(content["photographs"]) == 12
    assert content["scores"]["truth"]["mottling_ratio"] == pytest.approx(1, abs=0.05)
    assert "mottling ratio   windows above 6" in output and "nan" not in output
    assert f"{model} less {other}" in output
    assert f"report in {folder / 'index.html'}" in output and (folder / "index.html").is_file()


def test_shipped_model_is_evaluated_by_default(landscapes, offline, tmp_path, capsys):
    shutil.copy(landscapes[0], tmp_path)
    assert main(["--data-dir", str(tmp_path), "--size", "32", "--markdown"]) == 0
    heading, *_, last = [line for line in capsys.readouterr().out.splitlines() if "|" in line]
    assert heading.startswith("|  | ab RMSE | PSNR |") and last.startswith("| landscapes.tflite |")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--data-dir", "nowhere"], "nowhere does not exist"),
        (["--data-dir", ".", "--size", "3"], "size must be at least 16"),
        (["--data-dir", ".", "--json", "nowhere/scores.json"], "no folder nowhere"),
        (["--data-dir", "."], "holds no image file"),
        (["--data-dir", ".", "--report", "nowhere/report"], "no folder nowhere"),
        (["--data-dir", "nowhere", "--report", "."], "exists already; choose another --report"),
        (["--data-dir", ".", "--features", "AlexNet"], "unknown features 'AlexNet'"),
        (["--data-dir", ".", "--features", "none.h5"], "no weights at none.h5"),
        (["--data-dir", ".", "--against", "missing.keras"], "no model at missing.keras"),
        (["missing.keras", "--data-dir", "nowhere"], "no model at missing.keras"),
    ],
)
def test_mistakes_are_one_line(model, offline, tmp_path, monkeypatch, capsys, flags, words):
    monkeypatch.chdir(tmp_path)
    assert main([model, *flags]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_models_of_another_kind_are_refused(landscapes, tmp_path, capsys):
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)]).save(tmp_path / "other.keras")
    flags = ["--data-dir", str(landscapes[0].parent)]
    assert main([str(tmp_path / "other.keras"), *flags]) == 2
    assert "other.keras is not a colorize_tf generator" in capsys.readouterr().err
