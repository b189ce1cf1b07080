"""Callbacks that control a run: counters and clock, learning rates, and when a stage ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import keras
import numpy as np
from keras.callbacks import Callback

if TYPE_CHECKING:
    from colorize_tf.training.distribution import Distribution
    from colorize_tf.training.gan import ColorizationGAN
    from colorize_tf.training.run_log import RunLog


class Counters(Callback):
    """Counts epochs and seconds, and reseeds dropout from the steps done.

    Dropout is then the same in a resumed run, also in the middle of an epoch. The chief's clock
    runs from the first stage on, including callbacks and the time between stages.

    Args:
        seed: of the run.
        distribution: where the replicas are, each with its own dropout masks.
    """

    def __init__(self, seed: int, distribution: Distribution):
        super().__init__()
        self.seed = seed
        self.distribution = distribution
        self.counted_until: float | None = None

    def elapsed(self, gan: ColorizationGAN) -> float:
        """Return how many seconds the run has lasted, earlier sessions included."""
        running = 0.0 if self.counted_until is None else time.monotonic() - self.counted_until
        return float(gan.counters["seconds_done"].numpy()) + self.distribution.from_chief(running)

    def count_seconds(self, gan: ColorizationGAN) -> None:
        """Store how long the run has lasted."""
        gan.counters["seconds_done"].assign(self.elapsed(gan))
        self.counted_until = time.monotonic()

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Start the clock."""
        if self.counted_until is None:
            self.counted_until = time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Set the random state of this epoch."""
        layers = (*self.model.generator.layers, *self.model.discriminator.layers)
        dropouts = [layer for layer in layers if isinstance(layer, keras.layers.Dropout)]
        first_step = self.model.count("epoch_first_step")
        taken = self.model.count("steps_done") - first_step
        for index, layer in enumerate(dropouts):
            # Layers with the same state would drop the same positions.
            entropies = [
                [self.seed, first_step, index, replica]
                for replica in range(self.distribution.replicas)
            ]
            seeds = [np.random.SeedSequence(entropy).generate_state(2) for entropy in entropies]
            # Keras increments the second number with each mask.
            states = np.stack(seeds) + np.array([0, taken], np.uint32)
            self.distribution.assign_each(layer.seed_generator.state, states)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Count the epoch."""
        self.model.counters["epochs_done"].assign(epoch + 1)
        self.model.counters["epoch_first_step"].assign(self.model.counters["steps_done"])
        self.count_seconds(self.model)


class TimeLimit(Callback):
    """Ends training, after a last validation, when the run has lasted `seconds`.

    Args:
        seconds: of the run, earlier sessions included.
        counters: the clock.
    """

    def __init__(self, seconds: float, counters: Counters):
        super().__init__()
        self.seconds = seconds
        self.counters = counters

    def is_reached(self, gan: ColorizationGAN) -> bool:
        """Return whether the time is over."""
        return self.counters.elapsed(gan) >= self.seconds

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Stop after this step when the time is over."""
        if self.is_reached(self.model):
            self.model.stop_training = True


class LearningRates(Callback):
    """Sets the learning rates of both networks before each step.

    They depend on the progress of the stage, not on steps: in a run of so many minutes, the number
    of steps is not known.

    Args:
        generator: full learning rate of the generator.
        discriminator: full learning rate of the discriminator.
        shape: function of progress, 0 to 1, to the share of the full rate.
        progress: returns the progress of the stage.
    """

    def __init__(
        self,
        generator: float,
        discriminator: float,
        shape: Callable[[float], float],
        progress: Callable[[], float],
    ):
        super().__init__()
        self.generator = generator
        self.discriminator = discriminator
        self.shape = shape
        self.progress = progress
        self.share: float | None = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Forget the share of the previous stage."""
        self.share = None

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Set both rates if they change."""
        share = self.shape(self.progress())
        if share != self.share:
            self.model.generator_optimizer.learning_rate = self.generator * share
            self.model.discriminator_optimizer.learning_rate = self.discriminator * share
            self.share = share


class Patience(Callback):
    """Ends a stage that does not improve any more.

    Keras' `EarlyStopping` forgets its state when a run is resumed, and monitors one metric where
    the adversarial stage needs a rule over several.

    Args:
        log: an earlier callback, which knows the best epochs.
    """

    def __init__(self, log: RunLog):
        super().__init__()
        self.log = log

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Stop if the stage's patience is exhausted."""
        if self.log.is_exhausted(self.model.stage):
            self.model.stop_training = True
