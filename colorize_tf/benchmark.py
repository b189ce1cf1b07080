"""python -m colorize_tf.benchmark: how fast each part is, beside what it has to keep up with."""

import dataclasses
import importlib
import sys
from collections.abc import Sequence

from colorize_tf import cli
from colorize_tf.artifacts.run_folder import write_json
from colorize_tf.benchmarks.machine import describe_machine
from colorize_tf.benchmarks.measuring import Part, table

# What it is, and the function in `benchmarks` that measures it.
PARTS = {
    "training": ("the adversarial step, beside PyTorch", "training.measure_training"),
    "pipeline": ("JPEG files to batches, beside Pillow", "pipeline.measure_pipeline"),
    "color": ("sRGB to Lab and back, beside scikit-image", "color.measure_color"),
    "generator": ("Keras, SavedModel and LiteRT beside the bound", "generator.measure_generator"),
    "photograph": ("a JPEG beside copying it, and a folder", "photograph.measure_photograph"),
    "archive": ("small JPEG files by Ray, beside the same without it", "archive.measure_archive"),
    "records": ("memory and time of large sets as records", "records.measure_records"),
    "start": ("start of a command, beside Python's own", "processes.measure_start"),
    "memory": ("peaks of training and of coloring", "processes.measure_memory"),
    "growth": ("time by size, batch, data set and megapixels", "growth.measure_growth"),
}


def _parser():
    parser = cli.make_parser(
        "benchmark",
        usage="[PART...] [--json FILE] [--plot FILE]",
        description="Measure the speed of each part on this machine.",
        details="parts:\n" + "\n".join(f"  {name:10} {text}" for name, (text, _) in PARTS.items()),
        example="python -m colorize_tf.benchmark training --json figures.json",
    )
    what = parser.add_argument_group("what and where")
    what.add_argument("parts", nargs="*", metavar="PART", help="what to measure [everything]")
    what.add_argument("--json", metavar="FILE", help="write the figures there as well")
    what.add_argument("--plot", metavar="FILE", help="draw there what growth has measured")
    return parser


@cli.command
def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; return the exit code."""
    chosen = _parser().parse_args(arguments)
    names = chosen.parts or list(PARTS)
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        raise ValueError(f"no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    if chosen.plot and "growth" not in names:
        raise ValueError("--plot draws what the part growth measures; name it as well")
    cli.start_tensorflow()
    machine = describe_machine()
    print(f"{machine['processor']}, {machine['cores']} cores, {machine['date']}")
    figures = {}
    for name in names:
        figures[name] = _measure(name)
        print("\n" + "\n\n".join(table(part) for part in figures[name]), flush=True)
    if chosen.json:
        parts = {name: list(map(dataclasses.asdict, found)) for name, found in figures.items()}
        write_json(chosen.json, {"machine": machine, "parts": parts})
    if chosen.plot:
        from colorize_tf.benchmarks.growth import draw_growth

        draw_growth(figures["growth"], chosen.plot)
    return 0


def _measure(name: str) -> list[Part]:
    module, _, function = PARTS[name][1].partition(".")
    return getattr(importlib.import_module(f"colorize_tf.benchmarks.{module}"), function)()


if __name__ == "__main__":
    sys.exit(main())
