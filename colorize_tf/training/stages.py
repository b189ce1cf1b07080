"""Train through the stages of a run: reconstruction, discriminator alone, adversarial."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from keras.callbacks import Callback

from colorize_tf.training.callbacks import Counters, LearningRates, Patience, TimeLimit
from colorize_tf.training.gan import ColorizationGAN
from colorize_tf.training.loop import Loop
from colorize_tf.training.run_log import RunLog
from colorize_tf.training.stage_plan import Stage

_NEVER = 10**6


def run_stages(
    loop: Loop,
    stages: Sequence[Stage],
    *,
    log: RunLog,
    losses: dict[str, Any],
    discriminator_learning_rate: float,
    counters: Counters,
    schedule: str = "constant",
    warmup: float = 0.0,
    minutes: float | None = None,
    backbone_prefix: str = "backbone_",
    callbacks: Sequence[Callback] = (),
) -> None:
    """Train through the stages, from the state of the GAN on.

    Args:
        loop: takes the steps; the counters of its compiled GAN hold its progress.
        stages: in their order.
        log: one of `callbacks`, which knows the best epochs; of several processes, that of the
            chief decides.
        losses: arguments of `ColorizationGAN.compile` that name losses and their weights.
        discriminator_learning_rate: in every stage that trains the discriminator.
        counters: the clock.
        schedule: `"constant"` or `"cosine"`, of both learning rates over each stage.
        warmup: share of each stage in which they rise from 0.
        minutes: length of the run, which the stages share as they share epochs; None counts
            epochs. Time that a stage leaves goes to the next.
        backbone_prefix: begins the names of the layers that a frozen stage does not train.
        callbacks: find the stage in `model.stage`.
    """
    gan, distribution = loop.gan, loop.distribution
    distribution.copy_from_chief(gan.counters.values())
    all_epochs = sum(stage.epochs for stage in stages)
    shape = _schedule(schedule, warmup)
    planned = 0
    for index, stage in enumerate(stages):
        planned += stage.epochs
        # A finished stage is not continued when a prolonged run is resumed.
        if index + 1 < gan.count("stages_begun"):
            continue
        end = 60 * minutes * planned / all_epochs if minutes else None
        if end is not None and counters.elapsed(gan) >= end:
            continue
        if index + 1 > gan.count("stages_begun"):
            _begin(gan, index, counters)
        last_epoch = gan.count("stage_first_epoch") + stage.epochs
        is_over = minutes is None and gan.count("epochs_done") >= last_epoch
        if distribution.any_worker(is_over or log.is_exhausted(stage)):
            continue
        _freeze(gan, backbone_prefix, stage.frozen)
        _enter(gan, stage, losses)

        def progress(end: float | None = end, stage: Stage = stage) -> float:
            return _progress(gan, counters, end, stage.epochs * loop.steps_per_epoch)

        loop.run(
            [
                counters,
                *([] if end is None else [TimeLimit(end, counters)]),
                LearningRates(stage.learning_rate, discriminator_learning_rate, shape, progress),
                *callbacks,
                Patience(log),
            ],
            first_epoch=gan.count("epochs_done"),
            end_epoch=_NEVER if minutes else last_epoch,
        )


def _begin(gan: ColorizationGAN, index: int, counters: Counters) -> None:
    """Count a new stage and store where it begins."""
    gan.counters["stages_begun"].assign(index + 1)
    gan.counters["stage_first_epoch"].assign(gan.counters["epochs_done"])
    gan.counters["stage_first_step"].assign(gan.counters["steps_done"])
    gan.counters["stage_first_second"].assign(counters.elapsed(gan))


def _freeze(gan: ColorizationGAN, prefix: str, is_frozen: bool) -> None:
    for layer in gan.generator.layers:
        if layer.name.startswith(prefix):
            layer.trainable = not is_frozen


def _enter(gan: ColorizationGAN, stage: Stage, losses: dict[str, Any]) -> None:
    """Compile for the objective of a stage; the optimizers keep their state."""
    gan.compile(
        gan.generator_optimizer, gan.discriminator_optimizer, objective=stage.objective, **losses
    )
    gan.stage = stage


def _progress(gan: ColorizationGAN, counters: Counters, end: float | None, steps: int) -> float:
    """Return the progress of the stage, 0 to 1, by the clock or by steps."""
    if end is None:
        return min(1.0, (gan.count("steps_done") - gan.count("stage_first_step")) / steps)
    first = float(gan.counters["stage_first_second"].numpy())
    return min(1.0, (counters.elapsed(gan) - first) / max(end - first, 1e-6))


def _schedule(name: str, warmup: float) -> Callable[[float], float]:
    """Return a function of progress, 0 to 1, to the share of the full learning rate.

    In plain Python, because it is called before each step; Keras' schedules use tensors.
    """

    def share(progress: float) -> float:
        if progress < warmup:
            return progress / warmup
        if name == "constant":
            return 1.0
        return 0.5 + 0.5 * math.cos(math.pi * (progress - warmup) / (1.0 - warmup))

    return share
