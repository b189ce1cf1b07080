import os
import signal
import subprocess
import sys

import pytest

from colorize_tf.data import processes
from colorize_tf.data.processes import Processes


def half(number):
    """Crash the process for odd numbers."""
    if number % 2:
        os._exit(1)
    return number // 2


@pytest.mark.parametrize("count", [1, 2])
def test_results_are_in_order(count):
    with Processes(count) as some:
        assert list(some.map(half, range(0, 60, 2), None)) == list(range(30))


def test_crashing_argument_is_named_and_the_others_are_done():
    given = [*range(0, 30, 2), 7, *range(30, 60, 2), 9, 60]
    with Processes(2) as some, pytest.warns(UserWarning) as warned:
        found = list(some.map(half, given, lambda number: f"not {number}"))
    assert found == [*range(15), "not 7", *range(15, 30), "not 9", 30]
    assert [str(one.message).split(";")[0] for one in warned] == [
        "7 crashed the process that read it",
        "9 crashed the process that read it",
    ]


def ended_once(folder):
    """Kill the process the first time, as a lack of memory does."""
    if not os.listdir(folder):
        open(os.path.join(folder, "ended"), "w").close()
        os._exit(1)
    return os.listdir(folder)


def test_killed_process_is_reported(tmp_path):
    with Processes(2) as some, pytest.warns(UserWarning, match="lack of memory; .* fewer --jobs"):
        assert list(some.map(ended_once, [str(tmp_path)], None)) == [["ended"]]


def end():
    os._exit(1)


def test_processes_that_do_not_start_are_an_error(monkeypatch):
    monkeypatch.setattr(processes, "_initialize", end)
    with (
        Processes(2) as some,
        pytest.raises(ValueError, match="do not start, .*fewer --jobs"),
    ):
        list(some.map(half, [2], None))


def test_processes_exit_with_their_parent(tmp_path):
    (tmp_path / "begin.py").write_text(
        "import os, signal\n"
        "from colorize_tf.data.processes import Processes\n"
        "if __name__ == '__main__':\n"
        "    with Processes(2) as some:\n"
        "        print(*some.map(abs, [-7], None), flush=True)\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    # A process that is left would keep the pipe open until the timeout.
    command = [sys.executable, tmp_path / "begin.py"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.returncode) == ("7\n", -signal.SIGKILL)
