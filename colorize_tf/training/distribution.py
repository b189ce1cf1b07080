"""Where the replicas of a run are: on one device, on several, or on several machines.

A replica has a copy of every variable and a part of every batch. Gradients are averaged in each
step (`ColorizationGAN`), so that weights stay equal; all else that must agree is made to here.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

import keras
import numpy as np
import tensorflow as tf

from colorize_tf.training.workers import Workers

Batches = tf.data.Dataset | tf.distribute.DistributedDataset

LOST_WORKER = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
)
"""What TensorFlow raises where another process does not answer any more."""


class Distribution:
    """The replicas of a run, and how they and their processes agree.

    With several processes, all of them do what is called here, in the same order: they wait for
    each other.

    Args:
        strategy: as `choose_distribution` makes it; by default the one device that there is.
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
        """Whether this process writes what the run leaves behind."""
        return self.workers is None or self.workers.is_chief

    @property
    def shard(self) -> tuple[int, int]:
        """Which part of the examples is this process's, of how many: index and count."""
        return (self.workers.index, len(self.workers.addresses)) if self.workers else (0, 1)

    @property
    def local_replicas(self) -> int:
        """How many of the replicas are in this process."""
        return self.replicas // self.shard[1]

    def part_of(self, batch_size: int) -> int:
        """Return how many examples of a batch each replica gets.

        Raises:
            ValueError: they would not get equally many.
        """
        if batch_size % self.replicas:
            raise ValueError(
                f"a batch of {batch_size} cannot be shared out equally among {self.replicas} "
                "replicas; choose a --batch-size that is a multiple of them"
            )
        return batch_size // self.replicas

    def scope(self) -> AbstractContextManager:
        """Return the context in which variables get a copy for each replica."""
        return self.strategy.scope()

    def spread(
        self, batches: tf.data.Dataset
    ) -> tf.data.Dataset | tf.distribute.DistributedDataset:
        """Give each replica of this process one batch after the other, ahead of time."""
        return self.strategy.distribute_datasets_from_function(lambda _: batches)

    def share_out(self, batches: tf.data.Dataset) -> Batches:
        """Share each batch out among the replicas of this process, in equal parts."""
        if self.local_replicas > 1:

            def split(*parts):
                shape = (self.local_replicas, -1)
                split = [tf.reshape(part, (*shape, *part.shape[1:])) for part in parts]
                return tf.data.Dataset.from_tensor_slices(tuple(split))

            batches = batches.flat_map(split)
        return self.spread(batches)

    def average(self, weights: Sequence[keras.Variable]) -> None:
        """Make weights equal that each replica has moved by its own part of the examples."""
        if self.replicas == 1:
            return
        for weight in weights:
            total = np.sum([copy.numpy() for copy in self.copies(weight)], axis=0, dtype=np.float64)
            if self.workers:
                total = np.reshape(self._add_up(np.ravel(total)), weight.shape)
            weight.assign(total / self.replicas)

    def assign_each(self, variable: keras.Variable, values: np.ndarray) -> None:
        """Give the copies of a variable values of their own, `(replicas, ...)`."""
        first = self.shard[0] * self.local_replicas
        own = values[first : first + self.local_replicas]
        for copy, value in zip(self.copies(variable), own, strict=True):
            copy.assign(value)

    def copies(self, variable: keras.Variable) -> tuple[tf.Variable, ...]:
        """Return a variable's copies in this process, one for each replica."""
        return self.strategy.experimental_local_results(variable.value)

    def any_worker(self, wish: bool) -> bool:
        """Return whether any process wishes something."""
        return bool(self._add_up(np.float64([wish])) > 0) if self.workers else wish

    def from_chief(self, value: float) -> float:
        """Return the chief's value."""
        return float(self._of_chief(np.float64([value]))[0]) if self.workers else value

    def copy_from_chief(self, variables: Sequence[keras.Variable]) -> None:
        """Make the variables of all processes those of the chief."""
        if self.workers is None:
            return
        for variable in variables:
            # As float64, which holds all numbers that there are, whole ones of 32 bits included.
            values = np.ravel(np.float64(variable.numpy()))
            variable.assign(np.reshape(self._of_chief(values), variable.shape))

    def _of_chief(self, values: np.ndarray) -> np.ndarray:
        return self._add_up(values if self.is_chief else np.zeros_like(values))

    def _add_up(self, values: np.ndarray) -> np.ndarray:
        """Add up what each process gives, float64 `(n,)`, by its first replica."""

        def give(context):
            is_first = context.replica_id_in_sync_group % self.local_replicas == 0
            return tf.constant(values if is_first else np.zeros_like(values))

        return self._sum(self.strategy.experimental_distribute_values_from_function(give)).numpy()


def choose_distribution(name: str, workers: Workers | None) -> Distribution:
    """Choose where a run is computed.

    Args:
        name: `"none"`, `"mirrored"` (all GPUs of this machine), `"multi-worker"` (all processes),
            or `"auto"`, which is the last of these that there is something for.
        workers: who takes part, or None where this process is alone.

    Raises:
        ValueError: no such workers.
    """
    gpus = len(tf.config.list_physical_devices("GPU"))
    if name == "auto":
        name = "multi-worker" if workers else "mirrored" if gpus > 1 else "none"
    if name == "none":
        return Distribution()
    if name == "mirrored":
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
    """Turn the `--jit` flag into whether steps are compiled by XLA.

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
