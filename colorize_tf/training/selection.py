"""Choose the best epoch of a stage, and tell when its patience is exhausted.

Pure functions of the rows of a run's log, so that a resumed run decides like any other.
"""

import math
from collections.abc import Sequence

PRETRAINING = ("frozen", "pretrain")
"""Names of the stages on the reconstruction loss, which are compared with each other."""

DISCRIMINATOR = "discriminator"
"""Name of the stage that trains the discriminator alone."""

ADVERSARIAL = "adversarial"
"""Name of the stage that trains both networks; its losses do not measure its pictures."""

# An adversarial stage trades error for color, up to this limit.
CIEDE2000_TOLERANCE = 0.03
# Mean colorfulness of the predictions over that of the truth.
LEAST_COLORFULNESS, MOST_COLORFULNESS = 0.8, 1.1


def rows_of_stage(rows: Sequence[dict], stage: str) -> list[dict]:
    """Return the rows of a stage, or of all pretraining stages for one of these."""
    alike = PRETRAINING if stage in PRETRAINING else (stage,)
    return [row for row in rows if row["stage"] in alike]


def best_index(rows: Sequence[dict], *, monitor: str, mode: str) -> int:
    """Find the best epoch of a stage.

    In an adversarial stage, the epoch with the least `val_color_distance` wins, among those with a
    `val_colorfulness_ratio` of 0.8 to 1.1 and a `val_ciede2000` within 3 percent of the least of
    such epochs so far. As long as no epoch has such a ratio, the nearest ratio wins. The losses of
    this stage do not tell when its colors are best: DeOldify's author (Antic 2019) selects the
    epoch by eye. In any other stage, the first epoch with the best monitored metric wins.

    Args:
        rows: the epochs of one stage in their order, metrics by name.
        monitor: name of the metric that decides outside the adversarial stage.
        mode: `"min"` or `"max"`, the best of its values.

    Returns:
        Index of the best row.
    """
    if rows[0]["stage"] != ADVERSARIAL:
        # An epoch that was resumed during its validation has no losses.
        worst = math.inf if mode == "min" else -math.inf
        found = [row.get(monitor) for row in rows]
        figures = [worst if figure in (None, "") else float(figure) for figure in found]
        return figures.index(min(figures) if mode == "min" else max(figures))
    best = 0
    least = math.inf
    # Epoch by epoch, because the run keeps only the best file so far.
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
    """Return whether none of the last `patience` epochs of a stage was better than those before.

    Args:
        rows: as in `best_index`; may be empty.
        patience: number of epochs; None never ends a stage.
        monitor: as in `best_index`.
        mode: as in `best_index`.
    """
    if patience is None or not rows:
        return False
    return len(rows) - 1 - best_index(rows, monitor=monitor, mode=mode) >= patience


def _outside(row: dict) -> float:
    """Return the distance of an epoch's colorfulness from the allowed range."""
    ratio = float(row["val_colorfulness_ratio"])
    return max(LEAST_COLORFULNESS - ratio, ratio - MOST_COLORFULNESS, 0.0)
