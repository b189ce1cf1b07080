import argparse
import dataclasses
import re
import shlex
from pathlib import Path

import pytest

from colorize_tf import cli
from colorize_tf.config import STAGES, TrainConfig
from colorize_tf.recipes import (
    REACHED,
    RECIPES,
    make_config,
    portable_path,
    resume_config,
    training_command,
)


def stored_config(**chosen):
    return dataclasses.asdict(make_config(chosen))


def lengths(**chosen):
    return [getattr(make_config(chosen), stage) for stage in STAGES]


def test_nothing_chosen_is_the_compact_recipe():
    assert make_config({}) == make_config({"recipe": "compact"})


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, [14, 0, 6]),
        ({"epochs": 12}, [8, 0, 4]),
        ({"epochs": 1}, [1, 0, 0]),
        ({"epochs": 2}, [1, 0, 1]),
        ({"recipe": "nogan", "epochs": 2}, [1, 0, 1]),
        ({"recipe": "nogan", "epochs": 48}, [28, 4, 16]),
        ({"recipe": "pix2pix", "epochs": 3}, [0, 0, 3]),
        ({"epochs": 12, "pretrain_epochs": 2}, [2, 0, 10]),
        ({"epochs": 12, "adversarial_epochs": 12}, [0, 0, 12]),
        ({"pretrain_epochs": 5}, [5, 0, 6]),
        (
            {"epochs": 9, "pretrain_epochs": 5, "critic_epochs": 1, "adversarial_epochs": 3},
            [5, 1, 3],
        ),
    ],
)
def test_stages_that_were_not_chosen_share_the_epochs_as_in_the_recipe(chosen, expected):
    assert lengths(**chosen) == expected
    assert make_config(chosen).epochs == sum(expected)


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"epochs": 0}, "--epochs must be above 0 .*, got 0"),
        ({"epochs": 3, "pretrain_epochs": 9}, "no less than the epochs of its stages, got 3"),
        (
            {"epochs": 9, "pretrain_epochs": 1, "critic_epochs": 0, "adversarial_epochs": 1},
            r"--epochs 9 is not the sum of .*: 1 \+ 0 \+ 1 = 2",
        ),
    ],
)
def test_epochs_and_stages_that_do_not_add_up_are_refused(chosen, words):
    with pytest.raises(ValueError, match=words):
        make_config(chosen)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_sets_its_defaults_and_nothing_else(name):
    config = dataclasses.asdict(make_config({"recipe": name}))
    defaults = RECIPES[name].defaults
    assert defaults.items() <= config.items()
    others = dataclasses.asdict(TrainConfig()).keys() - defaults.keys() - {"recipe", "epochs"}
    assert all(config[field] == getattr(TrainConfig(), field) for field in others)


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_say_what_they_are_and_set_fields_that_exist(name):
    assert RECIPES[name].summary and RECIPES[name].source
    assert set(RECIPES[name].defaults) <= {field.name for field in dataclasses.fields(TrainConfig)}


def test_what_a_recipe_reaches_is_what_the_readme_says():
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    for name, (ciede2000, colorfulness) in REACHED.items():
        (row,) = re.findall(rf"^\| {name} \|.*$", readme, re.MULTILINE)
        cells = row.split(" | ")
        assert f"{ciede2000:.2f}" in cells[4] and f"{colorfulness:.2f}" in cells[5], name
    assert RECIPES.keys() - REACHED.keys() == {"tiny"}


def test_pix2pix_is_as_in_the_paper():
    config = make_config({"recipe": "pix2pix"})
    assert (config.image_size, config.batch_size, config.discriminator_width) == (256, 4, 64)
    assert (config.adversarial_learning_rate, config.critic_learning_rate) == (2e-4, 2e-4)
    assert (config.beta_1, config.reconstruction_weight, config.loss) == (0.5, 100, "l1")
    assert (config.pretrain_epochs, config.adversarial_epochs) == (0, 200)


def test_what_was_chosen_wins_over_the_recipe():
    config = make_config({"recipe": "tiny", "image_size": 32})
    assert config.image_size == 32 and config.generator == "tiny_unet"


def test_an_unknown_recipe_lists_the_known():
    with pytest.raises(ValueError, match="no recipe 'huge'; there are compact, cnn-mse, .*, tiny"):
        make_config({"recipe": "huge"})


@pytest.mark.parametrize(
    "chosen",
    [
        {"recipe": "cnn-mse", "label_smoothing": 0.1},
        {"recipe": "cnn-mse", "adversarial_loss": "hinge"},
        {"recipe": "cnn-mse", "adversarial_patience": 3},
        {"recipe": "cnn-mse", "critic_learning_rate": 1e-3},
        {"recipe": "pix2pix", "patience": 3},
        {"recipe": "pix2pix", "monitor": "val_psnr"},
    ],
    ids=lambda chosen: list(chosen)[-1],
)
def test_a_flag_of_a_stage_that_is_not_there_is_refused(chosen):
    name = "--" + list(chosen)[-1].replace("_", "-")
    with pytest.raises(ValueError, match=f"{name} .* has no effect in this run of recipe"):
        make_config(chosen)


def test_a_backbone_comes_from_one_place():
    chosen = {"recipe": "resnet18", "init_from": "a", "backbone_weights": "b.weights.h5"}
    with pytest.raises(ValueError, match="--init-from .* brings the backbone's weights along"):
        make_config(chosen)
    assert make_config({"recipe": "resnet18", "init_from": "a"}).init_from


def test_files_are_found_again_from_another_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = make_config({"feature_weights": "w.h5", "init_from": "runs/a"})
    assert config.feature_weights == str(tmp_path / "w.h5")
    assert config.init_from == str(tmp_path / "runs/a")
    assert make_config({"recipe": "resnet18"}).backbone_weights == "imagenet"
    again = resume_config(dataclasses.asdict(config), {"feature_weights": "w.h5"})
    assert again.feature_weights == config.feature_weights


def test_resuming_keeps_the_stored_config():
    stored = stored_config(recipe="tiny", seed=3, run_dir="runs/a")
    config = resume_config(stored, {"resume": True, "run_dir": "runs/a"})
    assert dataclasses.asdict(config) == {**stored, "resume": True}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 40),
        ("minutes", 5.0),
        ("patience", 3),
        ("adversarial_patience", 3),
        ("export_to", "models/b"),
        ("run_dir", "runs/moved"),
    ],
)
def test_resuming_may_change_how_long_and_where(name, value):
    config = resume_config(stored_config(), {"resume": True, name: value})
    assert getattr(config, name) == value


def test_resuming_refuses_another_value_and_says_which():
    with pytest.raises(ValueError, match="the run has --batch-size 32, got 8; leave the flag out"):
        resume_config(stored_config(), {"batch_size": 8})


def test_resuming_accepts_a_flag_that_says_the_same():
    chosen = {"recipe": "tiny", "image_size": 64}
    assert resume_config(stored_config(recipe="tiny"), chosen).image_size == 64


def test_resuming_checks_ranges_again():
    with pytest.raises(ValueError, match="--minutes must be a finite number above 0"):
        resume_config(stored_config(), {"minutes": -1})


def test_more_epochs_go_to_the_last_stage():
    config = resume_config(stored_config(epochs=20), {"epochs": 50})
    assert (config.pretrain_epochs, config.adversarial_epochs) == (14, 36)
    config = resume_config(stored_config(recipe="cnn-mse"), {"epochs": 50})
    assert (config.pretrain_epochs, config.adversarial_epochs) == (50, 0)


def test_resuming_never_cuts_an_earlier_stage_short():
    for epochs in (10, 14):
        with pytest.raises(
            ValueError, match=f"14 epochs before its last .*, got --epochs {epochs}"
        ):
            resume_config(stored_config(epochs=20), {"epochs": epochs})


def test_epochs_take_the_place_of_minutes():
    assert resume_config(stored_config(minutes=5.0), {"epochs": 40}).minutes is None


def test_auto_goes_on_in_the_precision_that_it_chose():
    stored = stored_config(precision="float32")
    assert resume_config(stored, {"precision": "auto"}).precision == "float32"


@pytest.mark.parametrize("change", ["missing", "unknown"])
def test_a_config_of_another_version_is_refused(change):
    stored = stored_config()
    stored["unknown"] = 1
    if change == "missing":
        del stored["unknown"], stored["seed"]
    name = "seed" if change == "missing" else "unknown"
    with pytest.raises(ValueError, match=f"is of another version: it differs in {name}"):
        resume_config(stored, {})


@pytest.mark.parametrize(
    "chosen",
    [
        *({"recipe": name} for name in RECIPES),
        {"recipe": "nogan", "epochs": 3, "minutes": 2.5},
        {"data_dir": "my photos", "deterministic": True, "seed": 7},
        {"recipe": "resnet18", "backbone_weights": "none", "clip_norm": 1.0, "patience": 3},
    ],
    ids=str,
)
def test_a_training_command_makes_the_same_config_again(chosen):
    chosen = {**chosen, "weight_decay": 1e-05}
    config = make_config({**chosen, "run_dir": "runs/one", "export_to": "elsewhere"})
    program, *words = shlex.split(training_command(config))
    assert [program, *words[:2]] == ["python", "-m", "colorize_tf.train"]
    parser = argparse.ArgumentParser()
    cli.add_config_flags(parser, TrainConfig)
    again = make_config(vars(parser.parse_args(words[2:])))
    assert again == dataclasses.replace(config, run_dir=None, export_to=None)


def test_a_training_command_has_only_what_differs():
    assert training_command(make_config({})) == "python -m colorize_tf.train"
    config = make_config({"recipe": "tiny", "seed": 3})
    assert training_command(config) == "python -m colorize_tf.train --recipe tiny --seed 3"


def test_a_training_command_tells_no_path_of_this_machine():
    config = make_config({"data_dir": "/home/me/my photos", "init_from": "~/runs/first"})
    expected = "python -m colorize_tf.train --init-from first --data-dir 'my photos'"
    assert training_command(config) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [("photos/val", "photos/val"), ("/a/b", "b"), ("~/a/b", "b"), ("../a/b", "b"), ("none",) * 2],
)
def test_of_a_path_what_is_true_elsewhere_is_told(path, expected):
    assert portable_path(path) == expected
