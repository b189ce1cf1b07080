import dataclasses
import re
from pathlib import Path

import pytest

from colorize_tf.config import STAGES, TrainConfig
from colorize_tf.recipes import (
    RECIPE_RESULTS,
    RECIPES,
    learning_rate_factor,
    make_config,
    portable_path,
)


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
            {"epochs": 9, "pretrain_epochs": 5, "discriminator_epochs": 1, "adversarial_epochs": 3},
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
            {"epochs": 9, "pretrain_epochs": 1, "discriminator_epochs": 0, "adversarial_epochs": 1},
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
def test_recipes_have_a_summary_and_set_fields_that_exist(name):
    assert RECIPES[name].summary and RECIPES[name].source
    assert set(RECIPES[name].defaults) <= {field.name for field in dataclasses.fields(TrainConfig)}


def test_recipe_results_equal_the_documented_table():
    page = (Path(__file__).parents[1] / "docs/training.md").read_text()
    for name, (ciede2000, colorfulness) in RECIPE_RESULTS.items():
        (row,) = re.findall(rf"^\| {name} \|.*$", page, re.MULTILINE)
        cells = row.split(" | ")
        assert f"{ciede2000:.2f}" in cells[4] and f"{colorfulness:.2f}" in cells[5], name
    assert RECIPES.keys() - RECIPE_RESULTS.keys() == {"tiny"}


def test_pix2pix_is_as_in_the_paper():
    config = make_config({"recipe": "pix2pix"})
    assert (config.image_size, config.batch_size, config.discriminator_width) == (256, 4, 64)
    assert (config.adversarial_learning_rate, config.discriminator_learning_rate) == (2e-4, 2e-4)
    assert (config.beta_1, config.reconstruction_weight, config.loss) == (0.5, 100, "l1")
    assert (config.pretrain_epochs, config.adversarial_epochs) == (0, 200)


def test_chosen_values_override_the_recipe():
    config = make_config({"recipe": "tiny", "image_size": 32})
    assert config.image_size == 32 and config.generator == "tiny_unet"


def test_step_sizes_follow_the_batch_size_as_asked_for():
    def factor(**chosen):
        return learning_rate_factor(make_config(chosen))

    assert factor(batch_size=128) == 1
    assert factor(batch_size=128, learning_rate_scaling="linear") == 4
    assert factor(batch_size=128, learning_rate_scaling="sqrt") == 2
    assert factor(recipe="pix2pix", batch_size=2, learning_rate_scaling="linear") == 0.5


def test_scaling_without_another_batch_size_is_refused():
    with pytest.raises(ValueError, match="--batch-size 4 is that of recipe pix2pix; choose anoth"):
        make_config({"recipe": "pix2pix", "learning_rate_scaling": "linear"})


def test_an_unknown_recipe_lists_the_known():
    with pytest.raises(ValueError, match="no recipe 'huge'; there are compact, cnn-mse, .*, tiny"):
        make_config({"recipe": "huge"})


@pytest.mark.parametrize(
    "chosen",
    [
        {"recipe": "cnn-mse", "label_smoothing": 0.1},
        {"recipe": "cnn-mse", "adversarial_loss": "hinge"},
        {"recipe": "cnn-mse", "adversarial_patience": 3},
        {"recipe": "cnn-mse", "discriminator_learning_rate": 1e-3},
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


@pytest.mark.parametrize(
    ("path", "expected"),
    [("photos/val", "photos/val"), ("/a/b", "b"), ("~/a/b", "b"), ("../a/b", "b"), ("none",) * 2],
)
def test_portable_paths_leave_out_this_machine(path, expected):
    assert portable_path(path) == expected
