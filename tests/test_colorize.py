import io
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from colorize_tf import colorize, imagefiles
from colorize_tf.data.synthetic.landscapes import render_landscape
from colorize_tf.inference.colorizer import Colorizer
from colorize_tf.inference.errors import ModelUnavailableError


def gray_landscape(seed, height=70, width=110):
    luma = cv2.cvtColor(render_landscape(seed, height, width), cv2.COLOR_RGB2GRAY)
    return np.repeat(luma[..., np.newaxis], 3, axis=-1)


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "old.jpg"
    imagefiles.write_image(path, gray_landscape(1))
    return path


@pytest.fixture
def green(monkeypatch):
    """Every model takes a z of one, which says how green the picture is; without, it is red."""

    def predict_ab(lightness, z=None):
        greenness = -1 if z is None else np.tanh(z[0, 0])
        return np.full((1, 32, 32, 2), (-0.2 * greenness, 0), np.float32)

    monkeypatch.setattr(Colorizer, "load", lambda model: Colorizer(predict_ab, 32, z_size=1))


@pytest.fixture
def box(tmp_path, monkeypatch):
    """A folder `in` of three photographs, one of them in a folder; `tmp_path` is the current."""
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate(("a.jpg", "b.png", "1962/c.tif")):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        imagefiles.write_image(tmp_path / "in" / name, gray_landscape(seed))
    return Path("in")


def run(*arguments):
    try:
        return colorize.main([str(argument) for argument in arguments])
    except SystemExit as end:  # argparse's own
        return end.code


def written(folder="out"):
    """What lies below a folder, hidden files included."""
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*.*"))


# One file


def test_the_named_model_colorizes_a_photograph(tiny_tflite, photo, tmp_path):
    output = tmp_path / "new.png"
    assert run(photo, "-o", output, "--model", tiny_tflite) == 0
    expected = Colorizer.load(tiny_tflite)(imagefiles.read_image(photo))
    np.testing.assert_array_equal(imagefiles.read_image(output), expected)
    assert expected.std(axis=-1).max() > 0


def test_the_command_prints_only_the_written_file(tiny_tflite, photo, tmp_path, run_command):
    output = tmp_path / "new.png"
    finished = run_command("colorize", photo, "-o", output, "--model", tiny_tflite)
    assert finished.stdout == f"wrote {output}\n"
    assert finished.stderr == ""


def test_a_broken_film_gives_one_line_without_native_logs(tiny_tflite, tmp_path, run_command):
    film = tmp_path / "old.mp4"  # Frames, and no index of them.
    film.write_bytes(b"\0\0\0\x10ftypmp42\0\0\0\0\0\0\0\x10mdat" + bytes(8))
    finished = run_command("colorize", film, "-o", tmp_path / "new.mp4", "--model", tiny_tflite)
    assert (finished.returncode, finished.stdout) == (1, "")
    assert finished.stderr == (
        f"error: {film} has no video that can be decoded; copy or convert it again\n"
    )


def test_a_tflite_model_needs_no_tensorflow(tiny_tflite, box, tmp_path):
    arguments = ["in", "-o", "out", "--model", str(tiny_tflite)]
    code = f"""
import sys
from colorize_tf import colorize
assert colorize.main({arguments}) == 0
assert not {{"tensorflow", "keras"}} & set(sys.modules)
"""
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    assert written() == ["a.jpg", "b.png"]


def test_results_are_deterministic(tiny_tflite, photo, tmp_path):
    outputs = [tmp_path / "1.png", tmp_path / "2.png"]
    for output in outputs:
        run(photo, "-o", output, "--model", tiny_tflite)
    np.testing.assert_array_equal(*map(imagefiles.read_image, outputs))


def test_an_existing_file_needs_overwrite_or_skip_existing(green, photo, tmp_path, capsys):
    output = tmp_path / "new.png"
    output.write_bytes(b"mine")
    assert run(photo, "-o", output) == 2
    assert "exists already" in capsys.readouterr().err
    assert run(photo, "-o", output, "--skip-existing") == 0
    assert output.read_bytes() == b"mine"
    assert run(photo, "-o", output, "--overwrite") == 0
    assert imagefiles.read_image(output).shape == (70, 110, 3)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"input": "gone.jpg"}, "gone.jpg"),
        ({"input": "*.model_error"}, "names one file"),
        ({"model": "gone"}, "no model at gone"),
        ({"output": "new.xyz"}, ".xyz"),
        ({"output": "nowhere/new.png"}, "nowhere"),
        ({"output": "old.jpg"}, "is the input itself"),
        ({"output": "new.png", "input": "."}, "names one file"),
        ({"output": "."}, "an input"),
    ],
)
def test_a_wrong_path_is_one_line_and_writes_nothing(
    tiny_tflite, photo, tmp_path, monkeypatch, capsys, change, words
):
    monkeypatch.chdir(tmp_path)
    chosen = {"input": photo, "output": "new.png", "model": tiny_tflite}
    chosen |= change
    assert run(chosen["input"], "-o", chosen["output"], "--model", chosen["model"]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["old.jpg"]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--samples", 0], "--samples must be at least 1, got 0"),
        (["--samples", -2], "--samples must be at least 1, got -2"),
        (["--samples", 2, "--seed", -1], "--seed must be at least 0, got -1"),
        (["--seed", 1], "set their number with --samples N"),
        (["--samples", 2], "the model takes no noise"),
        (["--intensity", 2.1], "--intensity must be at least 0 and at most 2, got 2.1"),
        (["--intensity", "nan"], "--intensity must be at least 0 and at most 2, got nan"),
        (["--quality", 101], "--quality must be at least 1 and at most 100, got 101"),
        (["--limit", 0], "--limit must be at least 1, got 0"),
        (["--jobs", 0], "--jobs must be at least 1 and at most 4,096, got 0"),
        (["--max-megapixels", 0], "--max-megapixels must be at least 0.001, got 0"),
        (["--format", "jpg"], "--format is for folders"),
    ],
)
def test_a_wrong_option_is_one_line_and_writes_nothing(
    tiny_tflite, photo, tmp_path, capsys, flags, words
):
    assert run(photo, "-o", tmp_path / "new.png", "--model", tiny_tflite, *flags) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["old.jpg"]


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff\xd8\xff\xe0 no JPEG"])
def test_a_file_that_is_no_image_fails_and_is_named(green, tmp_path, capsys, content):
    (tmp_path / "bad.jpg").write_bytes(content)
    assert run(tmp_path / "bad.jpg", "-o", tmp_path / "new.png") == 1
    error = capsys.readouterr().err
    assert "bad.jpg" in error
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["bad.jpg"]


def test_a_photograph_in_color_is_skipped_unless_forced(green, tmp_path, capsys):
    imagefiles.write_image(tmp_path / "old.jpg", render_landscape(1, 70, 110))
    arguments = [tmp_path / "old.jpg", "-o", tmp_path / "new.png"]
    assert run(*arguments) == 0
    assert "old.jpg is in color already; --force" in capsys.readouterr().err
    assert not (tmp_path / "new.png").exists()
    assert run(*arguments, "--force") == 0
    assert (tmp_path / "new.png").exists()


def test_a_nan_prediction_is_an_error(photo, tmp_path, monkeypatch, capsys):
    nothing = Colorizer(lambda lightness: np.full((1, 32, 32, 2), np.nan, np.float32), 32)
    monkeypatch.setattr(Colorizer, "load", lambda model: nothing)
    assert run(photo, "-o", tmp_path / "new.png") == 1
    assert re.fullmatch(r"error: \S*old.jpg: the model predicted NaN.*\n", capsys.readouterr().err)
    assert not (tmp_path / "new.png").exists()


def no_memory(*arguments, **options):
    """What OpenCV raises for a failed allocation."""
    error = cv2.error("Failed to allocate 147000000 bytes")
    error.code = cv2.Error.StsNoMem
    raise error


@pytest.mark.parametrize("function", ["resize", "merge", "imencode"])
@pytest.mark.parametrize("output", ["new.png", "-"])
def test_a_lack_of_memory_is_an_error(green, tmp_path, monkeypatch, capsys, function, output):
    monkeypatch.chdir(tmp_path)
    imagefiles.write_image("old.png", gray_landscape(1))
    monkeypatch.setattr(cv2, function, no_memory)
    assert run("old.png", "-o", output) == 1
    line = "error: old.png: out of memory; try --jobs 1, or a smaller photograph\n"
    assert capsys.readouterr() == ("", line)
    assert written(".") == ["old.png"]


@pytest.mark.filterwarnings("default:.* is damaged")
def test_a_damaged_photograph_is_refused_unless_forced(green, photo, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    data = photo.read_bytes()
    photo.write_bytes(data[: len(data) // 2] + data[len(data) // 2 + 100 :])
    assert run("old.jpg", "-o", "new.jpg") == 1
    output, errors = capsys.readouterr()
    assert re.fullmatch(r"error: cannot read old.jpg: damaged: .*--force\n", errors) and not output
    assert written(".") == ["old.jpg"]
    assert run("old.jpg", "-o", "new.jpg", "--force") == 0
    assert re.match(r"warning: old.jpg is damaged \(", capsys.readouterr().err)
    assert imagefiles.read_image("new.jpg").shape == (70, 110, 3)


# Samples


def samples(photo, folder, count, *others):
    """Color `photo` to `folder` and return all that was written there."""
    folder.mkdir()
    assert run(photo, "-o", folder / "new.png", "--samples", count, *others) == 0
    paths = [folder / f"new-{number}.png" for number in range(1, count + 1)]
    assert sorted(folder.iterdir()) == sorted(paths)
    return np.stack([imagefiles.read_image(path) for path in paths])


def test_samples_differ_and_their_paths_are_printed(green, photo, tmp_path, capsys):
    first, second, third = samples(photo, tmp_path / "out", 3).astype(int)
    assert min(np.abs(a - b).max() for a, b in [(first, second), (first, third), (second, third)])
    names = [f"wrote {tmp_path / 'out' / f'new-{number}.png'}" for number in (1, 2, 3)]
    assert capsys.readouterr().out.splitlines() == names


def test_the_first_samples_do_not_depend_on_their_number(green, photo, tmp_path):
    few, many = (samples(photo, tmp_path / str(n), n, "--seed", 5) for n in (2, 12))
    np.testing.assert_array_equal(many[:2], few)


def test_the_seed_changes_the_samples(green, photo, tmp_path):
    unnamed, zero, one = (
        samples(photo, tmp_path / f"out{index}", 2, *flags)
        for index, flags in enumerate([(), ("--seed", 0), ("--seed", 1)])
    )
    np.testing.assert_array_equal(unnamed, zero)
    assert np.abs(zero.astype(int) - one).max() > 5


def test_an_existing_sample_needs_overwrite_or_skip_existing(green, photo, tmp_path, capsys):
    (tmp_path / "new-3.png").write_bytes(b"mine")
    arguments = [photo, "-o", tmp_path / "new.png", "--samples", 4]
    assert run(*arguments) == 2
    assert "new-3.png exists already" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new-3.png", "old.jpg"]
    assert run(*arguments, "--skip-existing") == 0
    assert (tmp_path / "new-3.png").read_bytes() == b"mine"
    assert run(*arguments, "--overwrite") == 0
    assert imagefiles.read_image(tmp_path / "new-3.png").shape == (70, 110, 3)


def test_missing_samples_are_added_to_a_folder(green, box):
    assert run("in/b.png", "-o", "out", "--samples", 2, "--seed", 5) == 0
    assert run("in/b.png", "-o", "out", "--samples", 3, "--seed", 5) == 0
    assert run("in/b.png", "-o", "at-once", "--samples", 3, "--seed", 5) == 0
    assert written() == written("at-once") == ["b-1.png", "b-2.png", "b-3.png"]
    for name in written():
        assert Path("out", name).read_bytes() == Path("at-once", name).read_bytes()


# Folders


def test_a_folder_keeps_its_structure(green, box, capsys):
    assert run("in", "-o", "out", "--recursive") == 0
    assert written() == ["1962/c.tif", "a.jpg", "b.png"]
    assert capsys.readouterr() == ("out: 3 done\n", "")
    for name in written():
        assert imagefiles.read_image(f"out/{name}").astype(int)[..., 0].mean() > 0
        assert imagefiles.read_image(f"out/{name}").std(axis=-1).mean() > 3


def test_a_file_written_to_a_folder_keeps_its_name(green, box, capsys):
    assert run("in/a.jpg", "-o", "out") == 0
    assert written() == ["a.jpg"]


def test_patterns_are_expanded(green, box):
    assert run("in/**/[ac].*", "-o", "out", "--format", "webp") == 0
    assert written() == ["1962/c.webp", "a.webp"]


def test_a_second_run_continues_the_first(green, box, capsys):
    assert run("in", "-o", "in/out", "--limit", 1) == 0
    assert capsys.readouterr().out == "in/out: 1 done, 1 left\n"
    (first,) = written("in/out")
    before = (Path("in/out") / first).stat().st_mtime_ns
    assert run("in", "-o", "in/out", "--recursive") == 0
    assert capsys.readouterr().out == "in/out: 2 done, 1 skipped (1 done before)\n"
    assert written("in/out") == ["1962/c.tif", "a.jpg", "b.png"]
    assert (Path("in/out") / first).stat().st_mtime_ns == before


def test_no_model_is_loaded_if_all_is_done(green, box, monkeypatch, capsys):
    assert run("in", "-o", "out") == 0
    capsys.readouterr()
    monkeypatch.delattr(Colorizer, "load")
    assert run("in", "-o", "out") == 0
    assert capsys.readouterr().out == "out: 0 done, 2 skipped (2 done before)\n"


def test_existing_results_are_replaced_by_overwrite(green, box):
    Path("out").mkdir()
    Path("out/a.jpg").write_bytes(b"mine")
    assert run("in", "-o", "out") == 0
    assert Path("out/a.jpg").read_bytes() == b"mine"
    assert run("in", "-o", "out", "--overwrite") == 0
    assert imagefiles.read_image("out/a.jpg").shape == (70, 110, 3)


BAD = {
    "corrupt.png": b"\x89PNG\r\n\x1a\n" + bytes(50),
    "empty.jpg": b"",
    "text.jpg": b"not a photograph",
    "film.avi": b"not a film",
}


def test_each_bad_file_is_named_once_and_the_rest_is_done(green, box, capsys):
    for name, content in BAD.items():
        (box / name).write_bytes(content)
    (box / "cut.jpg").write_bytes((box / "a.jpg").read_bytes()[:-100])
    (box / "gone.jpg").symlink_to("nowhere")
    (box / "folder.jpg").mkdir()
    shutil.copy(box / "a.jpg", box / "really-a-jpeg.png")
    shutil.copy(box / "a.jpg", box / "twice.jpg")
    imagefiles.write_image(box / "twice.tif", gray_landscape(5))
    assert run("in", "-o", "out", "--format", "jpg") == 1
    output, errors = capsys.readouterr()
    for name in ("corrupt.png", "empty.jpg", "text.jpg", "film.avi", "cut.jpg", "gone.jpg"):
        assert len(re.findall(rf"^error: .*\b{name}", errors, re.MULTILINE)) == 1, errors
    assert "twice.jpg and in/twice.tif would both be written to out/twice.jpg" in errors
    assert written() == ["a.jpg", "b.jpg", "really-a-jpeg.jpg"]
    assert output.startswith("out: 3 done, 8 failed (2 same output, ")


def test_an_unwritable_target_is_named_and_the_rest_is_done(green, box, capsys):
    Path("out").mkdir()
    Path("out/1962").write_bytes(b"mine")
    (Path("out") / "a.jpg").mkdir()
    assert run("in", "-o", "out", "--recursive") == 1
    output, errors = capsys.readouterr()
    assert "a.jpg" in errors and "c.tif" in errors and errors.count("\n") == 2
    assert output.startswith("out: 1 done, 2 failed")
    assert Path("out/1962").read_bytes() == b"mine"


def test_a_full_disk_is_reported_for_each_photograph(green, box, monkeypatch, capsys):
    def full_disk(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(imagefiles.contents, "atomic_write", full_disk)
    assert run("in", "-o", "out") == 1
    output, errors = capsys.readouterr()
    assert errors.count("No space left on device") == 2
    assert output == "out: 0 done, 2 failed (2 No space left on device)\n"
    assert written() == []


@pytest.mark.parametrize(("inputs", "count"), [("in/*.*", 3), ("in/film.*", 1)])
def test_an_unavailable_model_stops_the_run_with_one_line(box, monkeypatch, capsys, inputs, count):
    writer = cv2.VideoWriter("in/film.avi", cv2.VideoWriter_fourcc(*"MJPG"), 12, (64, 48))
    writer.write(gray_landscape(1, 48, 64))
    writer.release()
    asked = []

    def predict_ab(lightness):
        asked.append(lightness)
        raise ModelUnavailableError("no answer from http://host")

    monkeypatch.setattr(Colorizer, "load", lambda model: Colorizer(predict_ab, 32))
    assert run(inputs, "-o", "out", "--jobs", 1) == 1
    assert capsys.readouterr() == (
        f"out: 0 done, {count} failed ({count} model unavailable)\n",
        "error: no answer from http://host\n",
    )
    assert len(asked) == 1


def test_photographs_in_color_are_skipped(green, box, capsys):
    imagefiles.write_image(box / "color.jpg", render_landscape(1, 70, 110))
    assert run("in", "-o", "out") == 0
    output, errors = capsys.readouterr()
    assert output == "out: 2 done, 1 skipped (1 in color already)\n"
    assert "in/color.jpg is in color already" in errors
    assert run("in", "-o", "out", "--force") == 0
    assert written() == ["a.jpg", "b.png", "color.jpg"]


def test_ignored_files_and_subfolders_are_reported(green, box, capsys):
    (box / "notes.txt").write_text("on the back: 1962")
    assert run("in", "-o", "out") == 0
    assert capsys.readouterr().err == (
        "left out: files of other kinds: 1 (1 .txt); subfolders, without --recursive: 1\n"
    )


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        (["empty"], "no photographs or films in empty"),
        (["in/nothing*"], "in/nothing* matches nothing"),
        (["empty", "gone"], "cannot read gone"),
        (["in", "-"], "- is one photograph"),
    ],
)
def test_no_inputs_are_a_wrong_call(green, box, capsys, inputs, words):
    Path("empty").mkdir()
    assert run(*inputs, "-o", "out") == 2
    assert words in capsys.readouterr().err
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["in", "--ray-address", "host:6379"], "--ray-address needs --engine ray"),
        (["-", "--engine", "ray"], "- is one photograph"),
        (["in", "--engine", "ray"], "pip install colorize_tf[batch]"),
    ],
)
def test_ray_options_are_checked(box, monkeypatch, capfd, arguments, words):
    monkeypatch.setitem(sys.modules, "ray", None)
    assert run(*arguments, "-o", "out", "--recursive") == 2
    errors = capfd.readouterr().err
    assert words in errors and errors.count("\n") == 1


def test_a_folder_needs_an_output(box, capsys):
    assert run("in") == 2
    assert "no -o OUT" in capsys.readouterr().err


def test_overwrite_and_skip_existing_are_exclusive(box, capsys):
    assert run("in", "-o", "out", "--overwrite", "--skip-existing") == 2


def test_stale_temporary_files_are_removed(green, box):
    Path("out").mkdir()
    leftover = Path("out/.0123456789abcdef.jpg")
    leftover.write_bytes(b"half")
    os.utime(leftover, (0, 0))
    assert run("in", "-o", "out") == 0
    assert written() == ["a.jpg", "b.png"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_prints_the_summary(tiny_tflite, box, number):
    for seed in range(300):
        os.link(box / "a.jpg", box / f"{seed}.jpg")
    command = [sys.executable, "-m", "colorize_tf.colorize", "in", "-o", "out", "--recursive"]
    command += ["--model", tiny_tflite]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not (Path("out").is_dir() and written()):
        time.sleep(0.01)
    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    done, left = map(int, re.fullmatch(r"out: (\d+) done, (\d+) left\n", output).groups())
    # What is being written at the interruption is finished, but no longer counted.
    assert done + left == 303 and done <= len(written()) <= done + os.cpu_count()
    assert errors == "interrupted; the same command continues\n"
    assert all(imagefiles.read_image(f"out/{name}").shape == (70, 110, 3) for name in written())


@pytest.mark.parametrize(
    ("arguments", "redirection", "words"),
    [
        (["-"], {"stdin": None}, "cannot read standard input: unreadable: it is closed"),
        (["old.jpg", "-o", "-"], {"stdout": None}, "standard output is closed"),
        (["no\nsuch.jpg", "-o", "new.png"], {}, "cannot read no such.jpg: No such file"),
        (["no\nsuch.jpg", "-o", "out/"], {}, "cannot read no such.jpg: No such file"),
    ],
)
def test_closed_streams_and_odd_names_give_one_line(
    green, photo, monkeypatch, capsys, arguments, redirection, words
):
    monkeypatch.chdir(photo.parent)
    for name, stream in redirection.items():
        monkeypatch.setattr(sys, name, stream)
    assert run(*arguments) in (1, 2)
    errors = capsys.readouterr().err
    assert errors.startswith(f"error: {words}") and errors.count("\n") == 1


def test_a_full_standard_output_is_not_blamed_on_the_input(green, photo, monkeypatch, capsys):
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert run(photo, "-o", "-") == 1
    errors = capsys.readouterr().err
    assert "standard output: No space left on device" in errors and errors.count("\n") == 1


def test_an_environment_variable_shows_the_traceback(green, tmp_path, monkeypatch):
    monkeypatch.setenv("COLORIZE_TF_TRACEBACK", "1")
    (tmp_path / "bad.jpg").write_bytes(b"text")
    with pytest.raises(ValueError, match="bad.jpg"):
        run(tmp_path / "bad.jpg", "-o", tmp_path / "new.png")


# Standard input and output


@pytest.fixture
def piped(monkeypatch):
    """Runs the command with contents on standard input; returns code, output and errors."""

    def run_piped(content, *arguments):
        streams = [io.TextIOWrapper(io.BytesIO(data)) for data in (content, b"")]
        monkeypatch.setattr(sys, "stdin", streams[0])
        monkeypatch.setattr(sys, "stdout", streams[1])
        code = run(*arguments)
        streams[1].flush()
        return code, streams[1].buffer.getvalue()

    return run_piped


@pytest.mark.parametrize(
    ("arguments", "begins"),
    [(["-"], b"\xff\xd8"), (["-", "-o", "-"], b"\xff\xd8"), (["-", "--format", "png"], b"\x89PNG")],
)
def test_standard_input_is_colorized(green, photo, piped, arguments, begins):
    code, content = piped(photo.read_bytes(), *arguments)
    assert code == 0
    assert content.startswith(begins)
    assert imagefiles.decode_image(content).shape == (70, 110, 3)


def test_a_file_can_be_combined_with_a_standard_stream(green, photo, tmp_path, piped):
    code, content = piped(b"", photo, "-o", "-", "--format", "png")
    assert code == 0
    output = tmp_path / "new.png"
    assert piped(photo.read_bytes(), "-", "-o", output) == (0, f"wrote {output}\n".encode())
    assert output.read_bytes() == content


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "cannot read standard input: zero-byte"),
        (b"text", "cannot read standard input: unsupported"),
        (b"\0\0\0\x18ftypmp42", "cannot read standard input: a film: films are read from files"),
        (None, "standard input is in color already"),
    ],
)
def test_an_error_leaves_standard_output_empty(green, tmp_path, piped, capsys, content, words):
    if content is None:
        imagefiles.write_image(tmp_path / "color.png", render_landscape(1, 70, 110))
        content = (tmp_path / "color.png").read_bytes()
    assert piped(content, "-") == (1, b"")
    error = capsys.readouterr().err
    assert error.startswith(f"error: {words}") and error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-", "--samples", 2], "--samples writes several files"),
        (["-", "-"], "name no other INPUT"),
        (["-", "-o", "new.xyz"], ".xyz"),
    ],
)
def test_options_for_several_files_refuse_standard_input(green, piped, capsys, arguments, words):
    assert piped(b"", *arguments) == (2, b"")
    assert words in capsys.readouterr().err


def test_the_help_fits_into_80_columns(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    run("--help")
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80
