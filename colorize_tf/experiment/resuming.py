"""What a run that stopped goes on with."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from colorize_tf.config import STAGES, TrainConfig
from colorize_tf.experiment.training import make_log, plan
from colorize_tf.options import flag
from colorize_tf.recipes import with_absolute_paths

if TYPE_CHECKING:
    from colorize_tf.artifacts.run_folder import RunFolder


# Fields that runs of 0.1 do not have.
_ADDED_FIELDS = ("discriminator", "augmentation")

# What may differ between a run and its continuation without making it another run.
_FREE_ON_RESUME = (
    "resume",
    "run_dir",
    "epochs",
    "minutes",
    "patience",
    "adversarial_patience",
    "export_to",
)


def resume_config(stored: dict[str, object], chosen: dict[str, object]) -> TrainConfig:
    """Make the config of a continued run.

    Args:
        stored: the run's `config.json`.
        chosen: `TrainConfig` fields that were set by hand this time.

    Returns:
        The stored config, with how long, how patiently and where to as chosen now. More `epochs`
        go to the last stage; without `minutes` beside them they take the place of stored ones.

    Raises:
        ValueError: another field was chosen otherwise, or the stored config is of another version.
    """
    stored = _with_present_fields(stored)
    chosen = with_absolute_paths(chosen)
    if chosen.get("precision") == "auto":  # the run has what auto chose
        chosen = {name: value for name, value in chosen.items() if name != "precision"}
    for name, value in chosen.items():
        if name not in _FREE_ON_RESUME and stored[name] != value:
            raise ValueError(
                f"the run has {flag(name)} {stored[name]}, got {value}; leave the flag out, "
                "or start a new run with another --run-dir"
            )
    if "epochs" in chosen:
        last = next(stage for stage in reversed(STAGES) if stored[stage])
        earlier = stored["epochs"] - stored[last]
        if chosen["epochs"] <= earlier:
            raise ValueError(
                f"the run has {earlier} epochs before its last stage, "
                f"got --epochs {chosen['epochs']}; choose more"
            )
        stored = {**stored, last: chosen["epochs"] - earlier}
        if "minutes" not in chosen:
            stored["minutes"] = None
    try:
        return TrainConfig(**{**stored, **chosen})
    except TypeError as error:
        raise ValueError(f"the run's config.json has a value of a wrong type: {error}") from error


def _with_present_fields(stored: dict[str, Any]) -> dict[str, Any]:
    """Rename fields of runs of 0.1 and add those that are new since then."""
    stored = {name.replace("critic_", "discriminator_"): value for name, value in stored.items()}
    names = [field.name for field in dataclasses.fields(TrainConfig)]
    unknown = [name for name in stored if name not in names]
    missing = [name for name in names if name not in (*stored, *_ADDED_FIELDS)]
    if unknown or missing:
        differing = ", ".join(sorted([*unknown, *missing]))
        raise ValueError(f"the run's config.json is of another version: it differs in {differing}")
    return {name: stored.get(name, getattr(TrainConfig, name)) for name in names}


def prolonged_config(config: TrainConfig, run: RunFolder, chosen: dict[str, object]) -> TrainConfig:
    """Let the last stage of a run be as long as asked for now.

    Args:
        config: from `resume_config`.
        run: has a state.
        chosen: as `resume_config` takes it.

    Raises:
        ValueError: the run is already longer, or its patience is at its end.
    """
    from colorize_tf.training.checkpoint import read_counters

    counters = read_counters(run.state)
    done, seconds = int(counters["epochs_done"]), counters["seconds_done"]
    if "epochs" in chosen and not config.minutes and done >= config.epochs:
        raise ValueError(
            f"the run has {done} epochs behind it, got --epochs {config.epochs}; choose more"
        )
    if "minutes" in chosen and seconds >= 60 * config.minutes:
        raise ValueError(
            f"the run has {seconds / 60:.1f} minutes behind it, got --minutes {config.minutes:g}; "
            "choose more"
        )
    if not chosen.keys() & {"epochs", "minutes"}:
        return config
    stages = plan(config)
    if counters["stages_begun"] < len(stages):
        return config
    if make_log(config, run).is_exhausted(stages[-1]):
        raise ValueError(
            f"the run ended because its patience of {stages[-1].patience} epochs did; choose a "
            "larger --patience or --adversarial-patience as well"
        )
    return config if config.minutes else _prolonged(config, int(counters["stage_first_epoch"]))


def _prolonged(config: TrainConfig, first_epoch: int) -> TrainConfig:
    """Let the last stage, which began at `first_epoch`, end when all of `--epochs` are done."""
    last = next(stage for stage in reversed(STAGES) if getattr(config, stage))
    frozen = config.frozen_epochs if last == "pretrain_epochs" else 0
    length = config.epochs - first_epoch + frozen
    others = config.epochs - getattr(config, last)
    return dataclasses.replace(config, **{last: length}, epochs=others + length)
