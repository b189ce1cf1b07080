"""Whole commands: how long they take to start, and how much memory they need."""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from colorize_tf.benchmarks.inputs import write_gray_photograph
from colorize_tf.benchmarks.measuring import Contender, Part, Row, compare
from colorize_tf.benchmarks.photograph import write_model

_TRAINING = (
    "--dataset",
    "synthetic",
    "--pretrain-epochs",
    "1",
    "--adversarial-epochs",
    "1",
)

_LAUNCHER = """
import resource, subprocess, sys
done = subprocess.run([sys.executable, *sys.argv[1:]], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode)
"""


def measure_start(**options: float) -> list[Part]:
    """Measure one small picture colored by the command, beside Python doing nothing.

    Args:
        **options: `rounds` and `seconds` of `compare`.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = _colorize(Path(folder), height=480, width=640)
        contenders = [
            Contender("colorize a picture of 640 x 480", lambda: _run(command)),
            Contender("import colorize_tf", lambda: _run(["-c", "import colorize_tf"])),
            Contender("python -c pass", lambda: _run(["-c", "pass"])),
        ]
        rows = compare(contenders, unit="s", as_time=True, **options)
    return [Part("start of a command", rows)]


def measure_memory(*, training: Sequence[str] = _TRAINING) -> list[Part]:
    """Measure the most memory that training and coloring hold at once.

    Args:
        training: flags of the training run beside the defaults.
    """
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder) / "run"
        train = ["-m", "colorize_tf.train", *training, "--run-dir", str(run_dir)]
        colorize = _colorize(Path(folder), height=3000, width=4000)
        commands = {
            "train, default sizes, with its export": train,
            "colorize a JPEG of 12 megapixels": colorize,
        }
        rows = [Row(name, peak_memory(command), "GiB") for name, command in commands.items()]
    return [Part("peak memory of a command", rows)]


def _colorize(folder: Path, height: int, width: int) -> list[str]:
    source = folder / "gray.jpg"
    write_gray_photograph(source, height, width)
    model = write_model(folder)
    return [
        "-m",
        "colorize_tf.colorize",
        str(source),
        "-o",
        str(folder / "color.jpg"),
        "--model",
        str(model),
        "--overwrite",
    ]


def _run(arguments: Sequence[str]) -> str:
    """Run Python; return what it prints."""
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True)
    if done.returncode:
        error = done.stderr.strip() or f"exit code {done.returncode}"
        raise ValueError(f"python {' '.join(arguments)} failed: {error.splitlines()[-1]}")
    return done.stdout


def peak_memory(arguments: Sequence[str]) -> float:
    """Run Python; return the most memory that it held at once, in GiB."""
    # A process begins with the peak of the one that starts it, so that a small one has to.
    peak = int(_run(["-c", _LAUNCHER, *arguments]))
    return peak / (2**30 if sys.platform == "darwin" else 2**20)
