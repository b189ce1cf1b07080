"""python -m colorize_tf.evaluate: how good colorizers are, beside the answers that cost nothing."""

import contextlib
import csv
import hashlib
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from colorize_tf import cli
from colorize_tf.artifacts.run_folder import RunFolder, read_json, write_json

GRAY = "gray (ab = 0)"


def _parser():
    parser = cli.make_parser(
        "evaluate",
        usage="[MODEL...] --data-dir DIR [flags]",
        description="Measure colorizers on photographs, beside the gray answer (ab = 0) and, where "
        "a run tells it, the mean color of what it was trained on.",
        example="python -m colorize_tf.evaluate runs/first --data-dir photos/val",
        details="Means over pictures; the colorfulness ratio is mean predicted over mean true."
        "\nOf a run also its parameters, how many pictures it saw, and how many in a\nsecond, "
        "validation included.",
    )
    compared = parser.add_argument_group("what is compared")
    compared.add_argument(
        "models",
        metavar="MODEL",
        nargs="*",
        help="run folder, .keras, SavedModel folder, .tflite or URL [the one that comes with the "
        "package]",
    )
    compared.add_argument("--data-dir", metavar="DIR", required=True, help="folder of photographs")
    compared.add_argument(
        "--size", type=int, default=256, metavar="N", help="pixels of the squares compared [256]"
    )
    compared.add_argument(
        "--against",
        metavar="MODEL",
        help="subtract this one's figures, as it is and with the paler one's chroma multiplied "
        "until both are equally colorful",
    )
    more = parser.add_argument_group("what else is measured")
    more.add_argument(
        "--features",
        metavar="FILE|NAME",
        help="network for KID and FID: an .h5 file of SqueezeNet 1.1, or a name of "
        "keras.applications such as InceptionV3",
    )
    more.add_argument(
        "--robustness",
        action="store_true",
        help="measure how far the colors move with exposure and with size",
    )
    written = parser.add_argument_group("what is written")
    written.add_argument("--markdown", action="store_true", help="print a Markdown table")
    written.add_argument("--json", metavar="FILE", help="write the scores there as well")
    written.add_argument("--report", metavar="DIR", help="write a page to look at to a new folder")
    return parser


@cli.command
def main(arguments: Sequence[str] | None = None) -> int:
    """Print the scores; return the exit code."""
    chosen = _parser().parse_args(arguments)
    _check(chosen)
    models = _by_name(chosen.models, chosen.against)
    cli.start_tensorflow()
    from colorize_tf.evaluation.color_errors import ColorErrors
    from colorize_tf.evaluation.report import write_report
    from colorize_tf.inference.colorizer import Colorizer

    features = _features(chosen.features)
    with cli.native_logs_hidden():
        colorizers = {name: Colorizer.load(model) for name, model in models.items()}
        facts = {name: _facts(model) for name, model in models.items()}
    paths = _photographs(chosen.data_dir)
    errors = ColorErrors()
    observers = [errors] if chosen.report else []
    survey = _survey(chosen, paths, features, _mean_colors(models), colorizers, observers)
    for name, colorizer in colorizers.items():
        survey.facts[name].update(input_size=colorizer.size, **facts[name])
    protocol = _protocol(chosen, paths, features)
    _print(survey, protocol, markdown=chosen.markdown)
    if chosen.json:
        write_json(chosen.json, {**protocol, **_content(survey)})
    if chosen.report:
        text = ". ".join(_lines(protocol))
        logs = {name: rows for name, model in models.items() if (rows := _log(model))}
        page = write_report(chosen.report, survey, errors, colorizers, protocol=text, logs=logs)
        print(f"report in {page}")
    return 0


def _survey(chosen, paths, features, mean_colors, colorizers, observers):
    """Measure what was chosen; the last colorizer is the one to compare with, if any is."""
    from tqdm import tqdm

    from colorize_tf.evaluation.matching import Thumbnails
    from colorize_tf.evaluation.scores import gray, mean_color
    from colorize_tf.evaluation.survey import Survey

    def progress(some):
        return tqdm(some, desc="Coloring photographs", unit="file", delay=2, disable=None)

    survey = Survey(paths, size=chosen.size, features=features, progress=progress)
    baselines = {GRAY: gray, **{name: mean_color(ab) for name, ab in mean_colors.items()}}
    thumbnails = Thumbnails(colorizers if chosen.against else ())
    survey.measure({**baselines, **colorizers}, thumbnails, *observers)
    if chosen.against:
        survey.set_against(list(colorizers)[-1], colorizers, thumbnails)
    if chosen.robustness:
        survey.measure_shifts(colorizers)
    return survey


def _check(chosen):
    """Find out what cannot work before anything is loaded."""
    from colorize_tf.evaluation.page import check_free

    if chosen.size < 16:
        raise ValueError(f"--size must be at least 16 pixels, got {chosen.size}")
    if chosen.json and not Path(chosen.json).absolute().parent.is_dir():
        raise ValueError(f"no folder {Path(chosen.json).parent} to write {chosen.json} to")
    if chosen.report:
        check_free(chosen.report)


def _by_name(models, against):
    """Name the rows: a run by its folder, the package's own by its file, others by their path."""
    from colorize_tf.inference.colorizer import SHIPPED_MODEL

    named = {}
    for model in (*(models or [SHIPPED_MODEL]), *([against] if against else [])):
        path = Path(model)
        name = path.absolute().name if _is_run(model) or path == SHIPPED_MODEL else model
        if name in named or name == GRAY:
            other = named.get(name, "the gray answer")
            raise ValueError(
                f"{model} and {other} would both be called {name!r} in the table; give each once, "
                "or rename a run's folder"
            )
        named[name] = model
    return named


def _is_run(model):
    return RunFolder(model).config.is_file()


def _features(name):
    if name is None:
        return None
    from colorize_tf.evaluation.features import load_features

    # Keras tells of a download where the table goes.
    with cli.native_logs_hidden(), contextlib.redirect_stdout(sys.stderr):
        return load_features(name)


def _photographs(folder):
    from colorize_tf.data.catalog import list_photographs

    try:
        return list_photographs(folder)
    except ValueError as error:
        if "monochrome" not in str(error):
            raise
        raise ValueError(f"{error}: gray ones have no true color to compare with") from error


def _log(model):
    """Rows of a run's log; none of a model that is no run, or ended before its first epoch did."""
    log = RunFolder(model).metrics
    if not _is_run(model) or not log.is_file():
        return []
    with log.open(newline="") as file:
        return list(csv.DictReader(file))


def _facts(model):
    """Tell what a run cost; its log ends with the steps and seconds of all stages."""
    from colorize_tf.artifacts.keras_file import load_generator

    if not _is_run(model):
        return {}
    run = RunFolder(model)
    facts = {"parameters": load_generator(run.generator).count_params()}
    if log := _log(model):
        facts["pictures"] = int(log[-1]["steps"]) * read_json(run.config)["batch_size"]
        facts["pictures_per_second"] = facts["pictures"] / float(log[-1]["seconds"])
    return facts


def _mean_colors(models):
    """Collect the mean colors of what the runs were trained on, each once."""
    runs = {}
    for name, model in models.items():
        data = RunFolder(model).data
        if _is_run(model) and data.is_file() and "mean_ab" in (content := read_json(data)):
            runs.setdefault(tuple(content["mean_ab"]), name)
    return {
        "mean color" if len(runs) == 1 else f"mean color of {name}": ab for ab, name in runs.items()
    }


def _protocol(chosen, paths, features):
    from colorize_tf.evaluation.intervals import RESAMPLES
    from colorize_tf.evaluation.robustness import DEFINITION

    folder = Path(chosen.data_dir).expanduser()
    names = "\n".join(
        # Photographs out of shards lie elsewhere.
        path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name
        for path in paths
    )
    protocol = {
        "folder": chosen.data_dir,
        "pictures": len(paths),
        "file_list": hashlib.sha256(names.encode()).hexdigest()[:12],
        "size": chosen.size,
        "resize": "area average (cubic where a photograph is smaller)",
        "intervals": f"95 %, percentiles of {RESAMPLES} bootstrap resamples of the photographs",
    }
    if features:
        protocol["features"] = features.source
    if chosen.robustness:
        protocol["robustness"] = DEFINITION
    return protocol


def _lines(protocol):
    """Say how it was measured."""
    yield (
        f"{protocol['pictures']} photographs in {protocol['folder']} (file list "
        f"{protocol['file_list']}), short side to {protocol['size']} px, central square; "
        f"{protocol['resize']}"
    )
    yield f"± is half of an interval: {protocol['intervals']}"
    if "features" in protocol:
        yield f"KID and FID compare only within these features: {protocol['features']}"
    if "robustness" in protocol:
        yield protocol["robustness"]


def _print(survey, protocol, *, markdown):
    from colorize_tf.evaluation.tables import GROUPS, table

    print(*_lines(protocol), sep="\n")
    for rows in (survey.scores(), survey.differences()):
        if markdown:
            tables = [table(rows, markdown=True)]
        else:
            tables = [table(rows, columns=columns) for columns in GROUPS]
        print(*(f"\n{one}" for one in tables if one), sep="\n")
    for pale, vivid in survey.unmatched:
        print(f"{pale} cannot be made as colorful as {vivid} by multiplying its chroma")


def _content(survey):
    """Everything as plain numbers; what is infinite, as the PSNR of a perfect answer, is null."""
    from colorize_tf.evaluation.intervals import Interval

    def plain(figure):
        return figure if math.isfinite(figure) else None

    def of_kind(rows, make):
        return {
            name: {key: make(figure) for key, figure in figures.items()}
            for name, figures in rows.items()
        }

    scores, differences = survey.scores(), survey.differences()
    intervals = {
        name: {key: one[1:] for key, one in figures.items() if isinstance(one, Interval)}
        for name, figures in {**scores, **differences}.items()
    }
    return {
        "scores": of_kind(scores, lambda one: plain(one[0] if isinstance(one, Interval) else one)),
        "differences": of_kind(differences, lambda one: plain(one.value)),
        "intervals_95": of_kind(intervals, lambda one: [plain(end) for end in one]),
        "photographs": [path.name for path in survey.paths],
        "per_picture": of_kind(survey.figures, lambda one: [plain(value) for value in one]),
    }


if __name__ == "__main__":
    sys.exit(main())
