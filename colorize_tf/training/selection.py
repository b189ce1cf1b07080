"""Which epoch of a stage is its best, and when a stage has gone on long enough.

Pure functions of the rows of a run's log, so that a resumed run decides as the first one would.
"""

import math
from collections.abc import Sequence

PRETRAINING = ("frozen", "pretrain")
"""Names of the stages on the reconstruction loss, which are judged together."""

DISCRIMINATOR = "discriminator"
"""Name of the stage that leaves the generator as it is."""

ADVERSARIAL = "adversarial"
"""Name of the stage whose losses say nothing about its pictures."""

# An adversarial stage trades error for color; so much error is too much for any color.
CIEDE2000_TOLERANCE = 0.03
# Mean colorfulness of the predictions over that of the truth.
LEAST_COLORFULNESS, MOST_COLORFULNESS = 0.8, 1.1


def best_index(rows: Sequence[dict], *, monitor: str, mode: str) -> int:
    """Find the best epoch of a stage.

    Of an adversarial stage it is the one whose colors, over the validation set, are distributed
    most like the true ones (least `val_color_distance`), among those whose
    `val_colorfulness_ratio` lies in 0.8 to 1.1 and whose `val_ciede2000` is within 3 per cent of
    the least that such an epoch had so far; while none lies in that band, the nearest to it. Its
    losses stand still while its colors get better and worse: DeOldify's author (Antic 2019) picks
    the peak by eye. Of any other stage it is the first epoch with the best monitored figure.

    Args:
        rows: the epochs of one stage in their order, figures by name.
        monitor: name of the figure that decides outside the adversarial stage.
        mode: `"min"` or `"max"`, which of its values is the best.

    Returns:
        Index of the best row.
    """
    if rows[0]["stage"] != ADVERSARIAL:
        # An epoch that was stopped in its validation, and went on there, has no losses.
        worst = math.inf if mode == "min" else -math.inf
        found = [row.get(monitor) for row in rows]
        figures = [worst if figure in (None, "") else float(figure) for figure in found]
        return figures.index(min(figures) if mode == "min" else max(figures))
    best = 0
    least = math.inf
    # Epoch by epoch, as only the best so far is kept in a file.
    for index, row in enumerate(rows):
        if _outside(row):
            if _outside(row) < _outside(rows[best]):
                best = index
            continue
        least = min(least, float(row["val_ciede2000"]))
        limit = least * (1 + CIEDE2000_TOLERANCE)
        beaten = _outside(rows[best]) or float(rows[best]["val_ciede2000"]) > limit
        is_closer = float(row["val_color_distance"]) < float(rows[best]["val_color_distance"])
        if beaten or (is_closer and float(row["val_ciede2000"]) <= limit):
            best = index
    return best


def is_exhausted(rows: Sequence[dict], patience: int | None, *, monitor: str, mode: str) -> bool:
    """Return whether the last `patience` epochs of a stage brought nothing better.

    Args:
        rows: as in `best_index`; may be empty.
        patience: how many; None waits for ever.
        monitor: as in `best_index`.
        mode: as in `best_index`.
    """
    if patience is None or not rows:
        return False
    return len(rows) - 1 - best_index(rows, monitor=monitor, mode=mode) >= patience


def _outside(row: dict) -> float:
    """How far the colorfulness of an epoch is from where it should be."""
    ratio = float(row["val_colorfulness_ratio"])
    return max(LEAST_COLORFULNESS - ratio, ratio - MOST_COLORFULNESS, 0.0)
