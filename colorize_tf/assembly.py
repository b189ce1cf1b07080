"""A config and its photographs become networks, examples, losses, stages and callbacks.

The only module beside the verbs that reads a config: everything below takes plain arguments.
TensorFlow is imported by the functions, after `cli.start_tensorflow` has silenced it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from colorize_tf import cli
from colorize_tf.config import MONITORS, STAGES, TrainConfig
from colorize_tf.files import written_aside
from colorize_tf.recipes import training_command
from colorize_tf.runs import read_json

if TYPE_CHECKING:
    import tensorflow as tf

    from colorize_tf.data.catalog import Photographs
    from colorize_tf.runs import RunFolder
    from colorize_tf.training.gan import ColorizationGAN
    from colorize_tf.training.log import RunLog
    from colorize_tf.training.stages import Stage

# Decoded photographs beyond this go to disk, so that a run stays within 4 GiB of memory.
_MEMORY_CACHE_BYTES = 1.5 * 2**30


def build_gan(config: TrainConfig, *, initialize: bool = True) -> tuple[ColorizationGAN, str]:
    """Set the machine up and build the compiled GAN.

    Args:
        config: what to build.
        initialize: whether to take weights from where the config says; not needed where a state is
            restored.

    Returns:
        The GAN, and the precision that was chosen.

    Raises:
        ValueError: no such generator, an image size that it cannot take, or weights that do not
            fit.
    """
    cli.start_tensorflow()
    import keras
    import tensorflow as tf

    from colorize_tf.artifacts.keras_file import copy_weights, load_generator
    from colorize_tf.models import GENERATORS
    from colorize_tf.models.patchgan import patchgan
    from colorize_tf.training.gan import ColorizationGAN
    from colorize_tf.training.precision import set_precision

    if config.generator not in GENERATORS:
        raise ValueError(f"no generator {config.generator!r}; there are {', '.join(GENERATORS)}")
    keras.utils.set_random_seed(config.seed)
    if config.deterministic:
        tf.config.experimental.enable_op_determinism()
    precision = set_precision(config.precision)
    options = _generator_options(config, initialize)
    generator = GENERATORS[config.generator](config.image_size, **options)
    if config.init_from and initialize:
        copy_weights(load_generator(config.init_from), generator, config.init_from)
    discriminator = patchgan(base_width=config.discriminator_width)
    gan = ColorizationGAN(generator, discriminator, ema=config.ema, noise_seed=config.seed)
    adam = {
        "beta_1": config.beta_1,
        "weight_decay": config.weight_decay or None,
        "global_clipnorm": config.clip_norm,
    }
    gan.compile(keras.optimizers.Adam(**adam), keras.optimizers.Adam(**adam))
    return gan, precision


def _generator_options(config: TrainConfig, initialize: bool) -> dict[str, object]:
    """What this generator takes beside the image size; the config has checked that it does."""
    from colorize_tf.color import ab_bins

    options = {}
    if config.z_size:
        options["z_size"] = config.z_size
    if config.backbone_weights and initialize and not config.init_from:
        options["backbone_weights"] = config.backbone_weights
    if config.loss == "classes":
        options["bins"] = ab_bins()
    return options


def color_distance(
    config: TrainConfig,
) -> tuple[Callable[[tf.Tensor, tf.Tensor], np.ndarray], Callable[[np.ndarray, np.ndarray], float]]:
    """Return how to describe validation pictures, and how to compare two sets of descriptions.

    Raises:
        ValueError: the weights of the features cannot be read.
    """
    from colorize_tf.realism import color_samples, kernel_distance, sliced_wasserstein

    if config.feature_weights is None:
        return color_samples, sliced_wasserstein
    import tensorflow as tf

    from colorize_tf.color import decode
    from colorize_tf.models.squeezenet import IMAGE_SIZE, squeezenet_features

    features = squeezenet_features(config.feature_weights)

    def describe(lightness, ab):
        rgb = tf.image.resize(decode(lightness, ab), (IMAGE_SIZE, IMAGE_SIZE), antialias=True)
        return features(rgb, training=False).numpy()

    return describe, kernel_distance


def mean_color(paths: Sequence[Path]) -> list[float]:
    """Return the mean `ab` of some hundred photographs: the best answer without looking."""
    from colorize_tf.data.pipeline import evaluation_dataset

    some = paths[:: max(1, len(paths) // 500)]
    batches = evaluation_dataset(some, image_size=64, batch_size=50, cache="none")
    means = np.concatenate([np.mean(ab, axis=(1, 2)) for _, ab in batches])
    return [float(value) for value in np.mean(means, axis=0)]


def describe_run(config: TrainConfig, run: RunFolder) -> dict:
    """Return what the artifacts of a run say of how they came about.

    Args:
        config: of the run.
        run: whose `data.json` is written.
    """
    data = read_json(run.data)
    # Without the folder: where it lies on this machine is nobody's business.
    origin = data["origin"].partition(" in ")[0]
    return {
        "name": run.path.absolute().name,
        "recipe": config.recipe,
        "training_command": _training_commands(config),
        "data": {
            "origin": origin,
            "licence": _data_licence(config, origin),
            **{name: data[name] for name in ("train", "validation", "sha256")},
        },
    }


def _training_commands(config: TrainConfig) -> str:
    """Return the command of a run, below those of the runs that it goes back to."""
    from colorize_tf.artifacts.card import read_provenance

    earlier = read_provenance(config.init_from) if config.init_from else {}
    commands = (earlier.get("training_command"), training_command(config))
    return "\n".join(command for command in commands if command)


def _data_licence(config: TrainConfig, origin: str) -> str:
    from colorize_tf.data.catalog import KAGGLE_PAGE

    if origin.startswith("rendered"):
        return "MIT, rendered by colorize_tf"
    if config.dataset == "coco":
        return "Flickr's, named for each photograph by cocodataset.org"
    if config.dataset == "landscapes" and config.data_dir is None:
        return f"not stated here; those of {KAGGLE_PAGE}"
    return "that of the photographs' owners"


def plan(config: TrainConfig) -> list[Stage]:
    """Return the stages of a run, in their order."""
    from colorize_tf.training.stages import plan_stages

    names = (
        *STAGES,
        "frozen_epochs",
        "pretrain_learning_rate",
        "adversarial_learning_rate",
        "patience",
        "adversarial_patience",
    )
    return plan_stages(**{name: getattr(config, name) for name in names})


def make_log(config: TrainConfig, run: RunFolder) -> RunLog:
    """Return the log of a run, with the rows that it has so far."""
    from colorize_tf.training.log import RunLog

    mode = MONITORS[config.monitor]
    return RunLog(run.metrics, run.curves, monitor=config.monitor, mode=mode)


def train(
    gan: ColorizationGAN,
    config: TrainConfig,
    run: RunFolder,
    photographs: Photographs,
    distance: tuple[Callable, Callable],
) -> None:
    """Train through all stages, going on where `gan` stopped.

    Args:
        gan: from `build_gan`, its state restored where a run goes on.
        config: with the precision that was chosen.
        run: where everything is written.
        photographs: to train and to validate on.
        distance: from `color_distance`.
    """
    from colorize_tf.models.resnet_unet import BACKBONE_PREFIX
    from colorize_tf.training.stages import run_stages

    train_examples, validation_examples = _examples(gan, config, run, photographs)
    stages = plan(config)
    steps_per_epoch = config.steps_per_epoch or len(photographs.train) // config.batch_size
    print(
        f"{run.path}: {gan.generator.count_params():,} parameters, "
        f"{gan.generator.dtype_policy.name}, {len(photographs.train)} photographs to train on, "
        f"{len(photographs.validation)} to validate on, {steps_per_epoch} steps an epoch, "
        + ", then ".join(f"{stage.epochs} epochs {stage.name}" for stage in stages)
        + (f", in {config.minutes:g} minutes" if config.minutes else "")
    )
    log = make_log(config, run)
    callbacks = _callbacks(run, log, validation_examples, distance, describe_run(config, run))
    callbacks[-1].catch_up(gan)
    run_stages(
        gan,
        stages,
        log=log,
        losses=_losses(config, run, photographs),
        critic_learning_rate=config.critic_learning_rate,
        schedule=config.schedule,
        warmup=config.warmup,
        seed=config.seed,
        minutes=config.minutes,
        backbone_prefix=BACKBONE_PREFIX,
        callbacks=callbacks,
        x=train_examples,
        validation_data=validation_examples,
        steps_per_epoch=steps_per_epoch,
    )


def _examples(
    gan: ColorizationGAN, config: TrainConfig, run: RunFolder, photographs: Photographs
) -> tuple[tf.data.Dataset, tf.data.Dataset]:
    from colorize_tf.data.pipeline import cache_bytes, evaluation_dataset, training_dataset

    cache = config.cache
    if cache == "auto":
        needed = cache_bytes(
            len(photographs.train), config.image_size, scale_jitter=config.scale_jitter
        )
        cache = "memory" if needed <= _MEMORY_CACHE_BYTES else "disk"
    if cache == "disk":
        cache = run.fresh_cache()
    shape = {"image_size": config.image_size, "batch_size": config.batch_size}
    train_examples = training_dataset(
        photographs.train,
        seed=config.seed,
        cache=cache,
        steps_done=gan.counters["steps_done"].value,
        scale_jitter=config.scale_jitter,
        exposure_jitter=config.exposure_jitter,
        contrast_jitter=config.contrast_jitter,
        film_damage=config.film_damage,
        **shape,
    )
    return train_examples, evaluation_dataset(photographs.validation, **shape)


def _losses(config: TrainConfig, run: RunFolder, photographs: Photographs) -> dict[str, object]:
    """What `ColorizationGAN.compile` takes beside the optimizers and the objective."""
    from colorize_tf.training.losses import ADVERSARIAL_LOSSES, RECONSTRUCTION_LOSSES

    losses = {
        "reconstruction_weight": config.reconstruction_weight,
        "adversarial_loss": ADVERSARIAL_LOSSES[config.adversarial_loss],
        "label_smoothing": config.label_smoothing,
    }
    if config.loss != "classes":
        return {**losses, "reconstruction_loss": RECONSTRUCTION_LOSSES[config.loss]}
    from colorize_tf.color import ab_bins
    from colorize_tf.training.classes import make_class_loss

    class_loss = make_class_loss(ab_bins(), _color_prior(config, run, photographs))
    return {**losses, "reconstruction_loss": class_loss, "reconstruction_output": "bin_logits"}


def _color_prior(config: TrainConfig, run: RunFolder, photographs: Photographs) -> np.ndarray:
    """How often each class of colours occurs in the training set; computed once in a run."""
    from colorize_tf.color import ab_bins
    from colorize_tf.data.pipeline import evaluation_dataset
    from colorize_tf.training.classes import color_prior

    if not run.color_prior.is_file():
        # A quarter of the size, as the classes are judged at.
        shape = {"image_size": config.image_size // 4, "batch_size": config.batch_size}
        batches = evaluation_dataset(photographs.train, cache="none", **shape)
        with written_aside(run.color_prior) as aside, aside.open("wb") as file:
            np.save(file, color_prior(batches, ab_bins()))
    try:
        return np.load(run.color_prior)
    except (ValueError, EOFError) as error:
        raise ValueError(
            f"{run.color_prior} is damaged ({error}); remove it, and it is computed again"
        ) from error


def _callbacks(
    run: RunFolder,
    log: RunLog,
    validation_examples: tf.data.Dataset,
    distance: tuple[Callable, Callable],
    description: dict,
) -> list:
    """In the order in which they run: the distance is logged, the state decides what counts."""
    import keras

    from colorize_tf.artifacts.keras_file import load_generator, save_generator
    from colorize_tf.training import callbacks

    save = functools.partial(save_generator, description=description)
    first_examples = next(iter(validation_examples.unbatch().batch(6)))
    return [
        callbacks.ColorDistance(validation_examples, *distance),
        callbacks.Progress(),
        keras.callbacks.TensorBoard(run.tensorboard, write_graph=False),
        callbacks.SampleGrid(run.samples, first_examples),
        log,
        callbacks.SaveState(run.state),
        callbacks.BestGenerator(run.generator, log, save, load_generator),
    ]
