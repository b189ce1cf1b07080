"""python -m colorize_tf.export: write a trained generator for servers, phones and browsers."""

from __future__ import annotations

import argparse
import contextlib
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from colorize_tf import cli
from colorize_tf.artifacts.tflite import QUANTIZATIONS
from colorize_tf.options import flag
from colorize_tf.recipes import portable_path

if TYPE_CHECKING:
    from colorize_tf.experiment.export import Export


def _parser() -> argparse.ArgumentParser:
    parser = cli.make_parser(
        "export",
        usage="MODEL --to DIR [flags], or --describe FILE",
        description="Write a trained generator as .keras, SavedModel and TFLite, or describe an "
        "exported file.",
        example="python -m colorize_tf.export runs/first --to saved_models/mine --tflite int8",
    )
    model = parser.add_argument_group("model and folder")
    model.add_argument(
        "model", metavar="MODEL", nargs="?", help="run folder, .keras file, or shipped"
    )
    model.add_argument(
        "--to",
        metavar="DIR",
        help="folder to write to, which also names the files; SavedModel versions count up in it",
    )
    model.add_argument(
        "--describe",
        metavar="FILE",
        help="print the description inside a run, .keras file, SavedModel or .tflite file, and "
        "stop",
    )
    phones = parser.add_argument_group("TFLite")
    phones.add_argument(
        "--tflite",
        metavar="LIST",
        type=_quantizations,
        default="float32",
        help=f"which TFLite files, of {','.join(QUANTIZATIONS)} [float32]",
    )
    phones.add_argument(
        "--image-dtype",
        choices=("float32", "uint8"),
        default="float32",
        help="of the images that TFLite files take and return: 0..1 or 0..255 [float32]",
    )
    phones.add_argument(
        "--size",
        type=int,
        metavar="N",
        help="input size of the network in pixels, in all files [as it was trained]",
    )
    photographs = parser.add_argument_group("photographs")
    photographs.add_argument(
        "--data-dir", metavar="DIR", help="folder to measure on [rendered landscapes]"
    )
    photographs.add_argument(
        "--calibration-dir",
        metavar="DIR",
        help="folder to calibrate int8 with, such as the training set [those of --data-dir]",
    )
    parser.add_argument_group("TensorFlow Serving").add_argument(
        "--warmup",
        action="store_true",
        help="add warm-up requests and configurations for TensorFlow Serving; needs [serving]",
    )
    return parser


def _quantizations(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in QUANTIZATIONS:
            raise argparse.ArgumentTypeError(
                f"expected {', '.join(QUANTIZATIONS)}, separated by commas; got {name!r}"
            )
    return names


@cli.command
def main(arguments: Sequence[str] | None = None) -> int:
    """Export or describe a model as the flags say; return the exit code."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if chosen.describe:
        if chosen.model or chosen.to:
            raise ValueError("--describe FILE stands alone; leave MODEL and --to out")
        return _describe(chosen.describe)
    if not chosen.model or not chosen.to:
        raise ValueError("export needs MODEL and --to DIR, or --describe FILE")
    cli.start_tensorflow()
    from colorize_tf.experiment.export import export_colorizer

    with cli.native_logs_hidden(), _Steps() as progress:
        export = export_colorizer(
            chosen.model,
            chosen.to,
            size=chosen.size,
            tflite=chosen.tflite,
            image_dtype=chosen.image_dtype,
            warmup=chosen.warmup,
            data_dir=chosen.data_dir,
            calibration_dir=chosen.calibration_dir,
            command=_command(parser, chosen),
            progress=progress,
        )
    _print(export, Path(chosen.to))
    return 0


class _Steps:
    """Shows the progress of each step."""

    def __enter__(self) -> _Steps:
        self._step = ""
        self._stack = contextlib.ExitStack()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __call__(self, step: str, done: int, total: int) -> None:
        if step != self._step:
            self._stack.close()
            self._step = step
            self._progress = self._stack.enter_context(cli.Progress(total, step))
        self._progress.advance(done)


def _print(export: Export, folder: Path) -> None:
    from colorize_tf.artifacts.tflite.report import report_table
    from colorize_tf.evaluation.tables import table

    for path, difference in export.differences.items():
        print(f"wrote {folder / path.relative_to(export.folder)}, {difference}")
    if export.reports:
        print(f"\n{report_table(export.reports)}")
    print(f"\n{export.photographs}, at {export.size} px:\n{table(export.scores)}")


def _describe(path: str) -> int:
    from colorize_tf.artifacts.card import describe, lines

    for line in lines(describe(path)):
        print(line)
    return 0


def _command(parser: argparse.ArgumentParser, chosen: argparse.Namespace) -> str:
    """Return the command line of this export, with paths that are valid on other machines."""
    words = ["python", "-m", "colorize_tf.export", portable_path(chosen.model)]
    for name, value in vars(chosen).items():
        if name == "tflite":
            value = ",".join(value)
        if name != "model" and value != parser.get_default(name):
            words += [flag(name)] if value is True else [flag(name), portable_path(str(value))]
    return shlex.join(words)


if __name__ == "__main__":
    sys.exit(main())
