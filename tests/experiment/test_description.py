import argparse
import dataclasses
import json
import shlex

import pytest

from colorize_tf import cli
from colorize_tf.artifacts.keras_file import save_generator
from colorize_tf.artifacts.run_folder import RunFolder
from colorize_tf.config import TrainConfig
from colorize_tf.experiment.description import describe_run, training_command
from colorize_tf.recipes import RECIPES, make_config


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
    ("chosen", "origin", "described", "license"),
    [
        ({}, "landscapes in /home/me/landscapes", "landscapes", "those of https://www.kaggle.com"),
        (
            {},
            "landscapes from https://www.kaggle.com/x in /home/me in it",
            "landscapes from https://www.kaggle.com/x",
            "not stated here",
        ),
        ({}, "rendered landscapes (seed 0) in /x", "rendered landscapes (seed 0)", "MIT"),
        ({"data_dir": "/home/me/set"}, "rendered by A in /home/me/set", "rendered by A", "owners"),
        ({"data_dir": "/home/me/mine"}, "landscapes in /home/me/mine", "landscapes", "owners"),
        ({"dataset": "coco"}, "coco in /home/me/coco", "coco", "Flickr"),
    ],
)
def test_a_run_describes_its_data_without_paths(tmp_path, chosen, origin, described, license):
    run = RunFolder.create(tmp_path / "valley", stem="unused")
    counts = {"train": 9, "validation": 1, "sha256": "abc"}
    folder = {"origin": origin, "folder": "/home/me", "mean_ab": [0, 0]}
    run.data.write_text(json.dumps({**folder, **counts}))
    description = describe_run(make_config(chosen), run)
    data = description["data"]
    assert (description["name"], description["recipe"]) == ("valley", "compact")
    assert description["training_command"].startswith("python -m colorize_tf.train")
    assert data["origin"] == described
    assert license in data["licence"]
    assert {key: data[key] for key in counts} == counts
    assert "/home" not in json.dumps(description)


def test_a_run_describes_a_prepared_set_as_its_index_does(tmp_path):
    run = RunFolder.create(tmp_path / "valley", stem="unused")
    source = {"source": "prints in the attic of A | B", "licence": "CC BY 4.0"}
    data = {"origin": "x in /home/me", "train": 9, "validation": 1, "sha256": "abc"}
    run.data.write_text(json.dumps({**data, **source}))
    described = describe_run(make_config({"data_dir": "/home/me"}), run)["data"]
    assert (described["origin"], described["licence"]) == tuple(source.values())


def test_a_run_from_another_ones_weights_has_the_commands_of_both(tmp_path, calm):
    first, second = (RunFolder.create(tmp_path / name, stem="unused") for name in "ab")
    save_generator(calm, first.generator, {"training_command": "first command"})
    second.data.write_text('{"origin": "x", "train": 1, "validation": 1, "sha256": "abc"}')
    config = make_config({"init_from": str(first.path)})
    earlier, own = describe_run(config, second)["training_command"].split("\n")
    assert earlier == "first command"
    assert own.endswith("--init-from a")
