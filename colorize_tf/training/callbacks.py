"""What happens around the steps: progress, the log and its curves, samples, and what is saved."""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import matplotlib
import numpy as np
from keras.callbacks import Callback, ProgbarLogger

from colorize_tf import media
from colorize_tf.color import decode, rgb_to_images
from colorize_tf.files import written_aside
from colorize_tf.training.state import save_state

if TYPE_CHECKING:
    import tensorflow as tf

    from colorize_tf.training.gan import ColorizationGAN

MONITOR = "val_ab_rmse"


class Counters(Callback):
    """Counts epochs and seconds, and reseeds dropout from the steps done.

    Dropout as a function of the seed and of the steps done is the same in a run that was resumed.
    The clock runs from the first `fit` on, through callbacks and from stage to stage.

    Args:
        seed: of the run.
    """

    def __init__(self, seed: int):
        super().__init__()
        self.seed = seed
        self.counted_until = None

    def elapsed(self, gan: ColorizationGAN) -> float:
        """Return how many seconds the run has lasted, earlier sessions included."""
        running = 0.0 if self.counted_until is None else time.monotonic() - self.counted_until
        return float(gan.seconds_done) + running

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Start the clock."""
        if self.counted_until is None:
            self.counted_until = time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Set the random state of this epoch."""
        for layer in (*self.model.generator.layers, *self.model.discriminator.layers):
            if isinstance(layer, keras.layers.Dropout):
                layer.seed_generator.state.assign([self.seed, int(self.model.steps_done)])

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Count the epoch."""
        now = time.monotonic()
        self.model.epochs_done.assign(epoch + 1)
        self.model.seconds_done.assign_add(now - self.counted_until)
        self.counted_until = now


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


class RunLog(Callback):
    """One row of figures per epoch, as a CSV file and as curves.

    Args:
        metrics_path: the CSV file; its rows are read back when a run is resumed.
        curves_path: the PNG file.
    """

    def __init__(self, metrics_path: Path, curves_path: Path):
        super().__init__()
        self.metrics_path = metrics_path
        self.curves_path = curves_path
        self.rows = []
        if metrics_path.is_file():
            with metrics_path.open(newline="") as file:
                self.rows = [dict(row) for row in csv.DictReader(file)]

    def last_is_best(self) -> bool:
        """Return whether the last epoch has the least monitored figure of its stage."""
        last = self.rows[-1]
        stage = [float(row[MONITOR]) for row in self.rows if row["stage"] == last["stage"]]
        return float(last[MONITOR]) == min(stage)

    def forget_after(self, epochs_done: int) -> None:
        """Drop rows of an epoch that ended but was not saved: it comes again."""
        self.rows = [row for row in self.rows if int(row["epoch"]) <= epochs_done]

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Add a row and draw the curves again."""
        if not math.isfinite(logs[MONITOR]):
            raise ValueError(
                f"training diverged: {MONITOR} is {logs[MONITOR]} after epoch {epoch + 1}; "
                "try a smaller --learning-rate or --precision float32"
            )
        row = {
            "epoch": epoch + 1,
            "stage": self.model.stage.name,
            "steps": int(self.model.steps_done),
            "seconds": round(float(self.model.seconds_done), 1),
        }
        self.rows.append({**row, **{name: float(value) for name, value in logs.items()}})
        columns = list(dict.fromkeys(name for row in self.rows for name in row))
        with written_aside(self.metrics_path) as aside, aside.open("w", newline="") as file:
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerows(self.rows)
        draw_curves(self.rows, self.curves_path)


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
    reaches for colours that L1 alone does not dare. Comes after `RunLog` and `SaveState`: what was
    saved decides which epochs count.

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
        self.log.forget_after(int(gan.epochs_done))
        if self.log.rows and self.log.last_is_best():
            self.save(gan.generator, self.path)

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Begin a stage with the best generator of the one before."""
        rows = self.log.rows
        is_new_stage = rows and rows[-1]["stage"] != self.model.stage.name
        if is_new_stage and not self.log.last_is_best():
            self.model.generator.set_weights(self.load(self.path).get_weights())

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Save if better."""
        if self.log.last_is_best():
            self.save(self.model.generator, self.path)


class SampleGrid(Callback):
    """After each epoch, the same photographs in grey, as predicted and as they are.

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
        generated_ab = self.model.generator(self.lightness, training=False)
        columns = [
            rgb_to_images(decode(self.lightness, ab)).numpy()
            for ab in (np.zeros_like(self.ab), generated_ab, self.ab)
        ]
        rows = [np.concatenate(column, axis=1) for column in columns]
        media.write_image(self.folder / f"epoch-{epoch + 1:03}.png", np.concatenate(rows, axis=0))


def draw_curves(rows: list[dict], path: Path) -> None:
    """Draw every figure of the log over the steps.

    Args:
        rows: as `RunLog` keeps them.
        path: the PNG file to write.
    """
    # Without a display, and without pyplot's global state.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = [name for name in rows[-1] if name not in ("epoch", "stage", "steps", "seconds")]
    names.sort(key=lambda name: not name.startswith("val_"))  # what counts comes first
    with matplotlib.rc_context({"font.size": 8}):
        figure = Figure(figsize=(9, 2.2 * ((len(names) + 2) // 3)), layout="constrained")
        FigureCanvasAgg(figure)
        for index, name in enumerate(names):
            axes = figure.add_subplot((len(names) + 2) // 3, 3, index + 1, title=name)
            known = [row for row in rows if row.get(name) not in (None, "")]
            axes.plot(
                [int(row["steps"]) for row in known],
                [float(row[name]) for row in known],
                marker=".",
            )
            axes.set_xlabel("steps")
            axes.grid(alpha=0.3)
        with written_aside(path) as aside:
            figure.savefig(aside, dpi=110)
