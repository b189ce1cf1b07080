"""Recipes: named sets of defaults, one for each published approach to colorization.

Imports neither TensorFlow nor Keras, so that `--help` and wrong flags respond at once.
"""

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from colorize_tf.config import STAGES, TrainConfig
from colorize_tf.options import flag


class Recipe(NamedTuple):
    """A named set of defaults.

    Args:
        summary: description in one line.
        source: publication or project.
        parameters: number of parameters of its generator, in millions.
        defaults: the fields of `TrainConfig` that differ, by name.
    """

    summary: str
    source: str
    parameters: float
    defaults: dict[str, Any]


_PIX2PIX = {
    "generator": "pix2pix_unet",
    "discriminator_width": 64,
    "image_size": 256,
    # Isola et al. 2017, section 6.2: black and white to color, batch size 4.
    "batch_size": 4,
    "steps_per_epoch": 500,
    "pretrain_epochs": 0,
    "adversarial_epochs": 200,
    "adversarial_learning_rate": 2e-4,
}
_ZHANG = {
    "generator": "zhang_cnn",
    "pretrain_epochs": 40,
    "adversarial_epochs": 0,
    "pretrain_learning_rate": 1e-4,
    "beta_1": 0.9,
    "patience": 8,
}

RECIPES = {
    "compact": Recipe(
        "compact U-Net; L1, then a short adversarial stage",
        "this project",
        4.2,
        {"schedule": "cosine", "warmup": 0.02, "ema": 0.998},
    ),
    "cnn-mse": Recipe(
        "plain CNN without skips; L2, what regression alone gives",
        "the baseline of tutorials",
        3.4,
        {
            "generator": "plain_cnn",
            "loss": "l2",
            "pretrain_epochs": 20,
            "adversarial_epochs": 0,
            "beta_1": 0.9,
        },
    ),
    "zhang-cnn": Recipe(
        "dilated eight-block CNN with a tanh head; L2, stops by itself",
        "Zhang et al. 2016, as regression",
        32.2,
        {**_ZHANG, "loss": "l2"},
    ),
    "zhang-classes": Recipe(
        "the same body with a softmax over colors; rebalanced cross-entropy",
        "Zhang et al. 2016",
        32.2,
        {
            **_ZHANG,
            "generator": "zhang_classes_cnn",
            "loss": "classes",
            "reconstruction_weight": 1.0,
        },
    ),
    "pix2pix": Recipe(
        "large U-Net; adversarial and 100 L1 from the start",
        "Isola et al. 2017",
        54.4,
        _PIX2PIX,
    ),
    "pix2pix-noise": Recipe(
        "the same with noise beside the gray picture, for several colorings of one photograph",
        "Isola et al. 2017, equation 1",
        54.4,
        {**_PIX2PIX, "z_size": 8},
    ),
    "resnet18": Recipe(
        "U-Net on an ImageNet ResNet18; L1, then adversarial; needs [resnet]",
        "the two-stage strategy",
        14.7,
        {
            "generator": "resnet18_unet",
            "backbone_weights": "imagenet",
            "image_size": 256,
            "batch_size": 16,
            "pretrain_epochs": 20,
            "pretrain_learning_rate": 1e-4,
            "adversarial_epochs": 20,
        },
    ),
    "nogan": Recipe(
        "L1, the discriminator alone, a short adversarial stage that stops itself; any generator",
        "DeOldify (Antic 2019)",
        4.2,
        {
            "pretrain_epochs": 14,
            "discriminator_epochs": 2,
            "adversarial_epochs": 8,
            "adversarial_patience": 4,
            "steps_per_epoch": 300,
        },
    ),
    "tiny": Recipe(
        "smallest complete run: 64 pixels, under a minute",
        "this project",
        0.3,
        {
            "generator": "tiny_unet",
            "discriminator_width": 8,
            "image_size": 64,
            "batch_size": 16,
            "pretrain_epochs": 8,
            "adversarial_epochs": 2,
            "synthetic_count": 200,
        },
    ),
}


RECIPE_RESULTS = {
    "compact": (12.56, 0.88),
    "cnn-mse": (11.20, 0.50),
    "zhang-cnn": (11.77, 0.40),
    "zhang-classes": (13.14, 0.73),
    "pix2pix": (13.42, 0.88),
    "pix2pix-noise": (14.24, 0.95),
    "resnet18": (13.63, 0.90),
    "nogan": (13.04, 1.01),
}
"""CIEDE2000 and colorfulness ratio after ten minutes; docs/training.md says on what."""


def make_config(chosen: Mapping[str, Any]) -> TrainConfig:
    """Complete options with the defaults of their recipe.

    Args:
        chosen: `TrainConfig` fields that the user set.

    Raises:
        ValueError: no such recipe, or values that contradict each other.
    """
    name = str(chosen.get("recipe", TrainConfig.recipe))
    if name not in RECIPES:
        raise ValueError(f"no recipe {name!r}; there are {', '.join(RECIPES)}")
    chosen = with_absolute_paths(chosen)
    settled = {**RECIPES[name].defaults, **chosen}
    if "epochs" in chosen:
        settled.update(_share_epochs(RECIPES[name].defaults, chosen))
    config = TrainConfig(**settled)
    _check_chosen(chosen, config)
    return dataclasses.replace(config, epochs=sum(getattr(config, stage) for stage in STAGES))


# Options that only some stages use, and these stages.
_STAGES_OF = {
    "pretrain_learning_rate": ("pretrain_epochs",),
    "patience": ("pretrain_epochs",),
    "monitor": ("pretrain_epochs",),
    "discriminator_learning_rate": ("discriminator_epochs", "adversarial_epochs"),
    "adversarial_learning_rate": ("adversarial_epochs",),
    "adversarial_loss": ("adversarial_epochs",),
    "adversarial_patience": ("adversarial_epochs",),
    "label_smoothing": ("adversarial_epochs",),
}


def _check_chosen(chosen: Mapping[str, Any], config: TrainConfig) -> None:
    """Raise `ValueError` for options without effect."""
    for name, stages in _STAGES_OF.items():
        if name in chosen and not any(getattr(config, stage) for stage in stages):
            raise ValueError(
                f"{flag(name)} {chosen[name]} has no effect in this run of recipe "
                f"{config.recipe}, whose {' and '.join(map(flag, stages))} are 0; leave it out"
            )
    scaling = chosen.get("learning_rate_scaling", "none")
    if scaling != "none" and learning_rate_factor(config) == 1.0:
        raise ValueError(
            f"--learning-rate-scaling {scaling} has no effect: --batch-size {config.batch_size} is "
            f"that of recipe {config.recipe}; choose another, or leave it out"
        )
    if "init_from" in chosen and chosen.get("backbone_weights") not in (None, "none"):
        raise ValueError(
            f"--init-from {chosen['init_from']} brings the backbone's weights along; leave out "
            f"--backbone-weights {chosen['backbone_weights']}"
        )


PATHS = ("init_from", "backbone_weights", "feature_weights")
"""Fields that hold a path or a name."""


def with_absolute_paths(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Make paths absolute, so that a run can be resumed from another folder."""
    paths = {name: chosen[name] for name in PATHS if chosen.get(name) not in (None, "none")}
    names = {"backbone_weights": "imagenet", "init_from": "shipped"}
    paths = {field: path for field, path in paths.items() if path != names.get(field)}
    absolute = {name: os.path.abspath(os.path.expanduser(path)) for name, path in paths.items()}
    return {**chosen, **absolute}


def learning_rate_factor(config: TrainConfig) -> float:
    """Return the factor of the learning rates for a batch size that is not the recipe's."""
    batch_size = RECIPES[config.recipe].defaults.get("batch_size", TrainConfig.batch_size)
    exponent = {"none": 0.0, "sqrt": 0.5, "linear": 1.0}[config.learning_rate_scaling]
    return (config.batch_size / batch_size) ** exponent


def _share_epochs(defaults: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, int]:
    """Divide the rest of `--epochs` among the stages that were not chosen, as in the recipe."""
    free = [stage for stage in STAGES if stage not in chosen]
    shares = [defaults.get(stage, getattr(TrainConfig, stage)) for stage in free]
    left = chosen["epochs"] - sum(chosen[stage] for stage in STAGES if stage in chosen)
    if left < 0 or chosen["epochs"] <= 0:
        raise ValueError(
            f"--epochs must be above 0 and no less than the epochs of its stages, "
            f"got {chosen['epochs']}"
        )
    if not sum(shares):
        return {}
    shared, done, before = {}, 0, 0
    for stage, share in zip(free, shares, strict=True):
        before += share
        until = left * before // sum(shares)
        if share and not done:
            until = max(1, until)  # other stages need the first one
        shared[stage] = max(done, min(left, until)) - done
        done += shared[stage]
    return shared


def portable_path(path: str) -> str:
    """Return a path that can be published: a relative one, or the last part of an absolute one."""
    return Path(path).name if Path(path).is_absolute() or path.startswith(("~", "..")) else path
