"""python -m colorize_tf.evaluate: measure colorizers on photographs, beside references."""

import argparse
import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path

from colorize_tf import cli
from colorize_tf.artifacts.run_folder import write_json


def _parser() -> argparse.ArgumentParser:
    parser = cli.make_parser(
        "evaluate",
        usage="[MODEL...] --data-dir DIR [flags]",
        description="Measure colorizers on photographs, beside gray (ab = 0), the photographs' own "
        "colors and, for a run, the mean color of its training photographs.",
        example="python -m colorize_tf.evaluate runs/first --data-dir photos/val",
        details="Figures are means over pictures; ratios are mean predicted over mean true.\n"
        "For a run the table adds its number of parameters, of pictures seen, and of\n"
        "pictures per second, with validation.",
    )
    models = parser.add_argument_group("models and photographs")
    models.add_argument(
        "models",
        metavar="MODEL",
        nargs="*",
        help="run folder, .keras, SavedModel folder, .tflite or URL [the one that comes with the "
        "package]",
    )
    models.add_argument("--data-dir", metavar="DIR", required=True, help="folder of photographs")
    models.add_argument(
        "--size",
        type=int,
        default=256,
        metavar="N",
        help="height and width of the squares compared, in pixels [256]",
    )
    models.add_argument(
        "--against",
        metavar="MODEL",
        help="subtract this model's figures, as they are and with the chroma of the paler one "
        "multiplied until both are equally colorful",
    )
    figures = parser.add_argument_group("figures")
    figures.add_argument(
        "--features",
        metavar="FILE|NAME",
        help="network for KID and FID: an .h5 file of SqueezeNet 1.1, or a name of "
        "keras.applications such as InceptionV3; models that it trained get neither",
    )
    figures.add_argument(
        "--robustness",
        action="store_true",
        help="measure how far colors move with exposure and with size",
    )
    output = parser.add_argument_group("output")
    output.add_argument("--markdown", action="store_true", help="print a Markdown table")
    output.add_argument("--json", metavar="FILE", help="write all figures to FILE as well")
    output.add_argument("--report", metavar="DIR", help="write an HTML page to a new folder")
    return parser


@cli.command
def main(arguments: Sequence[str] | None = None) -> int:
    """Evaluate models and print their figures; return the exit code."""
    chosen = _parser().parse_args(arguments)
    if chosen.json and not Path(chosen.json).absolute().parent.is_dir():
        raise ValueError(f"no folder {Path(chosen.json).parent} to write {chosen.json} to")
    cli.start_tensorflow()
    from colorize_tf.evaluation.comparison import evaluate_colorizers
    from colorize_tf.evaluation.page import check_free
    from colorize_tf.evaluation.report import write_evaluation_report

    if chosen.report:
        check_free(chosen.report)
    # Keras prints the progress of downloads to standard output, where the table goes.
    with cli.native_logs_hidden(), contextlib.redirect_stdout(sys.stderr):
        evaluation = evaluate_colorizers(
            chosen.models,
            chosen.data_dir,
            size=chosen.size,
            features=chosen.features,
            against=chosen.against,
            robustness=chosen.robustness,
            progress=True,
        )
    print(*evaluation.notes(), sep="\n")
    print(*(f"\n{table}" for table in evaluation.tables(markdown=chosen.markdown)), sep="\n")
    if chosen.json:
        write_json(chosen.json, evaluation.as_json())
    if chosen.report:
        print(f"report in {write_evaluation_report(evaluation, chosen.report)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
