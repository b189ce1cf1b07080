"""How near the answers come to the photographs as sets, whichever answers which."""

import numpy as np

from colorize_tf.evaluation.features import Features
from colorize_tf.evaluation.scores import Measured
from colorize_tf.metrics.distributions import (
    color_samples,
    frechet_distance,
    kernel_distance,
    sliced_wasserstein,
)


class SetDistances:
    """Collects what is needed of each photograph, a few kilobytes, and no picture.

    Args:
        features: of which KID and FID are computed; None leaves them out.
    """

    def __init__(self, features: Features | None = None):
        self.features = features
        self.samples = []
        self.described = []
        self.names = ()

    def add(self, measured: Measured) -> None:
        """Keep one photograph's."""
        self.names = measured.names
        points = color_samples(measured.lightness, measured.ab)
        self.samples.append(points.reshape(len(measured.images), -1, points.shape[-1]))
        if self.features:
            self.described.append(self.features.describe(measured.images))

    def by_name(self) -> dict[str, dict[str, float]]:
        """Return `sliced_wasserstein` in Lab units and, of features, `kid_times_1000` and `fid`.

        Raises:
            ValueError: features of fewer than two photographs.
        """
        truth, *answers = np.concatenate(self.samples, axis=1)
        distances = {
            name: {"sliced_wasserstein": sliced_wasserstein(points, truth)}
            for name, points in zip(self.names, answers, strict=True)
        }
        if self.features:
            truth, *answers = np.stack(self.described, axis=1)
            for name, described in zip(self.names, answers, strict=True):
                kernel = kernel_distance(described, truth)
                distances[name]["kid_times_1000"] = 1000 * kernel
                distances[name]["fid"] = frechet_distance(described, truth)
        return distances
