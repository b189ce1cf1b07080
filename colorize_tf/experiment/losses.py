"""Build the losses of a run, and the distance by which adversarial epochs are compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from colorize_tf.config import TrainConfig
from colorize_tf.experiment.parts import Parts
from colorize_tf.files import atomic_write

if TYPE_CHECKING:
    import tensorflow as tf

    from colorize_tf.artifacts.run_folder import RunFolder
    from colorize_tf.experiment.examples import PhotographExamples
    from colorize_tf.experiment.own_examples import DatasetExamples

# Enough photographs for the mean color of a set.
_PHOTOGRAPHS_FOR_MEAN = 500


def color_distance(
    config: TrainConfig,
) -> tuple[Callable[[tf.Tensor, tf.Tensor], np.ndarray], Callable[[np.ndarray, np.ndarray], float]]:
    """Return a function that describes validation pictures, and one that compares descriptions.

    Raises:
        ValueError: the weights of the features cannot be read.
    """
    from colorize_tf.metrics.distributions import color_samples, kernel_distance, sliced_wasserstein

    if config.feature_weights is None:
        return color_samples, sliced_wasserstein
    import tensorflow as tf

    from colorize_tf.color.lab_tf import decode
    from colorize_tf.models.squeezenet import IMAGE_SIZE, squeezenet_features

    features = squeezenet_features(config.feature_weights)

    def describe(lightness: tf.Tensor, ab: tf.Tensor) -> np.ndarray:
        rgb = tf.image.resize(decode(lightness, ab), (IMAGE_SIZE, IMAGE_SIZE), antialias=True)
        return features(rgb, training=False).numpy()

    return describe, kernel_distance


def mean_color(examples: PhotographExamples | DatasetExamples) -> list[float]:
    """Return the mean `ab` of the training set, the best constant prediction."""
    means = [np.mean(ab, axis=(1, 2)) for _, ab in examples.sample(64, most=_PHOTOGRAPHS_FOR_MEAN)]
    return [float(value) for value in np.mean(np.concatenate(means), axis=0)]


def training_losses(
    config: TrainConfig,
    parts: Parts,
    run: RunFolder,
    examples: PhotographExamples | DatasetExamples,
) -> dict[str, Any]:
    """Return the arguments of `ColorizationGAN.compile` that name losses and their weights."""
    from colorize_tf.training.losses import ADVERSARIAL_LOSSES, RECONSTRUCTION_LOSSES

    losses = {
        "reconstruction_weight": config.reconstruction_weight,
        "adversarial_loss": ADVERSARIAL_LOSSES[config.adversarial_loss],
        "label_smoothing": config.label_smoothing,
    }
    if config.loss != "classes":
        if parts.loss is not None:
            _check_own(parts.loss, config)
        reconstruction_loss = parts.loss or RECONSTRUCTION_LOSSES[config.loss]
        return {**losses, "reconstruction_loss": reconstruction_loss}
    from colorize_tf.color.lab_tf import ab_bins
    from colorize_tf.training.color_classes import make_class_loss

    class_loss = make_class_loss(ab_bins(), _color_prior(config, run, examples))
    return {**losses, "reconstruction_loss": class_loss, "reconstruction_output": "bin_logits"}


def _check_own(loss: Callable[[tf.Tensor, tf.Tensor], Any], config: TrainConfig) -> None:
    """Raise `ValueError` if a user's loss of two pictures is not a float32 scalar."""
    import tensorflow as tf

    pictures = tf.zeros((2, config.image_size, config.image_size, 2))
    value = loss(pictures, pictures)
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", type(value).__name__)
    if shape is None or len(shape) or dtype != tf.float32:
        raise ValueError(
            f"loss {config.loss} must return a float32 scalar, the mean over batch and pixels; got "
            f"{getattr(dtype, 'name', dtype)} {'' if shape is None else tuple(shape)}"
        )


def _color_prior(
    config: TrainConfig, run: RunFolder, examples: PhotographExamples | DatasetExamples
) -> np.ndarray:
    """Return the frequency of each color class in the training set, computed once per run."""
    from colorize_tf.color.lab_tf import ab_bins
    from colorize_tf.training.color_classes import color_prior

    if not run.color_prior.is_file():
        # Classes are predicted at a quarter of the size.
        batches = examples.sample(config.image_size // 4)
        with atomic_write(run.color_prior) as aside, aside.open("wb") as file:
            np.save(file, color_prior(batches, ab_bins()))
    try:
        return np.load(run.color_prior)
    except (ValueError, EOFError) as error:
        raise ValueError(
            f"{run.color_prior} is damaged ({error}); remove it, and it is computed again"
        ) from error
