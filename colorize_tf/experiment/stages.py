"""The stages of a run and its log, from its config."""

from __future__ import annotations

from typing import TYPE_CHECKING

from colorize_tf.config import MONITORS, STAGES, TrainConfig
from colorize_tf.recipes import learning_rate_factor
from colorize_tf.training.stage_plan import Stage, plan_stages

if TYPE_CHECKING:
    from colorize_tf.artifacts.run_folder import RunFolder
    from colorize_tf.training.run_log import RunLog


def plan(config: TrainConfig) -> list[Stage]:
    """Return the stages of a run in their order."""
    names = (*STAGES, "frozen_epochs", "patience", "adversarial_patience")
    factor = learning_rate_factor(config)
    return plan_stages(
        pretrain_learning_rate=config.pretrain_learning_rate * factor,
        adversarial_learning_rate=config.adversarial_learning_rate * factor,
        **{name: getattr(config, name) for name in names},
    )


def make_log(config: TrainConfig, run: RunFolder) -> RunLog:
    """Return the log of a run with the rows that it has so far."""
    from colorize_tf.training.run_log import RunLog

    mode = MONITORS[config.monitor]
    return RunLog(run.metrics, run.curves, monitor=config.monitor, mode=mode)
