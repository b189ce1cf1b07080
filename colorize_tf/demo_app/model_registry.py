"""What the demo colors with, and how much it takes at once."""

import dataclasses
from collections.abc import Sequence

from colorize_tf.inference.batch.processor import PhotographProcessor, sample_noise
from colorize_tf.inference.colorizer import Colorizer

_SHIPPED = "the model that comes with the package"


@dataclasses.dataclass(frozen=True)
class ModelRegistry:
    """The models, and the limits of what visitors give.

    Attributes:
        colorizers: by the name that visitors see.
        max_megapixels: of a photograph; larger ones are refused before they are decoded.
        max_files: how many are taken at once.
    """

    colorizers: dict[str, Colorizer]
    max_megapixels: float
    max_files: int

    def shoebox(
        self, model: str, *, intensity: float = 1.0, samples: int = 0, seed: int = 0
    ) -> PhotographProcessor:
        """Return how photographs are colored by what a visitor has chosen.

        Args:
            model: one of the names.
            intensity: factor of the chroma, 0 to 2.
            samples: how many colorings; 0 for the one that the model makes without noise.
            seed: which.

        Raises:
            ValueError: there is no such model.
        """
        colorizer = self._named(model)
        samples = samples if colorizer.z_size else 0
        return PhotographProcessor(
            colorizer,
            zs=sample_noise(colorizer, samples or None, seed),
            intensity=intensity,
            max_megapixels=self.max_megapixels,
        )

    def takes_noise(self, model: str) -> bool:
        """Say whether a model has several colorings of a photograph."""
        return self._named(model).z_size > 0

    def _named(self, model: str) -> Colorizer:
        if model not in self.colorizers:
            raise ValueError(f"no model {model!r}; there are {', '.join(self.colorizers)}")
        return self.colorizers[model]


def load_colorizers(models: Sequence[str]) -> dict[str, Colorizer]:
    """Load models, each once, by the names that visitors see.

    Args:
        models: what `Colorizer.load` takes; empty for the model that comes with the package.

    Raises:
        ValueError: one of them cannot be loaded.
    """
    if not models:
        return {_SHIPPED: Colorizer.load()}
    return {model: Colorizer.load(model) for model in dict.fromkeys(models)}
