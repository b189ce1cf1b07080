"""The options of a training run: one flat config, checked when it is made.

Imports neither TensorFlow nor Keras, so that `--help` and wrong flags respond at once.
"""

import dataclasses
import functools

from colorize_tf.options import check_options, flag, option
from colorize_tf.plugins import is_own

MONITORS = {
    "val_ab_rmse": "min",
    "val_psnr": "max",
    "val_ssim": "max",
    "val_ciede2000": "min",
    "val_color_distance": "min",
    "reconstruction_loss": "min",
}
"""Metrics that can choose the best epoch, and whether to minimize or maximize them."""

STAGES = ("pretrain_epochs", "discriminator_epochs", "adversarial_epochs")
"""Fields with the length of each stage, in the order of the stages."""

LOSSES = ("l1", "l2", "huber", "classes")
"""Names of the reconstruction losses."""

_NOISY_GENERATOR = "pix2pix_unet"
_BACKBONE_GENERATORS = ("efficientnet_unet", "resnet18_unet")
_BACKBONES = " or ".join(_BACKBONE_GENERATORS)
_CLASSES_GENERATOR = "zhang_classes_cnn"
_GENERATORS = (
    "compact_unet",
    *_BACKBONE_GENERATORS,
    _NOISY_GENERATOR,
    "plain_cnn",
    "tiny_unet",
    "zhang_cnn",
    _CLASSES_GENERATOR,
)


# One function for each heading of the help.
_network = functools.partial(option, group="network")
_data = functools.partial(option, group="data")
_augmentation = functools.partial(option, group="augmentation")
_stages = functools.partial(option, group="stages")
_losses = functools.partial(option, group="losses")
_optimizers = functools.partial(option, group="optimizers")
_run = functools.partial(option, group="run")


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """All options that determine the result of a run; stored in its folder as `config.json`.

    Raises:
        ValueError: a value is out of its range, or two contradict each other.
    """

    recipe: str = _network("compact", help="named set of defaults, listed below")
    generator: str = _network(
        "compact_unet", help=f"{', '.join(_GENERATORS)}, or your own: package.module:function"
    )
    z_size: int = _network(0, help=f"size of the noise vector, for {_NOISY_GENERATOR}", least=0)
    backbone_weights: str | None = _network(
        None, help=f"imagenet, none or a weights file, for {_BACKBONES} [none]"
    )
    discriminator: str = _network("patchgan", help="patchgan, or your own: package.module:function")
    discriminator_width: int = _network(32, help="channels of the PatchGAN's first layer", least=1)
    discriminator_pooling: int = _network(
        1,
        help="side of the squares that are averaged to one pixel for the PatchGAN; 2 doubles its "
        "receptive field",
        least=1,
    )
    init_from: str | None = _network(
        None,
        help="start from these generator weights, and choose the network by them: shipped, a run "
        "folder, .keras, SavedModel or .tflite",
        metavar="MODEL",
    )

    dataset: str = _data(
        "landscapes",
        help="landscapes, coco, folder, synthetic, or your own: package.module:function",
    )
    data_dir: str | None = _data(None, help="folder of photographs", metavar="DIR")
    validation_fraction: float = _data(
        0.1,
        help="share of a set without its own split that is held out for validation",
        above=0,
        below=1,
    )
    validation_limit: int = _data(300, help="maximum number of photographs to validate on", least=1)
    synthetic_count: int = _data(
        600, help="landscapes to render where no photographs are found", least=2
    )
    image_size: int = _data(
        128,
        help="height and width of the network's input, in pixels",
        least=32,  # the discriminator's patches need 32 pixels
        most=4096,
        expected="one whole number, the height and width of a square in pixels (such as 512)",
    )
    cache: str = _data(
        "auto",
        help="where decoded training photographs stay",
        choices=("auto", "memory", "disk", "none"),
    )

    scale_jitter: float = _augmentation(
        0.0, help="maximum change of scale, as a share of the crop's side", least=0, below=1
    )
    exposure_jitter: float = _augmentation(
        0.0, help="maximum change of exposure in stops; colors change with it", least=0, most=4
    )
    contrast_jitter: float = _augmentation(
        0.0, help="maximum change of contrast, as a share; colors change with it", least=0, below=1
    )
    film_damage: float = _augmentation(
        0.0,
        help="share of pictures whose gray gets the grain, blur, fading and scratches of old film",
        least=0,
        most=1,
    )
    augmentation: str | None = _augmentation(
        None,
        help="your own function of (lightness, ab, seed), after the others: "
        "package.module:function [none]",
    )

    batch_size: int = _stages(32, help="examples per batch, over all GPUs and machines", least=1)
    epochs: int | None = _stages(
        None, help="total, shared by the stages as in the recipe [their sum]"
    )
    pretrain_epochs: int = _stages(14, help="epochs on the reconstruction loss alone", least=0)
    frozen_epochs: int = _stages(
        0, help=f"of these, the first with a frozen backbone, for {_BACKBONES}", least=0
    )
    discriminator_epochs: int = _stages(
        0, help="epochs of the discriminator alone", least=0, old_flags=("--critic-epochs",)
    )
    adversarial_epochs: int = _stages(6, help="epochs of both networks, on both losses", least=0)
    steps_per_epoch: int | None = _stages(
        None, help="steps per epoch [one pass over the photographs]", least=1
    )
    minutes: float | None = _stages(
        None,
        help="train this long instead of a number of epochs; stages share it as they share epochs",
        above=0,
    )
    monitor: str = _stages(
        "val_ab_rmse",
        help="metric that chooses the best epoch of pretraining",
        choices=tuple(MONITORS),
    )
    patience: int | None = _stages(
        None, help="end pretraining after so many epochs without a better one [never]", least=1
    )
    adversarial_patience: int | None = _stages(
        None, help="the same for the adversarial stage, by its rule for colors [never]", least=1
    )
    feature_weights: str | None = _stages(
        None,
        help="SqueezeNet 1.1 weights (.h5) whose features that rule compares [pixels]",
        metavar="FILE",
    )

    loss: str = _losses(
        "l1", help=f"reconstruction loss: {', '.join(LOSSES)}, or your own: package.module:function"
    )
    reconstruction_weight: float = _losses(
        100.0, help="lambda, weight of the reconstruction loss beside the adversarial loss", least=0
    )
    adversarial_loss: str = _losses(
        "vanilla", help="of both networks", choices=("vanilla", "least-squares", "hinge")
    )
    label_smoothing: float = _losses(
        0.0,
        help="distance below 1 of the discriminator's target for real patches",
        least=0,
        below=1,
    )

    pretrain_learning_rate: float = _optimizers(
        2e-4, help="of the generator in pretraining", above=0
    )
    discriminator_learning_rate: float = _optimizers(
        2e-4, help="of the discriminator", above=0, old_flags=("--critic-learning-rate",)
    )
    adversarial_learning_rate: float = _optimizers(
        2e-5, help="of the generator in the adversarial stage", above=0
    )
    schedule: str = _optimizers(
        "constant", help="of the learning rates over each stage", choices=("constant", "cosine")
    )
    warmup: float = _optimizers(
        0.0, help="share of each stage in which the learning rates grow from 0", least=0, below=1
    )
    learning_rate_scaling: str = _optimizers(
        "none",
        help="scale learning rates with the ratio of --batch-size to the recipe's",
        choices=("none", "sqrt", "linear"),
    )
    beta_1: float = _optimizers(0.5, help="momentum of both Adam optimizers", least=0, below=1)
    clip_norm: float | None = _optimizers(
        None, help="maximum global norm of a network's gradients [no limit]", above=0
    )
    weight_decay: float = _optimizers(0.0, help="weight decay of both networks", least=0)
    ema: float = _optimizers(
        0.0,
        help="momentum of the moving average of the generator's weights, which is then validated "
        "and exported; 0 is none",
        least=0,
        below=1,
    )

    precision: str = _run(
        "auto",
        help="of computations",
        choices=("auto", "float32", "mixed_float16", "mixed_bfloat16"),
    )
    seed: int = _run(
        0,
        help="of the order, the crops, the initial weights and the renderings",
        least=0,
        most=2**32 - 1,
    )
    deterministic: bool = _run(False, help="same seed, same machine, same weights; slower on a GPU")
    run_dir: str | None = _run(
        None, help="folder of this run [runs/RECIPE-DATASET-N]", metavar="DIR"
    )
    resume: bool = _run(False, help="continue the run in --run-dir")
    export_to: str | None = _run(
        None,
        help="folder for .keras, SavedModel and .tflite [export/ in the run folder]",
        metavar="DIR",
    )

    def __post_init__(self) -> None:
        check_options(self)
        self._check_sizes()
        self._check_stages()
        self._check_network()

    def _check_sizes(self) -> None:
        if not 1 <= self.discriminator_pooling <= self.image_size // 32:
            raise ValueError(
                f"--discriminator-pooling must lie between 1 and {self.image_size // 32}, a "
                f"thirty-second of --image-size, got {self.discriminator_pooling}"
            )

    def _check_stages(self) -> None:
        total = sum(getattr(self, name) for name in STAGES)
        if total == 0:
            raise ValueError("there is nothing to train: the epochs of all stages are 0")
        if self.epochs is not None and self.epochs != total:
            parts = " + ".join(str(getattr(self, name)) for name in STAGES)
            raise ValueError(
                f"--epochs {self.epochs} is not the sum of {', '.join(map(flag, STAGES))}: "
                f"{parts} = {total}; leave one of them out"
            )
        if self.discriminator_epochs and not self.adversarial_epochs:
            raise ValueError(
                f"--discriminator-epochs {self.discriminator_epochs} needs an adversarial stage to "
                "follow; set --adversarial-epochs or leave it out"
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
            raise ValueError("--label-smoothing needs labels, which the hinge loss does not have")

    def _check_network(self) -> None:
        for name, generators in (
            ("z_size", (_NOISY_GENERATOR,)),
            ("backbone_weights", _BACKBONE_GENERATORS),
            ("frozen_epochs", _BACKBONE_GENERATORS),
        ):
            known = self.generator in generators or is_own(self.generator)
            if getattr(self, name) and not known:
                raise ValueError(
                    f"{flag(name)} {getattr(self, name)} needs --generator "
                    f"{' or '.join(generators)}, got {self.generator}"
                )
        if self.loss not in LOSSES and not is_own(self.loss):
            raise ValueError(
                f"--loss must be one of {', '.join(LOSSES)}, or your own as "
                f"package.module:function, got {self.loss!r}"
            )
        if self.discriminator != "patchgan" and not is_own(self.discriminator):
            raise ValueError(
                "--discriminator must be patchgan, or your own as package.module:function, got "
                f"{self.discriminator!r}"
            )
        if self.augmentation is not None and not is_own(self.augmentation):
            raise ValueError(
                f"--augmentation must be package.module:function, got {self.augmentation!r}"
            )
        if (self.loss == "classes") != (self.generator == _CLASSES_GENERATOR):
            raise ValueError(
                f"--loss classes and --generator {_CLASSES_GENERATOR} belong together, "
                f"got {self.loss} and {self.generator}"
            )
        if self.loss == "classes" and self.adversarial_epochs:
            raise ValueError("--loss classes has no adversarial stage; set --adversarial-epochs 0")
