"""By what factor a pale model's chroma has to grow until it is as colorful as another's.

Errors and distances of two models compare only between equally colorful ones: whoever dares less
errs less, and multiplying chroma costs nothing.
"""

from collections.abc import Iterable

import numpy as np

from colorize_tf.color.lab_tf import decode, encode, images_to_rgb
from colorize_tf.evaluation.scores import Measured
from colorize_tf.inference.rendering import resize
from colorize_tf.metrics.pictures import colorfulness

_SIZE = 64
_AT_ONCE = 128
_LARGEST_FACTOR = 16.0


class Thumbnails:
    """Keeps 64 pixels of each photograph and of the chroma predicted for it.

    Colorfulness changes little with size, and alike for all models.

    Args:
        names: of whose answers.
    """

    def __init__(self, names: Iterable[str]):
        self.images = []
        self.predicted_ab = {name: [] for name in names}

    def add(self, measured: Measured) -> None:
        """Keep one photograph's."""
        self.images.append(resize(measured.images[0], _SIZE, _SIZE))
        for name, kept in self.predicted_ab.items():
            ab = measured.predicted_ab[measured.names.index(name)]
            kept.append(resize(ab, _SIZE, _SIZE).astype(np.float16))

    def matching_factor(self, pale: str, vivid: str) -> float | None:
        """Find by bisection what makes one model as colorful as another.

        Args:
            pale: whose chroma is multiplied.
            vivid: whose mean colorfulness is to be reached.

        Returns:
            The factor to two decimals; None if not even 16 is enough.
        """
        wanted = self._mean_colorfulness(vivid, 1.0)
        low, high = 0.0, _LARGEST_FACTOR
        if self._mean_colorfulness(pale, high) < wanted:
            return None
        while high - low > 0.005:
            middle = 0.5 * (low + high)
            if self._mean_colorfulness(pale, middle) < wanted:
                low = middle
            else:
                high = middle
        return round(0.5 * (low + high), 2)

    def _mean_colorfulness(self, name: str, factor: float) -> float:
        values = []
        for start in range(0, len(self.images), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            lightness, _ = encode(images_to_rgb(np.stack(self.images[some])))
            ab = factor * np.stack(self.predicted_ab[name][some]).astype(np.float32)
            values.append(colorfulness(decode(lightness, ab)))
        return float(np.mean(np.concatenate(values)))
