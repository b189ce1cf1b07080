"""What happens when a run is asked to end before its time, as a machine that is taken away does."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from keras.callbacks import Callback

if TYPE_CHECKING:
    from colorize_tf.training.callbacks import Counters
    from colorize_tf.training.gan import ColorizationGAN

Batch = TypeVar("Batch")


class Terminated(Exception):
    """The run was asked to end, and is saved."""


class Termination(Callback):
    """Saves the run between two batches and ends it, when one of its processes gets SIGTERM.

    Slurm and Kubernetes send it, wait for half a minute and kill. All processes end: a stage goes
    on with all of them or not at all. A validation that was begun is abandoned, and comes again.

    Args:
        counters: the clock, and where the replicas are.
        save: saves what a resumed run needs, if it is this process that does.
    """

    def __init__(self, counters: Counters, save: Callable[[ColorizationGAN], None]):
        super().__init__()
        self.counters = counters
        self.save = save
        self.is_asked = False
        self._before = {}

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Listen to the signal, which otherwise ends the process at once."""

        def note(*_):
            self.is_asked = True

        before = signal.signal(signal.SIGTERM, note)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Save and end if asked to."""
        distribution = self.counters.distribution
        if distribution.any_worker(self.is_asked):
            distribution.average(self.model.statistics)
            self.counters.count_seconds(self.model)
            self.save(self.model)
            raise Terminated

    def on_test_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Save and end if asked to."""
        self.on_train_batch_begin(batch)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Note what the end of the epoch will count."""
        counters = self.model.counters
        self._before = {
            name: counters[name].numpy() for name in ("epochs_done", "epoch_first_step")
        }

    def end_alone_if_asked(self) -> None:
        """Save and end amid what this process alone measures at the end of an epoch.

        The epoch is as before its end: it has no row in the log yet.
        """
        if self.is_asked:
            for name, value in self._before.items():
                self.model.counters[name].assign(value)
            self.save(self.model)
            raise Terminated

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Save and end if asked to."""
        self.on_train_batch_begin(0)


class Abandonable:
    """Batches that one process measures at the end of an epoch, unless it is asked to end.

    Args:
        batches: may be iterated again and again.
        termination: knows whether it is asked.
    """

    def __init__(self, batches: Iterable[Batch], termination: Termination):
        self.batches = batches
        self.termination = termination

    def __iter__(self) -> Iterator[Batch]:
        for batch in self.batches:
            self.termination.end_alone_if_asked()
            yield batch
