"""Where a run is computed, and its networks."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from colorize_tf import cli
from colorize_tf.config import TrainConfig

if TYPE_CHECKING:
    from colorize_tf.training.distribution import Distribution
    from colorize_tf.training.gan import ColorizationGAN
    from colorize_tf.training.runtime_options import RuntimeOptions
    from colorize_tf.training.workers import Workers

RESTART = "start all of them again, with --resume or with --restartable"
"""What to do where one of several workers is lost."""


def start(runtime_options: RuntimeOptions, workers: Workers | None) -> Distribution:
    """Start TensorFlow, which with several processes is to be told so before anything else.

    Args:
        runtime_options: where to compute.
        workers: all processes, or None where this one is alone.

    Raises:
        ValueError: no such place.
    """
    with cli.native_logs_hidden():
        import tensorflow as tf

        from colorize_tf.training.distribution import choose_distribution
        from colorize_tf.training.watchdog import watchdog

    # Made here, for it would keep the standard error of the time when it is made.
    tf.get_logger().setLevel("WARNING")
    # TensorFlow waits for an hour for one that was lost since all met.
    lost = f"a worker was lost before all were connected; {RESTART}"
    watch = watchdog(runtime_options.worker_timeout, lost) if workers else contextlib.nullcontext()
    with watch, cli.native_logs_hidden():
        distribution = choose_distribution(runtime_options.strategy, workers)
    cli.start_tensorflow()
    return distribution


def build_gan(
    config: TrainConfig, distribution: Distribution, *, initialize: bool = True
) -> tuple[ColorizationGAN, str]:
    """Set the machine up and build the compiled GAN.

    Args:
        config: what to build.
        distribution: from `start`.
        initialize: whether to take weights from where the config says; not needed where a state is
            restored.

    Returns:
        The GAN, and the precision that was chosen.

    Raises:
        ValueError: no such generator, an image size that it cannot take, or weights that do not
            fit.
    """
    import keras
    import tensorflow as tf

    from colorize_tf.artifacts.keras_file import copy_weights, load_generator
    from colorize_tf.models import GENERATORS
    from colorize_tf.models.patchgan import patchgan
    from colorize_tf.training.adam import FusedAdam
    from colorize_tf.training.gan import ColorizationGAN
    from colorize_tf.training.precision import set_precision

    if config.generator not in GENERATORS:
        raise ValueError(f"no generator {config.generator!r}; there are {', '.join(GENERATORS)}")
    keras.utils.set_random_seed(config.seed)
    if config.deterministic:
        tf.config.experimental.enable_op_determinism()
    precision = set_precision(config.precision)
    options = _generator_options(config, initialize)
    adam = {
        "beta_1": config.beta_1,
        "weight_decay": config.weight_decay or None,
        "global_clipnorm": config.clip_norm,
    }
    with distribution.scope():
        generator = GENERATORS[config.generator](config.image_size, **options)
        if config.init_from and initialize:
            copy_weights(load_generator(config.init_from), generator, config.init_from)
        discriminator = patchgan(
            base_width=config.discriminator_width, pooling=config.discriminator_pooling
        )
        gan = ColorizationGAN(generator, discriminator, ema=config.ema, noise_seed=config.seed)
        gan.compile(FusedAdam(**adam), FusedAdam(**adam))
    return gan, precision


def _generator_options(config: TrainConfig, initialize: bool) -> dict[str, object]:
    """What this generator takes beside the image size; the config has checked that it does."""
    from colorize_tf.color.lab_tf import ab_bins

    options = {}
    if config.z_size:
        options["z_size"] = config.z_size
    if config.backbone_weights and initialize and not config.init_from:
        options["backbone_weights"] = config.backbone_weights
    if config.loss == "classes":
        options["bins"] = ab_bins()
    return options
