"""python -m colorize_tf.export: a trained generator as everything that serving and phones need."""

import contextlib
import shlex
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from colorize_tf import cli
from colorize_tf.artifacts.run_folder import write_json
from colorize_tf.options import flag
from colorize_tf.recipes import portable_path

_QUANTIZATIONS = ("float32", "float16", "dynamic", "int8")
# The model is measured on as many, and int8 calibrated with as many.
_PICTURES = 100


def _parser():
    parser = cli.make_parser(
        "export",
        usage="MODEL --to DIR [flags], or --describe FILE",
        description="Write a trained generator as .keras, SavedModel and TFLite, or tell what a "
        "file is.",
        example="python -m colorize_tf.export runs/first --to saved_models/mine --tflite int8",
    )
    what = parser.add_argument_group("what and where")
    what.add_argument("model", metavar="MODEL", nargs="?", help="run folder or .keras file")
    what.add_argument(
        "--to",
        metavar="DIR",
        help="folder to write to, whose name the files take; SavedModel versions count up in it",
    )
    what.add_argument(
        "--describe",
        metavar="FILE",
        help="print what a run, a .keras file, a SavedModel or a .tflite file is, and stop",
    )
    phones = parser.add_argument_group("for phones")
    phones.add_argument(
        "--tflite",
        metavar="LIST",
        default="float32",
        help=f"which TFLite files, of {','.join(_QUANTIZATIONS)} [float32]",
    )
    phones.add_argument(
        "--image-dtype",
        choices=("float32", "uint8"),
        default="float32",
        help="of the photographs that TFLite files take and give: 0..1 or 0..255 [float32]",
    )
    phones.add_argument(
        "--size",
        type=int,
        metavar="N",
        help="pixels the network sees, in all that is written [as it was trained]",
    )
    checks = parser.add_argument_group("photographs")
    checks.add_argument(
        "--data-dir", metavar="DIR", help="to measure on and to compare on [rendered landscapes]"
    )
    checks.add_argument(
        "--calibration-dir",
        metavar="DIR",
        help="to calibrate int8 with, such as those it learned from [those of --data-dir]",
    )
    parser.add_argument_group("for TensorFlow Serving").add_argument(
        "--warmup",
        action="store_true",
        help="add warm-up requests and configurations for TensorFlow Serving; needs [serving]",
    )
    return parser


@cli.command
def main(arguments: Sequence[str] | None = None) -> int:
    """Export, or describe, as the flags say; return the exit code."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if chosen.describe:
        if chosen.model or chosen.to:
            raise ValueError("--describe FILE stands alone; leave MODEL and --to out")
        return _describe(chosen.describe)
    if not chosen.model or not chosen.to:
        raise ValueError("export needs MODEL and --to DIR, or --describe FILE")
    quantizations = [name.strip() for name in chosen.tflite.split(",")]
    if chosen.calibration_dir and "int8" not in quantizations:
        raise ValueError("--calibration-dir is for int8 alone; add --tflite int8, or leave it out")
    unknown = [name for name in quantizations if name not in _QUANTIZATIONS]
    if unknown:
        raise ValueError(
            f"--tflite takes {', '.join(_QUANTIZATIONS)}, separated by commas; got {unknown[0]!r}"
        )
    folder = Path(chosen.to).resolve()
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"--to {chosen.to} is a file; expected a folder to export to")
    cli.start_tensorflow()
    from colorize_tf.artifacts.card import read_provenance
    from colorize_tf.artifacts.export import export_artifacts
    from colorize_tf.artifacts.keras_file import load_generator
    from colorize_tf.artifacts.serving import check_servable
    from colorize_tf.artifacts.tflite import resize_generator
    from colorize_tf.artifacts.tflite_report import report_table, report_tflite
    from colorize_tf.evaluation.tables import table

    if chosen.warmup:
        check_servable(folder.name)
    generator = load_generator(chosen.model)
    if chosen.size is not None:
        generator = resize_generator(generator, chosen.size)
    with _photographs(chosen.data_dir, generator.output_shape[1]) as (paths, origin):
        calibration = None
        if "int8" in quantizations:
            calibration = _calibration_pictures(chosen, paths, generator.output_shape[1])
        pictures, scores = _measure(generator, paths)
    figures = {
        "pictures": origin,
        "size": generator.output_shape[1],
        "command": _command(parser, chosen),
        "scores": scores,
    }
    with cli.native_logs_hidden():
        written = export_artifacts(
            generator,
            folder,
            name=folder.name,
            pictures=pictures,
            calibration=calibration,
            quantizations=quantizations,
            image_dtype=chosen.image_dtype,
            warmup=chosen.warmup,
            description={**read_provenance(chosen.model), "figures": figures},
        )
        reports = {
            path.name: {**difference._asdict(), **report_tflite(path.read_bytes())}
            for path, difference in written.items()
            if path.suffix == ".tflite"
        }
    write_json(folder / "report.json", reports)
    for path, difference in written.items():
        print(f"wrote {Path(chosen.to) / path.relative_to(folder)}, {difference}")
    print(f"\n{report_table(reports)}\n\n{origin}, at {figures['size']} px:\n{table(scores)}")
    return 0


def _describe(path):
    from colorize_tf.artifacts.card import describe, lines

    for line in lines(describe(path)):
        print(line)
    return 0


def _command(parser, chosen):
    """The command line of this export, without where its files are on this machine."""
    words = ["python", "-m", "colorize_tf.export", portable_path(chosen.model)]
    for name, value in vars(chosen).items():
        if name != "model" and value != parser.get_default(name):
            words += [flag(name)] if value is True else [flag(name), portable_path(str(value))]
    return shlex.join(words)


@contextlib.contextmanager
def _photographs(data_dir: str | None, size: int) -> Iterator[tuple[list[Path], str]]:
    """Give at most `_PICTURES` photographs, or as many renderings, and say which they are."""
    from colorize_tf.data.catalog import list_photographs
    from colorize_tf.data.synthetic.landscapes import render_landscape
    from colorize_tf.imagefiles import write_image

    if data_dir is not None:
        paths = list_photographs(data_dir)[:_PICTURES]
        yield paths, f"the first {len(paths)} photographs of {portable_path(data_dir)}"
        return
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, f"{seed}.png") for seed in range(_PICTURES)]
        for seed, path in enumerate(paths):
            write_image(path, render_landscape(seed, size, size))
        yield paths, f"{_PICTURES} landscapes rendered by colorize_tf (seeds from 0)"


def _calibration_pictures(chosen, measured, size):
    """Return what int8 is calibrated with, as the generator sees it."""
    import numpy as np

    from colorize_tf.data.catalog import list_photographs
    from colorize_tf.evaluation.scores import evaluation_image

    folder, paths = chosen.data_dir, measured
    if chosen.calibration_dir is not None:
        folder = chosen.calibration_dir
        every = list_photographs(folder)
        # From all over the folder: what was taken together often lies together.
        paths = every[:: max(1, len(every) // _PICTURES)][:_PICTURES]
    if len(paths) < _PICTURES:
        raise ValueError(
            f"int8 needs at least {_PICTURES} photographs to be calibrated with, got {len(paths)} "
            f"usable ones in {folder}; give more, or name another folder with --calibration-dir"
        )
    return np.stack([evaluation_image(path, size) for path in paths])


def _measure(generator, paths):
    """Return the pictures that the generator sees, and its scores beside the gray answer's."""
    import numpy as np

    from colorize_tf.evaluation.scores import compare, evaluation_image, gray
    from colorize_tf.inference.colorizer import Colorizer
    from colorize_tf.models.generator import generate_ab, z_size_of

    def predict_ab(lightness, z=None):
        return generate_ab(generator, lightness, z).numpy()

    size = generator.output_shape[1]
    colorize = Colorizer(predict_ab, size, z_size_of(generator))
    scores = compare({"gray (ab = 0)": gray, "this model": colorize}, paths, size=size)
    return np.stack([evaluation_image(path, size) for path in paths]), scores


if __name__ == "__main__":
    sys.exit(main())
