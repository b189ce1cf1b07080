"""Examples from a user's own `tf.data.Dataset`, and a user's own augmentation."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from colorize_tf.artifacts.run_folder import RunFolder
from colorize_tf.config import TrainConfig
from colorize_tf.data.audit import Audit, write_report

if TYPE_CHECKING:
    from colorize_tf.training.distribution import Distribution


class DatasetExamples:
    """Examples from a user's own `tf.data.Dataset`; each stage and each resumed run restarts it.

    Args:
        train: `(lightness, ab)`, one example `(size, size, channels)` or one batch at a time.
        validation: finite, like `train`.
        config: of the run.

    Raises:
        ValueError: they do not fit, or nothing says how long an epoch is.
    """

    def __init__(self, train: tf.data.Dataset, validation: Any, config: TrainConfig):
        if not isinstance(validation, tf.data.Dataset):
            raise ValueError(
                "a tf.data.Dataset to train on needs another one to validate on: pass "
                "validation_dataset"
            )
        self.config = config
        self.train = _batched(train, config, drop_remainder=True)
        self._validation = _batched(validation, config)
        steps = int(self.train.cardinality())
        if steps == 0:
            raise ValueError(
                f"the data set has no batch of {config.batch_size} examples; reduce --batch-size"
            )
        if steps < 0 and not config.steps_per_epoch:
            raise ValueError("the data set has no known length; set steps_per_epoch")
        self.steps_per_epoch = config.steps_per_epoch or steps
        batches = "an unknown number of" if steps < 0 else str(steps)
        self.counts = f"{batches} batches to train on"
        self.summary = f"{config.dataset}: {self.counts}"

    def describe(self) -> dict[str, Any]:
        """Return what the run folder stores about the data, as JSON can hold it."""
        source = f"the data set {self.config.dataset}"
        names = ("train", "validation")
        counts = dict(zip(names, (self.train, self._validation), strict=True))
        return {
            "origin": source,
            "source": source,
            "licence": None,
            "folder": "",
            **{name: max(0, int(dataset.cardinality())) for name, dataset in counts.items()},
            "sha256": "",
        }

    def write_report(self, run: RunFolder) -> None:
        """Write an empty list of files that were left out."""
        write_report(Audit((), ()), run.skipped)

    def check(self, distribution: Distribution) -> None:
        """Raise `ValueError` if several workers would have to share the data set."""
        if distribution.workers:
            raise ValueError(
                "a tf.data.Dataset trains in one process; for several workers use photographs"
            )

    def training(
        self, run: RunFolder, distribution: Distribution, steps_done: tf.Variable
    ) -> tf.data.Dataset:
        """Return endless batches of `(lightness, ab)`."""
        return self.train.repeat()

    def validation(self, distribution: Distribution, *, all_workers: bool) -> tf.data.Dataset:
        """Return the batches to validate on."""
        return self._validation

    def sample(self, image_size: int, *, most: int | None = None) -> tf.data.Dataset:
        """Return batches of the training examples, reduced to `image_size`."""

        def resize(lightness: tf.Tensor, ab: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            both = tf.image.resize(tf.concat([lightness, ab], -1), (image_size,) * 2, "area")
            return both[..., :1], both[..., 1:]

        batches = self.train.map(resize)
        return batches.take(self.steps_per_epoch if most is None else max(1, most // 32))

    def reading(self) -> AbstractContextManager[None]:
        """Return a context that does nothing."""
        return contextlib.nullcontext()


def _batched(
    dataset: tf.data.Dataset, config: TrainConfig, *, drop_remainder: bool = False
) -> tf.data.Dataset:
    """Check that a data set yields examples of a run's size, and batch them unless they are."""
    size = config.image_size
    spec = dataset.element_spec
    shapes = [tuple(part.shape) for part in spec] if isinstance(spec, tuple) else []
    expected = [(size, size, 1), (size, size, 2)]
    if len(shapes) != 2 or [shape[-3:] for shape in shapes] != expected:
        raise ValueError(
            f"a data set must yield (lightness, ab) of shapes (..., {size}, {size}, 1) and "
            f"(..., {size}, {size}, 2) for --image-size {size}; got {spec}"
        )
    if any(part.dtype != tf.float32 for part in spec):
        raise ValueError(f"a data set must yield float32 in [-1, 1], got {spec}")
    if len(shapes[0]) == 3:
        return dataset.batch(config.batch_size, drop_remainder=drop_remainder)
    return dataset


def augmented(
    examples: tf.data.Dataset,
    function: Callable[..., tuple[tf.Tensor, tf.Tensor]],
    *,
    seed: int,
    steps_done: tf.Variable,
) -> tf.data.Dataset:
    """Apply a user's augmentation to batches.

    Args:
        examples: batches of `(lightness, ab)`.
        function: of `(lightness, ab, seed)`, `seed` int64 `(2,)`, different for each step.
        seed: of the run.
        steps_done: step of the first batch, read whenever the data set is iterated.
    """

    def numbered(_: tf.Tensor) -> tf.data.Dataset:
        first = tf.cast(tf.convert_to_tensor(steps_done), tf.int64)
        return tf.data.Dataset.zip(tf.data.Dataset.range(first, tf.int64.max), examples)

    def augment(step: tf.Tensor, example: tuple[tf.Tensor, tf.Tensor]) -> Any:
        return function(*example, tf.stack([tf.constant(seed, tf.int64), step]))

    return tf.data.Dataset.range(1).flat_map(numbered).map(augment).prefetch(2)
