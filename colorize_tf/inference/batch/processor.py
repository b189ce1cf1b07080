"""What is done with each photograph of many: read, colored, written."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from warnings import warn

import numpy as np

from colorize_tf.color.toning import describe_color
from colorize_tf.imagefiles import (
    ImageFile,
    Photograph,
    encode_photograph,
    open_image,
    read_bytes,
    write_photograph,
)
from colorize_tf.inference.batch.tasks import Task
from colorize_tf.inference.colorizer import Colorizer
from colorize_tf.inference.rendering import join
from colorize_tf.inference.video.film import FilmReport, colorize_film
from colorize_tf.inference.video.reader import sample_frames

# Frames of a film that are looked at: its titles may be in color.
_LOOKS = 9


class AlreadyInColor(ValueError):
    """A photograph that needs no color."""


@dataclasses.dataclass(frozen=True)
class PhotographProcessor:
    """The stages of `pipelined` for photographs, and all that is chosen for them together.

    Attributes:
        colorizer: the model.
        zs: float32 `(samples, z_size)`, the noise of each sample; None for one result without.
        intensity: factor of the chroma, 0 to 2.
        ensemble: as `Colorizer.chromas` takes it.
        side_by_side: whether a result shows the photograph in gray and, right of it, in color.
        quality: 1 to 100, for JPEG and WebP.
        overwrite: whether files that exist are replaced, rather than left as they are.
        force: whether photographs that are in color already are colored, too, and what is left of
            those that are damaged.
        max_megapixels: a file whose header announces more is refused before it is decoded.
        threads: how many a photograph is joined on, as `join` takes it.
    """

    colorizer: Colorizer
    zs: np.ndarray | None = None
    intensity: float = 1.0
    ensemble: str | None = None
    side_by_side: bool = False
    quality: int = 95
    overwrite: bool = False
    force: bool = False
    max_megapixels: float = 200
    threads: int | None = None

    def open(self, task: Task) -> tuple[ImageFile, float]:
        """Return the file with its header read, and the megapixels that it announces."""
        opened = open_image(
            read_bytes(task.source), task.source, max_megapixels=self.max_megapixels
        )
        return opened, opened.header.width * opened.header.height / 1e6

    def decode(self, task: Task, opened: ImageFile) -> Photograph:
        """Decode what was opened.

        Raises:
            ImageFileError: it is no whole photograph.
            AlreadyInColor: it needs no color, and coloring it was not asked for.
        """
        return self.decode_file(opened)

    def decode_file(self, opened: ImageFile) -> Photograph:
        """Decode an image file; raise as `decode` does."""
        name = opened.name
        photograph = opened.decode(allow_damage=self.force)
        if not self.force and describe_color(photograph.images) == "color":
            raise AlreadyInColor(_in_color(name))
        if photograph.frames > 1:
            warn(
                f"{name} has {photograph.frames} frames or pages; the first is colored",
                stacklevel=2,
            )
        return photograph

    def predict(self, photographs: Sequence[Photograph]) -> list[list[np.ndarray]]:
        """Return, for each photograph, the chroma `ab` of each of its results."""
        images = [photograph.images for photograph in photographs]
        noises = [None] if self.zs is None else [[z] * len(images) for z in self.zs]
        chromas = [self.colorizer.chromas(images, z, ensemble=self.ensemble) for z in noises]
        return [list(results) for results in zip(*chromas, strict=True)]

    def write(self, task: Task, photograph: Photograph, predicted: Sequence[np.ndarray]) -> None:
        """Write the results of one photograph, in folders that are made where need be."""
        task.targets[0].parent.mkdir(parents=True, exist_ok=True)
        for target, ab in zip(task.targets, predicted, strict=True):
            if self.overwrite or not target.is_file():
                write_photograph(target, self.paint(photograph, ab), quality=self.quality)

    def film(self, task: Task, progress: Callable[[int, int | None], None]) -> FilmReport:
        """Color a film, which has one result.

        Raises:
            ValueError: it cannot be read or written, or was to be had in samples or side by side.
            AlreadyInColor: most of it needs no color, and coloring it was not asked for.
        """
        if self.zs is not None or self.side_by_side:
            raise ValueError(f"{task.source} is a film: no --samples, no --side-by-side")
        if not self.force:
            kinds = [describe_color(images) for images in sample_frames(task.source, _LOOKS)]
            if 2 * kinds.count("color") > len(kinds):
                raise AlreadyInColor(_in_color(task.source))
        (target,) = task.targets
        target.parent.mkdir(parents=True, exist_ok=True)
        return colorize_film(
            self.colorizer,
            task.source,
            target,
            intensity=self.intensity,
            ensemble=self.ensemble,
            progress=progress,
        )

    def convert(self, data: bytes, name: str, suffix: str | None = None) -> bytes:
        """Color the contents of a file, without any file.

        Args:
            data: the contents.
            name: what an error calls them.
            suffix: the format of the result; by default that of `data`, or PNG where that cannot
                be written.

        Raises:
            ValueError: as `decode` does, or the result cannot be had in that format.
        """
        opened = open_image(data, name, max_megapixels=self.max_megapixels)
        photograph = self.decode_file(opened)
        [[ab]] = self.predict([photograph])
        suffix = suffix or photograph.suffix
        return encode_photograph(self.paint(photograph, ab), suffix, quality=self.quality)

    def paint(self, photograph: Photograph, ab: np.ndarray) -> Photograph:
        """Join a photograph with its chroma."""
        images = join(photograph.images, ab, intensity=self.intensity, threads=self.threads)
        if not self.side_by_side:
            return photograph.with_images(images)
        alpha = photograph.alpha
        gray = join(photograph.images, np.zeros_like(ab), threads=self.threads)
        return dataclasses.replace(
            photograph,
            images=np.concatenate([gray, images], axis=1),
            alpha=None if alpha is None else np.concatenate([alpha, alpha], axis=1),
        )


def load_processor(
    model: str | None, *, samples: int | None = None, seed: int = 0, **choices: object
) -> PhotographProcessor:
    """Load a model, and put what was chosen beside it.

    Args:
        model: as `Colorizer.load` takes it.
        samples: how many colorings each photograph gets; None for the model's own one.
        seed: which ones.
        **choices: attributes of `PhotographProcessor`.

    Raises:
        ValueError: no model there, or one that takes no noise.
    """
    colorizer = Colorizer.load(model)
    return PhotographProcessor(colorizer, zs=sample_noise(colorizer, samples, seed), **choices)


def sample_noise(colorizer: Colorizer, samples: int | None, seed: int) -> np.ndarray | None:
    """Draw the noise of several colorings; more of a seed begin with the same ones.

    Returns:
        float32 `(samples, z_size)`; None for None.

    Raises:
        ValueError: the model takes no noise.
    """
    if samples is None:
        return None
    if not colorizer.z_size:
        raise ValueError(
            "the model takes no noise: it has one coloring of a photograph; leave out --samples, "
            "or train with --recipe pix2pix-noise"
        )
    return np.random.default_rng(seed).standard_normal((samples, colorizer.z_size), np.float32)


def _in_color(name: str | Path) -> str:
    return f"{name} is in color already; --force colors it all the same"
