"""python -m colorize_tf.colorize: a photograph in, the same photograph in colour out."""

import sys
from collections.abc import Sequence
from pathlib import Path

from colorize_tf import cli


def _parser():
    parser = cli.make_parser(
        "colorize",
        usage="INPUT -o OUT --model MODEL [--samples N [--seed S]]",
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
    parser.add_argument(
        "--samples",
        type=int,
        metavar="N",
        help="write N different colourings, new-1.png to new-N.png for OUT new.png; needs a model "
        "that takes noise (recipe pix2pix-noise)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        metavar="S",
        help="which colourings: the first ones of a seed are the same for every N [0]",
    )
    parser.add_argument("--force", action="store_true", help="replace OUT if it exists")
    return parser


@cli.command
def main(arguments: Sequence[str] | None = None) -> int:
    """Colour one photograph; return the exit code."""
    chosen = _parser().parse_args(arguments)
    outputs = _outputs(chosen)
    for output in outputs:
        if output.exists() and not chosen.force:
            raise ValueError(
                f"{output} exists already; choose another -o, or replace it with --force"
            )
    from colorize_tf import media
    from colorize_tf.inference.colorizer import Colorizer

    for output in outputs:
        media.check_writable_path(output)
    images = media.read_image(chosen.input)
    with cli.native_chatter_hidden():
        colorizer = Colorizer.load(chosen.model)
    for output, z in zip(outputs, _noise(chosen, colorizer.z_size), strict=True):
        media.write_image(output, colorizer(images, z))
        print(f"wrote {output}")
    return 0


def _outputs(chosen):
    """Return the files to write: one, or one for each sample."""
    output = Path(chosen.output)
    if chosen.samples is None:
        if chosen.seed is not None:
            raise ValueError("--seed chooses samples; say how many with --samples N")
        return [output]
    if chosen.samples < 1:
        raise ValueError(f"--samples must be at least 1, got {chosen.samples}")
    if chosen.seed is not None and chosen.seed < 0:
        raise ValueError(f"--seed must be at least 0, got {chosen.seed}")
    numbers = range(1, chosen.samples + 1)
    return [output.with_name(f"{output.stem}-{number}{output.suffix}") for number in numbers]


def _noise(chosen, z_size):
    """Return a z for each file; None is the model's own."""
    import numpy as np

    if chosen.samples is None:
        return [None]
    if not z_size:
        raise ValueError(
            f"{chosen.model} takes no noise: it has one colouring of a photograph; leave out "
            "--samples, or train with --recipe pix2pix-noise"
        )
    random = np.random.default_rng(chosen.seed or 0)
    # By rows, so that more samples begin with the same ones.
    return random.standard_normal((chosen.samples, z_size), np.float32)


if __name__ == "__main__":
    sys.exit(main())
