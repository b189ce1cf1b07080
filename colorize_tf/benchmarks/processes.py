"""Whole commands: start-up time and peak memory."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from colorize_tf.benchmarks.inputs import write_gray_photograph, write_model
from colorize_tf.benchmarks.measuring import TIME_LIMIT, Contender, Part, Row, Stopwatch

_TRAINING = ("--dataset", "synthetic", "--pretrain-epochs", "1", "--adversarial-epochs", "1")

# A child inherits its parent's peak memory, so that a small process has to start the command.
_LAUNCHER = """
import resource, subprocess, sys
_, timeout, *command = sys.argv
try:
    done = subprocess.run(
        [sys.executable, *command], stdout=subprocess.DEVNULL, timeout=float(timeout)
    )
except subprocess.TimeoutExpired:
    sys.exit()
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode)
"""


def measure_start(watch: Stopwatch) -> Iterator[Part]:
    """Measure `colorize` on one small picture beside a Python process that does nothing."""
    with tempfile.TemporaryDirectory() as folder:
        command = _make_colorize_command(Path(folder), height=480, width=640)
        contenders = [
            Contender("colorize a picture of 640 x 480", lambda: _run(command)),
            Contender("import colorize_tf", lambda: _run(["-c", "import colorize_tf"])),
            Contender("python -c pass", lambda: _run(["-c", "pass"])),
        ]
        yield watch.compare("start of a command", contenders, unit="s", as_time=True)


def measure_memory(watch: Stopwatch, *, training: Sequence[str] = _TRAINING) -> Iterator[Part]:
    """Measure the peak memory of coloring and of training.

    Args:
        watch: reports, and limits the time.
        training: flags of the training run, besides its folder.
    """
    title, rows, missing = "peak memory of a command", [], []
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder) / "run"
        commands = {
            "colorize a JPEG of 12 megapixels": _make_colorize_command(
                Path(folder), height=3000, width=4000
            ),
            "train, default sizes, with its export": [
                *("-m", "colorize_tf.train", *training, "--run-dir", str(run_dir))
            ],
        }
        for name, command in commands.items():
            watch.report(title, name)
            peak = peak_memory(command, timeout=watch.remaining())
            if peak is None:
                missing.append(f"{name}: {TIME_LIMIT}")
            else:
                rows.append(Row(name, peak, "GiB"))
    yield Part(title, rows, missing)


def peak_memory(arguments: Sequence[str], *, timeout: float = float("inf")) -> float | None:
    """Run Python; return its peak memory in GiB, or None if it was killed after `timeout` seconds.

    Raises:
        ValueError: the command failed.
    """
    # subprocess waits in milliseconds of 32 bits.
    printed = _run(["-c", _LAUNCHER, str(min(timeout, 1e6)), *arguments])
    return int(printed) / (2**30 if sys.platform == "darwin" else 2**20) if printed else None


def _make_colorize_command(folder: Path, height: int, width: int) -> list[str]:
    source, target, model = folder / "gray.jpg", folder / "color.jpg", write_model(folder)
    write_gray_photograph(source, height, width)
    paths = [str(source), "-o", str(target), "--model", str(model)]
    return ["-m", "colorize_tf.colorize", *paths, "--overwrite"]


def _run(arguments: Sequence[str]) -> str:
    """Run Python; return what it prints."""
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True)
    if done.returncode:
        error = done.stderr.strip() or f"exit code {done.returncode}"
        raise ValueError(f"python {' '.join(arguments)} failed: {error.splitlines()[-1]}")
    return done.stdout
