"""Build the networks of a run from its config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from colorize_tf.config import TrainConfig
from colorize_tf.experiment.parts import Parts

if TYPE_CHECKING:
    import keras

    from colorize_tf.training.distribution import Distribution
    from colorize_tf.training.gan import ColorizationGAN


def build_gan(
    config: TrainConfig,
    distribution: Distribution,
    parts: Parts | None = None,
    *,
    initialize: bool = True,
) -> ColorizationGAN:
    """Build the compiled GAN, under the dtype policy that is set.

    Args:
        config: what to build.
        distribution: where the replicas are.
        parts: the user's own networks.
        initialize: whether to load the weights that the config names; not needed where a state is
            restored.

    Raises:
        ValueError: no such generator, an image size that it cannot take, a network of another
            interface, or weights that do not fit.
    """
    import keras
    import tensorflow as tf

    from colorize_tf.artifacts.keras_file import copy_weights, load_generator
    from colorize_tf.training.gan import ColorizationGAN
    from colorize_tf.training.optimizers import FusedAdam

    parts = parts or Parts()
    keras.utils.set_random_seed(config.seed)
    if config.deterministic:
        tf.config.experimental.enable_op_determinism()
    adam = {
        "beta_1": config.beta_1,
        "weight_decay": config.weight_decay or None,
        "global_clipnorm": config.clip_norm,
    }
    with distribution.scope():
        generator = _generator(config, parts.generator, initialize)
        if config.init_from and initialize:
            copy_weights(load_generator(config.init_from), generator, config.init_from)
        discriminator = _discriminator(config, parts.discriminator)
        if distribution.replicas > 1:
            _check_are_functions(parts)
        gan = ColorizationGAN(generator, discriminator, ema=config.ema, noise_seed=config.seed)
        gan.compile(FusedAdam(**adam), FusedAdam(**adam))
    return gan


def _generator(config: TrainConfig, own: Any, initialize: bool) -> keras.Model:
    import keras

    from colorize_tf.models import resolve_generator
    from colorize_tf.models.generator import check_generator

    if isinstance(own, keras.Model):
        generator = own
    else:
        build = own or resolve_generator(config.generator)
        generator = build(config.image_size, **_generator_options(config, initialize))
    check_generator(generator, config.generator)
    if generator.output_shape[1] != config.image_size:
        raise ValueError(
            f"generator {config.generator} takes {generator.output_shape[1]} pixels, but "
            f"--image-size is {config.image_size}; make them equal"
        )
    return generator


def _generator_options(config: TrainConfig, initialize: bool) -> dict[str, Any]:
    """Keyword arguments of the generator's function; the config has checked that it takes them."""
    from colorize_tf.color.lab_tf import ab_bins

    options: dict[str, Any] = {}
    if config.z_size:
        options["z_size"] = config.z_size
    if config.backbone_weights and initialize and not config.init_from:
        options["backbone_weights"] = config.backbone_weights
    if config.loss == "classes":
        options["bins"] = ab_bins()
    return options


def _discriminator(config: TrainConfig, own: Any) -> keras.Model:
    import keras

    from colorize_tf.models.patchgan import patchgan

    if own is None:
        return patchgan(base_width=config.discriminator_width, pooling=config.discriminator_pooling)
    discriminator = own if isinstance(own, keras.Model) else own(config.image_size)
    inputs = getattr(discriminator, "input_shape", None)
    outputs: Any = getattr(discriminator, "output_shape", ())
    is_pair = isinstance(inputs, list) and [shape[-1] for shape in inputs] == [1, 2]
    if not is_pair or len(outputs) != 4 or outputs[-1] != 1:
        raise ValueError(
            f"discriminator {config.discriminator} must take [lightness, ab], (None, size, size, "
            f"1) and (None, size, size, 2), and return logits (None, height, width, 1); got "
            f"{inputs} and {outputs}"
        )
    return discriminator


def _check_are_functions(parts: Parts) -> None:
    import keras

    if isinstance(parts.generator, keras.Model) or isinstance(parts.discriminator, keras.Model):
        raise ValueError(
            "a network for several GPUs is built on all of them: pass a function of the image size "
            "that returns it instead of a keras.Model"
        )
