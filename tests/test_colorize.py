import numpy as np
import pytest

from colorize_tf import media
from colorize_tf.colorize import main
from colorize_tf.data.synthetic import render_landscape
from colorize_tf.inference.colorizer import Colorizer


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


@pytest.fixture
def noisy(monkeypatch):
    """Every model takes a z of one, which says how green the picture is."""

    def predict_ab(lightness, z=None):
        greenness = 0 if z is None else np.tanh(z[0, 0])
        return np.full((1, 32, 32, 2), (-0.2 * greenness, 0), np.float32)

    monkeypatch.setattr(Colorizer, "load", lambda model: Colorizer(predict_ab, 32, z_size=1))


def samples(photo, folder, count, *others):
    """Colour `photo` to `folder` and return all that was written there."""
    folder.mkdir()
    assert run(photo, "-o", folder / "new.png", "--model", "m", "--samples", count, *others) == 0
    paths = [folder / f"new-{number}.png" for number in range(1, count + 1)]
    assert sorted(folder.iterdir()) == sorted(paths)
    return np.stack([media.read_image(path) for path in paths])


def test_samples_differ_and_say_where_they_are(noisy, photo, tmp_path, capsys):
    first, second, third = samples(photo, tmp_path / "out", 3).astype(int)
    assert min(np.abs(a - b).max() for a, b in [(first, second), (first, third), (second, third)])
    names = [f"wrote {tmp_path / 'out' / f'new-{number}.png'}" for number in (1, 2, 3)]
    assert capsys.readouterr().out.splitlines() == names


def test_more_samples_begin_with_the_same_ones(noisy, photo, tmp_path):
    few, many = (samples(photo, tmp_path / str(n), n, "--seed", 5) for n in (2, 12))
    np.testing.assert_array_equal(many[:2], few)


def test_another_seed_gives_other_samples(noisy, photo, tmp_path):
    unnamed, zero, one = (
        samples(photo, tmp_path / f"out{index}", 2, *flags)
        for index, flags in enumerate([(), ("--seed", 0), ("--seed", 1)])
    )
    np.testing.assert_array_equal(unnamed, zero)
    assert np.abs(zero.astype(int) - one).max() > 5


def test_without_samples_there_is_one_picture_with_the_default_z(noisy, photo, tmp_path):
    output = tmp_path / "new.png"
    assert run(photo, "-o", output, "--model", "m") == 0
    assert np.ptp(media.read_image(output).astype(int), axis=-1).max() <= 1


def test_one_existing_sample_stops_all_unless_forced(noisy, photo, tmp_path, capsys):
    (tmp_path / "new-3.png").write_bytes(b"mine")
    arguments = [photo, "-o", tmp_path / "new.png", "--model", "m", "--samples", 4]
    assert run(*arguments) == 2
    assert "new-3.png exists already" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new-3.png", "old.jpg"]
    assert run(*arguments, "--force") == 0
    assert media.read_image(tmp_path / "new-3.png").shape == (70, 110, 3)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--samples", 0], "--samples must be at least 1, got 0"),
        (["--samples", -2], "--samples must be at least 1, got -2"),
        (["--samples", 2, "--seed", -1], "--seed must be at least 0, got -1"),
        (["--seed", 1], "say how many with --samples N"),
        (["--samples", 2], "tiny.tflite takes no noise"),
    ],
)
def test_a_wrong_wish_for_samples_is_one_line_and_writes_nothing(
    tiny_run, photo, tmp_path, capsys, flags, words
):
    model = tiny_run[0] / "export/tiny.tflite"
    assert run(photo, "-o", tmp_path / "new.png", "--model", model, *flags) == 2
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
