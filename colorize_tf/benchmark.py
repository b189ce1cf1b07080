"""python -m colorize_tf.benchmark: measure the speed of each part beside a peer."""

import dataclasses
import importlib
import shutil
import sys
from collections.abc import Iterator, Sequence

from colorize_tf import cli
from colorize_tf.artifacts.run_folder import write_json
from colorize_tf.benchmarks.machine import describe_machine, machine_line
from colorize_tf.benchmarks.measuring import Part, Stopwatch, table

# Description of each part, and the function in `benchmarks` that measures it.
PARTS = {
    "training": ("the adversarial step, beside PyTorch", "training.measure_training"),
    "pipeline": ("JPEG files to batches, beside Pillow", "pipeline.measure_pipeline"),
    "color": ("sRGB to Lab and back, beside scikit-image", "color.measure_color"),
    "generator": ("Keras, SavedModel and LiteRT beside their bound", "generator.measure_generator"),
    "photograph": (
        "a JPEG in color beside copying it, and a folder",
        "photograph.measure_photograph",
    ),
    "archive": ("small JPEG files with and without Ray, by stages", "archive.measure_archive"),
    "records": ("memory and time of large prepared sets", "records.measure_records"),
    "start": ("start of a command, beside Python's own", "processes.measure_start"),
    "memory": ("peaks of training and of coloring", "processes.measure_memory"),
    "formats": ("odd image files: read right, refused, wrong", "formats.measure_formats"),
    "films": ("color of unsteady films, smoothed or not", "films.measure_films"),
    "growth": ("time by size, batch, data set and megapixels", "growth.measure_growth"),
}


def _parser() -> cli.ArgumentParser:
    parser = cli.make_parser(
        "benchmark",
        usage="[PART...] [--json FILE] [--plot FILE]",
        description="Measure the speed of each part on this machine.",
        details="parts:\n" + "\n".join(f"  {name:10} {text}" for name, (text, _) in PARTS.items()),
        example="python -m colorize_tf.benchmark training --json figures.json",
    )
    options = parser.add_argument_group("options")
    options.add_argument("parts", nargs="*", metavar="PART", help="what to measure [everything]")
    options.add_argument(
        "--time-limit",
        type=cli.number(float, 0.01),
        default=10.0,
        metavar="X",
        help="minutes after which a part starts no further work [10]",
    )
    options.add_argument("--json", metavar="FILE", help="also write the figures to this file")
    options.add_argument("--plot", metavar="FILE", help="draw the part growth to this file")
    return parser


@cli.command
def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; print each table when it is done; return the exit code."""
    chosen = _parser().parse_args(arguments)
    names = chosen.parts or list(PARTS)
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        raise ValueError(f"no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    if chosen.plot and "growth" not in names:
        raise ValueError("--plot draws what the part growth measures; name it as well")
    cli.start_tensorflow()
    machine = describe_machine()
    status = _Status()
    figures: dict[str, list[Part]] = {}
    for name in names:
        figures[name] = []
        for part in _measure(name, Stopwatch(limit=60 * chosen.time_limit, report=status.show)):
            figures[name].append(part)
            status.clear()
            print(table(part, machine_line(machine)) + "\n", flush=True)
    if chosen.json:
        parts = {name: list(map(dataclasses.asdict, found)) for name, found in figures.items()}
        write_json(chosen.json, {"machine": machine, "parts": parts})
    if chosen.plot:
        from colorize_tf.benchmarks.growth import draw_growth

        draw_growth(figures["growth"], chosen.plot)
    return 0


def _measure(name: str, watch: Stopwatch) -> Iterator[Part]:
    module, _, function = PARTS[name][1].partition(".")
    return getattr(importlib.import_module(f"colorize_tf.benchmarks.{module}"), function)(watch)


class _Status:
    """The step in progress on standard error: one line that changes, or a line for each table."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._title = ""

    def show(self, title: str, step: str) -> None:
        if self._terminal:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\x1b[K{f'{step}: {title}'[:width]}", end="", file=sys.stderr, flush=True)
        elif title != self._title:
            print(f"measuring {title}", file=sys.stderr, flush=True)
        self._title = title

    def clear(self) -> None:
        if self._terminal:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
