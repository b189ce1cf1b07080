"""What can be chosen for a training run: one flat config, and recipes as named sets of defaults.

Imports neither TensorFlow nor Keras, so that `--help` and a wrong flag answer at once.
"""

import dataclasses
import math
from typing import Any, NamedTuple

_CHOICES = {
    "cache": ("auto", "memory", "disk", "none"),
    "precision": ("auto", "float32", "mixed_float16", "mixed_bfloat16"),
}


def _option(default: object, group: str, text: str) -> Any:
    return dataclasses.field(default=default, metadata={"group": group, "help": text})


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """Everything that decides how a run comes out; stored in the run folder as `config.json`.

    Raises:
        ValueError: a value is out of its range, or two contradict each other.
    """

    recipe: str = _option("compact", "network", "named set of defaults, listed below")
    generator: str = _option("compact_unet", "network", "compact_unet, pix2pix_unet or tiny_unet")
    discriminator_width: int = _option(32, "network", "channels of the PatchGAN's first layer")
    init_from: str | None = _option(
        None, "network", "run folder or .keras file to take the generator's weights from"
    )

    dataset: str = _option("landscapes", "data", "landscapes, coco, folder or synthetic")
    data_dir: str | None = _option(None, "data", "folder of photographs")
    validation_fraction: float = _option(
        0.1, "data", "share of a set without a split of its own that is kept for validation"
    )
    validation_limit: int = _option(300, "data", "most photographs to validate on")
    synthetic_count: int = _option(1000, "data", "landscapes to render where none are found")
    image_size: int = _option(128, "data", "height and width the network sees, in pixels")
    cache: str = _option(
        "auto", "data", "where decoded photographs to train on stay: auto, memory, disk or none"
    )

    batch_size: int = _option(32, "training", "examples in a batch")
    epochs: int = _option(20, "training", "passes over the photographs, all stages together")
    pretrain_epochs: int | None = _option(
        None, "training", "of these, on L1 alone, before the adversarial stage [four fifths]"
    )
    steps_per_epoch: int | None = _option(
        None, "training", "steps that count as an epoch [one pass over the photographs]"
    )
    minutes: float | None = _option(
        None, "training", "train this long, whatever the epochs; stages share it as they share them"
    )
    learning_rate: float = _option(
        2e-4, "training", "step size of the discriminator, and of the generator on L1"
    )
    adversarial_learning_rate: float = _option(
        1e-5, "training", "step size of the generator in the adversarial stage"
    )
    beta_1: float = _option(0.5, "training", "momentum of both Adam optimizers")
    l1_weight: float = _option(
        100.0, "training", "lambda, what L1 counts for beside the adversarial loss"
    )
    precision: str = _option("auto", "training", "auto, float32, mixed_float16 or mixed_bfloat16")
    seed: int = _option(
        0, "training", "chooses the order, the crops, the first weights and the renderings"
    )
    deterministic: bool = _option(
        False, "training", "same seed, same machine, same weights; slower on a GPU"
    )

    run_dir: str | None = _option(None, "run", "folder of this run [runs/RECIPE-DATASET-N]")
    resume: bool = _option(False, "run", "go on with the run in --run-dir")
    export_to: str | None = _option(
        None, "run", "folder for .keras, SavedModel and .tflite [export/ in the run folder]"
    )

    def __post_init__(self):
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"{_flag(name)} must be one of {', '.join(choices)}, "
                    f"got {getattr(self, name)!r}"
                )
        for name in (
            "image_size",
            "batch_size",
            "epochs",
            "steps_per_epoch",
            "validation_limit",
            "discriminator_width",
            "minutes",
            "learning_rate",
            "adversarial_learning_rate",
        ):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ValueError(f"{_flag(name)} must be a finite number above 0, got {value}")
        # The discriminator's patches need 32 pixels.
        if not 32 <= self.image_size <= 4096:
            raise ValueError(f"--image-size must lie between 32 and 4096, got {self.image_size}")
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"--seed must lie between 0 and {2**32 - 1}, got {self.seed}")
        if not 0 < self.validation_fraction < 1:
            raise ValueError(
                f"--validation-fraction must lie between 0 and 1, got {self.validation_fraction}"
            )
        if not 0 <= self.beta_1 < 1:
            raise ValueError(f"--beta-1 must be at least 0 and below 1, got {self.beta_1}")
        if not 0 <= self.l1_weight < math.inf:
            raise ValueError(f"--l1-weight must be a finite number from 0 up, got {self.l1_weight}")
        if self.synthetic_count < 2:
            raise ValueError(f"--synthetic-count must be at least 2, got {self.synthetic_count}")
        if not 0 <= (self.pretrain_epochs or 0) <= self.epochs:
            raise ValueError(
                f"--pretrain-epochs must lie between 0 and --epochs ({self.epochs}), "
                f"got {self.pretrain_epochs}"
            )


class Recipe(NamedTuple):
    """A named set of defaults, and what it is in one line."""

    summary: str
    defaults: dict


RECIPES = {
    "compact": Recipe("compact U-Net, L1 and then a short adversarial stage", {}),
    "pix2pix": Recipe(
        "54 M parameter U-Net, adversarial from the start, batch 1 (Isola et al. 2017)",
        {
            "generator": "pix2pix_unet",
            "discriminator_width": 64,
            "image_size": 256,
            "batch_size": 1,
            "epochs": 200,
            "adversarial_learning_rate": 2e-4,
            "pretrain_epochs": 0,
        },
    ),
    "tiny": Recipe(
        "smallest complete run: 64 pixels, under a minute",
        {
            "generator": "tiny_unet",
            "discriminator_width": 8,
            "image_size": 64,
            "batch_size": 16,
            "epochs": 10,
            "synthetic_count": 200,
        },
    ),
}


def make_config(chosen: dict[str, object]) -> TrainConfig:
    """Fill up what was chosen with the recipe's defaults.

    Args:
        chosen: `TrainConfig` fields that were set by hand.

    Returns:
        The config with every field settled.

    Raises:
        ValueError: no such recipe, or values that do not go together.
    """
    name = chosen.get("recipe", TrainConfig.recipe)
    if name not in RECIPES:
        raise ValueError(f"no recipe {name!r}; there are {', '.join(RECIPES)}")
    config = TrainConfig(**{**RECIPES[name].defaults, **chosen})
    if config.pretrain_epochs is None:
        # Settled now, so that a run resumed with more epochs does not go back to an earlier stage.
        config = dataclasses.replace(config, pretrain_epochs=max(1, config.epochs * 4 // 5))
    return config


# What may differ between a run and its continuation without making it another run.
_FREE_ON_RESUME = ("resume", "run_dir", "epochs", "minutes", "export_to")


def resume_config(stored: dict[str, object], chosen: dict[str, object]) -> TrainConfig:
    """Make the config of a continued run.

    Args:
        stored: the run's `config.json`.
        chosen: `TrainConfig` fields that were set by hand this time.

    Returns:
        The stored config, with `epochs`, `minutes` and `export_to` as chosen now; `epochs` alone
        takes the place of stored `minutes`.

    Raises:
        ValueError: another field was chosen otherwise, or the stored config is of another version.
    """
    names = {field.name for field in dataclasses.fields(TrainConfig)}
    if set(stored) != names:
        differing = ", ".join(sorted(set(stored) ^ names))
        raise ValueError(f"the run's config.json is of another version: it differs in {differing}")
    if chosen.get("precision") == "auto":  # the run has what auto chose
        chosen = {name: value for name, value in chosen.items() if name != "precision"}
    for name, value in chosen.items():
        if name not in _FREE_ON_RESUME and stored[name] != value:
            raise ValueError(
                f"the run has {_flag(name)} {stored[name]}, got {value}; leave the flag out, "
                "or start a new run with another --run-dir"
            )
    if "epochs" in chosen and "minutes" not in chosen:
        stored = {**stored, "minutes": None}
    if chosen.get("epochs", stored["epochs"]) < stored["pretrain_epochs"]:
        raise ValueError(
            f"the run has {stored['pretrain_epochs']} epochs of pretraining, "
            f"got --epochs {chosen['epochs']}; choose more"
        )
    try:
        return TrainConfig(**{**stored, **chosen})
    except TypeError as error:
        raise ValueError(f"the run's config.json has a value of a wrong type: {error}") from error


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
