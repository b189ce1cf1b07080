"""Make the config of a run that is resumed."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from colorize_tf.artifacts.run_folder import read_metrics
from colorize_tf.config import MONITORS, STAGES, TrainConfig
from colorize_tf.experiment.stages import plan
from colorize_tf.options import flag
from colorize_tf.recipes import with_absolute_paths
from colorize_tf.training.checkpoint import read_counters
from colorize_tf.training.selection import is_exhausted, rows_of_stage

if TYPE_CHECKING:
    from colorize_tf.artifacts.run_folder import RunFolder


# Fields that runs of 0.1 do not have.
_ADDED_FIELDS = ("discriminator", "augmentation")

# Options that may change when a run is resumed.
_FREE_ON_RESUME = (
    "resume",
    "run_dir",
    "epochs",
    "minutes",
    "patience",
    "adversarial_patience",
    "export_to",
)


def resume_config(stored: dict[str, Any], chosen: dict[str, Any]) -> TrainConfig:
    """Make the config of a continued run.

    Args:
        stored: the run's `config.json`.
        chosen: `TrainConfig` fields that were set by hand this time.

    Returns:
        The stored config with the chosen length, patience and folders. Additional `epochs` go to
        the last stage; without `minutes` they replace stored minutes.

    Raises:
        ValueError: another option differs, or the stored config is of another version.
    """
    stored = _with_present_fields(stored)
    chosen = with_absolute_paths(chosen)
    if chosen.get("precision") == "auto":  # the run stores what auto chose
        chosen = {name: value for name, value in chosen.items() if name != "precision"}
    for name, value in chosen.items():
        if name not in _FREE_ON_RESUME and stored[name] != value:
            raise ValueError(
                f"the run has {flag(name)} {stored[name]}, got {value}; leave the flag out, "
                f"or start a new run from its weights: --init-from {chosen.get('run_dir', 'RUN')} "
                "and another --run-dir"
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


def prolonged_config(config: TrainConfig, run: RunFolder, chosen: dict[str, Any]) -> TrainConfig:
    """Prolong the last stage of a run as its options now say.

    Args:
        config: from `resume_config`.
        run: folder with a saved state.
        chosen: as for `resume_config`.

    Raises:
        ValueError: the run is already longer, or its patience is exhausted.
    """
    counters = read_counters(run.state)
    total = sum(getattr(config, stage) for stage in STAGES)
    done, seconds = int(counters["epochs_done"]), counters["seconds_done"]
    if "epochs" in chosen and not config.minutes and done >= total:
        raise ValueError(
            f"the run has already done {done} epochs, got --epochs {total}; choose more"
        )
    if config.minutes and "minutes" in chosen and seconds >= 60 * config.minutes:
        raise ValueError(
            f"the run has already lasted {seconds / 60:.1f} minutes, got --minutes "
            f"{config.minutes:g}; choose more"
        )
    if not chosen.keys() & {"epochs", "minutes"}:
        return config
    stages = plan(config)
    if counters["stages_begun"] < len(stages):
        return config
    rows = rows_of_stage(read_metrics(run.metrics), stages[-1].name)
    rule = {"monitor": config.monitor, "mode": MONITORS[config.monitor]}
    if is_exhausted(rows, stages[-1].patience, **rule):
        raise ValueError(
            f"the run ended because its patience of {stages[-1].patience} epochs did; choose a "
            "larger --patience or --adversarial-patience as well"
        )
    return config if config.minutes else _prolonged(config, int(counters["stage_first_epoch"]))


def _prolonged(config: TrainConfig, first_epoch: int) -> TrainConfig:
    """End the last stage, which began at `first_epoch`, when all of `--epochs` are done."""
    last = next(stage for stage in reversed(STAGES) if getattr(config, stage))
    frozen = config.frozen_epochs if last == "pretrain_epochs" else 0
    total = sum(getattr(config, stage) for stage in STAGES)
    length = total - first_epoch + frozen
    changes: dict[str, Any] = {last: length, "epochs": total - getattr(config, last) + length}
    return dataclasses.replace(config, **changes)
