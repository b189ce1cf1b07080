"""python -m colorize_tf.export: a trained generator as everything that serving and phones need."""

import sys
from collections.abc import Sequence
from pathlib import Path

from colorize_tf import cli
from colorize_tf.runs import write_json

_QUANTIZATIONS = ("float32", "float16", "dynamic", "int8")
# int8 is calibrated on as many; the first few are what artifacts are compared on.
_PICTURES = 100


def _parser():
    parser = cli.make_parser(
        "export",
        usage="MODEL --to DIR [--tflite LIST] [--size N] [--data-dir DIR] [--warmup]",
        description="Write a trained generator as .keras, SavedModel and TFLite.",
        example="python -m colorize_tf.export runs/first --to saved_models/landscapes "
        "--tflite float32,int8",
    )
    parser.add_argument("model", metavar="MODEL", help="run folder or .keras file")
    parser.add_argument(
        "--to",
        metavar="DIR",
        required=True,
        help="folder to write to, whose name the files take; SavedModel versions count up in it",
    )
    parser.add_argument(
        "--tflite",
        metavar="LIST",
        default="float32",
        help=f"which TFLite files, of {','.join(_QUANTIZATIONS)} [float32]",
    )
    parser.add_argument(
        "--size", type=int, metavar="N", help="pixels the network sees [as it was trained]"
    )
    parser.add_argument(
        "--data-dir",
        metavar="DIR",
        help="photographs to compare on and to calibrate int8 with [rendered landscapes]",
    )
    parser.add_argument(
        "--warmup",
        action="store_true",
        help="add warm-up requests and configurations for TensorFlow Serving; needs [serving]",
    )
    return parser


@cli.command
def main(arguments: Sequence[str] | None = None) -> int:
    """Export as the flags say; return the exit code."""
    chosen = _parser().parse_args(arguments)
    quantizations = [name.strip() for name in chosen.tflite.split(",")]
    unknown = [name for name in quantizations if name not in _QUANTIZATIONS]
    if unknown:
        raise ValueError(
            f"--tflite takes {', '.join(_QUANTIZATIONS)}, separated by commas; got {unknown[0]!r}"
        )
    folder = Path(chosen.to).resolve()
    cli.start_tensorflow()
    from colorize_tf.artifacts.export import export_artifacts
    from colorize_tf.artifacts.keras_file import load_generator
    from colorize_tf.artifacts.tflite import resize_generator
    from colorize_tf.artifacts.tflite_report import report_tflite

    generator = load_generator(chosen.model)
    if chosen.size is not None:
        generator = resize_generator(generator, chosen.size)
    pictures = _pictures(chosen.data_dir, generator.output_shape[1])
    with cli.native_chatter_hidden():
        written = export_artifacts(
            generator,
            folder,
            name=folder.name,
            pictures=pictures,
            quantizations=quantizations,
            warmup=chosen.warmup,
        )
        reports = {
            path.name: {**difference._asdict(), **report_tflite(path.read_bytes())}
            for path, difference in written.items()
            if path.suffix == ".tflite"
        }
    write_json(folder / "report.json", reports)
    for path, difference in written.items():
        print(f"wrote {path}, {difference}")
    for name, report in reports.items():
        latency = report["latency_ms"]["serving_default"]
        print(f"{name}: {report['size_bytes'] / 1e6:.1f} MB, ms by threads {latency}")
    return 0


def _pictures(data_dir, size):
    import numpy as np

    from colorize_tf.data.catalog import list_photographs
    from colorize_tf.data.synthetic import render_landscape
    from colorize_tf.evaluation.scores import evaluation_image

    if data_dir is None:
        return np.stack([render_landscape(seed, size, size) for seed in range(_PICTURES)])
    paths = list_photographs(data_dir)[:_PICTURES]
    return np.stack([evaluation_image(path, size) for path in paths])


if __name__ == "__main__":
    sys.exit(main())
