"""Callbacks that record a run: metrics, samples, state, the best generator, and log lines."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras.callbacks import Callback
from tqdm import tqdm

from colorize_tf import imagefiles
from colorize_tf.color.lab_tf import decode, rgb_to_images
from colorize_tf.training.checkpoint import save_state
from colorize_tf.training.selection import DISCRIMINATOR

if TYPE_CHECKING:
    import tensorflow as tf

    from colorize_tf.training.gan import ColorizationGAN
    from colorize_tf.training.run_log import RunLog
    from colorize_tf.training.stage_plan import Stage

logger = logging.getLogger(__name__)

# Metrics that a log line shows; the run's metrics.csv has all.
_SHOWN = ("reconstruction_loss", "val_ab_rmse", "val_ciede2000", "val_colorfulness_ratio")

# Duration of an epoch by objective, relative to one on the reconstruction loss.
_EPOCH_COST = {"reconstruction": 1.0, "discriminator": 1.0, "adversarial": 1.8}


class ColorDistance(Callback):
    """Adds the distance between predicted and true color distributions to each epoch's metrics.

    Must come before the log.

    Args:
        examples: batches of `(lightness, ab)` to validate on, the same in each iteration.
        describe: function of the `(lightness, ab)` of a batch to float32 `(n, d)`, points of a
            distribution.
        distance: function of two such sets of points.
    """

    def __init__(
        self,
        examples: Iterable[tuple[tf.Tensor, tf.Tensor]],
        describe: Callable[[tf.Tensor, tf.Tensor], np.ndarray],
        distance: Callable[[np.ndarray, np.ndarray], float],
    ):
        super().__init__()
        self.examples = examples
        self.describe = describe
        self.distance = distance
        self.true_points: np.ndarray | None = None

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Measure the distance."""
        if self.true_points is None:
            self.true_points = np.concatenate([self.describe(*batch) for batch in self.examples])
        points = [
            self.describe(lightness, self.model.colorize(lightness))
            for lightness, _ in self.examples
        ]
        if logs is not None:
            logs["val_color_distance"] = float(
                self.distance(np.concatenate(points), self.true_points)
            )


class SaveState(Callback):
    """Saves the state of the run after each epoch."""

    def __init__(self, path: Path):
        super().__init__()
        self.path = path

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Save."""
        save_state(self.model, self.path)


class BestGenerator(Callback):
    """Keeps the best generator of the current stage in a file, and starts the next stage from it.

    Only epochs of one stage are compared: an adversarial stage accepts a larger error than L1 alone
    for more color. A stage that does not train the generator does not change the file. Must come
    after `RunLog` and `SaveState`: only epochs whose state is saved count.

    Args:
        path: the `.keras` file.
        log: has the metrics of all epochs.
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

    def save_missing(self, gan: ColorizationGAN) -> None:
        """Save the best generator if the run was killed after its state and before this file."""
        self.log.forget_after(gan.count("epochs_done"))
        if self.log.rows:
            self._save_if_best(gan)

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Begin a stage with the best generator of the previous one."""
        stages = [row["stage"] for row in self.log.rows]
        is_new = bool(stages) and stages[-1] != self.model.stage.name
        # A run that was ended during an epoch has no row of that epoch.
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
    """Draws the same photographs after each epoch: gray, predicted and true.

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


class EpochLog(Callback):
    """Logs one line per epoch: metrics, duration, and the time that the run still takes.

    Must come after `RunLog`.

    Args:
        log: has the metrics of all epochs.
        stages: of the run.
        minutes: length of the run; None counts epochs.
    """

    def __init__(self, log: RunLog, stages: Sequence[Stage], minutes: float | None = None):
        super().__init__()
        self.log = log
        self.stages = stages
        self.minutes = minutes

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Log the epoch."""
        *earlier, row = self.log.rows
        duration = row["seconds"] - (float(earlier[-1]["seconds"]) if earlier else 0.0)
        total = "" if self.minutes else f" of {epoch + 1 + self._epochs_left(epoch)}"
        metrics = ", ".join(
            f"{name.removeprefix('val_')} {row[name]:.4g}" for name in _SHOWN if name in row
        )
        left = _in_words(self._left(epoch, row))
        logger.info(
            f"epoch {epoch + 1}{total}, {row['stage']}: {metrics}; {_in_words(duration)}, about "
            f"{left} left"
        )

    def _stage_epochs_left(self, epoch: int) -> list[tuple[Stage, int]]:
        """Return the current and the later stages with their remaining epochs."""
        index = max(0, self.model.count("stages_begun") - 1)
        stage, *later = self.stages[index:]
        here = self.model.count("stage_first_epoch") + stage.epochs - epoch - 1
        return [(stage, max(0, here)), *((other, other.epochs) for other in later)]

    def _epochs_left(self, epoch: int) -> int:
        return sum(epochs for _, epochs in self._stage_epochs_left(epoch))

    def _left(self, epoch: int, row: dict[str, Any]) -> float:
        """Estimate the remaining seconds of the run."""
        if self.minutes:
            return max(0.0, 60 * self.minutes - row["seconds"])
        seconds = [float(one["seconds"]) for one in self.log.rows]
        durations = np.diff([0.0, *seconds])
        stages = [one["stage"] for one in self.log.rows]
        # The first epoch of a stage also traces the step and fills caches.
        same = [d for d, name in zip(durations, stages, strict=True) if name == row["stage"]]
        epoch_seconds = float(np.median(same[1:] or same))
        cost = _EPOCH_COST[self.model.stage.objective]
        return sum(
            epochs * epoch_seconds * _EPOCH_COST[stage.objective] / cost
            for stage, epochs in self._stage_epochs_left(epoch)
        )


def _in_words(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


class StepBar(Callback):
    """Shows a progress bar for the steps of each epoch on standard error, if it is a terminal."""

    def __init__(self) -> None:
        super().__init__()
        self._bar: tqdm | None = None

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Start the bar."""
        title = f"epoch {epoch + 1}, {self.model.stage.name}"
        steps = self.params["steps"]
        self._bar = tqdm(total=steps, desc=title, unit="step", leave=False, disable=None)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Advance the bar."""
        if self._bar is not None:
            self._bar.update(batch + 1 - self._bar.n)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.close()
