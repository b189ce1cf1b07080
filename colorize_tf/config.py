"""What can be chosen for a training run: one flat config, checked as it is made.

Imports neither TensorFlow nor Keras, so that `--help` and a wrong flag answer at once.
"""

import dataclasses
import math
from typing import Any

MONITORS = {
    "val_ab_rmse": "min",
    "val_psnr": "max",
    "val_ssim": "max",
    "val_ciede2000": "min",
    "val_color_distance": "min",
    "reconstruction_loss": "min",
}
"""Logged figures that can choose a checkpoint, and whether less or more is better."""

STAGES = ("pretrain_epochs", "critic_epochs", "adversarial_epochs")
"""Fields that say how long each stage lasts, in their order."""

_CHOICES = {
    "loss": ("l1", "l2", "huber", "classes"),
    "adversarial_loss": ("vanilla", "least-squares", "hinge"),
    "schedule": ("constant", "cosine"),
    "learning_rate_scaling": ("none", "sqrt", "linear"),
    "monitor": tuple(MONITORS),
    "cache": ("auto", "memory", "disk", "none"),
    "precision": ("auto", "float32", "mixed_float16", "mixed_bfloat16"),
}
_ABOVE_ZERO = (
    "image_size",
    "batch_size",
    "steps_per_epoch",
    "validation_limit",
    "discriminator_width",
    "minutes",
    "pretrain_learning_rate",
    "critic_learning_rate",
    "adversarial_learning_rate",
    "clip_norm",
    "patience",
    "adversarial_patience",
)
_FROM_ZERO = (
    *STAGES,
    "frozen_epochs",
    "reconstruction_weight",
    "weight_decay",
    "z_size",
)
_BELOW_ONE = ("beta_1", "ema", "warmup", "label_smoothing", "scale_jitter", "contrast_jitter")
_BETWEEN = {
    "image_size": (32, 4096),  # the discriminator's patches need 32 pixels
    "seed": (0, 2**32 - 1),
    "film_damage": (0, 1),
    "exposure_jitter": (0, 4),  # stops
}

_NOISY_GENERATOR = "pix2pix_unet"
_BACKBONE_GENERATORS = ("efficientnet_unet", "resnet18_unet")
_BACKBONES = " or ".join(_BACKBONE_GENERATORS)
_CLASSES_GENERATOR = "zhang_classes_cnn"


def _option(default: object, group: str, text: str) -> Any:
    return dataclasses.field(default=default, metadata={"group": group, "help": text})


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """Everything that decides how a run comes out; stored in the run folder as `config.json`.

    Raises:
        ValueError: a value is out of its range, or two contradict each other.
    """

    recipe: str = _option("compact", "network", "named set of defaults, listed below")
    generator: str = _option(
        "compact_unet",
        "network",
        "compact_unet, efficientnet_unet, pix2pix_unet, resnet18_unet, plain_cnn, zhang_cnn, "
        "zhang_classes_cnn or tiny_unet",
    )
    z_size: int = _option(
        0, "network", f"numbers of noise beside the gray picture, for {_NOISY_GENERATOR}"
    )
    backbone_weights: str | None = _option(
        None,
        "network",
        f"imagenet, none or a weights file, for {_BACKBONES} [none]",
    )
    discriminator_width: int = _option(32, "network", "channels of the PatchGAN's first layer")
    discriminator_pooling: int = _option(
        1, "network", "pixels a side that the PatchGAN sees as one; 2 judges wider patches"
    )
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

    scale_jitter: float = _option(
        0.0, "augmentation", "crops show things up to this share larger or smaller"
    )
    exposure_jitter: float = _option(
        0.0, "augmentation", "exposure up or down by up to so many stops, color with it"
    )
    contrast_jitter: float = _option(
        0.0, "augmentation", "contrast up or down by up to this share, color with it"
    )
    film_damage: float = _option(
        0.0,
        "augmentation",
        "share of pictures whose gray gets the grain, blur, fading and scratches of old film",
    )

    batch_size: int = _option(
        32, "stages", "examples in a batch, shared out among all GPUs and machines"
    )
    epochs: int | None = _option(
        None, "stages", "all stages together, which share them as in the recipe [their sum]"
    )
    pretrain_epochs: int = _option(14, "stages", "epochs on the reconstruction loss alone")
    frozen_epochs: int = _option(
        0, "stages", f"of these, the first with a frozen backbone, for {_BACKBONES}"
    )
    critic_epochs: int = _option(0, "stages", "epochs of the discriminator alone")
    adversarial_epochs: int = _option(6, "stages", "epochs of both, on both losses")
    steps_per_epoch: int | None = _option(
        None, "stages", "steps that count as an epoch [one pass over the photographs]"
    )
    minutes: float | None = _option(
        None, "stages", "train this long, whatever the epochs; stages share it as they share them"
    )
    monitor: str = _option(
        "val_ab_rmse",
        "stages",
        f"logged figure that chooses the best epoch of pretraining: {', '.join(MONITORS)}",
    )
    patience: int | None = _option(
        None, "stages", "epochs without a better one after which pretraining stops [never]"
    )
    adversarial_patience: int | None = _option(
        None, "stages", "the same for the adversarial stage, by the rule for its colors [never]"
    )
    feature_weights: str | None = _option(
        None,
        "stages",
        "SqueezeNet 1.1 weights (.h5) by whose features that rule compares pictures [pixels]",
    )

    loss: str = _option("l1", "losses", "reconstruction loss: l1, l2, huber or classes")
    reconstruction_weight: float = _option(
        100.0, "losses", "lambda, what it counts for beside the adversarial loss"
    )
    adversarial_loss: str = _option("vanilla", "losses", "vanilla, least-squares or hinge")
    label_smoothing: float = _option(
        0.0, "losses", "how far below 1 the discriminator's target for real patches lies"
    )

    pretrain_learning_rate: float = _option(
        2e-4, "optimizers", "step size of the generator in pretraining"
    )
    critic_learning_rate: float = _option(2e-4, "optimizers", "step size of the discriminator")
    adversarial_learning_rate: float = _option(
        2e-5, "optimizers", "step size of the generator in the adversarial stage"
    )
    schedule: str = _option(
        "constant", "optimizers", "of the step sizes over each stage: constant or cosine"
    )
    warmup: float = _option(
        0.0, "optimizers", "share of each stage in which the step sizes grow from 0"
    )
    learning_rate_scaling: str = _option(
        "none",
        "optimizers",
        "what a --batch-size n times the recipe's makes of all step sizes: linear (n times), sqrt "
        "or none",
    )
    beta_1: float = _option(0.5, "optimizers", "momentum of both Adam optimizers")
    clip_norm: float | None = _option(
        None, "optimizers", "greatest norm of all gradients of a network together [no limit]"
    )
    weight_decay: float = _option(0.0, "optimizers", "decay of the weights of both networks")
    ema: float = _option(
        0.0,
        "optimizers",
        "momentum of the moving average of the generator's weights, which is then what is "
        "validated and exported; 0 is none",
    )

    precision: str = _option("auto", "run", "auto, float32, mixed_float16 or mixed_bfloat16")
    seed: int = _option(
        0, "run", "chooses the order, the crops, the first weights and the renderings"
    )
    deterministic: bool = _option(
        False, "run", "same seed, same machine, same weights; slower on a GPU"
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
                    f"{flag(name)} must be one of {', '.join(choices)}, got {getattr(self, name)!r}"
                )
        self._check_ranges()
        self._check_stages()
        self._check_network()

    def _check_ranges(self):
        for names, fits, words in (
            (_ABOVE_ZERO, lambda x: x is None or 0 < x < math.inf, "a finite number above 0"),
            (_FROM_ZERO, lambda x: 0 <= x < math.inf, "a finite number from 0 up"),
            (_BELOW_ONE, lambda x: 0 <= x < 1, "at least 0 and below 1"),
        ):
            for name in names:
                if not fits(getattr(self, name)):
                    raise ValueError(f"{flag(name)} must be {words}, got {getattr(self, name)}")
        for name, (least, most) in _BETWEEN.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise ValueError(f"{flag(name)} must lie between {least} and {most}, got {value}")
        if not 1 <= self.discriminator_pooling <= self.image_size // 32:
            raise ValueError(
                f"--discriminator-pooling must lie between 1 and {self.image_size // 32}, a "
                f"thirty-second of --image-size, got {self.discriminator_pooling}"
            )
        if not 0 < self.validation_fraction < 1:
            raise ValueError(
                f"--validation-fraction must lie between 0 and 1, got {self.validation_fraction}"
            )
        if self.synthetic_count < 2:
            raise ValueError(f"--synthetic-count must be at least 2, got {self.synthetic_count}")

    def _check_stages(self):
        total = sum(getattr(self, name) for name in STAGES)
        if total == 0:
            raise ValueError("there is nothing to train: the epochs of all stages are 0")
        if self.epochs is not None and self.epochs != total:
            parts = " + ".join(str(getattr(self, name)) for name in STAGES)
            raise ValueError(
                f"--epochs {self.epochs} is not the sum of {', '.join(map(flag, STAGES))}: "
                f"{parts} = {total}; leave one of them out"
            )
        if self.critic_epochs and not self.adversarial_epochs:
            raise ValueError(
                f"--critic-epochs {self.critic_epochs} needs an adversarial stage to follow; "
                "set --adversarial-epochs or leave it out"
            )
        if self.pretrain_epochs and not self.reconstruction_weight:
            raise ValueError(
                "--reconstruction-weight 0 leaves nothing to pretrain on; set --pretrain-epochs 0"
            )
        if self.frozen_epochs > self.pretrain_epochs:
            raise ValueError(
                f"--frozen-epochs must not exceed --pretrain-epochs ({self.pretrain_epochs}), "
                f"got {self.frozen_epochs}"
            )
        if self.label_smoothing and self.adversarial_loss == "hinge":
            raise ValueError("--label-smoothing needs labels, which the hinge loss has not")

    def _check_network(self):
        for name, generators in (
            ("z_size", (_NOISY_GENERATOR,)),
            ("backbone_weights", _BACKBONE_GENERATORS),
            ("frozen_epochs", _BACKBONE_GENERATORS),
        ):
            if getattr(self, name) and self.generator not in generators:
                raise ValueError(
                    f"{flag(name)} {getattr(self, name)} needs --generator "
                    f"{' or '.join(generators)}, got {self.generator}"
                )
        if (self.loss == "classes") != (self.generator == _CLASSES_GENERATOR):
            raise ValueError(
                f"--loss classes and --generator {_CLASSES_GENERATOR} belong together, "
                f"got {self.loss} and {self.generator}"
            )
        if self.loss == "classes" and self.adversarial_epochs:
            raise ValueError("--loss classes has no adversarial stage; set --adversarial-epochs 0")


def flag(name: str) -> str:
    """Return the flag of a field: `--image-size` for `image_size`."""
    return "--" + name.replace("_", "-")
