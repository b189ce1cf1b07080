"""Match the colorfulness of two models, so that their errors can be compared.

A paler model has smaller errors, and a factor on chroma makes any model paler. Errors and distances
of two models can therefore be compared only at equal colorfulness.
"""

from collections.abc import Iterable

import numpy as np

from colorize_tf.color.lab_tf import decode, encode, images_to_rgb
from colorize_tf.evaluation.scores import Measurement
from colorize_tf.inference.rendering import resize
from colorize_tf.metrics.pictures import colorfulness

_SIZE = 64
_BATCH_SIZE = 128
_LARGEST_FACTOR = 16.0


class Thumbnails:
    """Keeps 64 pixels of each photograph and of the chroma predicted for it.

    Colorfulness changes little with size, and equally for all models.

    Args:
        names: of the colorizers.
    """

    def __init__(self, names: Iterable[str]):
        self._images: list[np.ndarray] = []
        self._predicted_ab: dict[str, list[np.ndarray]] = {name: [] for name in names}

    def add(self, measurement: Measurement) -> None:
        """Add one photograph."""
        self._images.append(resize(measurement.images[0], _SIZE, _SIZE))
        for name, kept in self._predicted_ab.items():
            ab = measurement.predicted_ab[measurement.names.index(name)]
            kept.append(resize(ab, _SIZE, _SIZE).astype(np.float16))

    def matching_factor(self, pale: str, vivid: str) -> float | None:
        """Find the factor on chroma that makes one model as colorful as another, by bisection.

        Args:
            pale: name of the model whose chroma is multiplied.
            vivid: name of the model whose mean colorfulness is the target.

        Returns:
            The factor to two decimals; None if 16 is not enough.
        """
        target = self._mean_colorfulness(vivid, 1.0)
        low, high = 0.0, _LARGEST_FACTOR
        if self._mean_colorfulness(pale, high) < target:
            return None
        while high - low > 0.005:
            middle = 0.5 * (low + high)
            if self._mean_colorfulness(pale, middle) < target:
                low = middle
            else:
                high = middle
        return round(0.5 * (low + high), 2)

    def _mean_colorfulness(self, name: str, factor: float) -> float:
        values = []
        for start in range(0, len(self._images), _BATCH_SIZE):
            batch = slice(start, start + _BATCH_SIZE)
            lightness, _ = encode(images_to_rgb(np.stack(self._images[batch])))
            ab = factor * np.stack(self._predicted_ab[name][batch]).astype(np.float32)
            values.append(colorfulness(decode(lightness, ab)))
        return float(np.mean(np.concatenate(values)))
