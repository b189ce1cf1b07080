"""The stages of a run: L1 alone, then adversarial, under one `fit` each."""

import dataclasses
from collections.abc import Sequence

from keras.callbacks import Callback

from colorize_tf.training.callbacks import Counters, TimeLimit
from colorize_tf.training.gan import ColorizationGAN

_NEVER = 10**6


@dataclasses.dataclass(frozen=True)
class Stage:
    """A part of the training.

    Args:
        name: shown in the log.
        adversarial: whether the discriminator takes part.
        epochs: how many; in a run of a given length, the share of it.
        learning_rate: of the generator's optimizer.
    """

    name: str
    adversarial: bool
    epochs: int
    learning_rate: float


def plan_stages(
    *,
    epochs: int,
    pretrain_epochs: int,
    learning_rate: float,
    adversarial_learning_rate: float,
) -> list[Stage]:
    """Lay out the stages of a run.

    Args:
        epochs: all together.
        pretrain_epochs: of these on L1 alone.
        learning_rate: of the generator while it learns from L1 alone.
        adversarial_learning_rate: of the generator beside the discriminator.

    Returns:
        The stages in their order, without empty ones.
    """
    stages = [
        Stage("pretrain", False, pretrain_epochs, learning_rate),
        Stage("adversarial", True, epochs - pretrain_epochs, adversarial_learning_rate),
    ]
    return [stage for stage in stages if stage.epochs]


def run_stages(
    gan: ColorizationGAN,
    stages: Sequence[Stage],
    *,
    l1_weight: float,
    seed: int,
    minutes: float | None = None,
    callbacks: Sequence[Callback] = (),
    **fit_arguments: object,
) -> None:
    """Train through the stages, going on where `gan` stopped.

    Args:
        gan: compiled; its counters say how far it is.
        stages: in their order.
        l1_weight: lambda.
        seed: of dropout.
        minutes: length of the run, which the stages share as they share the epochs; None counts
            epochs.
        callbacks: they find the stage in `model.stage`.
        **fit_arguments: for `fit`: `x`, `validation_data`, `steps_per_epoch`.
    """
    all_epochs = sum(stage.epochs for stage in stages)
    counters = Counters(seed)
    end = 0
    for index, stage in enumerate(stages):
        end += stage.epochs
        limits = [TimeLimit(60 * minutes * end / all_epochs, counters)] if minutes else []
        is_over = limits[0].is_reached(gan) if minutes else gan.epochs_done >= end
        # A stage that is behind stays so, also when the run is resumed to last longer.
        if is_over or index < gan.stages_done:
            continue
        gan.stages_done.assign(index)
        _enter(gan, stage, l1_weight)
        gan.fit(
            initial_epoch=int(gan.epochs_done),
            epochs=_NEVER if minutes else end,
            callbacks=[counters, *limits, *callbacks],
            verbose=1,
            shuffle=False,  # the examples come shuffled
            **fit_arguments,
        )


def _enter(gan: ColorizationGAN, stage: Stage, l1_weight: float) -> None:
    """Compile again, as another step is to be traced; the optimizers keep their state."""
    gan.generator_optimizer.learning_rate = stage.learning_rate
    gan.compile(
        gan.generator_optimizer,
        gan.discriminator_optimizer,
        l1_weight=l1_weight,
        adversarial=stage.adversarial,
    )
    gan.stage = stage
