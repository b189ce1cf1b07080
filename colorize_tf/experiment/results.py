"""What a finished run returns: its best generator, artifacts and scores."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from colorize_tf import cli
from colorize_tf.artifacts.export import Difference, export_artifacts
from colorize_tf.artifacts.keras_file import load_generator
from colorize_tf.artifacts.run_folder import RunFolder, read_metrics
from colorize_tf.color.lab_tf import decode, rgb_to_images
from colorize_tf.config import TrainConfig
from colorize_tf.evaluation.scores import compare, evaluation_image, gray
from colorize_tf.experiment.description import describe_run
from colorize_tf.experiment.examples import PhotographExamples
from colorize_tf.experiment.own_examples import DatasetExamples
from colorize_tf.inference.colorizer import Colorizer
from colorize_tf.training.distribution import Distribution

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    from colorize_tf.training.gan import ColorizationGAN

GRAY = "gray (ab = 0)"
THIS_RUN = "this run"


@dataclasses.dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        path: the run folder.
        config: of the run.
        generator: the best one, `lightness` to `ab`, float32.
        history: one row per epoch, figures by name, as in `metrics.csv`.
        artifacts: files that were exported, and how far each is from the generator.
        scores: of gray pictures and of this run, figures by name.
        pictures: how many pictures the scores are means over.
    """

    path: Path
    config: TrainConfig
    generator: keras.Model
    history: list[dict[str, Any]]
    artifacts: dict[Path, Difference]
    scores: dict[str, dict[str, float]]
    pictures: int


def finish(
    config: TrainConfig,
    folder: RunFolder,
    examples: PhotographExamples | DatasetExamples,
    gan: ColorizationGAN,
) -> Run:
    """Measure and export the best generator of a run.

    Args:
        config: of the run.
        folder: of the run, with its best generator.
        examples: to validate on.
        gan: whose metrics measure a data set without files.
    """
    folder.drop_cache()
    generator = load_generator(folder.generator)
    if isinstance(examples, PhotographExamples):
        paths = examples.photographs.validation
        colorizers = {GRAY: gray, THIS_RUN: Colorizer.load(folder.path)}
        scores = compare(colorizers, paths, size=config.image_size)
        picture, count = evaluation_image(paths[0], config.image_size), len(paths)
    else:
        scores, picture, count = _score_dataset(examples, gan, generator)
    description = describe_run(config, folder)
    description["figures"] = {
        "pictures": f"{count} validation pictures of: {description['data']['origin']}",
        "size": config.image_size,
        "command": description["training_command"],
        "scores": scores,
    }
    target = Path(config.export_to).resolve() if config.export_to else folder.export
    with cli.native_logs_hidden():
        artifacts = export_artifacts(
            generator,
            target,
            name=target.name if config.export_to else description["name"],
            pictures=picture[np.newaxis],
            description=description,
        )
    return Run(folder.path, config, generator, _history(folder), artifacts, scores, count)


def _score_dataset(
    examples: DatasetExamples, gan: ColorizationGAN, generator: keras.Model
) -> tuple[dict[str, dict[str, float]], np.ndarray, int]:
    """Return scores on batches, a true picture, and the number of pictures."""
    from colorize_tf.models.generator import generate_ab

    def no_color(lightness: tf.Tensor) -> np.ndarray:
        return np.zeros((*lightness.shape[:-1], 2), np.float32)

    scores, picture, count = {}, None, 0
    for name, predict in {GRAY: no_color, THIS_RUN: lambda x: generate_ab(generator, x)}.items():
        gan.reset_metrics()
        count = 0
        for lightness, ab in examples.validation(Distribution(), all_workers=True):
            gan.measure(lightness, ab, predict(lightness))
            count += len(lightness)
            if picture is None:
                picture = rgb_to_images(decode(lightness[:1], ab[:1])).numpy()[0]
        scores[name] = {key: float(mean.result()) for key, mean in gan.measures.items()}
    if picture is None:
        raise ValueError("the data set to validate on is empty")
    return scores, picture, count


def _history(folder: RunFolder) -> list[dict[str, Any]]:
    return [
        {name: value if name == "stage" else float(value) for name, value in row.items() if value}
        for row in read_metrics(folder.metrics)
    ]
