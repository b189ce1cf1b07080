import cv2
import pytest

from colorize_tf.imagefiles import ImageFileError
from colorize_tf.inference.batch.summary import Ending, Tally, in_a_line
from colorize_tf.inference.video.containers import FilmError


def test_the_summary_says_how_many_and_why():
    tally = Tally(done=12)
    tally.skipped["done before"] += 2
    tally.skipped["in color already"] += 3
    for reason in ("truncated", "zero-byte", "truncated"):
        tally.fail(ImageFileError("copy it again", reason=reason, name="a.jpg"))
    tally.fail(FilmError("truncated", "a.mp4 is cut short"))
    tally.fail(TypeError())
    assert tally.ended() == 22
    assert tally.summary(left=7) == (
        "12 done, 5 skipped (3 in color already, 2 done before), "
        "5 failed (3 truncated, 1 zero-byte, 1 other), 7 left"
    )


def test_what_ended_elsewhere_is_counted_as_what_ended_here():
    tally = Tally()
    for ending in [Ending("done"), Ending("skipped", "blue"), Ending("failed", "cut", "error: a")]:
        tally.count(ending)
    assert tally.summary(left=0) == "1 done, 1 skipped (1 blue), 1 failed (1 cut)"


def test_a_name_of_several_lines_is_one_line():
    error = ValueError("cannot read a\n b.jpg: empty")
    assert in_a_line(error, "a\n b.jpg") == "error: cannot read a b.jpg: empty"
    assert in_a_line(ValueError("NaN"), "a\n b.jpg") == "error: a b.jpg: NaN"


def test_what_is_left_of_a_damaged_photograph_can_be_had():
    error = ImageFileError("copy it again", reason="damaged", name="a.jpg")
    line = "error: cannot read a.jpg: damaged: copy it again, or color what is left of it with"
    assert in_a_line(error, "a.jpg") == f"{line} --force"


def test_a_lack_of_memory_is_one_whoever_says_so():
    tally = Tally()
    for error in (MemoryError(), cv2.error("std::bad_alloc"), no_memory()):
        tally.fail(error)
        line = "error: a.jpg: out of memory; try --jobs 1, or a smaller photograph"
        assert in_a_line(error, "a.jpg") == line
    tally.fail(cv2.error("unknown color"))
    assert tally.summary(left=0) == "0 done, 4 failed (3 out of memory, 1 other)"


def no_memory():
    """What OpenCV raises for a failed allocation."""
    error = cv2.error("Failed to allocate 147000000 bytes")
    error.code = cv2.Error.StsNoMem
    return error


def test_what_the_system_refuses_is_counted_in_its_words():
    tally = Tally()
    for error in (OSError(28, "No space left"), ValueError("cannot write a.jpg")):
        error.__cause__ = OSError(28, "No space left")
        tally.fail(error)
    assert tally.summary(left=0) == "0 done, 2 failed (2 No space left)"


def test_the_summary_leaves_out_what_there_is_none_of():
    tally = Tally(done=1)
    tally.skipped["done before"] += 0
    assert tally.summary(left=0) == "1 done"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("cannot read in/a.jpg: empty"), "error: cannot read in/a.jpg: empty"),
        (ValueError("the model answered NaN"), "error: in/a.jpg: the model answered NaN"),
        (OSError(28, "No space left", "in/a.jpg"), "error: [Errno 28] No space left: 'in/a.jpg'"),
        (TypeError("not\n  callable"), "error: in/a.jpg: TypeError: not callable"),
        (MemoryError(), "error: in/a.jpg: out of memory; try --jobs 1, or a smaller photograph"),
    ],
)
def test_every_error_is_a_line_that_names_the_file(error, line):
    assert in_a_line(error, "in/a.jpg") == line
