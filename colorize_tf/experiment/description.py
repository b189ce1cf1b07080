"""Describe where a run and its artifacts come from."""

from __future__ import annotations

import dataclasses
import shlex
from typing import TYPE_CHECKING

from colorize_tf.artifacts.run_folder import read_json, write_json
from colorize_tf.config import TrainConfig
from colorize_tf.options import flag
from colorize_tf.recipes import PATHS, make_config, portable_path

if TYPE_CHECKING:
    from colorize_tf.artifacts.run_folder import RunFolder
    from colorize_tf.experiment.examples import PhotographExamples
    from colorize_tf.experiment.own_examples import DatasetExamples

# The location of a run does not change what it learns; the epochs of its stages add up to epochs.
_NOT_REPEATED = ("epochs", "run_dir", "resume", "export_to")


def write_description(
    run: RunFolder, config: TrainConfig, examples: PhotographExamples | DatasetExamples
) -> None:
    """Store the config and a description of the data in the run folder.

    Raises:
        ValueError: the run is resumed, and its photographs have changed since it began.
    """
    from colorize_tf.experiment.losses import mean_color

    content = examples.describe()
    stored = read_json(run.data) if config.resume else {}
    same = ("train", "validation", "sha256")
    if stored and any(stored.get(name) != content[name] for name in same):
        raise ValueError(
            f"the photographs changed since the run began: {stored.get('train')} to train on "
            f"and {stored.get('validation')} to validate on were there, now "
            f"{content['train']} and {content['validation']}, or others of that number; bring "
            "them back or start a new run"
        )
    # A resumed run may find the same photographs in another way, as after a download.
    kept = {name: stored[name] for name in ("origin", "source", "licence") if name in stored}
    mean_ab = stored.get("mean_ab") or mean_color(examples)
    write_json(run.data, {**content, **kept, "mean_ab": mean_ab})
    write_json(run.config, {**dataclasses.asdict(config), "resume": False})
    examples.write_report(run)


def describe_run(config: TrainConfig, run: RunFolder) -> dict:
    """Return the provenance of a run, which its artifacts repeat.

    Args:
        config: of the run.
        run: its folder, with `data.json`.
    """
    data = read_json(run.data)
    # Older runs store the origin with its folder, which must not be published.
    origin = data.get("source") or data["origin"].partition(" in ")[0]
    return {
        "name": run.path.absolute().name,
        "recipe": config.recipe,
        "training_command": _training_commands(config),
        "data": {
            "origin": origin,
            "licence": data.get("licence") or _data_license(config, origin),
            **{name: data[name] for name in ("train", "validation", "sha256")},
        },
    }


def _training_commands(config: TrainConfig) -> str:
    """Return the command of a run, after those of the runs that its weights come from."""
    from colorize_tf.artifacts.card import read_provenance

    earlier = read_provenance(config.init_from) if config.init_from else {}
    commands = (earlier.get("training_command"), training_command(config))
    return "\n".join(command for command in commands if command)


def _data_license(config: TrainConfig, origin: str) -> str:
    from colorize_tf.data.kaggle import KAGGLE_PAGE

    if config.data_dir is None and origin.startswith("rendered"):
        return "MIT, rendered by colorize_tf"
    if config.dataset == "coco":
        return "Flickr's, named for each photograph by cocodataset.org"
    if config.dataset == "landscapes" and config.data_dir is None:
        return f"not stated here; those of {KAGGLE_PAGE}"
    return "that of the photographs' owners"


def training_command(config: TrainConfig) -> str:
    """Return the command line that trains with the same config, without flags at their default.

    Of absolute paths, only the last part is kept.
    """
    defaults = make_config({"recipe": config.recipe})
    words = ["python", "-m", "colorize_tf.train"]
    if config.recipe != TrainConfig.recipe:
        words += ["--recipe", config.recipe]
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if field.name in _NOT_REPEATED or value in (None, getattr(defaults, field.name)):
            continue
        words.append(flag(field.name))
        if value is not True:
            is_path = field.name in ("data_dir", *PATHS)
            words.append(portable_path(value) if is_path else str(value))
    return shlex.join(words)
