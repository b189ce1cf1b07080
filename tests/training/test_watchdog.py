import signal
import subprocess
import sys
import time

from colorize_tf.training.watchdog import watchdog

# Holds the interpreter up as native code does: no other thread of Python runs meanwhile.
STUCK = """
import ctypes
from colorize_tf.training.watchdog import watchdog
with watchdog(0.5, "waited in vain"):
    ctypes.PyDLL(None).sleep(60)
"""


def test_what_is_held_up_is_killed_and_told_why():
    ended = subprocess.run([sys.executable, "-c", STUCK], capture_output=True, text=True)
    assert ended.returncode == -signal.SIGKILL
    assert ended.stderr == "waited in vain\n"


def test_what_ends_in_time_goes_on(capfd):
    with watchdog(0.5, "waited in vain"):
        pass
    time.sleep(1)
    assert capfd.readouterr().err == ""


def test_the_watcher_ends_with_what_it_watches():
    code = (
        "import os, signal; from colorize_tf.training.watchdog import watchdog\n"
        "with watchdog(60, ''): os.kill(os.getpid(), signal.SIGKILL)"
    )
    # It has inherited the other end of this pipe, which is read until both have ended.
    ended = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, timeout=50)
    assert ended.returncode == -signal.SIGKILL


def test_an_interrupt_reaches_the_watched_process_alone():
    code = (
        "import os, signal, time; from colorize_tf.training.watchdog import watchdog\n"
        "with watchdog(60, ''):\n"
        "    time.sleep(1)  # until the watcher watches\n"
        "    signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "    os.killpg(0, signal.SIGINT)\n"
        "    time.sleep(0.2)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, start_new_session=True
    )
    assert (ended.returncode, ended.stderr) == (0, "")
