"""What the networks of a run pay for, and by what its epochs are compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from colorize_tf.config import TrainConfig
from colorize_tf.files import atomic_write

if TYPE_CHECKING:
    import tensorflow as tf

    from colorize_tf.artifacts.run_folder import RunFolder
    from colorize_tf.data.catalog import Photographs


def color_distance(
    config: TrainConfig,
) -> tuple[Callable[[tf.Tensor, tf.Tensor], np.ndarray], Callable[[np.ndarray, np.ndarray], float]]:
    """Return how to describe validation pictures, and how to compare two sets of descriptions.

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


def training_losses(
    config: TrainConfig, run: RunFolder, photographs: Photographs
) -> dict[str, object]:
    """Return what `ColorizationGAN.compile` takes beside the optimizers and the objective."""
    from colorize_tf.training.losses import ADVERSARIAL_LOSSES, RECONSTRUCTION_LOSSES

    losses = {
        "reconstruction_weight": config.reconstruction_weight,
        "adversarial_loss": ADVERSARIAL_LOSSES[config.adversarial_loss],
        "label_smoothing": config.label_smoothing,
    }
    if config.loss != "classes":
        return {**losses, "reconstruction_loss": RECONSTRUCTION_LOSSES[config.loss]}
    from colorize_tf.color.lab_tf import ab_bins
    from colorize_tf.training.color_classes import make_class_loss

    class_loss = make_class_loss(ab_bins(), _color_prior(config, run, photographs))
    return {**losses, "reconstruction_loss": class_loss, "reconstruction_output": "bin_logits"}


def _color_prior(config: TrainConfig, run: RunFolder, photographs: Photographs) -> np.ndarray:
    """How often each class of colors occurs in the training set; computed once in a run."""
    from colorize_tf.color.lab_tf import ab_bins
    from colorize_tf.data.pipeline import evaluation_dataset
    from colorize_tf.training.color_classes import color_prior

    if not run.color_prior.is_file():
        # A quarter of the size, as the classes are judged at.
        shape = {"image_size": config.image_size // 4, "batch_size": config.batch_size}
        batches = evaluation_dataset(photographs.train, cache="none", **shape)
        with atomic_write(run.color_prior) as aside, aside.open("wb") as file:
            np.save(file, color_prior(batches, ab_bins()))
    try:
        return np.load(run.color_prior)
    except (ValueError, EOFError) as error:
        raise ValueError(
            f"{run.color_prior} is damaged ({error}); remove it, and it is computed again"
        ) from error
