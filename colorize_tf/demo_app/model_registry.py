"""The models that visitors choose from, and the limits of uploads."""

import dataclasses
from collections.abc import Sequence

from colorize_tf.inference.batch.processor import PhotographProcessor, sample_noise
from colorize_tf.inference.colorizer import Colorizer

_SHIPPED_MODEL = "the model that comes with the package"


@dataclasses.dataclass(frozen=True)
class ModelRegistry:
    """Loaded models by name, and the limits of uploads.

    Attributes:
        colorizers: by the name that visitors see.
        max_megapixels: larger photographs are refused before they are decoded.
        max_files: photographs in one upload.
    """

    colorizers: dict[str, Colorizer]
    max_megapixels: float
    max_files: int

    def processor(
        self, model: str, *, intensity: float = 1.0, samples: int = 0, seed: int = 0
    ) -> PhotographProcessor:
        """Return a processor with the visitor's settings.

        Args:
            model: name of a model.
            intensity: factor of the chroma, 0 to 2.
            samples: colorings of each photograph; 0 for one without noise. Models that take no
                noise ignore it.
            seed: of the noise.

        Raises:
            ValueError: no model has that name.
        """
        colorizer = self._find(model)
        zs = sample_noise(colorizer, samples, seed) if samples and colorizer.z_size else None
        return PhotographProcessor(
            colorizer, zs=zs, intensity=intensity, max_megapixels=self.max_megapixels
        )

    def takes_noise(self, model: str) -> bool:
        """Return whether a model has several colorings of a photograph."""
        return self._find(model).z_size > 0

    def _find(self, model: str) -> Colorizer:
        if model not in self.colorizers:
            raise ValueError(f"no model {model!r}; there are {', '.join(self.colorizers)}")
        return self.colorizers[model]


def load_colorizers(models: Sequence[str]) -> dict[str, Colorizer]:
    """Load each model once; return the colorizers by the names that visitors see.

    Args:
        models: what `Colorizer.load` takes; empty for the model that comes with the package.

    Raises:
        ValueError: a model cannot be loaded.
    """
    if not models:
        return {_SHIPPED_MODEL: Colorizer.load()}
    return {model: Colorizer.load(model) for model in dict.fromkeys(models)}
