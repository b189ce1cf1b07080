"""python -m colorize_tf.evaluate: how good a colorizer is, beside the grey answer."""

import sys
from collections.abc import Sequence
from pathlib import Path

from colorize_tf import cli
from colorize_tf.runs import write_json


def _parser():
    parser = cli.make_parser(
        "evaluate",
        usage="MODEL --data-dir DIR [flags]",
        description="Measure a colorizer on photographs, beside the grey answer (ab = 0).",
        example="python -m colorize_tf.evaluate runs/first --data-dir photos/val",
    )
    parser.add_argument(
        "model", metavar="MODEL", help="run folder, .keras, SavedModel folder or .tflite"
    )
    parser.add_argument("--data-dir", metavar="DIR", required=True, help="folder of photographs")
    parser.add_argument(
        "--size", type=int, default=256, metavar="N", help="pixels of the squares compared [256]"
    )
    parser.add_argument("--json", metavar="FILE", help="write the scores there as well")
    return parser


@cli.command
def main(arguments: Sequence[str] | None = None) -> int:
    """Print the scores; return the exit code."""
    chosen = _parser().parse_args(arguments)
    if chosen.size < 16:
        raise ValueError(f"--size must be at least 16 pixels, got {chosen.size}")
    if chosen.json and not Path(chosen.json).absolute().parent.is_dir():
        raise ValueError(f"no folder {Path(chosen.json).parent} to write {chosen.json} to")
    cli.start_tensorflow()
    from colorize_tf.data.catalog import list_photographs
    from colorize_tf.evaluation.scores import grey, score, table
    from colorize_tf.inference.colorizer import Colorizer

    with cli.native_chatter_hidden():
        colorizer = Colorizer.load(chosen.model)
    paths = list_photographs(chosen.data_dir)
    scores = {
        "grey (ab = 0)": score(grey, paths, size=chosen.size),
        "this model": score(colorizer, paths, size=chosen.size),
    }
    print(
        f"{len(paths)} photographs in {chosen.data_dir}, short side to {chosen.size} px, central "
        f"square; the network sees {colorizer.size} px"
    )
    print(table(scores))
    if chosen.json:
        write_json(chosen.json, {"size": chosen.size, "pictures": len(paths), "scores": scores})
    return 0


if __name__ == "__main__":
    sys.exit(main())
