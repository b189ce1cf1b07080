"""python -m colorize_tf.train: photographs in, a trained and exported colorizer out."""

import argparse
import os
import sys
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from colorize_tf import cli
from colorize_tf.artifacts.run_folder import RunFolder
from colorize_tf.config import TrainConfig
from colorize_tf.options import flag
from colorize_tf.recipes import RECIPE_RESULTS, RECIPES, Recipe
from colorize_tf.training.errors import LostWorkerError, TerminatedError
from colorize_tf.training.processor import choose_onednn
from colorize_tf.training.runtime_options import RuntimeOptions

if TYPE_CHECKING:
    from colorize_tf.experiment.results import Run

# 128 + SIGTERM: Kubeflow's TFJob with restartPolicy ExitCode restarts such a process.
_RESTART_ME = 143


def _parser() -> argparse.ArgumentParser:
    parser = cli.make_parser(
        "train",
        usage="[--dataset NAME] [--recipe NAME] [flags]",
        description="Train a colorizer and export it as .keras, SavedModel and TFLite.",
        details="Recipes replace the defaults in brackets.\n\nrecipes:\n"
        + "\n".join(_describe(name, recipe) for name, recipe in RECIPES.items()),
        example="python -m colorize_tf.train --data-dir photos --run-dir runs/first",
    )
    cli.add_config_flags(parser, TrainConfig)
    cli.add_config_flags(parser, RuntimeOptions)
    return parser


def _describe(name: str, recipe: Recipe) -> str:
    """Describe one recipe for the help, with the flags that it stands for."""
    flags = " ".join(f"{flag(field)} {value}" for field, value in recipe.defaults.items())
    text = f"{recipe.summary}; {recipe.parameters} M parameters; {recipe.source}."
    if name in RECIPE_RESULTS:
        ciede2000, colorfulness = RECIPE_RESULTS[name]
        text += f" In ten minutes CIEDE2000 {ciede2000:.2f}, colorfulness {colorfulness:.2f}."
    lines = [*textwrap.wrap(text, 62), *textwrap.wrap(flags, 62, break_on_hyphens=False)]
    return f"  {name:14} " + ("\n" + 17 * " ").join(lines)


@cli.command
def main(arguments: Sequence[str] | None = None) -> int:
    """Train as the flags say; return the exit code."""
    chosen = vars(_parser().parse_args(arguments))
    runtime_options = cli.config_from_flags(RuntimeOptions, chosen)
    options = {name: value for name, value in chosen.items() if hasattr(TrainConfig, name)}
    print(choose_onednn(os.environ))
    from colorize_tf.experiment.api import train_colorizer

    try:
        run = train_colorizer(
            options, runtime_options=runtime_options, progress=sys.stderr.isatty()
        )
    except (LostWorkerError, TerminatedError) as error:
        print(f"\n{error}", file=sys.stderr)
        return _RESTART_ME
    if run is not None:
        _report(run)
    return 0


def _report(run: "Run") -> None:
    from colorize_tf.evaluation.tables import table

    for path, difference in run.artifacts.items():
        print(f"wrote {path}, {difference}")
    print(f"{run.pictures} validation photographs at {run.config.image_size} px:")
    print(table(run.scores))
    folder = RunFolder(run.path)
    print(f"samples in {folder.samples}, curves in {folder.curves}")


if __name__ == "__main__":
    sys.exit(main())
