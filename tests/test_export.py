import json

import pytest

from colorize_tf.artifacts.tflite import QUANTIZATIONS
from colorize_tf.export import _QUANTIZATIONS, main


def run(*arguments):
    return main([str(argument) for argument in arguments])


def test_a_run_becomes_artifacts_named_after_their_folder(tiny_run, tmp_path, capsys):
    folder = tmp_path / "saved_models/valley"
    assert run(tiny_run[0], "--to", folder, "--tflite", "float32,int8") == 0
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["1", "report.json", "valley-int8.tflite", "valley.keras", "valley.tflite"]
    reports = json.loads((folder / "report.json").read_text())
    assert reports["valley-int8.tflite"]["size_bytes"] < reports["valley.tflite"]["size_bytes"] / 2
    assert "mean ciede2000" in capsys.readouterr().out


def test_another_size_is_exported(tiny_run, tmp_path):
    from colorize_tf.artifacts.keras_file import load_generator

    assert run(tiny_run[0], "--to", tmp_path / "valley", "--size", "32") == 0
    generator = load_generator(tmp_path / "valley/valley.keras")
    assert generator.input_shape == (None, 32, 32, 1)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--tflite", "int4"], "float32, float16, dynamic, int8"),
        (["--size", "50"], "size 50 does not fit"),
        (["--data-dir", "nowhere"], "nowhere does not exist"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(tiny_run, tmp_path, capsys, flags, words):
    assert run(tiny_run[0], "--to", tmp_path / "valley", *flags) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert not (tmp_path / "valley").exists()


def test_the_flag_names_the_quantizations_there_are():
    assert _QUANTIZATIONS == QUANTIZATIONS


def test_a_model_that_is_not_there_is_named(tmp_path, capsys):
    assert run(tmp_path / "gone", "--to", tmp_path / "valley") == 2
    assert "gone" in capsys.readouterr().err
