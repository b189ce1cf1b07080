"""Settle what a run is to do, before anything is downloaded or written."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Mapping
from typing import Any

from colorize_tf.artifacts.card import describe
from colorize_tf.artifacts.run_folder import RunFolder, read_json
from colorize_tf.artifacts.weights import resolve_weights
from colorize_tf.config import STAGES, TrainConfig
from colorize_tf.data import locks
from colorize_tf.experiment.resuming import prolonged_config, resume_config
from colorize_tf.files import check_writable_folder
from colorize_tf.options import check_values
from colorize_tf.plugins import is_own
from colorize_tf.recipes import make_config


def settle(
    chosen: Mapping[str, Any] | TrainConfig, *, restartable: bool = False
) -> tuple[TrainConfig, bool]:
    """Make the config of a new, a resumed or a restarted run.

    Args:
        chosen: `TrainConfig` fields that the user set, or all of them.
        restartable: whether to resume the run in `run_dir` if it has begun, and to begin it
            otherwise.

    Returns:
        The config, and whether the run has no saved state to go on from.

    Raises:
        ValueError: options contradict each other or the run to be resumed, or a folder cannot be
            written to.
    """
    if isinstance(chosen, TrainConfig):
        return _check_new(chosen, restartable or chosen.resume), True
    chosen = dict(chosen)
    check_values(TrainConfig, chosen)
    if restartable or chosen.get("resume"):
        if "run_dir" not in chosen:
            name = "--restartable" if restartable else "--resume"
            raise ValueError(f"{name} needs --run-dir, the folder of the run to go on with")
        # Wait for no one: a lock that is held raises; the file that a killed run left is removed.
        with contextlib.suppress(OSError), locks.held(chosen["run_dir"]):
            pass
    if restartable:
        chosen = _restart(chosen)
    run = RunFolder.open(chosen["run_dir"]) if chosen.get("resume") else None
    if run is None:
        return _check_new(make_config(_with_network(chosen)), False), True
    config = resume_config(read_json(run.config), chosen)
    if run.state.is_file():
        config = prolonged_config(config, run, chosen)
    if config.export_to:
        check_writable_folder(config.export_to)
    return config, not run.state.is_file()


def _check_new(config: TrainConfig, is_resumed: bool) -> TrainConfig:
    if is_resumed:
        raise ValueError(
            "give the options of a resumed run as a dictionary, such as "
            '{"resume": True, "run_dir": "runs/first"}; the run folder has the others'
        )
    if config.run_dir is not None:
        RunFolder.check_free(config.run_dir)
    if config.export_to:
        check_writable_folder(config.export_to)
    return dataclasses.replace(config, epochs=sum(getattr(config, stage) for stage in STAGES))


def _restart(chosen: dict[str, Any]) -> dict[str, Any]:
    with contextlib.suppress(OSError):
        os.rmdir(chosen["run_dir"])  # a run that was killed before it wrote anything
    run = RunFolder(chosen["run_dir"])
    if not run.config.is_file():
        return chosen
    stored = read_json(run.config)
    # The same number of epochs as before is no request to prolong the run.
    new = {name: value for name, value in chosen.items() if stored.get(name) != value}
    return {**new, "resume": True, "run_dir": chosen["run_dir"]}


def _with_network(chosen: dict[str, Any]) -> dict[str, Any]:
    """Choose the network that the weights of `init_from` belong to, unless one was chosen."""
    if not chosen.get("init_from") or "generator" in chosen:
        return chosen
    from colorize_tf.models import GENERATORS

    path, generator = resolve_weights(os.path.expanduser(chosen["init_from"]))
    if generator not in GENERATORS and not is_own(generator):
        return chosen
    try:
        z_size = describe(path)["z_size"]
    except ValueError:  # a file without a description
        z_size = 0
    return {"backbone_weights": None, "z_size": z_size, **chosen, "generator": generator}
