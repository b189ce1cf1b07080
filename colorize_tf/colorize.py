"""python -m colorize_tf.colorize: a photograph in, the same photograph in colour out."""

import sys
from collections.abc import Sequence
from pathlib import Path

from colorize_tf import cli


def _parser():
    parser = cli.make_parser(
        "colorize",
        usage="INPUT -o OUT --model MODEL",
        description="Colour a photograph; its lightness and its resolution stay.",
        example="python -m colorize_tf.colorize old.jpg -o new.png --model runs/first",
    )
    parser.add_argument("input", metavar="INPUT", help="photograph to colour")
    parser.add_argument("-o", "--output", metavar="OUT", required=True, help="file to write")
    parser.add_argument(
        "--model",
        required=True,
        help="run folder, .keras file, SavedModel folder, .tflite file (the fastest to start), or "
        "URL of a model that TensorFlow Serving serves",
    )
    parser.add_argument("--force", action="store_true", help="replace OUT if it exists")
    return parser


@cli.command
def main(arguments: Sequence[str] | None = None) -> int:
    """Colour one photograph; return the exit code."""
    chosen = _parser().parse_args(arguments)
    output = Path(chosen.output)
    if output.exists() and not chosen.force:
        raise ValueError(f"{output} exists already; choose another -o, or replace it with --force")
    from colorize_tf import media
    from colorize_tf.inference.colorizer import Colorizer

    media.check_writable_path(output)
    images = media.read_image(chosen.input)
    with cli.native_chatter_hidden():
        colorizer = Colorizer.load(chosen.model)
    media.write_image(output, colorizer(images))
    print(f"wrote {output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
