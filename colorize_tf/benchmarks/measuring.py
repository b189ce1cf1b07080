"""Contenders take turns at the same work; what comes out are rows of a table."""

import dataclasses
import statistics
import time
from collections.abc import Callable, Sequence


@dataclasses.dataclass(frozen=True)
class Contender:
    """One way to do the work.

    Args:
        name: in the table.
        act: does the work once.
        amount: how much of it, in the unit of the table; a batch is so many pictures.
    """

    name: str
    act: Callable[[], object]
    amount: float = 1.0


@dataclasses.dataclass(frozen=True)
class Row:
    """A line of a table.

    Args:
        name: what was measured.
        value: median over the rounds.
        unit: of the value.
        spread: greatest less least round, as a share of the median.
        ratio: how many times as fast as this the first contender was, median of the same rounds.
        share: of the machine's measured matrix rate, from counted multiply-adds.
    """

    name: str
    value: float
    unit: str
    spread: float | None = None
    ratio: float | None = None
    share: float | None = None


@dataclasses.dataclass(frozen=True)
class Part:
    """What one part of the benchmark found.

    Args:
        title: what was measured, and at which settings.
        rows: ours first, then its peers.
        missing: peers that could not be measured, and why.
    """

    title: str
    rows: Sequence[Row]
    missing: Sequence[str] = ()


def compare(
    contenders: Sequence[Contender],
    *,
    unit: str = "pictures/s",
    rounds: int = 5,
    seconds: float = 2.0,
    as_time: bool = False,
) -> list[Row]:
    """Measure contenders in turns, so that what else the machine does meets them all.

    Args:
        contenders: ours first.
        unit: of the values.
        rounds: how often each has its turn.
        seconds: how long a turn lasts at least.
        as_time: give the seconds that one unit takes instead of units in a second.

    Returns:
        A row for each, in their order.
    """
    for contender in contenders:
        contender.act()
        contender.act()
    rates = [[_rate(contender, seconds) for contender in contenders] for _ in range(rounds)]
    rows = []
    for index, contender in enumerate(contenders):
        values = [1 / turn[index] if as_time else turn[index] for turn in rates]
        middle = statistics.median(values)
        ratio = statistics.median(turn[0] / turn[index] for turn in rates)
        rows.append(
            Row(
                contender.name,
                middle,
                unit,
                spread=(max(values) - min(values)) / middle,
                ratio=ratio if index else None,
            )
        )
    return rows


def _rate(contender: Contender, seconds: float) -> float:
    done, started = 0.0, time.perf_counter()
    while not done or time.perf_counter() - started < seconds:
        contender.act()
        done += contender.amount
    return done / (time.perf_counter() - started)


def table(part: Part) -> str:
    """Lay out a part for a terminal, or for a page of Markdown, which shows it alike."""
    header = ["", "median", "", "spread", "ours over it", "of matrix rate"]
    lines = [header, *(_cells(row) for row in part.rows)]
    # Columns that no row fills say nothing.
    kept = [
        index
        for index in range(len(header))
        if index < 3 or any(cells[index] for cells in lines[1:])
    ]
    widths = {index: max(len(cells[index]) for cells in lines) for index in kept}
    text = [part.title]
    for cells in lines:
        aligned = [
            cells[i].ljust(widths[i]) if i in (0, 2) else cells[i].rjust(widths[i]) for i in kept
        ]
        text.append("  " + "  ".join(aligned).rstrip())
    return "\n".join([*text, *(f"  not measured: {reason}" for reason in part.missing)])


def _cells(row: Row) -> list[str]:
    return [
        row.name,
        f"{row.value:.3g}" if row.value < 1000 else f"{row.value:.0f}",
        row.unit,
        "" if row.spread is None else f"{row.spread:.0%}",
        "" if row.ratio is None else f"{row.ratio:.2f}",
        "" if row.share is None else f"{row.share:.0%}",
    ]
