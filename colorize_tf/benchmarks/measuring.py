"""Measure contenders in turns within a time limit, and lay out the results as tables."""

import dataclasses
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

_T = TypeVar("_T")


@dataclasses.dataclass(frozen=True)
class Contender:
    """One way to do the work.

    Args:
        name: label in the table.
        act: does the work once.
        amount: work that one call does, in the unit of the table; a batch counts its pictures.
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
        unit: unit of the value.
        spread: range of the rounds over their median.
        ratio: speed of the first contender over this one's, median over the rounds.
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
    """A table.

    Args:
        title: what was measured, with the settings.
        rows: ours first, then its peers.
        missing: what was not measured, and why.
    """

    title: str
    rows: Sequence[Row]
    missing: Sequence[str] = ()


def _ignore(title: str, step: str) -> None:
    pass


class Stopwatch:
    """Measures until a deadline.

    Args:
        rounds: turns of each contender; by default what a benchmark suggests, else 5.
        seconds: least duration of a turn; by default what a benchmark suggests, else 2.
        limit: seconds from now to the deadline, after which no further work starts. Work that
            has started is not interrupted, except commands, which are killed.
        report: called before each step with the title of the table and the step.
    """

    def __init__(
        self,
        *,
        rounds: int | None = None,
        seconds: float | None = None,
        limit: float = math.inf,
        report: Callable[[str, str], None] = _ignore,
    ):
        self.report = report
        self._rounds = rounds
        self._seconds = seconds
        self._deadline = time.perf_counter() + limit

    def remaining(self) -> float:
        """Return the seconds to the deadline, at least 0."""
        return max(0.0, self._deadline - time.perf_counter())

    def allot(self, items: Sequence[_T]) -> Iterator[tuple[_T, "Stopwatch"]]:
        """Yield each item with a stopwatch for an equal share of the time that remains."""
        for index, item in enumerate(items):
            limit = self.remaining() / (len(items) - index)
            yield (
                item,
                Stopwatch(
                    rounds=self._rounds, seconds=self._seconds, limit=limit, report=self.report
                ),
            )

    def compare(
        self,
        title: str,
        contenders: Sequence[Contender],
        *,
        unit: str = "pictures/s",
        as_time: bool = False,
        rounds: int = 5,
        seconds: float = 2.0,
    ) -> Part:
        """Measure contenders in turns, so that other load on the machine affects them alike.

        Contenders whose turn never comes before the deadline are listed as missing.

        Args:
            title: of the table.
            contenders: ours first.
            unit: of the values.
            as_time: give seconds per unit of work instead of units per second.
            rounds: turns of each contender.
            seconds: least duration of a turn.
        """
        rounds, seconds = (
            self._rounds or rounds,
            (seconds if self._seconds is None else self._seconds),
        )
        warm: list[Contender] = []
        for contender in contenders:
            if warm and not self.remaining():
                break
            self.report(title, f"{contender.name}, warm-up")
            contender.act()
            contender.act()
            warm.append(contender)
        rates: list[list[float]] = []
        while len(rates) < rounds and (self.remaining() or not rates):
            rates.append([])
            for contender in warm:
                self.report(title, f"{contender.name}, round {len(rates)} of {rounds}")
                rates[-1].append(self._rate(contender, seconds))
        rows = []
        for index, contender in enumerate(warm):
            values = [1 / turn[index] if as_time else turn[index] for turn in rates]
            middle = statistics.median(values)
            ratio = statistics.median(turn[0] / turn[index] for turn in rates)
            spread = (max(values) - min(values)) / middle
            rows.append(Row(contender.name, middle, unit, spread, ratio if index else None))
        late = contenders[len(warm) :]
        return Part(title, rows, [f"{contender.name}: {TIME_LIMIT}" for contender in late])

    def _rate(self, contender: Contender, seconds: float) -> float:
        done, started = 0.0, time.perf_counter()
        end = min(started + seconds, self._deadline)
        while not done or time.perf_counter() < end:
            contender.act()
            done += contender.amount
        return done / (time.perf_counter() - started)


TIME_LIMIT = "the time limit of this part was reached; raise --time-limit"


def table(part: Part, machine: str) -> str:
    """Lay out a table as text of fixed width.

    Args:
        part: the table.
        machine: a line that describes the machine, printed under the title.
    """
    header = ["", "median", "", "spread", "ours over it", "of matrix rate"]
    lines = [header, *(_cells(row) for row in part.rows)]
    # Optional columns appear only where a row has a value for them.
    columns = [
        index
        for index in range(len(header))
        if index < 3 or any(cells[index] for cells in lines[1:])
    ]
    widths = {index: max(len(cells[index]) for cells in lines) for index in columns}
    text = [part.title, f"  on {machine}"]
    for cells in lines:
        aligned = [
            cells[i].ljust(widths[i]) if i in (0, 2) else cells[i].rjust(widths[i]) for i in columns
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
