"""Save and end a run on SIGTERM, as schedulers send it before they take a machine away."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from keras.callbacks import Callback

from colorize_tf.training.errors import TerminatedError

if TYPE_CHECKING:
    from colorize_tf.training.callbacks import Counters
    from colorize_tf.training.gan import ColorizationGAN

Batch = TypeVar("Batch")


class Termination(Callback):
    """Saves the run between two batches and ends it, when one of its processes gets SIGTERM.

    Slurm and Kubernetes send it half a minute before they kill. All processes end together. A
    validation in progress is abandoned, and repeated when the run is resumed.

    Args:
        counters: the clock, and where the replicas are.
        save: saves the state of the run, in the process that writes it.
    """

    def __init__(self, counters: Counters, save: Callable[[ColorizationGAN], None]):
        super().__init__()
        self.counters = counters
        self.save = save
        self.is_asked = False
        self._before: dict[str, Any] = {}

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Handle the signal, which otherwise ends the process at once."""
        # Only the main thread may handle signals.
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def note(*_: object) -> None:
            self.is_asked = True

        before = signal.signal(signal.SIGTERM, note)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Save and end if the process was asked to."""
        distribution = self.counters.distribution
        if distribution.any_worker(self.is_asked):
            distribution.average(self.model.statistics)
            self.counters.count_seconds(self.model)
            self.save(self.model)
            raise TerminatedError

    def on_test_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Save and end if the process was asked to."""
        self.on_train_batch_begin(batch)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Remember the counters that the end of the epoch changes."""
        counters = self.model.counters
        self._before = {
            name: counters[name].numpy() for name in ("epochs_done", "epoch_first_step")
        }

    def end_alone_if_asked(self) -> None:
        """Save and end during a measurement that this process alone makes after an epoch.

        The counters are reset to those before the end of the epoch, which has no row in the log.
        """
        if self.is_asked:
            for name, value in self._before.items():
                self.model.counters[name].assign(value)
            self.save(self.model)
            raise TerminatedError

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Save and end if the process was asked to."""
        self.on_train_batch_begin(0)


class Abandonable(Generic[Batch]):
    """Batches that one process measures after an epoch, unless it is asked to end.

    Args:
        batches: may be iterated again and again.
        termination: tells whether the process was asked to end.
    """

    def __init__(self, batches: Iterable[Batch], termination: Termination):
        self.batches = batches
        self.termination = termination

    def __iter__(self) -> Iterator[Batch]:
        for batch in self.batches:
            self.termination.end_alone_if_asked()
            yield batch
