import json
import sys

import numpy as np
import pytest

from colorize_tf.artifacts.card import describe
from colorize_tf.export import main
from colorize_tf.imagefiles import write_image


def run(*arguments):
    return main([str(argument) for argument in arguments])


def test_a_run_becomes_artifacts_named_after_their_folder(tiny_run, tmp_path, capsys):
    folder = tmp_path / "saved_models/valley"
    assert run(tiny_run[0], "--to", folder, "--tflite", "float32,int8") == 0
    assert {path.name for path in folder.iterdir()} == {
        "1",
        "MODEL_CARD.md",
        "report.json",
        "valley-int8.json",
        "valley-int8.tflite",
        "valley.json",
        "valley.keras",
        "valley.tflite",
    }
    reports = json.loads((folder / "report.json").read_text())
    assert reports["valley-int8.tflite"]["size_bytes"] < reports["valley.tflite"]["size_bytes"] / 2
    lines = capsys.readouterr().out.splitlines()
    heading = next(index for index, line in enumerate(lines) if "XNNPACK" in line)
    assert "ms, 1 threads   ms, 2 threads   peak MB" in lines[heading]
    assert [line.split()[0] for line in lines[heading + 1 : heading + 3]] == [
        "valley.tflite",
        "valley-int8.tflite",
    ]
    assert "mean ciede2000" in lines[heading + 2]
    assert lines[-4] == "100 landscapes rendered by colorize_tf (seeds from 0), at 64 px:"
    text = (folder / "MODEL_CARD.md").read_text()
    assert "| recipe | tiny |" in text
    assert "100 landscapes rendered by colorize_tf (seeds from 0), at 64 px" in text
    assert "| this model |" in text
    assert "python -m colorize_tf.export tiny --to valley --tflite float32,int8\n" in text
    assert str(tmp_path) not in text and str(tiny_run[0].parent) not in text
    assert describe(folder)["recipe"] == describe(folder / "valley-int8.tflite")["recipe"] == "tiny"


def test_another_size_is_exported(tiny_run, tmp_path, monkeypatch, capsys):
    from colorize_tf.artifacts.keras_file import load_generator

    monkeypatch.chdir(tmp_path)
    assert run(tiny_run[0], "--to", "valley", "--size", "32") == 0
    generator = load_generator(tmp_path / "valley/valley.keras")
    assert generator.input_shape == (None, 32, 32, 1)
    assert "wrote valley/valley.keras, " in capsys.readouterr().out


def test_the_dtype_of_pictures_is_passed_on(tiny_run, tmp_path, monkeypatch):
    given = {}

    def stop(*arguments, **options):
        given.update(options)
        raise ValueError("enough")

    monkeypatch.setattr("colorize_tf.artifacts.export.export_artifacts", stop)
    for flags in ([], ["--image-dtype", "uint8"]):
        assert run(tiny_run[0], "--to", tmp_path / "valley", "--size", "32", *flags) == 2
        assert given["image_dtype"] == (flags or ["float32"])[-1]


@pytest.fixture
def no_work(monkeypatch):
    """Whatever takes long fails."""

    def fail(*arguments, **options):
        raise AssertionError("too late")

    monkeypatch.setattr("colorize_tf.experiment.export._measure", fail)
    monkeypatch.setattr("colorize_tf.artifacts.export.export_artifacts", fail)


def test_too_few_photographs_for_int8_are_refused_before_any_work(
    tiny_run, tmp_path, landscapes, no_work, capsys
):
    flags = ["--tflite", "int8", "--data-dir", landscapes[0].parent]
    assert run(tiny_run[0], "--to", tmp_path / "valley", *flags) == 2
    assert "int8 needs at least 100 photographs" in capsys.readouterr().err
    assert not (tmp_path / "valley").exists()


def test_int8_is_calibrated_with_the_folder_that_is_named(tiny_run, tmp_path, monkeypatch):
    (tmp_path / "taken").mkdir()
    random = np.random.default_rng(0)
    for index in range(205):
        image = random.integers(0, 256, (64, 64, 3), np.uint8)
        image[0, 0] = index
        write_image(tmp_path / "taken" / f"{index:03}.png", image)
    given = {}

    def keep(*arguments, calibration, **options):
        given["calibration"] = calibration
        raise ValueError("that is all")

    monkeypatch.setattr("colorize_tf.artifacts.export.export_artifacts", keep)
    flags = ["--tflite", "int8", "--calibration-dir", tmp_path / "taken"]
    assert run(tiny_run[0], "--to", tmp_path / "valley", *flags) == 2
    greens = given["calibration"][:, 0, 0, 1].astype(int)
    assert len(greens) == 100
    assert set(np.diff(greens)) == {2}


def test_warmup_without_its_extra_is_refused_before_any_work(
    tiny_run, tmp_path, no_work, monkeypatch, capsys
):
    monkeypatch.setitem(sys.modules, "tensorflow_serving.apis", None)
    assert run(tiny_run[0], "--to", tmp_path / "valley", "--warmup") == 2
    assert "colorize_tf[serving]" in capsys.readouterr().err


def test_a_target_that_is_a_file_is_refused_before_any_work(tiny_run, tmp_path, no_work, capsys):
    (tmp_path / "valley").write_text("mine")
    assert run(tiny_run[0], "--to", tmp_path / "valley") == 2
    assert "is a file; expected a folder" in capsys.readouterr().err
    assert (tmp_path / "valley").read_text() == "mine"


def test_describe_prints_the_description(tiny_run, capsys):
    assert run("--describe", tiny_run[0] / "export/tiny.tflite") == 0
    lines = capsys.readouterr().out.splitlines()
    for line in ("name: tiny", "recipe: tiny", "input_size: 64", "quantization: float32"):
        assert line in lines
    assert "        range: 0.0, 1.0" in lines


def test_a_file_that_is_not_ours_is_one_line(tmp_path, capsys):
    (tmp_path / "song.mp3").write_bytes(b"la la la")
    assert run("--describe", tmp_path / "song.mp3") == 2
    error = capsys.readouterr().err
    assert "song.mp3 contains no description" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], ["runs/one"], ["--to", "here"]])
def test_missing_arguments_are_named(arguments, capsys):
    assert run(*arguments) == 2
    assert "MODEL and --to DIR, or --describe FILE" in capsys.readouterr().err


def test_describe_takes_no_other_arguments(capsys):
    assert run("runs/one", "--describe", "runs/one") == 2
    assert "leave MODEL and --to out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--size", "50"], "size 50 does not fit"),
        (["--data-dir", "nowhere"], "nowhere does not exist"),
        (["--calibration-dir", "photos"], "add int8 to the TFLite files"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(tiny_run, tmp_path, capsys, flags, words):
    assert run(tiny_run[0], "--to", tmp_path / "valley", *flags) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert not (tmp_path / "valley").exists()


def test_an_unknown_quantization_is_refused_with_those_there_are(capsys):
    with pytest.raises(SystemExit) as exit_:
        run("runs/one", "--to", "here", "--tflite", "int4")
    assert exit_.value.code == 2
    assert "float32, float16, dynamic, int8, separated by commas" in capsys.readouterr().err


def test_a_model_that_is_not_there_is_named(tmp_path, capsys):
    assert run(tmp_path / "gone", "--to", tmp_path / "valley") == 2
    assert "gone" in capsys.readouterr().err
