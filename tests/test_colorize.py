import numpy as np
import pytest

from colorize_tf import media
from colorize_tf.colorize import main
from colorize_tf.data.synthetic import render_landscape


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "old.jpg"
    media.write_image(path, render_landscape(1, 70, 110))
    return path


def run(*arguments):
    return main([str(argument) for argument in arguments])


@pytest.mark.parametrize(
    "model", [".", "export/tiny.keras", "export/tiny.tflite", "export/1", "export"]
)
def test_a_photograph_is_coloured_by_every_artifact(tiny_run, photo, tmp_path, model):
    output = tmp_path / "new.png"
    assert run(photo, "-o", output, "--model", tiny_run[0] / model) == 0
    colorized = media.read_image(output)
    assert colorized.shape == (70, 110, 3)
    assert colorized.std(axis=-1).max() > 0


def test_with_a_tflite_the_command_is_silent_but_for_what_it_wrote(tiny_run, photo, tmp_path, verb):
    output = tmp_path / "new.png"
    finished = verb("colorize", photo, "-o", output, "--model", tiny_run[0] / "export/tiny.tflite")
    assert finished.stdout == f"wrote {output}\n"
    assert finished.stderr == ""


def test_the_same_photograph_gives_the_same_picture(tiny_run, photo, tmp_path):
    outputs = [tmp_path / "1.png", tmp_path / "2.png"]
    for output in outputs:
        run(photo, "-o", output, "--model", tiny_run[0] / "export/tiny.tflite")
    np.testing.assert_array_equal(*map(media.read_image, outputs))


def test_an_existing_file_is_left_alone_unless_forced(tiny_run, photo, tmp_path, capsys):
    output = tmp_path / "new.png"
    output.write_bytes(b"mine")
    arguments = [photo, "-o", output, "--model", tiny_run[0] / "export/tiny.tflite"]
    assert run(*arguments) == 2
    assert "exists already" in capsys.readouterr().err
    assert output.read_bytes() == b"mine"
    assert run(*arguments, "--force") == 0
    assert media.read_image(output).shape == (70, 110, 3)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"input": "gone.jpg"}, "gone.jpg"),
        ({"model": "gone"}, "no model at gone"),
        ({"output": "new.xyz"}, ".xyz"),
        ({"output": "nowhere/new.png"}, "nowhere"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(
    tiny_run, photo, tmp_path, monkeypatch, capsys, change, words
):
    monkeypatch.chdir(tmp_path)
    chosen = {"input": photo, "output": "new.png", "model": tiny_run[0] / "export/tiny.tflite"}
    chosen |= change
    assert run(chosen["input"], "-o", chosen["output"], "--model", chosen["model"]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["old.jpg"]


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff\xd8\xff\xe0 no JPEG"])
def test_a_file_that_is_no_photograph_is_named(tiny_run, tmp_path, capsys, content):
    (tmp_path / "bad.jpg").write_bytes(content)
    model = tiny_run[0] / "export/tiny.tflite"
    assert run(tmp_path / "bad.jpg", "-o", tmp_path / "new.png", "--model", model) == 2
    error = capsys.readouterr().err
    assert "bad.jpg" in error
    assert error.count("\n") == 1
