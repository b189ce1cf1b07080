"""The replicas of a run: on one device, on several, or on several machines.

A replica has a copy of every variable and a part of every batch. `ColorizationGAN` averages
gradients in each step, so that weights stay equal; this module synchronizes everything else.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any, TypeAlias

import keras
import numpy as np
import tensorflow as tf

from colorize_tf.training.workers import Workers

Batches: TypeAlias = "tf.data.Dataset | tf.distribute.DistributedDataset"

LOST_WORKER = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
)
"""Errors that TensorFlow raises when another process does not respond any more."""


class Distribution:
    """The replicas of a run and the communication between their processes.

    All processes must call these methods in the same order: they wait for each other.

    Args:
        strategy: from `choose_distribution`; by default that of one device.
        workers: all processes; None where this one is alone.
    """

    def __init__(
        self, strategy: tf.distribute.Strategy | None = None, workers: Workers | None = None
    ):
        self.strategy = strategy or tf.distribute.get_strategy()
        self.workers = workers
        self.replicas = self.strategy.num_replicas_in_sync
        self._sum = tf.function(
            lambda given: self.strategy.reduce("SUM", given, axis=None),
            autograph=False,
            reduce_retracing=True,
        )

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the run folder."""
        return self.workers is None or self.workers.is_chief

    @property
    def shard(self) -> tuple[int, int]:
        """The part of the examples that this process uses: index and count."""
        return (self.workers.index, len(self.workers.addresses)) if self.workers else (0, 1)

    @property
    def local_replicas(self) -> int:
        """Number of replicas in this process."""
        return self.replicas // self.shard[1]

    def part_of(self, batch_size: int) -> int:
        """Return the number of examples per replica in a batch.

        Raises:
            ValueError: the batch cannot be divided equally.
        """
        if batch_size % self.replicas:
            raise ValueError(
                f"a batch of {batch_size} cannot be divided equally among {self.replicas} "
                "replicas; choose a --batch-size that is a multiple of them"
            )
        return batch_size // self.replicas

    def scope(self) -> AbstractContextManager:
        """Return the context in which variables get a copy for each replica."""
        return self.strategy.scope()

    def spread(self, batches: tf.data.Dataset) -> Batches:
        """Give each replica of this process the next batch, prefetched."""
        return self.strategy.distribute_datasets_from_function(lambda _: batches)

    def share_out(self, batches: tf.data.Dataset) -> Batches:
        """Divide each batch equally among the replicas of this process."""
        if self.local_replicas > 1:

            def split(*parts: tf.Tensor) -> tf.data.Dataset:
                shape = (self.local_replicas, -1)
                split = [tf.reshape(part, (*shape, *part.shape[1:])) for part in parts]
                return tf.data.Dataset.from_tensor_slices(tuple(split))

            batches = batches.flat_map(split)
        return self.spread(batches)

    def average(self, weights: Iterable[keras.Variable]) -> None:
        """Average weights that each replica has updated by its own part of the examples."""
        if self.replicas == 1:
            return
        for weight in weights:
            total = np.sum([copy.numpy() for copy in self.copies(weight)], axis=0, dtype=np.float64)
            if self.workers:
                total = np.reshape(self._add_up(np.ravel(total)), weight.shape)
            weight.assign(total / self.replicas)

    def assign_each(self, variable: keras.Variable, values: np.ndarray) -> None:
        """Assign each copy of a variable its own values, of `(replicas, ...)`."""
        first = self.shard[0] * self.local_replicas
        own = values[first : first + self.local_replicas]
        for copy, value in zip(self.copies(variable), own, strict=True):
            copy.assign(value)

    def copies(self, variable: keras.Variable) -> tuple[tf.Variable, ...]:
        """Return a variable's copies in this process, one for each replica."""
        return self.strategy.experimental_local_results(variable.value)

    def any_worker(self, condition: bool) -> bool:
        """Return whether the condition holds in any process."""
        return (
            bool(self._add_up(np.array([condition], np.float64)) > 0) if self.workers else condition
        )

    def from_chief(self, value: float) -> float:
        """Return the chief's value."""
        return float(self._of_chief(np.array([value]))[0]) if self.workers else value

    def copy_from_chief(self, variables: Iterable[keras.Variable]) -> None:
        """Assign the chief's values to the variables of all processes."""
        if self.workers is None:
            return
        for variable in variables:
            # float64 holds every float32 and int32 exactly.
            values = np.ravel(np.float64(variable.numpy()))
            variable.assign(np.reshape(self._of_chief(values), variable.shape))

    def _of_chief(self, values: np.ndarray) -> np.ndarray:
        return self._add_up(values if self.is_chief else np.zeros_like(values))

    def _add_up(self, values: np.ndarray) -> np.ndarray:
        """Sum float64 `(n,)` over all processes, by the first replica of each."""

        def give(context: Any) -> tf.Tensor:
            is_first = context.replica_id_in_sync_group % self.local_replicas == 0
            return tf.constant(values if is_first else np.zeros_like(values))

        return self._sum(self.strategy.experimental_distribute_values_from_function(give)).numpy()


def choose_distribution(name: str, workers: Workers | None) -> Distribution:
    """Choose where a run is computed.

    Args:
        name: `"none"`, `"mirrored"` (all GPUs of this machine), `"multi-worker"` (all processes),
            or `"auto"`, the last of these that is available.
        workers: all processes, or None where this one is alone.
    """
    gpus = len(tf.config.list_physical_devices("GPU"))
    if name == "auto":
        name = "multi-worker" if workers else "mirrored" if gpus > 1 else "none"
    if name == "none":
        return Distribution()
    if name == "mirrored" or workers is None:
        return Distribution(tf.distribute.MirroredStrategy())
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": list(workers.addresses)}),
        task_type="worker",
        task_id=workers.index,
        rpc_layer="grpc",
        num_accelerators={"GPU": gpus},
    )
    return Distribution(tf.distribute.MultiWorkerMirroredStrategy(resolver), workers)


def use_xla(jit: str, replicas: int) -> bool:
    """Return whether XLA compiles the steps.

    Args:
        jit: `"on"`, `"off"` or `"auto"`, which is on with one GPU; on a CPU XLA is slower.
        replicas: of the run.

    Raises:
        ValueError: `"on"` with several replicas, whose gradients XLA does not average.
    """
    if jit == "on" and replicas > 1:
        raise ValueError(
            f"--jit on works with one replica, there are {replicas}; leave it out, or choose "
            "--strategy none"
        )
    has_gpu = bool(tf.config.list_physical_devices("GPU"))
    return jit == "on" or (jit == "auto" and has_gpu and replicas == 1)
