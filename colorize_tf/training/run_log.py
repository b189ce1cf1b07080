"""The log of a run: one row of metrics per epoch, and their curves."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
from keras.callbacks import Callback

from colorize_tf.artifacts.run_folder import read_metrics
from colorize_tf.files import atomic_write
from colorize_tf.training.selection import best_index, is_exhausted, rows_of_stage

if TYPE_CHECKING:
    from colorize_tf.training.stage_plan import Stage


class RunLog(Callback):
    """Keeps one row of metrics per epoch, as a CSV file and as curves.

    Args:
        metrics_path: the CSV file; its rows are read back when a run is resumed.
        curves_path: the PNG file.
        monitor: figure that chooses the best epoch outside the adversarial stage.
        mode: `"min"` or `"max"`, the best of its values.
    """

    def __init__(self, metrics_path: Path, curves_path: Path, *, monitor: str, mode: str):
        super().__init__()
        self.metrics_path = metrics_path
        self.curves_path = curves_path
        self.rule = {"monitor": monitor, "mode": mode}
        self.rows: list[dict[str, Any]] = list(read_metrics(metrics_path))

    def last_is_best(self) -> bool:
        """Return whether the last epoch is the best of its stage, as `best_index` judges it."""
        stage = rows_of_stage(self.rows, self.rows[-1]["stage"])
        return best_index(stage, **self.rule) == len(stage) - 1

    def is_exhausted(self, stage: Stage) -> bool:
        """Return whether a stage has used up its patience."""
        return is_exhausted(rows_of_stage(self.rows, stage.name), stage.patience, **self.rule)

    def forget_after(self, epochs_done: int) -> None:
        """Drop rows of epochs that were not saved, which are repeated."""
        self.rows = [row for row in self.rows if int(row["epoch"]) <= epochs_done]

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Add a row and redraw the curves."""
        logs = logs or {}
        if not math.isfinite(logs["val_ab_rmse"]):
            raise ValueError(
                f"training diverged: val_ab_rmse is {logs['val_ab_rmse']} after epoch {epoch + 1}; "
                "try smaller learning rates, --clip-norm 1 or --precision float32"
            )
        row = {
            "epoch": epoch + 1,
            "stage": self.model.stage.name,
            "steps": self.model.count("steps_done"),
            "seconds": round(float(self.model.counters["seconds_done"].numpy()), 1),
            "learning_rate": float(self.model.generator_optimizer.learning_rate.numpy()),
            "discriminator_learning_rate": float(
                self.model.discriminator_optimizer.learning_rate.numpy()
            ),
        }
        self.rows.append({**row, **{name: float(value) for name, value in logs.items()}})
        columns = list(dict.fromkeys(name for row in self.rows for name in row))
        with atomic_write(self.metrics_path) as aside, aside.open("w", newline="") as file:
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerows(self.rows)
        draw_curves(self.rows, self.curves_path)


def draw_curves(rows: list[dict], path: Path) -> None:
    """Plot every figure of the log over the steps.

    Args:
        rows: of `RunLog`.
        path: the PNG file to write.
    """
    # Needs no display and no global state of pyplot.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = [name for name in rows[-1] if name not in ("epoch", "stage", "steps", "seconds")]
    names.sort(key=lambda name: not name.startswith("val_"))  # validation first
    with matplotlib.rc_context({"font.size": 8}):
        height = 2.2 * ((len(names) + 2) // 3)
        figure = Figure(figsize=(9, height))
        # Fixed margins: a layout engine would take more than half of the time, in every epoch.
        figure.subplots_adjust(0.08, 0.45 / height, 0.98, 1 - 0.3 / height, wspace=0.33, hspace=0.5)
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
        with atomic_write(path) as aside:
            figure.savefig(aside, dpi=110)
