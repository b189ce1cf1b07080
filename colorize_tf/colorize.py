"""python -m colorize_tf.colorize: photographs and films in, the same in color out."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from colorize_tf import cli

_DETAILS = """\
OUT is a folder, in which folders keep their structure, or, for one INPUT, a
file whose suffix is the format. In a folder what is done already is skipped, so
that the same command goes on after Ctrl-C. What is in OUT is never an INPUT.

--engine ray (pip install colorize_tf[batch]) is for archives; all machines of a
cluster need this package, and the folders under the same names.

exit codes: 0 all done, 1 some failed (each is named, the rest is done), 2 wrong
call or nothing to do, 130 Ctrl-C"""


def _parser():
    parser = cli.make_parser(
        "colorize",
        usage="INPUT... -o OUT [flags]",
        description="Color photographs and films; their lightness and resolution stay.",
        example="python -m colorize_tf.colorize shoebox --recursive -o shoebox-in-color",
        details=_DETAILS,
    )
    where = parser.add_argument_group("what and where")
    where.add_argument(
        "inputs",
        metavar="INPUT",
        nargs="+",
        help="photographs, films (.mp4 .mov .avi .mkv .webm), folders, patterns such as "
        "'scans/**/*.tif', or - for standard input",
    )
    where.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="file or folder to write; - is standard output, the default for INPUT -",
    )
    where.add_argument("--recursive", action="store_true", help="look into folders in folders")
    where.add_argument(
        "--limit", type=cli.number(int, 1), metavar="N", help="stop after N results, for a look"
    )
    where.add_argument(
        "--format",
        choices=("jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff"),
        help="of the photographs written [that of each INPUT]",
    )
    share = cli.number(int, 1, 100)
    where.add_argument(
        "--quality", type=share, default=95, metavar="Q", help="of JPEG and WebP, 1 to 100 [95]"
    )
    existing = where.add_mutually_exclusive_group()
    existing.add_argument(
        "--overwrite", action="store_true", help="replace files that exist [skip those in folders]"
    )
    existing.add_argument(
        "--skip-existing",
        action="store_true",
        help="skip them where OUT is a file, too [that is an error]",
    )
    _add_color_flags(parser.add_argument_group("color"))
    _add_work_flags(parser.add_argument_group("long work"))
    return parser


def _add_color_flags(group):
    group.add_argument(
        "--model",
        help="run folder, .keras file, SavedModel folder, .tflite file (the fastest to start), or "
        "URL of a model that TensorFlow Serving serves [the one that comes with the package]",
    )
    group.add_argument(
        "--intensity",
        type=cli.number(float, 0, 2),
        default=1.0,
        metavar="X",
        help="how vivid: 0 is gray, 1 as predicted, at most 2 [1]",
    )
    group.add_argument(
        "--ensemble",
        choices=["flip"],
        help="flip: predict each photograph mirrored as well, and take the mean [off]",
    )
    group.add_argument(
        "--samples",
        type=cli.number(int, 1),
        metavar="N",
        help="write N different colorings, new-1.png to new-N.png for new.png; needs a model that "
        "takes noise (recipe pix2pix-noise)",
    )
    group.add_argument(
        "--seed",
        type=cli.number(int, 0),
        metavar="S",
        help="which colorings; the first of a seed are the same for every N, so that a larger N "
        "adds to what is in a folder, if S is that of before [0]",
    )
    group.add_argument(
        "--side-by-side", action="store_true", help="write gray and color in one picture"
    )
    group.add_argument(
        "--force", action="store_true", help="color what is in color, or damaged, too [report it]"
    )


def _add_work_flags(group):
    count = cli.number(int, 1, 4096)
    group.add_argument(
        "--jobs", type=count, metavar="N", help="photographs at the same time [one per processor]"
    )
    large = {"type": cli.number(float, 0.001), "default": 200.0, "metavar": "X"}
    group.add_argument(
        "--max-megapixels", **large, help="refuse larger photographs before decoding them [200]"
    )
    group.add_argument("--engine", choices=["local", "ray"], help="ray: many processes [local]")
    group.add_argument(
        "--ray-address", metavar="HOST:PORT", help="cluster with the same folders [this machine]"
    )


@cli.command
def main(arguments: Sequence[str] | None = None) -> int:
    """Color what is named; return the exit code."""
    chosen = _parser().parse_args(arguments)
    _check(chosen)
    from colorize_tf.inference.batch.tasks import names_one_file

    try:
        if "-" in (*chosen.inputs, chosen.output):
            return _stream(chosen)
        one = names_one_file(chosen.inputs, chosen.output)
        return _file(chosen) if one else _files(chosen)
    except KeyboardInterrupt:
        print("interrupted; the same command goes on", file=sys.stderr)
        return 130


def _check(chosen):
    """Refuse wrong calls before anything is loaded."""
    chosen.suffix = chosen.format and f".{chosen.format}"
    if chosen.ray_address and chosen.engine != "ray":
        raise ValueError("--ray-address is for --engine ray")
    if chosen.seed is not None and chosen.samples is None:
        raise ValueError("--seed chooses samples; say how many with --samples N")
    if chosen.output is None:
        if "-" not in chosen.inputs:
            raise ValueError("no -o OUT; name the file or the folder to write")
        chosen.output = "-"


def _stream(chosen):
    """Color one photograph that comes from standard input, or goes to standard output."""
    from colorize_tf import imagefiles
    from colorize_tf.inference.batch.stream import convert_stream
    from colorize_tf.inference.batch.summary import in_a_line

    if len(chosen.inputs) > 1 or chosen.engine:
        raise ValueError("- stands for one photograph; name no other INPUT, and no --engine")
    if chosen.samples is not None:
        raise ValueError("--samples writes several files; name INPUT and OUT instead of -")
    target = None if chosen.output == "-" else Path(chosen.output)
    if target is not None:
        imagefiles.check_writable_path(target)
        if _is_done(chosen, [target]):
            return 0
    elif sys.stdout.isatty():
        raise ValueError("standard output is a terminal; send it to a file: > new.jpg")
    processor = _processor(chosen)
    try:
        convert_stream(processor, chosen.inputs[0], target, suffix=chosen.suffix)
    except BrokenPipeError:  # Whoever reads it has had enough.
        return 1
    except Exception as error:
        if os.environ.get("COLORIZE_TF_TRACEBACK"):
            raise
        name = "standard input" if chosen.inputs[0] == "-" else chosen.inputs[0]
        print(in_a_line(error, name), file=sys.stderr)
        return 1
    if target is not None:
        print(f"wrote {target}")
    return 0


def _file(chosen):
    """Color one file into another, or into several samples."""
    from colorize_tf.inference.batch.summary import Tally
    from colorize_tf.inference.batch.tasks import task_of_one

    if chosen.format:
        raise ValueError(f"--format is for folders; the suffix of {chosen.output} says it")
    task = task_of_one(Path(chosen.inputs[0]), Path(chosen.output), chosen.samples)
    if _is_done(chosen, task.targets):
        return 0
    tally = Tally()
    _work(chosen, [task], tally)
    if tally.done:
        print(*(f"wrote {target}" for target in task.targets), sep="\n")
    return 1 if tally.failed else 0


def _files(chosen):
    """Color files, folders and what patterns match into a folder."""
    from colorize_tf.inference.batch.summary import Tally
    from colorize_tf.inference.batch.tasks import list_tasks

    found = list_tasks(
        chosen.inputs,
        Path(chosen.output),
        recursive=chosen.recursive,
        suffix=chosen.suffix,
        samples=chosen.samples,
    )
    _tell_listing(found, chosen.inputs)
    if not found.tasks:
        return 2
    waiting = [task for task in found.tasks if chosen.overwrite or not task.is_done]
    tally = Tally()
    for refusal in found.refused:
        tally.failed[refusal.reason] += refusal.files
    tally.skipped["done before"] += len(found.tasks) - len(waiting)
    whole = len(waiting) + tally.ended()
    try:
        if waiting:
            _work(chosen, waiting, tally)
    except KeyboardInterrupt:
        print(f"{chosen.output}: {tally.summary(left=whole - tally.ended())}")
        raise
    print(f"{chosen.output}: {tally.summary(left=whole - tally.ended())}")
    return 1 if tally.failed.total() else 0


def _tell_listing(found, inputs):
    """Print what is left out, or raise where nothing is found at all."""
    for refusal in found.refused:
        print(f"error: {refusal.text}", file=sys.stderr)
    notes = found.left_out()
    if not found.tasks and not found.refused:
        raise ValueError("; ".join([f"no photographs or films in {', '.join(inputs)}", *notes]))
    if notes:
        print(f"left out: {'; '.join(notes)}", file=sys.stderr)


def _is_done(chosen, targets):
    """Return, and tell, whether the files of one INPUT are to be left as they are.

    Raises:
        ValueError: some exist, and what to do with them was not said.
    """
    existing = [target for target in targets if os.path.lexists(target)]
    if existing and not (chosen.overwrite or chosen.skip_existing):
        raise ValueError(
            f"{existing[0]} exists already; choose another -o, or replace it with --overwrite"
        )
    done = len(existing) == len(targets) and chosen.skip_existing
    if done:
        print(f"skipped {chosen.output}, which exists")
    return done


def _work(chosen, tasks, tally):
    """Load the model and color; count in `tally` what became of the tasks."""
    from colorize_tf.inference.errors import ModelUnavailableError

    options = {"limit": chosen.limit, "progress": cli.Progress}
    try:
        if chosen.engine == "ray":
            from colorize_tf.inference.batch.archive import colorize_archive

            options |= {"jobs": chosen.jobs, "address": chosen.ray_address}
            with cli.native_logs_hidden():  # Ray's, all along
                colorize_archive(tasks, _choices(chosen), tally, **options)
        else:
            from colorize_tf.inference.batch.session import colorize_tasks

            jobs = chosen.jobs or min(16, os.cpu_count() or 1)
            colorize_tasks(tasks, _processor(chosen), tally, jobs=jobs, **options)
    except ModelUnavailableError as error:
        print(f"error: {error}", file=sys.stderr)


def _processor(chosen):
    """Load the model, and put what was chosen beside it."""
    from colorize_tf.inference.batch.processor import load_processor

    with cli.native_logs_hidden():
        return load_processor(**_choices(chosen))


def _choices(chosen):
    names = "model samples intensity ensemble side_by_side quality overwrite force max_megapixels"
    return {name: getattr(chosen, name) for name in names.split()} | {"seed": chosen.seed or 0}


if __name__ == "__main__":
    sys.exit(main())
