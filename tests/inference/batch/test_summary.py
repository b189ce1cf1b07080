from pathlib import Path

import cv2
import pytest

from colorize_tf.imagefiles import ImageFileError
from colorize_tf.inference.batch.summary import Outcome, Summary, describe_error, outcome_of
from colorize_tf.inference.errors import AlreadyInColorError
from colorize_tf.inference.video.containers import FilmError


def summary_of(errors, total=0):
    summary = Summary(total)
    for error in errors:
        summary.count(outcome_of(error, Path("a.jpg")))
    return summary


def test_the_summary_counts_by_reason():
    errors = [
        *(AlreadyInColorError(f"{name} is in color") for name in "abc"),
        *(
            ImageFileError("copy it again", reason=reason, name="a.jpg")
            for reason in ("truncated", "zero-byte")
        ),
        ImageFileError("copy it again", reason="truncated", name="a.jpg"),
        FilmError("truncated", "a.mp4 is truncated"),
        TypeError(),
        *[None] * 12,
    ]
    summary = summary_of(errors, total=29)
    summary.skipped["done before"] += 2
    assert summary.left == 7
    assert len(summary.messages) == 8
    assert str(summary) == (
        "12 done, 5 skipped (3 in color already, 2 done before), "
        "5 failed (3 truncated, 1 zero-byte, 1 other), 7 left"
    )


def test_outcomes_are_counted_and_messages_kept():
    summary = Summary()
    for outcome in [
        Outcome("done"),
        Outcome("skipped", "blue"),
        Outcome("failed", "cut", "error: a"),
    ]:
        summary.count(outcome)
    assert str(summary) == "1 done, 1 skipped (1 blue), 1 failed (1 cut)"
    assert summary.messages == ["error: a"]


def test_a_name_with_line_breaks_gives_one_line():
    error = ValueError("cannot read a\n b.jpg: empty")
    assert describe_error(error, "a\n b.jpg") == "error: cannot read a b.jpg: empty"
    assert describe_error(ValueError("NaN"), "a\n b.jpg") == "error: a b.jpg: NaN"


def test_the_error_of_a_damaged_photograph_suggests_force():
    error = ImageFileError("copy it again", reason="damaged", name="a.jpg")
    line = "error: cannot read a.jpg: damaged: copy it again, or colorize the undamaged part with"
    assert describe_error(error, "a.jpg") == f"{line} --force"


def test_every_kind_of_memory_error_is_recognized():
    errors = [MemoryError(), cv2.error("std::bad_alloc"), no_memory()]
    for error in errors:
        line = "error: a.jpg: out of memory; try --jobs 1, or a smaller photograph"
        assert describe_error(error, "a.jpg") == line
    summary = summary_of([*errors, cv2.error("unknown color")])
    assert str(summary) == "0 done, 4 failed (3 out of memory, 1 other)"


def no_memory():
    """What OpenCV raises for a failed allocation."""
    error = cv2.error("Failed to allocate 147000000 bytes")
    error.code = cv2.Error.StsNoMem
    return error


def test_errors_of_the_system_are_counted_by_their_text():
    errors = [OSError(28, "No space left"), ValueError("cannot write a.jpg")]
    for error in errors:
        error.__cause__ = OSError(28, "No space left")
    assert str(summary_of(errors)) == "0 done, 2 failed (2 No space left)"


def test_the_summary_leaves_out_zero_counts():
    summary = Summary(done=1)
    summary.skipped["done before"] += 0
    assert str(summary) == "1 done"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("cannot read in/a.jpg: empty"), "error: cannot read in/a.jpg: empty"),
        (ValueError("the model predicted NaN"), "error: in/a.jpg: the model predicted NaN"),
        (OSError(28, "No space left", "in/a.jpg"), "error: [Errno 28] No space left: 'in/a.jpg'"),
        (TypeError("not\n  callable"), "error: in/a.jpg: TypeError: not callable"),
        (MemoryError(), "error: in/a.jpg: out of memory; try --jobs 1, or a smaller photograph"),
    ],
)
def test_every_error_is_one_line_that_names_the_file(error, line):
    assert describe_error(error, "in/a.jpg") == line
