"""What a run and all that comes of it say of how they came about."""

from __future__ import annotations

import dataclasses
import shlex
from typing import TYPE_CHECKING

from colorize_tf.config import TrainConfig, flag
from colorize_tf.recipes import PATHS, make_config, portable_path
from colorize_tf.runs import read_json

if TYPE_CHECKING:
    from colorize_tf.runs import RunFolder

# Where a run is put does not change what it learns; the epochs of the stages say their sum.
_NOT_REPEATED = ("epochs", "run_dir", "resume", "export_to")


def describe_run(config: TrainConfig, run: RunFolder) -> dict:
    """Return what the artifacts of a run say of how they came about.

    Args:
        config: of the run.
        run: whose `data.json` is written.
    """
    data = read_json(run.data)
    # Without the folder: where it lies on this machine is nobody's business.
    origin = data["origin"].partition(" in ")[0]
    return {
        "name": run.path.absolute().name,
        "recipe": config.recipe,
        "training_command": _training_commands(config),
        "data": {
            "origin": origin,
            "licence": _data_licence(config, origin),
            **{name: data[name] for name in ("train", "validation", "sha256")},
        },
    }


def _training_commands(config: TrainConfig) -> str:
    """Return the command of a run, below those of the runs that it goes back to."""
    from colorize_tf.artifacts.card import read_provenance

    earlier = read_provenance(config.init_from) if config.init_from else {}
    commands = (earlier.get("training_command"), training_command(config))
    return "\n".join(command for command in commands if command)


def _data_licence(config: TrainConfig, origin: str) -> str:
    from colorize_tf.data.catalog import KAGGLE_PAGE

    if origin.startswith("rendered"):
        return "MIT, rendered by colorize_tf"
    if config.dataset == "coco":
        return "Flickr's, named for each photograph by cocodataset.org"
    if config.dataset == "landscapes" and config.data_dir is None:
        return f"not stated here; those of {KAGGLE_PAGE}"
    return "that of the photographs' owners"


def training_command(config: TrainConfig) -> str:
    """Return the command line that trains with the same config: only flags that differ.

    Of a path that only this machine knows, the last part is left.
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
