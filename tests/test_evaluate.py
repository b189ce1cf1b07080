import json

import numpy as np
import pytest

from colorize_tf import media
from colorize_tf.evaluate import main


@pytest.fixture
def model(tiny_run):
    return str(tiny_run[0] / "export/tiny.tflite")


def test_a_model_is_printed_beside_the_grey_answer(model, landscapes, offline, tmp_path, capsys):
    file = tmp_path / "scores.json"
    folder = str(landscapes[0].parent)
    assert main([model, "--data-dir", folder, "--size", "64", "--json", str(file)]) == 0
    output = capsys.readouterr().out
    assert "12 photographs" in output
    assert "64 px" in output
    content = json.loads(file.read_text())
    assert (content["size"], content["pictures"]) == (64, 12)
    for name in ("grey (ab = 0)", "this model"):
        assert f"{content['scores'][name]['ab_rmse']:.2f}" in output


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--data-dir", "nowhere"], "nowhere does not exist"),
        (["--data-dir", ".", "--size", "3"], "--size must be at least 16"),
        (["--data-dir", ".", "--json", "nowhere/scores.json"], "no folder nowhere"),
        (["--data-dir", "."], "holds no image file"),
    ],
)
def test_a_mistake_is_one_line(model, offline, tmp_path, monkeypatch, capsys, flags, words):
    monkeypatch.chdir(tmp_path)
    assert main([model, *flags]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_a_folder_of_grey_photographs_has_no_truth(model, offline, tmp_path, capsys):
    media.write_image(tmp_path / "grey.png", np.full((80, 80, 3), 90, np.uint8))
    assert main([model, "--data-dir", str(tmp_path)]) == 2
    assert "monochrome" in capsys.readouterr().err
