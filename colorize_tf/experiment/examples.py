"""The examples of a run, from photographs; `own_examples.py` has those of a `tf.data.Dataset`.

Both kinds offer the same attributes and methods, so that a run uses either.
"""

from __future__ import annotations

import dataclasses
import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from colorize_tf.artifacts.run_folder import RunFolder, read_json
from colorize_tf.config import TrainConfig
from colorize_tf.data.audit import MINIMUM_SIDE, write_report
from colorize_tf.data.catalog import Layout, Photographs, find_photographs
from colorize_tf.data.pipeline import (
    cache_bytes,
    check_records,
    evaluation_dataset,
    load_size,
    training_dataset,
)
from colorize_tf.data.records.prepared_set import translate_damage
from colorize_tf.data.records.reading import Records
from colorize_tf.data.storage import is_url
from colorize_tf.experiment.own_examples import DatasetExamples
from colorize_tf.experiment.parts import Parts

if TYPE_CHECKING:
    from colorize_tf.training.distribution import Distribution

# Decoded photographs beyond this go to disk, so that a run stays within 4 GiB of memory.
_MEMORY_CACHE_BYTES = 1.5 * 2**30


def find_examples(
    config: TrainConfig, parts: Parts, run: RunFolder | None, *, progress: bool = False
) -> PhotographExamples | DatasetExamples:
    """Find the examples of a run.

    Args:
        config: of the run.
        parts: the user's own data set.
        run: a run that is resumed, whose photographs are read from where it found them.
        progress: whether to show progress bars.

    Raises:
        ValueError: there are too few, or a data set does not fit.
    """
    dataset: Any = parts.dataset
    if isinstance(dataset, tf.data.Dataset):
        return DatasetExamples(dataset, parts.validation_dataset, config)
    if callable(dataset):
        found = dataset(config.data_dir)
        if isinstance(found, tuple) and isinstance(found[0], tf.data.Dataset):
            return DatasetExamples(found[0], found[-1], config)
        return PhotographExamples(_find(lambda folder: found, config, None, progress), config)
    return PhotographExamples(_find(config.dataset, config, run, progress), config)


def _find(
    dataset: str | Layout, config: TrainConfig, run: RunFolder | None, progress: bool
) -> Photographs:
    stored = {} if run is None else read_json(run.data)
    data_dir = config.data_dir
    if config.dataset != "synthetic" and os.path.isdir(stored.get("folder", "")):
        data_dir = stored["folder"]
    return find_photographs(
        dataset,
        data_dir=data_dir,
        validation_fraction=config.validation_fraction,
        seed=config.seed,
        synthetic_train=config.synthetic_count,
        synthetic_validation=max(1, round(config.synthetic_count * config.validation_fraction)),
        synthetic_size=max(MINIMUM_SIDE, load_size(config.image_size, config.scale_jitter)),
        progress=progress,
    )


class PhotographExamples:
    """Examples that are read from photographs.

    Args:
        photographs: to train and to validate on.
        config: of the run.

    Raises:
        ValueError: there are fewer photographs than a batch or a measure needs.
    """

    def __init__(self, photographs: Photographs, config: TrainConfig):
        limited = photographs.validation[: config.validation_limit]
        self.photographs = dataclasses.replace(photographs, validation=limited)
        self.config = config
        count = len(photographs.train)
        if count < config.batch_size and not config.steps_per_epoch:
            raise ValueError(
                f"a batch of {config.batch_size} needs more photographs to train on than the "
                f"{count} there are; use a smaller --batch-size or set --steps-per-epoch"
            )
        if config.feature_weights and len(limited) < 2:
            raise ValueError(
                "--feature-weights compares sets of photographs: it needs at least 2 to validate "
                f"on, got {len(limited)}"
            )
        self.steps_per_epoch = config.steps_per_epoch or count // config.batch_size
        self.counts = f"{count} photographs to train on, {len(limited)} to validate on"
        self.summary = f"{photographs.origin}: {photographs.audit.summary()}"

    def describe(self) -> dict[str, Any]:
        """Return what the run folder stores about the data, as JSON can hold it."""
        photographs = self.photographs
        folder = photographs.folder
        return {
            "origin": photographs.origin,
            "source": photographs.source,
            "licence": photographs.license,
            "folder": str(folder if is_url(folder) else Path(folder).absolute()),
            "train": len(photographs.train),
            "validation": len(photographs.validation),
            "sha256": photographs.fingerprint(),
        }

    def write_report(self, run: RunFolder) -> None:
        """Write the list of files that were left out."""
        write_report(self.photographs.audit, run.skipped)

    def check(self, distribution: Distribution) -> None:
        """Raise `ValueError` if prepared photographs are too small, or fewer than the workers."""
        if isinstance(self.photographs.train, Records):
            short_side = load_size(self.config.image_size, self.config.scale_jitter)
            check_records(self.photographs.train, short_side, distribution.shard[1])

    def training(
        self, run: RunFolder, distribution: Distribution, steps_done: tf.Variable
    ) -> tf.data.Dataset:
        """Return endless batches of `(lightness, ab)`, from step `steps_done` on."""
        config = self.config
        cache = self._cache()
        return training_dataset(
            self.photographs.train,
            image_size=config.image_size,
            batch_size=distribution.part_of(config.batch_size) * distribution.local_replicas,
            seed=config.seed,
            cache=run.fresh_cache() if cache == "disk" else cache,
            steps_done=steps_done,
            shard=distribution.shard,
            scale_jitter=config.scale_jitter,
            exposure_jitter=config.exposure_jitter,
            contrast_jitter=config.contrast_jitter,
            film_damage=config.film_damage,
        )

    def _cache(self) -> str:
        """Choose where decoded photographs stay: `"memory"`, `"disk"` or `"none"`."""
        config = self.config
        if config.cache != "auto":
            return config.cache
        count = len(self.photographs.train)
        needed = cache_bytes(count, config.image_size, scale_jitter=config.scale_jitter)
        return "memory" if needed <= _MEMORY_CACHE_BYTES else "disk"

    def validation(self, distribution: Distribution, *, all_workers: bool) -> tf.data.Dataset:
        """Return batches to validate on: all of them, or this worker's part."""
        index, count = (0, 1) if all_workers else distribution.shard
        return evaluation_dataset(
            self.photographs.validation[index::count],
            image_size=self.config.image_size,
            batch_size=distribution.part_of(self.config.batch_size),
        )

    def sample(self, image_size: int, *, most: int | None = None) -> tf.data.Dataset:
        """Return batches of the photographs to train on, without augmentation.

        Args:
            image_size: of the batches, in pixels.
            most: about how many photographs, evenly distributed; None takes all.
        """
        train = self.photographs.train
        some = train if most is None else train[:: max(1, len(train) // most)]
        return evaluation_dataset(some, image_size=image_size, batch_size=32, cache="none")

    def reading(self) -> AbstractContextManager[None]:
        """Return a context in which a damaged shard raises an error that says how to repair it."""
        return translate_damage(self.photographs.folder)
