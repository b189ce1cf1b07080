"""Outcomes of photographs and films, and their counts."""

import dataclasses
import os
from collections import Counter
from pathlib import Path
from typing import NamedTuple, Protocol

from colorize_tf.imagefiles import ImageFileError, is_out_of_memory
from colorize_tf.inference.errors import AlreadyInColorError
from colorize_tf.inference.video.containers import FilmError


class Display(Protocol):
    """Shows progress and messages."""

    def advance(self, done: int, total: int | None = None) -> None:
        """Show that `done` of `total` items are finished."""

    def line(self, text: str) -> None:
        """Show a line."""


class Outcome(NamedTuple):
    """The outcome of one photograph or film.

    Attributes:
        status: "done", "skipped" or "failed".
        reason: one or two words to count by; empty if the status is "done".
        message: one line for the user, or None.
    """

    status: str
    reason: str = ""
    message: str | None = None


@dataclasses.dataclass
class Summary:
    """Counts of the outcomes of many photographs and films.

    `str(summary)` is a line such as "12 done, 1 failed (1 truncated), 3 left".

    Attributes:
        total: number of photographs and films that were found.
        done: number that were written.
        skipped: number that were left alone, by reason.
        failed: number that could not be colorized, by reason.
        messages: one line for each that was skipped or failed, where there is one.
    """

    total: int = 0
    done: int = 0
    skipped: Counter[str] = dataclasses.field(default_factory=Counter)
    failed: Counter[str] = dataclasses.field(default_factory=Counter)
    messages: list[str] = dataclasses.field(default_factory=list)

    @property
    def left(self) -> int:
        """Number without an outcome, because of a limit or an interruption."""
        return max(0, self.total - self.done - self.failed.total() - self.skipped.total())

    def count(self, outcome: Outcome) -> None:
        """Count an outcome and keep its message."""
        if outcome.status == "done":
            self.done += 1
        else:
            {"skipped": self.skipped, "failed": self.failed}[outcome.status][outcome.reason] += 1
        if outcome.message is not None:
            self.messages.append(outcome.message)

    def fail_rest(self) -> None:
        """Count all that are left as failed because the model is unavailable."""
        self.failed["model unavailable"] += self.left

    def __str__(self) -> str:
        parts = [f"{self.done} done"]
        for name, counts in (("skipped", self.skipped), ("failed", self.failed)):
            if counts.total():
                reasons = ", ".join(f"{n} {reason}" for reason, n in counts.most_common() if n)
                parts.append(f"{counts.total()} {name} ({reasons})")
        return ", ".join([*parts, f"{self.left} left"] if self.left else parts)


def report(outcome: Outcome, summary: Summary, display: Display) -> None:
    """Count an outcome, and display its message."""
    summary.count(outcome)
    if outcome.message is not None:
        display.line(outcome.message)


def outcome_of(error: Exception | None, source: Path) -> Outcome:
    """Convert the error of a photograph or film, None for success, to its outcome.

    The environment variable `COLORIZE_TF_TRACEBACK` lets developers see the error instead.
    """
    if error is None:
        return Outcome("done")
    if isinstance(error, AlreadyInColorError):
        return Outcome("skipped", "in color already", str(error))
    if os.environ.get("COLORIZE_TF_TRACEBACK"):
        raise error
    return Outcome("failed", _reason(error), describe_error(error, source))


def describe_error(error: Exception, source: str | Path) -> str:
    """Describe the error of a file in one line that names the file."""
    text, source = (" ".join(str(part).split()) for part in (error, source))
    if is_out_of_memory(error):
        text = f"{source}: out of memory; try --jobs 1, or a smaller photograph"
    elif isinstance(error, ImageFileError) and error.reason == "damaged":
        text += ", or colorize the undamaged part with --force"
    elif not isinstance(error, ValueError | OSError):
        text = f"{type(error).__name__}: {text}"
    return f"error: {text if source in text else f'{source}: {text}'}"


def _reason(error: Exception) -> str:
    cause = error if isinstance(error, OSError) else error.__cause__
    if isinstance(error, ImageFileError | FilmError):
        return error.reason
    if is_out_of_memory(error):
        return "out of memory"
    return getattr(cause, "strerror", None) or "other"
