"""What happens around the steps: time, step sizes, progress, samples, and what is saved."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np
from keras.callbacks import Callback, ProgbarLogger

from colorize_tf import imagefiles
from colorize_tf.color.lab_tf import decode, rgb_to_images
from colorize_tf.training.checkpoint import save_state
from colorize_tf.training.selection import DISCRIMINATOR

if TYPE_CHECKING:
    import tensorflow as tf

    from colorize_tf.training.distribution import Distribution
    from colorize_tf.training.gan import ColorizationGAN
    from colorize_tf.training.run_log import RunLog


class Counters(Callback):
    """Counts epochs and seconds, and reseeds dropout from the steps done.

    Dropout is then the same in a run that was resumed, also in the middle of an epoch. The clock,
    which is the chief's, runs from the first stage on, through callbacks and from stage to stage.

    Args:
        seed: of the run.
        distribution: where the replicas are, each of which drops other places.
    """

    def __init__(self, seed: int, distribution: Distribution):
        super().__init__()
        self.seed = seed
        self.distribution = distribution
        self.counted_until = None

    def elapsed(self, gan: ColorizationGAN) -> float:
        """Return how many seconds the run has lasted, earlier sessions included."""
        running = 0.0 if self.counted_until is None else time.monotonic() - self.counted_until
        return float(gan.counters["seconds_done"].numpy()) + self.distribution.from_chief(running)

    def count_seconds(self, gan: ColorizationGAN) -> None:
        """Note how long the run has lasted."""
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
            # Each its own: layers of one state would drop the same places.
            entropies = [
                [self.seed, first_step, index, replica]
                for replica in range(self.distribution.replicas)
            ]
            states = [np.random.SeedSequence(entropy).generate_state(2) for entropy in entropies]
            # Keras adds one to the second number with each mask.
            states = np.stack(states) + np.uint32([0, taken])
            self.distribution.assign_each(layer.seed_generator.state, states)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Count the epoch."""
        self.model.counters["epochs_done"].assign(epoch + 1)
        self.model.counters["epoch_first_step"].assign(self.model.counters["steps_done"])
        self.count_seconds(self.model)


class TimeLimit(Callback):
    """Ends the training, after one more validation, when the run has lasted `seconds`.

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
    """Sets the step sizes of both networks before each step.

    A function of the progress of the stage, not of steps: how many fit into the minutes of a run
    shows only in the end.

    Args:
        generator: full learning rate of the generator.
        discriminator: full learning rate of the discriminator.
        shape: of progress, 0 to 1, to the share of the full rate.
        progress: tells how much of the stage is done.
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

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Forget what the stage before has set."""
        self.share = None

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Set both, if they change."""
        share = self.shape(self.progress())
        if share != self.share:
            self.model.generator_optimizer.learning_rate = self.generator * share
            self.model.discriminator_optimizer.learning_rate = self.discriminator * share
            self.share = share


class Patience(Callback):
    """Ends a stage that has stopped getting better.

    Not Keras' `EarlyStopping`, which forgets what it has seen when a run is resumed, and knows one
    figure where the adversarial stage needs a rule over several.

    Args:
        log: comes before; knows which epochs were best.
    """

    def __init__(self, log: RunLog):
        super().__init__()
        self.log = log

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Stop if the stage's patience is at its end."""
        if self.log.is_exhausted(self.model.stage):
            self.model.stop_training = True


class ColorDistance(Callback):
    """Adds to each epoch's figures how differently predicted and true colors are distributed.

    Comes before the log.

    Args:
        examples: batches of `(lightness, ab)` to validate on, the same whenever iterated.
        describe: `(lightness, ab)` of a batch to float32 `(n, d)`, points of a distribution.
        distance: of two sets of such points.
    """

    def __init__(
        self,
        examples: tf.data.Dataset,
        describe: Callable[[tf.Tensor, tf.Tensor], np.ndarray],
        distance: Callable[[np.ndarray, np.ndarray], float],
    ):
        super().__init__()
        self.examples = examples
        self.describe = describe
        self.distance = distance
        self.true_points = None

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Compare."""
        if self.true_points is None:
            self.true_points = np.concatenate([self.describe(*batch) for batch in self.examples])
        points = [
            self.describe(lightness, self.model.colorize(lightness))
            for lightness, _ in self.examples
        ]
        logs["val_color_distance"] = float(self.distance(np.concatenate(points), self.true_points))


class Progress(ProgbarLogger):
    """Keras' progress bar, headed by the stage instead of by a count that time may cut short."""

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Silence the bar's own heading, which it prints for several epochs."""
        super().on_train_begin(logs)
        self.epochs = 1

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Print the heading and start the bar."""
        print(f"Epoch {epoch + 1}, {self.model.stage.name}", flush=True)
        super().on_epoch_begin(epoch, logs)


class SaveState(Callback):
    """Saves what a resumed run needs, after each epoch."""

    def __init__(self, path: Path):
        super().__init__()
        self.path = path

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Save."""
        save_state(self.model, self.path)


class BestGenerator(Callback):
    """Keeps the best generator of the current stage in a file, and starts the next stage from it.

    Each stage is judged on its own: an adversarial stage gives up some of the error that L1 alone
    reaches for colors that L1 alone does not dare. A stage that leaves the generator alone leaves
    the file alone. Comes after `RunLog` and `SaveState`: what was saved decides which epochs count.

    Args:
        path: the `.keras` file.
        log: knows the figures of all epochs.
        save: writes a generator to that file.
        load: reads it.
    """

    def __init__(
        self,
        path: Path,
        log: RunLog,
        save: Callable[[keras.Model, Path], None],
        load: Callable[[Path], keras.Model],
    ):
        super().__init__()
        self.path = path
        self.log = log
        self.save = save
        self.load = load

    def catch_up(self, gan: ColorizationGAN) -> None:
        """Save the best generator if the run was killed between its state and this file."""
        self.log.forget_after(gan.count("epochs_done"))
        if self.log.rows:
            self._save_if_best(gan)

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Begin a stage with the best generator of the one before."""
        stages = [row["stage"] for row in self.log.rows]
        is_new = bool(stages) and stages[-1] != self.model.stage.name
        # A run that was asked to end has no row yet of the epoch that it was in.
        is_new &= self.model.count("steps_done") == self.model.count("stage_first_step")
        if is_new and any(stage != DISCRIMINATOR for stage in stages):
            weights = self.load(self.path).get_weights()
            self.model.generator.set_weights(weights)
            self.model.ema_generator.set_weights(weights)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Save if better."""
        self._save_if_best(self.model)

    def _save_if_best(self, gan: ColorizationGAN) -> None:
        if self.log.rows[-1]["stage"] != DISCRIMINATOR and self.log.last_is_best():
            self.save(gan.ema_generator, self.path)


class SampleGrid(Callback):
    """After each epoch, the same photographs in gray, as predicted and as they are.

    Args:
        folder: where to write `epoch-NNN.png`.
        examples: `(lightness, ab)` of a few photographs.
    """

    def __init__(self, folder: Path, examples: tuple[tf.Tensor, tf.Tensor]):
        super().__init__()
        self.folder = folder
        self.lightness, self.ab = examples
        folder.mkdir(exist_ok=True)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Draw the grid."""
        generated_ab = self.model.colorize(self.lightness)
        columns = [
            rgb_to_images(decode(self.lightness, ab)).numpy()
            for ab in (np.zeros_like(self.ab), generated_ab, self.ab)
        ]
        rows = [np.concatenate(column, axis=1) for column in columns]
        imagefiles.write_image(
            self.folder / f"epoch-{epoch + 1:03}.png", np.concatenate(rows, axis=0)
        )
