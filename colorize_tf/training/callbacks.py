"""What happens around the steps: progress, the log and its curves, samples, and what is saved."""

import csv
import time

import keras
import matplotlib
import numpy as np
from keras.callbacks import Callback, ProgbarLogger

from colorize_tf import media
from colorize_tf.color import decode, rgb_to_images
from colorize_tf.files import written_aside

MONITOR = "val_ab_rmse"


class Counters(Callback):
    """Keeps the counters of epochs and seconds, and reseeds dropout from them.

    Dropout's random state is not saved with the weights; as a function of the seed and of the steps
    done it is the same in a run that was resumed.

    Args:
        seed: of the run.
    """

    def __init__(self, seed):
        super().__init__()
        self.seed = seed

    def on_epoch_begin(self, epoch, logs=None):
        """Start the clock and the random state of this epoch."""
        self.started = time.monotonic()
        for layer in (*self.model.generator.layers, *self.model.discriminator.layers):
            if isinstance(layer, keras.layers.Dropout):
                layer.seed_generator.state.assign([self.seed, int(self.model.steps_done)])

    def on_epoch_end(self, epoch, logs=None):
        """Count the epoch."""
        self.model.epochs_done.assign(epoch + 1)
        self.model.seconds_done.assign_add(time.monotonic() - self.started)


class TimeLimit(Callback):
    """Ends the training, validation included, when the run has lasted `seconds`."""

    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds

    def is_reached(self, gan):
        """Return whether an earlier session used up the time."""
        return float(gan.seconds_done) >= self.seconds

    def on_train_begin(self, logs=None):
        """Set the time at which to stop."""
        self.stop_at = time.monotonic() + self.seconds - float(self.model.seconds_done)

    def on_train_batch_end(self, batch, logs=None):
        """Stop after this step when the time is up."""
        if time.monotonic() >= self.stop_at:
            self.model.stop_training = True


class Progress(ProgbarLogger):
    """Keras' progress bar, headed by the stage instead of by a count that time may cut short."""

    def on_train_begin(self, logs=None):
        """Silence the bar's own heading, which it prints for several epochs."""
        super().on_train_begin(logs)
        self.epochs = 1

    def on_epoch_begin(self, epoch, logs=None):
        """Print the heading and start the bar."""
        print(f"Epoch {epoch + 1}, {self.model.stage.name}", flush=True)
        super().on_epoch_begin(epoch, logs)


class RunLog(Callback):
    """One row of figures per epoch, as a CSV file and as curves.

    Args:
        metrics_path: the CSV file; its rows are read back when a run is resumed.
        curves_path: the PNG file.
    """

    def __init__(self, metrics_path, curves_path):
        super().__init__()
        self.metrics_path = metrics_path
        self.curves_path = curves_path
        self.rows = []
        if metrics_path.is_file():
            with metrics_path.open(newline="") as file:
                self.rows = [dict(row) for row in csv.DictReader(file)]

    def best(self, stage):
        """Return the least monitored figure of a stage so far, infinity if there is none."""
        figures = [float(row[MONITOR]) for row in self.rows if row["stage"] == stage.name]
        return min(figures, default=float("inf"))

    def on_train_begin(self, logs=None):
        """Forget rows of an epoch that ended but was not saved: it comes again."""
        done = int(self.model.epochs_done)
        self.rows = [row for row in self.rows if int(row["epoch"]) <= done]

    def on_epoch_end(self, epoch, logs=None):
        """Add a row and draw the curves again."""
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


class BestGenerator(Callback):
    """Saves the generator when the monitored figure is the least of the current stage.

    Each stage starts anew: an adversarial stage gives up some of the error that L1 alone reaches
    for colours that L1 alone does not dare.

    Args:
        path: the `.keras` file.
        log: the `RunLog`, which knows the figures of earlier epochs; comes later in the list.
        save: `(generator, path)`, writes the file.
    """

    def __init__(self, path, log, save):
        super().__init__()
        self.path = path
        self.log = log
        self.save = save

    def on_epoch_end(self, epoch, logs=None):
        """Save if better."""
        if logs[MONITOR] < self.log.best(self.model.stage) or not self.path.is_file():
            self.save(self.model.generator, self.path)


class SaveState(Callback):
    """Saves networks, optimizers, loss scales and counters in one file, whole or not at all."""

    def __init__(self, path):
        super().__init__()
        self.path = path

    def on_epoch_end(self, epoch, logs=None):
        """Save."""
        with written_aside(self.path) as aside:
            self.model.save_weights(aside)


class SampleGrid(Callback):
    """After each epoch, the same photographs in grey, as predicted and as they are.

    Args:
        folder: where to write `epoch-NNN.png`.
        examples: `(lightness, ab)` of a few photographs.
    """

    def __init__(self, folder, examples):
        super().__init__()
        self.folder = folder
        self.lightness, self.ab = examples
        folder.mkdir(exist_ok=True)

    def on_epoch_end(self, epoch, logs=None):
        """Draw the grid."""
        generated_ab = self.model.generator(self.lightness, training=False)
        columns = [
            rgb_to_images(decode(self.lightness, ab)).numpy()
            for ab in (np.zeros_like(self.ab), generated_ab, self.ab)
        ]
        rows = [np.concatenate(column, axis=1) for column in columns]
        media.write_image(self.folder / f"epoch-{epoch + 1:03}.png", np.concatenate(rows, axis=0))


def draw_curves(rows, path):
    """Draw every figure of the log over the steps.

    Args:
        rows: list of dicts, as `RunLog` keeps them.
        path: the PNG file to write.
    """
    # Without a display, and without pyplot's global state.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = [name for name in rows[-1] if name not in ("epoch", "stage", "steps", "seconds")]
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
