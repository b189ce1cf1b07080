"""Commands: a dataclass becomes flags, a mistake becomes one line and exit code 2.

Imports neither TensorFlow nor Keras.
"""

import argparse
import contextlib
import dataclasses
import errno
import functools
import importlib
import os
import re
import sys
import textwrap
import time
import types
import typing
import warnings
from collections.abc import Callable, Iterator, Sequence

import colorize_tf

VERBS = {
    "train": "train a colorizer on landscape photographs",
    "colorize": "color photographs and films",
    "prepare": "turn a large set of photographs into shards for training",
    "evaluate": "measure a colorizer against the gray answer",
    "export": "write a colorizer for serving and for phones",
    "demo": "color photographs and films in a browser",
    "benchmark": "measure the speed of each part",
}


# What a terminal shows, less the two columns that argparse leaves free.
_WIDTH = 78


class ArgumentParser(argparse.ArgumentParser):
    """argparse with its errors in one line."""

    def error(self, message: str) -> typing.NoReturn:
        """Print `message` in one line and exit with code 2."""
        self.exit(2, f"{self.prog}: error: {message} (--help shows what there is)\n")


def make_parser(
    verb: str, *, usage: str, description: str, example: str, details: str = ""
) -> ArgumentParser:
    """Make the parser of one verb.

    Args:
        verb: name of the module in `colorize_tf`.
        usage: what follows the verb, in short.
        description: what it does, in a sentence; wrapped to the width of a terminal.
        example: one complete command line.
        details: printed before the example, in lines of at most 80 characters.

    Returns:
        A parser that knows `--version`.
    """
    epilog = f"{details}\n\nexample:\n  {example}" if details else f"example:\n  {example}"
    parser = ArgumentParser(
        prog=f"python -m colorize_tf.{verb}",
        usage=f"python -m colorize_tf.{verb} {usage}",
        description=textwrap.fill(description, _WIDTH),
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=colorize_tf.__version__)
    return parser


def add_config_flags(parser: argparse.ArgumentParser, config_class: type) -> None:
    """Add a flag for each field of a dataclass, grouped and with its default in the help.

    Flags that were not given are absent from the parsed namespace: what is there was chosen.

    Args:
        parser: gets the flags.
        config_class: dataclass whose fields have `group` and `help` in their metadata.
    """
    groups = {}
    hints = typing.get_type_hints(config_class)
    for field in dataclasses.fields(config_class):
        title = field.metadata["group"]
        group = groups.setdefault(title, None) or parser.add_argument_group(title)
        groups[title] = group
        flag = "--" + field.name.replace("_", "-")
        text = field.metadata["help"].replace("%", "%%")
        kind = _value_type(hints[field.name])
        if kind is bool:
            group.add_argument(flag, action="store_true", default=argparse.SUPPRESS, help=text)
            continue
        if field.default is not None:
            text += f" [{field.default}]"
        metavar = {int: "N", float: "X", str: "NAME"}[kind]
        group.add_argument(flag, type=kind, default=argparse.SUPPRESS, metavar=metavar, help=text)


def _value_type(hint: type | types.UnionType) -> type:
    """Return `int` for `int | None`, and for `int`."""
    if isinstance(hint, types.UnionType):
        return next(kind for kind in hint.__args__ if kind is not type(None))
    return hint


def command(main: Callable[..., int | None]) -> Callable[..., int]:
    """Decorate a verb's `main(arguments)` so that it returns an exit code and never a traceback.

    `ValueError` and `OSError` are what the package raises for a user's mistakes and for what the
    machine refuses; each becomes one line on standard error and exit code 2. For developers,
    `COLORIZE_TF_TRACEBACK=1` lets it through instead.
    """

    @functools.wraps(main)
    def run(arguments: Sequence[str] | None = None) -> int:
        warnings.showwarning = _show_warning
        # Only the native libraries' start-up chatter; TensorFlow's errors still show.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        # What these say of a damaged file, an error of ours says, and names the file.
        os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
        os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
        try:
            return main(arguments) or 0
        except (ValueError, OSError, MemoryError) as error:
            return _fail(error, str(error))
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            return 1
        except Exception as error:
            tensorflow = sys.modules.get("tensorflow")
            if tensorflow and isinstance(error, tensorflow.errors.OpError):
                return _fail(error, cause(error.message))
            raise

    return run


def number(kind: type, least: float, most: float | None = None) -> Callable[[str], float]:
    """Make what `add_argument` takes as `type`, for `int` or `float` from `least` to `most`."""

    def parse(text: str) -> float:
        value = kind(text)
        if not value >= least:  # As NaN is not, either.
            raise argparse.ArgumentTypeError(f"must be at least {least}, got {text}")
        if most is not None and value > most:
            raise argparse.ArgumentTypeError(f"must be at most {most}, got {text}")
        return value

    parse.__name__ = kind.__name__  # argparse names it where there is no number.
    return parse


@contextlib.contextmanager
def native_logs_hidden() -> Iterator[None]:
    """Hide what native libraries write to standard error while they start up.

    TensorFlow and LiteRT log a dozen lines before any setting of theirs is read, among which a
    warning of ours would be lost. What Python writes to `sys.stderr` is shown all the same.
    """
    try:
        sys.stderr.flush()
        kept = os.dup(2)
    except (AttributeError, OSError):  # no standard error to hide
        yield
        return
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        with open(kept, "w", buffering=1, closefd=False) as ours, contextlib.redirect_stderr(ours):
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def start_tensorflow() -> None:
    """Import TensorFlow and look for GPUs, in silence; it is slow, so not before it is needed."""
    with native_logs_hidden():
        import tensorflow as tf

        tf.config.list_physical_devices()
        tf.zeros(())


class Progress:
    """How far something long has come: a bar on a terminal, elsewhere a line now and then.

    While it is entered, lines and warnings go around the bar.

    Args:
        total: how many there are; None if that is not known.
        unit: what is counted, in the plural.
        seconds: without a terminal, the time between two lines.
    """

    def __init__(self, total: int | None, unit: str, *, seconds: float = 30.0):
        from tqdm import tqdm

        self._seconds = seconds
        self._told = time.monotonic()
        # Its own start, as a bar that is off keeps no time.
        self._started = self._told
        self._unit = unit
        self._bar = tqdm(
            total=total, unit=f" {unit}", delay=1, disable=None, leave=False, smoothing=0.1
        )
        self._total = total
        self._done = 0

    def __enter__(self):
        self._showwarning = warnings.showwarning
        warnings.showwarning = lambda message, *_: self.line(
            f"warning: {' '.join(str(message).split())}"
        )
        return self

    def __exit__(self, *_):
        warnings.showwarning = self._showwarning
        self._bar.close()

    def advance(self, done: int, total: int | None = None) -> None:
        """Show that so many are done, of so many."""
        if total is not None and total != self._total:
            self._total = self._bar.total = total
        self._bar.update(done - self._done)
        self._done = done
        now = time.monotonic()
        if self._bar.disable and done != self._total and now - self._told >= self._seconds:
            self._told = now
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
    """Find the line of TensorFlow's message that says what happened, among those that say where."""
    lines = [re.sub(r"{{.*?}} ?", "", line).strip() for line in message.splitlines()]
    told = [line for line in lines if re.match(r"\w+Error: ", line)]
    return (told or [line for line in lines if line] or ["TensorFlow failed"])[0]


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


def main() -> int:
    """Run `colorize-tf VERB ...`, the console command."""
    verbs = "\n".join(f"  {verb:10} {text}" for verb, text in VERBS.items())
    parser = ArgumentParser(
        prog="colorize-tf",
        description="Color for black-and-white landscape photographs.",
        epilog=f"verbs:\n{verbs}\n\nexample:\n  colorize-tf train --dataset landscapes",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=colorize_tf.__version__)
    parser.add_argument("verb", choices=VERBS, metavar="VERB", help="what to do")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="flags of the verb")
    chosen = parser.parse_args()
    return importlib.import_module(f"colorize_tf.{chosen.verb}").main(chosen.arguments)
