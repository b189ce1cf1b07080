"""What a run and all that comes of it say of how they came about."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from colorize_tf.artifacts.run_folder import read_json, write_json
from colorize_tf.config import TrainConfig
from colorize_tf.options import flag
from colorize_tf.recipes import PATHS, make_config, portable_path

if TYPE_CHECKING:
    from colorize_tf.artifacts.run_folder import RunFolder
    from colorize_tf.data.catalog import Photographs

# Where a run is put does not change what it learns; the epochs of the stages say their sum.
_NOT_REPEATED = ("epochs", "run_dir", "resume", "export_to")


def write_down(run: RunFolder, config: TrainConfig, photographs: Photographs) -> None:
    """Store the config and what the run learns from.

    Args:
        run: its folder.
        config: of the run.
        photographs: to train and to validate on.

    Raises:
        ValueError: it is resumed, and they are not what it began with.
    """
    from colorize_tf.data.audit import write_report
    from colorize_tf.data.storage import is_url
    from colorize_tf.experiment.losses import mean_color

    content = {
        "train": len(photographs.train),
        "validation": len(photographs.validation),
        "sha256": photographs.fingerprint(),
    }
    if config.resume:
        stored = read_json(run.data)
        if any(stored.get(name) != value for name, value in content.items()):
            raise ValueError(
                f"the photographs changed since the run began: {stored.get('train')} to train on "
                f"and {stored.get('validation')} to validate on were there, now "
                f"{content['train']} and {content['validation']}, or others of that number; bring "
                "them back or start a new run"
            )
    else:
        stored = {}
    mean_ab = stored.get("mean_ab") or mean_color(photographs.train)
    told = {
        "origin": photographs.origin,
        "source": photographs.source,
        "licence": photographs.license,
    }
    if stored:  # It may have been found otherwise then, as by a download.
        told = {name: stored[name] for name in told if name in stored}
    folder = photographs.folder
    told["folder"] = str(folder if is_url(folder) else Path(folder).absolute())
    write_json(run.data, {**told, **content, "mean_ab": mean_ab})
    write_json(run.config, {**dataclasses.asdict(config), "resume": False})
    write_report(photographs.audit, run.skipped)


def describe_run(config: TrainConfig, run: RunFolder) -> dict:
    """Return what the artifacts of a run say of how they came about.

    Args:
        config: of the run.
        run: whose `data.json` is written.
    """
    data = read_json(run.data)
    # Runs begun before tell it with the folder: where that lies is nobody's business.
    origin = data.get("source") or data["origin"].partition(" in ")[0]
    return {
        "name": run.path.absolute().name,
        "recipe": config.recipe,
        "training_command": _training_commands(config),
        "data": {
            "origin": origin,
            "licence": data.get("licence") or _data_licence(config, origin),
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
    from colorize_tf.data.kaggle import KAGGLE_PAGE

    if config.data_dir is None and origin.startswith("rendered"):
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
