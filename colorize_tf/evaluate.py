"""python -m colorize_tf.evaluate: how good colorizers are, beside the answers that cost nothing."""

import csv
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from colorize_tf import cli
from colorize_tf.runs import RunFolder, read_json, write_json

GREY = "grey (ab = 0)"


def _parser():
    parser = cli.make_parser(
        "evaluate",
        usage="MODEL [MODEL ...] --data-dir DIR [flags]",
        description="Measure colorizers on photographs, beside the grey answer (ab = 0) and, where "
        "a run tells it,\nthe mean colour of what it was trained on.",
        example="python -m colorize_tf.evaluate runs/first runs/second --data-dir photos/val",
        details="Means over pictures; the colourfulness ratio is mean predicted over mean true. Of "
        "a run also its\nparameters, how many pictures it saw, and how many in a second, "
        "validation included.",
    )
    parser.add_argument(
        "models",
        metavar="MODEL",
        nargs="+",
        help="run folder, .keras, SavedModel folder, .tflite or URL",
    )
    parser.add_argument("--data-dir", metavar="DIR", required=True, help="folder of photographs")
    parser.add_argument(
        "--size", type=int, default=256, metavar="N", help="pixels of the squares compared [256]"
    )
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table")
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
    models = _by_name(chosen.models)
    cli.start_tensorflow()
    from tqdm import tqdm

    from colorize_tf.data.catalog import list_photographs
    from colorize_tf.evaluation.scores import compare, grey, mean_color, table
    from colorize_tf.inference.colorizer import Colorizer

    with cli.native_chatter_hidden():
        colorizers = {name: Colorizer.load(model) for name, model in models.items()}
        facts = {name: _facts(model) for name, model in models.items()}
    baselines = {GREY: grey}
    for name, ab in _mean_colors(models).items():
        baselines[name] = mean_color(ab)
    paths = list_photographs(chosen.data_dir)
    progress = tqdm(paths, desc="Colouring photographs", unit="file", delay=2, disable=None)
    scores = compare({**baselines, **colorizers}, progress, size=chosen.size)
    for name, colorizer in colorizers.items():
        scores[name].update(input_size=colorizer.size, **facts[name])
    files = _hash_of_names(paths, chosen.data_dir)
    print(
        f"{len(paths)} photographs in {chosen.data_dir} (file list {files}), short side to "
        f"{chosen.size} px, central square"
    )
    print(table(scores, markdown=chosen.markdown))
    if chosen.json:
        protocol = {"size": chosen.size, "pictures": len(paths), "file_list": files}
        write_json(chosen.json, {**protocol, "scores": scores})
    return 0


def _by_name(models):
    """Name the rows: a run by its folder, anything else by its path."""
    named = {}
    for model in models:
        path = Path(model)
        name = path.absolute().name if _is_run(model) else model
        if name in named or name == GREY:
            other = named.get(name, "the grey answer")
            raise ValueError(
                f"{model} and {other} would both be called {name!r} in the table; give each once, "
                "or rename a run's folder"
            )
        named[name] = model
    return named


def _is_run(model):
    return RunFolder(model).config.is_file()


def _facts(model):
    """Tell what a run cost; its log ends with the steps and seconds of all stages."""
    from colorize_tf.artifacts.keras_file import load_generator

    if not _is_run(model):
        return {}
    run = RunFolder(model)
    facts = {"parameters": load_generator(run.generator).count_params()}
    if run.metrics.is_file():
        with run.metrics.open(newline="") as file:
            *_, last = csv.DictReader(file)
        facts["pictures"] = int(last["steps"]) * read_json(run.config)["batch_size"]
        facts["pictures_per_second"] = facts["pictures"] / float(last["seconds"])
    return facts


def _mean_colors(models):
    """Collect the mean colours of what the runs were trained on, each once."""
    runs = {}
    for name, model in models.items():
        data = RunFolder(model).data
        if _is_run(model) and data.is_file() and "mean_ab" in (content := read_json(data)):
            runs.setdefault(tuple(content["mean_ab"]), name)
    return {
        "mean colour" if len(runs) == 1 else f"mean colour of {name}": ab
        for ab, name in runs.items()
    }


def _hash_of_names(paths, folder):
    names = "\n".join(path.relative_to(Path(folder).expanduser()).as_posix() for path in paths)
    return hashlib.sha256(names.encode()).hexdigest()[:12]


if __name__ == "__main__":
    sys.exit(main())
