"""The processing of one photograph or film: read, predict, render, write."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
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
from colorize_tf.inference.errors import AlreadyInColorError
from colorize_tf.inference.rendering import join
from colorize_tf.inference.video.film import FilmReport, colorize_film


@dataclasses.dataclass(frozen=True)
class PhotographProcessor:
    """A model and the options of its results; the `Stages` of a pipeline.

    Attributes:
        colorizer: the model.
        zs: float32 `(samples, z_size)`, the noise of each sample; None for one result.
        intensity: factor of the chroma, 0 to 2.
        ensemble: as `Colorizer.predict` takes it.
        side_by_side: whether a result shows the photograph in gray and, right of it, in color.
        quality: 1 to 100, for JPEG and WebP.
        overwrite: whether to replace files that exist.
        force: whether to colorize what is in color already, and the undamaged part of damaged
            photographs.
        deflicker: whether to steady the lightness of films.
        max_megapixels: a file whose header announces more is refused before it is decoded.
        threads: number of threads that render a photograph, as `join` takes it.
    """

    colorizer: Colorizer
    zs: np.ndarray | None = None
    intensity: float = 1.0
    ensemble: str | None = None
    side_by_side: bool = False
    quality: int = 95
    overwrite: bool = False
    force: bool = False
    deflicker: bool = False
    max_megapixels: float = 200
    threads: int | None = None

    def open(self, task: Task) -> tuple[ImageFile, float]:
        """Return the file with its header read, and the megapixels that the header announces."""
        file = open_image(read_bytes(task.source), task.source, max_megapixels=self.max_megapixels)
        return file, file.header.width * file.header.height / 1e6

    def decode(self, task: Task, opened: ImageFile) -> Photograph:
        """Decode an image file; raise as `decode_file` does."""
        return self.decode_file(opened)

    def decode_file(self, file: ImageFile) -> Photograph:
        """Decode an image file.

        Raises:
            ImageFileError: the contents are no whole image.
            AlreadyInColorError: the photograph is in color, and `force` is not set.
        """
        name = file.name
        photograph = file.decode(allow_damage=self.force)
        if not self.force and describe_color(photograph.images) == "color":
            raise AlreadyInColorError(f"{name} is in color already; --force colorizes it anyway")
        if photograph.frames > 1:
            warn(
                f"{name} has {photograph.frames} frames or pages; only the first is used",
                stacklevel=2,
            )
        return photograph

    def predict(self, photographs: Sequence[Photograph]) -> list[list[np.ndarray]]:
        """Return, for each photograph, the `ab` of each of its samples."""
        images = [photograph.images for photograph in photographs]
        noises = [None] if self.zs is None else [[z] * len(images) for z in self.zs]
        samples = [self.colorizer.predict(images, z, ensemble=self.ensemble) for z in noises]
        return [list(abs_) for abs_ in zip(*samples, strict=True)]

    def write(self, task: Task, photograph: Photograph, prediction: Sequence[np.ndarray]) -> None:
        """Render and write the samples of one photograph; make the folder if it is missing."""
        task.targets[0].parent.mkdir(parents=True, exist_ok=True)
        for target, ab in zip(task.targets, prediction, strict=True):
            if self.overwrite or not target.is_file():
                write_photograph(target, self.render(photograph, ab), quality=self.quality)

    def render(self, photograph: Photograph, ab: np.ndarray) -> Photograph:
        """Return a photograph in color, and in gray to its left if `side_by_side` is set."""
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

    def convert(self, data: bytes, name: str, suffix: str | None = None) -> bytes:
        """Colorize the contents of a file in memory.

        Args:
            data: the contents.
            name: name of the file in errors.
            suffix: the format of the result; by default that of `data`, or PNG if that cannot be
                written.

        Raises:
            ValueError: as `decode_file`, or the format cannot hold the result.
        """
        photograph = self.decode_file(open_image(data, name, max_megapixels=self.max_megapixels))
        [[ab]] = self.predict([photograph])
        suffix = suffix or photograph.suffix
        return encode_photograph(self.render(photograph, ab), suffix, quality=self.quality)

    def film(self, task: Task, progress: Callable[[int, int | None], None]) -> FilmReport:
        """Colorize a film; it has one sample and is never side by side.

        Raises:
            ValueError: samples or side by side were asked for, or as `colorize_film`.
        """
        if self.zs is not None or self.side_by_side:
            raise ValueError(f"{task.source} is a film: no --samples, no --side-by-side")
        (target,) = task.targets
        target.parent.mkdir(parents=True, exist_ok=True)
        return colorize_film(
            self.colorizer,
            task.source,
            target,
            intensity=self.intensity,
            ensemble=self.ensemble,
            force=self.force,
            deflicker=self.deflicker,
            progress=progress,
        )


def load_processor(
    model: str | Path | None, *, samples: int | None = None, seed: int = 0, **options: Any
) -> PhotographProcessor:
    """Load a model, and combine it with options.

    Args:
        model: as `Colorizer.load` takes it.
        samples: number of samples of each photograph; None for one without noise.
        seed: seed of the samples' noise.
        **options: attributes of `PhotographProcessor`.

    Raises:
        ValueError: the model cannot be loaded, or takes no noise.
    """
    colorizer = Colorizer.load(model)
    return PhotographProcessor(colorizer, zs=sample_noise(colorizer, samples, seed), **options)


def sample_noise(colorizer: Colorizer, samples: int | None, seed: int) -> np.ndarray | None:
    """Draw the noise of several samples; the first of a seed are the same for any number.

    Returns:
        float32 `(samples, z_size)`; None if `samples` is None.

    Raises:
        ValueError: the model takes no noise.
    """
    if samples is None:
        return None
    if not colorizer.z_size:
        raise ValueError(
            "the model takes no noise, so that all samples would be the same; leave out --samples, "
            "or train with --recipe pix2pix-noise"
        )
    return np.random.default_rng(seed).standard_normal((samples, colorizer.z_size), np.float32)
