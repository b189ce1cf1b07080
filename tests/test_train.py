import csv
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from colorize_tf import imagefiles
from colorize_tf.artifacts.card import describe
from colorize_tf.artifacts.keras_file import load_generator
from colorize_tf.data.locks import held
from colorize_tf.experiment.settling import settle
from colorize_tf.train import main

TINY = ["--recipe", "tiny", "--dataset", "synthetic"]


def without_progress(stderr):
    """Return the lines of standard error except bars, which count the other way round when slow."""
    lines = stderr.splitlines()
    return [line for line in lines if line.strip() and not re.search("picture/s|s/picture", line)]


def fails(capsys, *arguments):
    """Run the verb, expect exit code 2, return the one line that it wrote to standard error."""
    try:
        code = main([str(argument) for argument in arguments])
    except SystemExit as exit:
        code = exit.code
    captured = capsys.readouterr()
    assert code == 2
    lines = captured.err.strip().splitlines()
    assert len(lines) == 1, captured.err
    return lines[0]


# A whole run.


def test_a_run_ends_with_three_artifacts_and_what_shows_how_it_went(tiny_run):
    run, _ = tiny_run
    for name in (
        "config.json",
        "data.json",
        "skipped.csv",
        "metrics.csv",
        "curves.png",
        "samples/epoch-001.png",
        "samples/epoch-002.png",
        "tensorboard",
        "generator.keras",
        "state.npz",
        "export/tiny.keras",
        "export/1/saved_model.pb",
        "export/tiny.tflite",
        "export/tiny.json",
        "export/MODEL_CARD.md",
    ):
        assert (run / name).exists(), name


def test_what_a_run_leaves_behind_says_how_it_came_about(tiny_run):
    run, _ = tiny_run
    cards = [describe(run / file) for file in (".", "export", "export/tiny.tflite")]
    assert {card["recipe"] for card in cards} == {"tiny"}
    assert {card["name"] for card in cards} == {"tiny"}
    assert {card["data"]["train"] for card in cards} == {200}
    assert len({card["weights_sha256"] for card in cards}) == 1
    assert str(run.parent) not in json.dumps(cards)
    text = (run / "export/MODEL_CARD.md").read_text()
    assert "20 validation pictures of: rendered landscapes (seed 0), at 64 px" in text
    assert "| this run |" in text
    assert str(run.parent) not in text


def test_a_run_prints_the_gray_answer_beside_its_own(tiny_run):
    _, output = tiny_run
    assert "gray (ab = 0)" in output.stdout
    assert "this run" in output.stdout
    assert "colorfulness" in output.stdout


def test_a_run_writes_nothing_but_progress_to_standard_error(tiny_run):
    _, output = tiny_run
    assert without_progress(output.stderr) == []


@pytest.mark.slow
def test_float32_is_as_silent(tmp_path, offline, exports, capfd):
    flags = ["--precision", "float32", "--epochs", "1", "--steps-per-epoch", "1"]
    assert main([*TINY, *flags, "--run-dir", str(tmp_path / "run")]) == 0
    assert without_progress(capfd.readouterr().err) == []


def test_the_log_has_a_row_for_each_epoch_with_losses_and_measures(tiny_run):
    run, _ = tiny_run
    with (run / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["epoch"], row["stage"]) for row in rows] == [
        ("1", "pretrain"),
        ("2", "adversarial"),
    ]
    for name in (
        "reconstruction_loss",
        "val_ab_rmse",
        "val_psnr",
        "val_ssim",
        "val_ciede2000",
        "val_colorfulness_ratio",
        "val_color_distance",
    ):
        assert all(float(row[name]) >= 0 for row in rows), name
    assert float(rows[1]["discriminator_loss"]) > 0


def test_a_sample_grid_shows_six_photographs_gray_predicted_and_true(tiny_run):
    run, _ = tiny_run
    assert imagefiles.read_image(run / "samples/epoch-001.png").shape == (3 * 64, 6 * 64, 3)


def test_the_config_of_a_run_is_stored(tiny_run):
    run, _ = tiny_run
    config = json.loads((run / "config.json").read_text())
    assert (config["recipe"], config["image_size"], config["epochs"]) == ("tiny", 64, 2)
    assert config["precision"] in ("float32", "mixed_bfloat16", "mixed_float16")


def test_exported_keras_file_is_the_best_generator_of_the_run(tiny_run):
    run, _ = tiny_run
    best, exported = (
        load_generator(run / "generator.keras"),
        load_generator(run / "export/tiny.keras"),
    )
    for weight, expected in zip(exported.get_weights(), best.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)


# Stopping and going on.

STAGES = ["--pretrain-epochs", "2", "--discriminator-epochs", "1", "--adversarial-epochs", "2"]
LONG = [*TINY, *STAGES, "--steps-per-epoch", "4", "--ema", "0.9", "--schedule", "cosine"]


def start(run, cache_home):
    """Start the run, or resume it if it exists."""
    flags = ["--resume"] if run.exists() else [*LONG, "--deterministic"]
    return subprocess.Popen(
        [sys.executable, "-m", "colorize_tf.train", *flags, "--run-dir", str(run)],
        env={**os.environ, "XDG_CACHE_HOME": str(cache_home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for(path, process):
    while not path.exists() and process.poll() is None:
        time.sleep(0.02)


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory, cache_home):
    """A deterministic run that nothing disturbed."""
    run = tmp_path_factory.mktemp("runs") / "whole"
    process = start(run, cache_home)
    output, _ = process.communicate()
    assert process.returncode == 0, output
    return run


def saved_state(run):
    """Everything in a run's state but how long it took."""
    with np.load(run / "state.npz") as file:
        arrays = dict(file)
    assert arrays.pop("counter.seconds_done") > arrays.pop("counter.stage_first_second") > 0
    return arrays


@pytest.mark.slow
def test_a_run_that_was_stopped_and_resumed_ends_with_the_weights_of_one_that_was_not(
    tmp_path, cache_home, whole_run
):
    """Killed in the first stage, interrupted by Ctrl-C, asked to end in the last stage."""
    run = tmp_path / "stopped"
    for epoch, sent, code, words in (
        (1, signal.SIGKILL, -signal.SIGKILL, ""),
        (2, signal.SIGINT, 1, f"--resume --run-dir {run}"),
        (4, signal.SIGTERM, 143, "ended by SIGTERM, and saved"),
    ):
        process = start(run, cache_home)
        wait_for(run / f"samples/epoch-{epoch:03}.png", process)
        process.send_signal(sent)
        output, _ = process.communicate()
        assert process.returncode == code, output
        assert words in output and "Traceback" not in output
        assert not (run / "export").exists(), "the run was over before it was stopped"
        if sent == signal.SIGINT:
            assert load_generator(run / "generator.keras").input_shape == (None, 64, 64, 1)
    process = start(run, cache_home)
    output, _ = process.communicate()
    assert process.returncode == 0, output
    states, expected = saved_state(run), saved_state(whole_run)
    assert states.keys() == expected.keys()
    for name, state in states.items():
        np.testing.assert_array_equal(state, expected[name], err_msg=name)
    assert epochs(run) == epochs(whole_run) == [1, 2, 3, 4, 5]


def epochs(run):
    with (run / "metrics.csv").open(newline="") as file:
        return [int(row["epoch"]) for row in csv.DictReader(file)]


def test_a_finished_run_is_prolonged_in_its_last_stage(tiny_run, tmp_path, offline, exports):
    run = tmp_path / "longer"
    shutil.copytree(tiny_run[0], run)
    # Where photographs come from may be told otherwise, as after a download.
    data = json.loads((run / "data.json").read_text())
    (run / "data.json").write_text(json.dumps({**data, "origin": "elsewhere"}))
    assert main(["--resume", "--run-dir", str(run), "--epochs", "3"]) == 0
    with (run / "metrics.csv").open(newline="") as file:
        stages = [row["stage"] for row in csv.DictReader(file)]
    assert stages == ["pretrain", "adversarial", "adversarial"]
    assert exports == [run / "export"]


def test_a_run_that_another_command_works_on_is_left_alone(tiny_run, tmp_path, capsys):
    run = tmp_path / "busy"
    shutil.copytree(tiny_run[0], run)
    with held(run):
        line = fails(capsys, "--resume", "--run-dir", run, "--epochs", "9")
    assert f"{run} is in use by process {os.getpid()} on " in line


def test_a_run_that_was_killed_before_it_wrote_anything_begins_again(tmp_path):
    run = tmp_path / "killed"
    run.mkdir()
    (run / ".lock").touch()
    _, is_new = settle({"recipe": "tiny", "run_dir": str(run)}, restartable=True)
    assert is_new and not run.exists()


def test_the_same_command_again_goes_on_where_it_may(tiny_run, tmp_path, offline, exports):
    run = tmp_path / "again"
    shutil.copytree(tiny_run[0], run)
    (run / "state.npz").unlink()
    command = [*TINY, "--epochs", "2", "--run-dir", str(run)]
    assert main(command) == 2
    assert main([*command, "--restartable"]) == 0
    assert epochs(run) == [1, 2]
    assert exports == [run / "export"]


def test_a_folder_without_a_run_is_begun_in_where_it_may(tmp_path, offline, exports):
    (tmp_path / "run").mkdir()
    command = [*TINY, "--epochs", "1", "--steps-per-epoch", "1", "--restartable"]
    assert main([*command, "--run-dir", str(tmp_path / "run")]) == 0
    assert epochs(tmp_path / "run") == [1]


def test_a_best_generator_lost_between_two_files_is_saved_on_resume(
    tiny_run, tmp_path, offline, exports
):
    run = tmp_path / "lost"
    shutil.copytree(tiny_run[0], run)
    (run / "generator.keras").unlink()
    assert main(["--resume", "--run-dir", str(run)]) == 0
    weights = load_generator(run / "generator.keras").get_weights()
    expected = load_generator(tiny_run[0] / "generator.keras").get_weights()
    for weight, other in zip(weights, expected, strict=True):
        np.testing.assert_array_equal(weight, other)


def test_more_epochs_than_are_behind_are_asked_for(tiny_run, tmp_path, offline, capsys):
    run = tmp_path / "finished"
    shutil.copytree(tiny_run[0], run)
    before = (run / "config.json").read_bytes()
    line = fails(capsys, "--resume", "--run-dir", run, "--epochs", "2")
    assert "has already done 2 epochs, got --epochs 2" in line
    assert (run / "config.json").read_bytes() == before


# Starting from another run.


def test_a_run_starts_from_the_generator_of_another(tiny_run, tmp_path, offline, exports):
    """Also again, if it was killed before it saved its first state."""
    earlier, _ = tiny_run
    run = tmp_path / "next"
    expected = load_generator(earlier / "generator.keras").trainable_variables
    still = ["--pretrain-learning-rate", "1e-12", "--epochs", "1", "--steps-per-epoch", "1"]
    first = [*TINY, *still, "--init-from", str(earlier)]
    for flags in (first, ["--resume"]):
        assert main([*flags, "--run-dir", str(run)]) == 0
        weights = load_generator(run / "generator.keras").trainable_variables
        for weight, other in zip(weights, expected, strict=True):
            np.testing.assert_allclose(weight.numpy(), other.numpy(), atol=1e-6)
        for name in ("state.npz", "metrics.csv", "generator.keras"):
            (run / name).unlink()


def test_given_weights_choose_their_network(tiny_run, offline):
    config, _ = settle({"init_from": str(tiny_run[0]), "recipe": "resnet18"})
    assert (config.generator, config.backbone_weights) == ("tiny_unet", None)


def test_a_generator_of_another_architecture_is_refused_and_named(
    tiny_run, tmp_path, offline, capsys
):
    flags = ["--init-from", tiny_run[0], "--generator", "compact_unet"]
    line = fails(capsys, *flags, "--run-dir", tmp_path / "run")
    assert "does not match the network compact_unet" in line
    assert not (tmp_path / "run").exists()


# Mistakes: one line, exit code 2, nothing written.


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--dataset", "moon"], "landscapes, coco, folder, synthetic"),
        (["--recipe", "magic"], "compact, cnn-mse, zhang-cnn"),
        (["--generator", "magic"], "compact_unet, efficientnet_unet"),
        (["--image-size", "100"], "96 or 128"),
        (["--recipe", "pix2pix", "--image-size", "80"], "96"),
        (["--epochs", "0"], "--epochs must be above 0"),
        (["--epochs", "many"], "expected a whole number, got 'many'"),
        (["--image-size", "512x384"], "one whole number, the height and width of a square"),
        (["--image-size", "16"], "--image-size must be at least 32 and at most 4,096"),
        (["--discriminator-pooling", "5"], "--discriminator-pooling must lie between 1 and 4"),
        (["--seed", "-1"], "--seed must be at least 0 and at most"),
        (["--data-dir", "~nosuchuser/photos"], "~nosuchuser/photos"),
        (["--precision", "float8"], "mixed_bfloat16"),
        (["--pretrain-epochs", "9", "--epochs", "3"], "no less than the epochs of its stages"),
        (["--data-dir", "nowhere"], "nowhere does not exist"),
        (["--dataset", "folder"], "--data-dir"),
        (["--init-from", "nowhere"], "nowhere"),
        (["--resume"], "--run-dir"),
        (["--batch-size", "500", *TINY], "--batch-size"),
        (["--no-such-flag"], "--no-such-flag"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    flags, words, tmp_path, monkeypatch, offline, capsys
):
    monkeypatch.chdir(tmp_path)
    assert words in fails(capsys, *flags)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_usable_photographs_is_named_with_the_reasons(tmp_path, offline, capsys):
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "broken.jpg").write_bytes(b"")
    line = fails(capsys, "--data-dir", photos, "--run-dir", tmp_path / "run")
    assert str(photos) in line
    assert "zero-byte" in line


def test_an_existing_run_folder_is_left_alone(tiny_run, offline, capsys):
    run, _ = tiny_run
    before = (run / "config.json").read_bytes()
    line = fails(capsys, *TINY, "--run-dir", run)
    assert "exists already" in line
    assert (run / "config.json").read_bytes() == before


def test_a_place_to_export_to_that_is_a_file_is_found_before_training(tmp_path, offline, capsys):
    (tmp_path / "file").write_text("mine")
    line = fails(capsys, *TINY, "--run-dir", tmp_path / "run", "--export-to", tmp_path / "file")
    assert "is a file, expected a folder" in line
    assert not (tmp_path / "run").exists()


def test_a_disk_that_fills_up_is_one_line(tmp_path, offline, capsys):
    """A limit on the size of files stands in for the disk: the state takes more."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    flags = [*TINY, "--epochs", "1", "--steps-per-epoch", "1", "--run-dir", str(tmp_path / "run")]
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, limits[1]))
    try:
        code = main(flags)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert code == 2
    *_, line = without_progress(capsys.readouterr().err)
    assert line.startswith("error: ")
    assert "File too large" in line
    assert not (tmp_path / "run/state.npz").exists()


def test_a_run_folder_that_cannot_be_made_is_named(tmp_path, offline, capsys):
    (tmp_path / "file").write_text("")
    line = fails(capsys, *TINY, "--run-dir", tmp_path / "file" / "run")
    assert f"cannot make run folder {tmp_path / 'file' / 'run'}" in line


def test_a_run_that_is_to_be_gone_on_with_needs_a_name(capsys):
    for name in ("--resume", "--restartable"):
        assert f"{name} needs --run-dir" in fails(capsys, *TINY, name)


def test_a_run_is_resumed_with_its_own_configuration_only(tiny_run, offline, capsys):
    run, _ = tiny_run
    line = fails(capsys, "--resume", "--run-dir", run, "--batch-size", "4")
    assert "--batch-size 16" in line
    assert f"--init-from {run}" in line


def test_a_run_is_resumed_with_its_own_photographs_only(tiny_run, tmp_path, offline, capsys):
    run = tmp_path / "copy"
    shutil.copytree(tiny_run[0], run)
    data = json.loads((run / "data.json").read_text())
    (run / "data.json").write_text(json.dumps({**data, "sha256": "another"}))
    assert "photographs changed" in fails(capsys, "--resume", "--run-dir", run)
