"""What all commands share: their parsers, exit codes, errors in one line, and progress.

Imports neither TensorFlow nor Keras.
"""

import argparse
import contextlib
import errno
import functools
import importlib
import io
import logging
import os
import re
import sys
import textwrap
import time
import typing
import warnings
from collections.abc import Callable, Iterator, Sequence

import colorize_tf
from colorize_tf.options import add_config_flags, config_from_flags

__all__ = [
    "COMMANDS",
    "Progress",
    "add_config_flags",
    "cause",
    "command",
    "config_from_flags",
    "main",
    "make_parser",
    "native_logs_hidden",
    "number",
    "start_tensorflow",
]

COMMANDS = {
    "train": "train a colorizer on landscape photographs",
    "colorize": "color photographs and films",
    "prepare": "turn a large set of photographs into shards for training",
    "evaluate": "measure a colorizer, beside gray pictures",
    "export": "write a colorizer for serving and for phones",
    "demo": "color photographs and films in a browser",
    "benchmark": "measure the speed of each part",
}


_NO_TENSORFLOW = (
    "this needs TensorFlow, which is not installed (there is none for Python 3.14 yet): use Python "
    "3.10 to 3.13 and pip install tensorflow; a .tflite file is colorized and served without it"
)

# The width of a terminal, less two columns that argparse leaves free.
_WIDTH = 78


class ArgumentParser(argparse.ArgumentParser):
    """argparse with its errors in one line."""

    def error(self, message: str) -> typing.NoReturn:
        """Print `message` in one line and exit with code 2."""
        self.exit(2, f"{self.prog}: error: {message} (--help shows what there is)\n")


def make_parser(
    name: str, *, usage: str, description: str, example: str, details: str = ""
) -> ArgumentParser:
    """Make the parser of one command.

    Args:
        name: name of the module in `colorize_tf`.
        usage: arguments of the command, in short.
        description: what it does, in a sentence; wrapped to the width of a terminal.
        example: one complete command line.
        details: printed before the example, in lines of at most 80 characters.

    Returns:
        A parser that knows `--version`.
    """
    epilog = f"{details}\n\nexample:\n  {example}" if details else f"example:\n  {example}"
    parser = ArgumentParser(
        prog=f"python -m colorize_tf.{name}",
        usage=f"python -m colorize_tf.{name} {usage}",
        description=textwrap.fill(description, _WIDTH),
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=colorize_tf.__version__)
    return parser


def command(main: Callable[..., int | None]) -> Callable[..., int]:
    """Decorate the `main(arguments)` of a command so that it returns an exit code.

    The package raises `ValueError` for a user's mistakes and `OSError` for what the machine
    refuses; each becomes one line on standard error and exit code 2. For developers,
    `COLORIZE_TF_TRACEBACK=1` shows the traceback instead. What the library logs is printed.
    """

    @functools.wraps(main)
    def run(arguments: Sequence[str] | None = None) -> int:
        warnings.showwarning = _show_warning
        # Hide start-up messages of the native libraries; TensorFlow's errors still show.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        # Our own error about a damaged file names the file.
        os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
        os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
        try:
            with _logs_printed():
                return main(arguments) or 0
        except (ValueError, OSError, MemoryError) as error:
            return _fail(error, str(error))
        except KeyboardInterrupt as error:
            print(str(error) or "interrupted", file=sys.stderr)
            return 1
        except ModuleNotFoundError as error:
            if error.name != "tensorflow":
                raise
            return _fail(error, _NO_TENSORFLOW)
        except Exception as error:
            tensorflow = sys.modules.get("tensorflow")
            if tensorflow and isinstance(error, tensorflow.errors.OpError):
                return _fail(error, cause(error.message))
            raise

    return run


def number(kind: type, least: float, most: float | None = None) -> Callable[[str], float]:
    """Return an `add_argument` type for an `int` or `float` from `least` to `most`."""

    def parse(text: str) -> float:
        value = kind(text)
        if not value >= least:  # NaN is refused, too.
            raise argparse.ArgumentTypeError(f"must be at least {least}, got {text}")
        if most is not None and value > most:
            raise argparse.ArgumentTypeError(f"must be at most {most}, got {text}")
        return value

    parse.__name__ = kind.__name__  # argparse prints this name for other text.
    return parse


class _StandardError(io.TextIOBase):
    """Writes to another stream, which can be replaced.

    Logging handlers that are made while standard error is redirected keep this object.
    """

    def __init__(self, stream: typing.TextIO):
        self.stream = stream

    def write(self, text: str) -> int:
        return self.stream.write(text)

    def flush(self) -> None:
        self.stream.flush()

    def isatty(self) -> bool:
        return self.stream.isatty()


@contextlib.contextmanager
def native_logs_hidden() -> Iterator[None]:
    """Hide what native libraries write to standard error while they start up.

    TensorFlow and LiteRT log a dozen lines before they read any setting. What Python writes to
    `sys.stderr` is still shown.
    """
    try:
        sys.stderr.flush()
        kept = os.dup(2)
    except (AttributeError, OSError):  # no standard error to hide
        yield
        return
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    before = sys.stderr
    ours = _StandardError(open(kept, "w", buffering=1, closefd=False))
    try:
        with contextlib.redirect_stderr(typing.cast(typing.TextIO, ours)):
            yield
    finally:
        ours.flush()
        ours.stream = before
        os.dup2(kept, 2)
        os.close(kept)


def start_tensorflow() -> None:
    """Import TensorFlow and find GPUs without start-up messages.

    Call it as late as possible: it takes seconds.
    """
    with native_logs_hidden():
        import tensorflow as tf

        tf.config.list_physical_devices()
        tf.zeros(())


class Progress:
    """Shows progress: a bar on a terminal, elsewhere a line every so many seconds.

    As a context manager, it prints lines and warnings above the bar.

    Args:
        total: number of items; None if it is not known.
        unit: name of the items, in the plural.
        seconds: time between two lines where there is no terminal.
    """

    def __init__(self, total: int | None, unit: str, *, seconds: float = 30.0):
        from tqdm import tqdm

        self._seconds = seconds
        # tqdm keeps no time while its bar is disabled.
        self._started = self._last_line = time.monotonic()
        self._unit = unit
        self._bar = tqdm(
            total=total, unit=f" {unit}", delay=1, disable=None, leave=False, smoothing=0.1
        )
        self._total = total
        self._done = 0

    def __enter__(self) -> "Progress":
        self._showwarning = warnings.showwarning
        warnings.showwarning = lambda message, *_: self.line(
            f"warning: {' '.join(str(message).split())}"
        )
        return self

    def __exit__(self, *_: object) -> None:
        warnings.showwarning = self._showwarning
        self._bar.close()

    def advance(self, done: int, total: int | None = None) -> None:
        """Show that `done` of `total` items are done."""
        if total is not None and total != self._total:
            self._total = self._bar.total = total
        self._bar.update(done - self._done)
        self._done = done
        now = time.monotonic()
        if self._bar.disable and done != self._total and now - self._last_line >= self._seconds:
            self._last_line = now
            print(self._in_words(now - self._started), file=sys.stderr, flush=True)

    def line(self, text: str) -> None:
        """Print a line on standard error."""
        self._bar.write(text, file=sys.stderr)

    def _in_words(self, elapsed: float) -> str:
        rate = self._done / elapsed
        counted = f"{self._done} {self._unit}"
        if not self._total:
            return f"{counted}, {rate:.2g} a second"
        left = self._bar.format_interval((self._total - self._done) / rate) if rate else "?"
        return f"{self._done} of {self._total} {self._unit}, {rate:.2g} a second, {left} left"


def cause(message: str) -> str:
    """Return the line of a TensorFlow message that names the error, without the stack traces."""
    lines = [re.sub(r"{{.*?}} ?", "", line).strip() for line in message.splitlines()]
    errors = [line for line in lines if re.match(r"\w+Error: ", line)]
    return (errors or [line for line in lines if line] or ["TensorFlow failed"])[0]


def _fail(error: Exception, message: str) -> int:
    if getattr(error, "errno", None) == errno.ENOSPC:
        message = "the disk is full; free space there or choose another folder, then try again"
    if os.environ.get("COLORIZE_TF_TRACEBACK"):
        raise error
    print(f"error: {' '.join(message.split()) or type(error).__name__}", file=sys.stderr)
    return 2


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: typing.TextIO | None = None,
    line: str | None = None,
) -> None:
    print(f"warning: {' '.join(str(message).split())}", file=sys.stderr)


class _LogPrinter(logging.Handler):
    """Prints what the library logs: plain lines on standard output, warnings on standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        if record.levelno >= logging.WARNING:
            print(f"{record.levelname.lower()}: {record.getMessage()}", file=sys.stderr)
        else:
            print(record.getMessage(), flush=True)


@contextlib.contextmanager
def _logs_printed() -> Iterator[None]:
    logger, printer = logging.getLogger("colorize_tf"), _LogPrinter()
    level = logger.level
    logger.addHandler(printer)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(printer)
        logger.setLevel(level)


def main() -> int:
    """Run `colorize-tf COMMAND ...`, the console command."""
    commands = "\n".join(f"  {name:10} {text}" for name, text in COMMANDS.items())
    parser = ArgumentParser(
        prog="colorize-tf",
        description="Color for black-and-white landscape photographs.",
        epilog=f"commands:\n{commands}\n\nexample:\n  colorize-tf train --dataset landscapes",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=colorize_tf.__version__)
    parser.add_argument(
        "command", nargs="?", choices=COMMANDS, metavar="COMMAND", help="what to do"
    )
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="flags of the command")
    chosen = parser.parse_args()
    if chosen.command is None:
        parser.error(f"name a command: {', '.join(COMMANDS)}")
    return importlib.import_module(f"colorize_tf.{chosen.command}").main(chosen.arguments)
