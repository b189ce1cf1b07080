"""The best, the middling and the worst answers, to look at."""

from collections.abc import Sequence

import matplotlib
import numpy as np

from colorize_tf.evaluation.page import Tile
from colorize_tf.evaluation.scores import Measured

_EACH = 3
_STRONGEST = 30.0
"""CIEDE2000 that an error map shows as its lightest color."""


def choose(errors: np.ndarray) -> dict[str, list[int]]:
    """Choose pictures by their error, each once.

    Args:
        errors: float `(pictures,)`, at least one.

    Returns:
        Up to three indices each of the `best`, the `median` and the `worst`, by growing distance
        from the best, the middle and the worst.
    """
    order = np.argsort(errors, kind="stable")
    from_the_middle = sorted(range(len(order)), key=lambda place: abs(2 * place + 1 - len(order)))
    rankings = {"best": order, "worst": order[::-1], "median": order[from_the_middle]}
    chosen = {name: [] for name in ("best", "median", "worst")}
    taken = set()
    for _ in range(_EACH):
        for name, ranking in rankings.items():
            index = next((int(one) for one in ranking if int(one) not in taken), None)
            if index is not None:
                taken.add(index)
                chosen[name].append(index)
    return chosen


def tiles(measured: Measured, shown: Sequence[str], gray: str) -> list[Tile]:
    """Lay out one photograph: gray, each prediction with its error map, the truth.

    Args:
        measured: the photograph with its answers.
        shown: whose predictions.
        gray: name of the gray answer, which is the picture as the models see it.
    """
    pictures = dict(zip(measured.names, measured.images[1:], strict=True))
    laid = [Tile("gray", pictures[gray])]
    for name in shown:
        place = measured.names.index(name)
        error = measured.figures["ciede2000"][place]
        laid.append(Tile(f"{name}, CIEDE2000 {error:.1f}", pictures[name]))
        laid.append(Tile(f"error of {name}", error_map(measured.differences[place])))
    return [*laid, Tile("true", measured.images[0])]


def error_map(differences: np.ndarray) -> np.ndarray:
    """Draw CIEDE2000 of each pixel, black for 0 to pale yellow for 30 and more.

    Args:
        differences: float `(height, width)`.

    Returns:
        uint8 `(height, width, 3)`.
    """
    share = np.clip(differences / _STRONGEST, 0, 1)
    return matplotlib.colormaps["inferno"](share, bytes=True)[..., :3]
