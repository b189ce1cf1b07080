"""python -m colorize_tf.colorize: colorizes photographs and films."""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from colorize_tf import cli
from colorize_tf.inference.options import ColorizeOptions

_DETAILS = """\
OUT is a folder, in which folders keep their structure, or, for one INPUT, a
file whose suffix is the format. Files that exist in a folder are skipped, so
that the same command continues after Ctrl-C. Files in OUT are never inputs.

--engine ray (pip install colorize_tf[batch]) is for archives; all machines of a
cluster need this package, and the folders at the same paths.

exit codes: 0 all done, 1 some failed (each is named, the rest is done), 2 wrong
call or no input, 130 Ctrl-C"""


def _parser() -> argparse.ArgumentParser:
    parser = cli.make_parser(
        "colorize",
        usage="INPUT... -o OUT [flags]",
        description="Colorize photographs and films; their lightness and resolution stay.",
        example="python -m colorize_tf.colorize scans --recursive -o scans-in-color",
        details=_DETAILS,
    )
    where = parser.add_argument_group("files")
    where.add_argument(
        "inputs",
        metavar="INPUT",
        nargs="+",
        help="photographs, films (.mp4 .mov .avi .mkv .webm), folders, patterns such as "
        "'scans/**/*.tif', or - for standard input",
    )
    where.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="file or folder to write; - is standard output, the default for INPUT -",
    )
    cli.add_config_flags(parser, ColorizeOptions)
    return parser


@cli.command
def main(arguments: Sequence[str] | None = None) -> int:
    """Colorize the inputs; return the exit code."""
    chosen = _parser().parse_args(arguments)
    options = cli.config_from_flags(ColorizeOptions, chosen)
    _handle_termination()
    try:
        if "-" in (*chosen.inputs, chosen.output):
            return _colorize_stream(chosen.inputs, chosen.output or "-", options)
        if chosen.output is None:
            raise ValueError("no -o OUT; name the file or the folder to write")
        return _colorize_files(chosen.inputs, chosen.output, options)
    except KeyboardInterrupt:
        print("interrupted; the same command continues", file=sys.stderr)
        return 130


def _handle_termination() -> None:
    """End on SIGTERM and SIGHUP as on Ctrl-C, so that temporary files are removed."""
    if threading.current_thread() is not threading.main_thread():
        return
    numbers = [getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP")]
    for number in numbers:  # Windows has no SIGHUP, and nohup ignores it.
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


def _colorize_files(inputs: Sequence[str], output: str, options: ColorizeOptions) -> int:
    from colorize_tf.inference.batch.files import plan_files, run_plan
    from colorize_tf.inference.errors import ModelUnavailableError

    plan = plan_files(inputs, output, options)
    summary = plan.summary
    print(*summary.messages, sep="\n", end="\n" * bool(summary.messages), file=sys.stderr)
    if plan.notes:
        print(f"left out: {'; '.join(plan.notes)}", file=sys.stderr)
    try:
        run_plan(plan, options, progress=cli.Progress, startup=cli.native_logs_hidden)
    except ModelUnavailableError as error:
        print(f"error: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        if not plan.is_single:
            print(f"{output}: {summary}")
        raise
    if not plan.is_single:
        print(f"{output}: {summary}")
    elif not plan.tasks:
        print(f"skipped {output}, which exists")
    elif summary.done:
        print(*(f"wrote {target}" for target in plan.tasks[0].targets), sep="\n")
    return 1 if summary.failed.total() else 0


def _colorize_stream(inputs: Sequence[str], output: str, options: ColorizeOptions) -> int:
    """Colorize one photograph from standard input, or to standard output."""
    from colorize_tf import imagefiles
    from colorize_tf.inference.batch.files import is_done
    from colorize_tf.inference.batch.processor import load_processor
    from colorize_tf.inference.batch.stream import check_standard_output, convert_stream
    from colorize_tf.inference.batch.summary import describe_error

    if len(inputs) > 1 or options.engine != "local":
        raise ValueError("- is one photograph; name no other INPUT, and no --engine")
    if options.samples is not None:
        raise ValueError("--samples writes several files; name INPUT and OUT instead of -")
    target = None if output == "-" else Path(output)
    if target is not None:
        imagefiles.check_writable_path(target)
        if is_done([target], options):
            print(f"skipped {target}, which exists")
            return 0
    else:
        check_standard_output()
    with cli.native_logs_hidden():
        processor = load_processor(**options.processor_options())
    try:
        convert_stream(processor, inputs[0], target, suffix=options.suffix)
    except BrokenPipeError:  # The reader has closed the pipe.
        return 1
    except Exception as error:
        if os.environ.get("COLORIZE_TF_TRACEBACK"):
            raise
        name = "standard input" if inputs[0] == "-" else inputs[0]
        print(describe_error(error, name), file=sys.stderr)
        return 1
    if target is not None:
        print(f"wrote {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
