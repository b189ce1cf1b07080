"""What became of many photographs, counted by reason."""

import dataclasses
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from colorize_tf.imagefiles import ImageFileError, is_out_of_memory
from colorize_tf.inference.video.containers import FilmError


class Ending(NamedTuple):
    """How a photograph or film ended, in words that go from process to process.

    Attributes:
        kind: "done", "skipped" or "failed".
        reason: a word or two, for counting; nothing where it is done.
        line: what is told of it; None for nothing.
    """

    kind: str
    reason: str = ""
    line: str | None = None


@dataclasses.dataclass
class Tally:
    """Counts of what ended, and how.

    Attributes:
        done: how many photographs and films were written.
        skipped: how many were left alone, by reason.
        failed: how many could not be done, by reason.
    """

    done: int = 0
    skipped: Counter[str] = dataclasses.field(default_factory=Counter)
    failed: Counter[str] = dataclasses.field(default_factory=Counter)

    def count(self, ending: Ending) -> None:
        """Count one that ended."""
        if ending.kind == "done":
            self.done += 1
        else:
            {"skipped": self.skipped, "failed": self.failed}[ending.kind][ending.reason] += 1

    def fail(self, error: Exception) -> None:
        """Count an error by its kind."""
        self.failed[reason_of(error)] += 1

    def ended(self) -> int:
        """Return how many ended, one way or another."""
        return self.done + self.failed.total() + self.skipped.total()

    def summary(self, left: int) -> str:
        """Say it in a line, with how many are left."""
        parts = [f"{self.done} done"]
        for name, counts in (("skipped", self.skipped), ("failed", self.failed)):
            if counts.total():
                reasons = ", ".join(f"{n} {reason}" for reason, n in counts.most_common() if n)
                parts.append(f"{counts.total()} {name} ({reasons})")
        return ", ".join([*parts, f"{left} left"] if left else parts)


def reason_of(error: Exception) -> str:
    """Say in a word or two what kind of error it is."""
    cause = error if isinstance(error, OSError) else error.__cause__
    if isinstance(error, ImageFileError | FilmError):
        return error.reason
    if is_out_of_memory(error):
        return "out of memory"
    return getattr(cause, "strerror", None) or "other"


def in_a_line(error: Exception, source: str | Path) -> str:
    """Word what went wrong with a file in one line that names it."""
    text, source = (" ".join(str(part).split()) for part in (error, source))
    if is_out_of_memory(error):
        text = f"{source}: out of memory; try --jobs 1, or a smaller photograph"
    elif isinstance(error, ImageFileError) and error.reason == "damaged":
        text += ", or color what is left of it with --force"
    elif not isinstance(error, ValueError | OSError):
        text = f"{type(error).__name__}: {text}"
    return f"error: {text if source in text else f'{source}: {text}'}"
