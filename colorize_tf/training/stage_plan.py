"""The plan of a run: its stages and their order."""

import dataclasses

from colorize_tf.training.selection import ADVERSARIAL, DISCRIMINATOR


@dataclasses.dataclass(frozen=True)
class Stage:
    """A part of the training.

    Args:
        name: shown in the log.
        objective: what `ColorizationGAN.compile` takes.
        epochs: number of epochs; in a run of so many minutes, its share of them.
        learning_rate: of the generator.
        patience: epochs without a better one after which the stage ends; None never ends it.
        frozen: whether the pretrained encoder is not trained.
    """

    name: str
    objective: str
    epochs: int
    learning_rate: float
    patience: int | None = None
    frozen: bool = False


def plan_stages(
    *,
    pretrain_epochs: int,
    frozen_epochs: int = 0,
    discriminator_epochs: int = 0,
    adversarial_epochs: int = 0,
    pretrain_learning_rate: float,
    adversarial_learning_rate: float,
    patience: int | None = None,
    adversarial_patience: int | None = None,
) -> list[Stage]:
    """Plan the stages of a run.

    Args:
        pretrain_epochs: on the reconstruction loss alone.
        frozen_epochs: of these, the first with a frozen backbone.
        discriminator_epochs: of the discriminator alone.
        adversarial_epochs: of both networks.
        pretrain_learning_rate: of the generator in pretraining.
        adversarial_learning_rate: of the generator in the adversarial stage.
        patience: of pretraining.
        adversarial_patience: of the adversarial stage.

    Returns:
        The stages in their order, without empty ones.
    """
    stages = [
        Stage("frozen", "reconstruction", frozen_epochs, pretrain_learning_rate, frozen=True),
        Stage(
            "pretrain",
            "reconstruction",
            pretrain_epochs - frozen_epochs,
            pretrain_learning_rate,
            patience,
        ),
        Stage(DISCRIMINATOR, "discriminator", discriminator_epochs, 0.0),
        Stage(
            ADVERSARIAL,
            "adversarial",
            adversarial_epochs,
            adversarial_learning_rate,
            adversarial_patience,
        ),
    ]
    return [stage for stage in stages if stage.epochs]
