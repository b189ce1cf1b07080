"""python -m colorize_tf.colorize: photographs and films in, the same in colour out."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from colorize_tf import cli

_FORMATS = ("jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff")
_RANGES = {
    "samples": (1, None),
    "seed": (0, None),
    "intensity": (0, 2),
    "quality": (1, 100),
    "limit": (1, None),
    "jobs": (1, 256),
    "max_megapixels": (0.001, None),
}
_DETAILS = """\
OUT is a folder, in which folders keep their structure, or, for one INPUT, a
file whose suffix is the format. In a folder what is done already is skipped, so
that the same command goes on after Ctrl-C. What is in OUT is never an INPUT.

exit codes: 0 all done, 1 some failed (each is named, the rest is done), 2 wrong
call or nothing to do, 130 Ctrl-C"""


def _parser():
    parser = cli.make_parser(
        "colorize",
        usage="INPUT... -o OUT [flags]",
        description="Colour photographs and films; their lightness and resolution stay.",
        example="python -m colorize_tf.colorize shoebox --recursive -o shoebox-in-colour",
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
    where.add_argument(
        "--recursive", action="store_true", help="look into the folders in folders, too"
    )
    where.add_argument(
        "--limit", type=int, metavar="N", help="stop after N results, for a first look"
    )
    where.add_argument(
        "--format", choices=_FORMATS, help="of the photographs written [that of each INPUT]"
    )
    where.add_argument(
        "--quality", type=int, default=95, metavar="Q", help="of JPEG and WebP, 1 to 100 [95]"
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
    _add_color_flags(parser.add_argument_group("colour"))
    work = parser.add_argument_group("long work")
    work.add_argument(
        "--jobs",
        type=int,
        metavar="N",
        help="photographs read, and written, at the same time [one per processor]",
    )
    work.add_argument(
        "--max-megapixels",
        type=float,
        default=200.0,
        metavar="X",
        help="larger photographs are refused before they are decoded [200]",
    )
    return parser


def _add_color_flags(group):
    group.add_argument(
        "--model",
        help="run folder, .keras file, SavedModel folder, .tflite file (the fastest to start), or "
        "URL of a model that TensorFlow Serving serves [the one that comes with the package]",
    )
    group.add_argument(
        "--intensity",
        type=float,
        default=1.0,
        metavar="X",
        help="how vivid: 0 is grey, 1 as predicted, at most 2 [1]",
    )
    group.add_argument(
        "--ensemble",
        choices=["flip"],
        help="flip: predict each photograph mirrored as well, and take the mean [off]",
    )
    group.add_argument(
        "--samples",
        type=int,
        metavar="N",
        help="write N different colourings, new-1.png to new-N.png for new.png; needs a model that "
        "takes noise (recipe pix2pix-noise)",
    )
    group.add_argument(
        "--seed",
        type=int,
        metavar="S",
        help="which colourings: the first ones of a seed are the same for every N [0]",
    )
    group.add_argument(
        "--side-by-side", action="store_true", help="write grey and colour in one picture"
    )
    group.add_argument(
        "--force", action="store_true", help="colour what is in colour already [report it]"
    )


@cli.command
def main(arguments: Sequence[str] | None = None) -> int:
    """Colour what is named; return the exit code."""
    chosen = _parser().parse_args(arguments)
    _check(chosen)
    from colorize_tf.inference.listing import names_one_file

    try:
        if "-" in (*chosen.inputs, chosen.output):
            return _stream(chosen)
        one = names_one_file(chosen.inputs, chosen.output)
        return _file(chosen) if one else _files(chosen)
    except KeyboardInterrupt:
        print("interrupted; what was written is whole", file=sys.stderr)
        return 130


def _check(chosen):
    """Refuse wrong calls before anything is loaded."""
    for name, (low, high) in _RANGES.items():
        value = getattr(chosen, name)
        flag = f"--{name.replace('_', '-')}"
        if value is not None and not value >= low:
            raise ValueError(f"{flag} must be at least {low}, got {value:g}")
        if value is not None and high is not None and value > high:
            raise ValueError(f"{flag} must be at most {high}, got {value:g}")
    if chosen.seed is not None and chosen.samples is None:
        raise ValueError("--seed chooses samples; say how many with --samples N")
    if chosen.output is None:
        if "-" not in chosen.inputs:
            raise ValueError("no -o OUT; name the file or the folder to write")
        chosen.output = "-"


def _stream(chosen):
    """Colour one photograph that comes from standard input, or goes to standard output."""
    from colorize_tf import media
    from colorize_tf.inference.stream import convert_stream
    from colorize_tf.inference.tally import in_a_line

    if len(chosen.inputs) > 1:
        raise ValueError("- stands for one photograph; name no other INPUT beside it")
    if chosen.samples is not None:
        raise ValueError("--samples writes several files; name INPUT and OUT instead of -")
    target = None if chosen.output == "-" else Path(chosen.output)
    if target is None and sys.stdout.isatty():
        raise ValueError("standard output is a terminal; send it to a file: > new.jpg")
    if target is not None:
        media.check_writable_path(target)
        if _is_done(chosen, [target]):
            print(f"skipped {target}, which exists")
            return 0
    shoebox = _shoebox(chosen)
    try:
        convert_stream(shoebox, chosen.inputs[0], target, suffix=_suffix(chosen))
    except BrokenPipeError:
        # What Python flushes at its end would fail once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ValueError, OSError, MemoryError) as error:
        print(in_a_line(error, chosen.inputs[0]), file=sys.stderr)
        return 1
    if target is not None:
        print(f"wrote {target}")
    return 0


def _file(chosen):
    """Colour one file into another, or into several samples."""
    from colorize_tf.inference.listing import task_of_one
    from colorize_tf.inference.tally import Tally

    if chosen.format:
        raise ValueError(f"--format is for folders; the suffix of {chosen.output} says it")
    task = task_of_one(Path(chosen.inputs[0]), Path(chosen.output), chosen.samples)
    if _is_done(chosen, task.targets):
        print(f"skipped {chosen.output}, which exists")
        return 0
    tally = Tally()
    _work(chosen, [task], tally)
    if tally.done:
        print(*(f"wrote {target}" for target in task.targets), sep="\n")
    return 1 if tally.failed else 0


def _files(chosen):
    """Colour files, folders and what patterns match into a folder."""
    from colorize_tf.inference.listing import list_tasks
    from colorize_tf.inference.tally import Tally

    found = list_tasks(
        chosen.inputs,
        Path(chosen.output),
        recursive=chosen.recursive,
        suffix=_suffix(chosen),
        samples=chosen.samples,
    )
    _tell_listing(found, chosen.inputs)
    if not found.tasks:
        return 2
    waiting = found.tasks
    if not chosen.overwrite:
        waiting = [task for task in waiting if not all(map(os.path.isfile, task.targets))]
    tally = Tally()
    for refusal in found.refused:
        tally.failed[refusal.reason] += refusal.files
    tally.skipped["done before"] += len(found.tasks) - len(waiting)
    before = tally.ended()
    interrupted = False
    try:
        if waiting:
            _work(chosen, waiting, tally)
    except KeyboardInterrupt:
        interrupted = True
    print(f"{chosen.output}: {tally.summary(left=len(waiting) - tally.ended() + before)}")
    if interrupted:
        print("interrupted; the same command goes on", file=sys.stderr)
        return 130
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
    """Return whether the files of one INPUT are to be left as they are.

    Raises:
        ValueError: some exist, and what to do with them was not said.
    """
    existing = [target for target in targets if os.path.lexists(target)]
    if existing and not (chosen.overwrite or chosen.skip_existing):
        raise ValueError(
            f"{existing[0]} exists already; choose another -o, or replace it with --overwrite"
        )
    return len(existing) == len(targets) and chosen.skip_existing


def _work(chosen, tasks, tally):
    """Load the model and colour; count in `tally` what became of the tasks."""
    from colorize_tf.inference.session import colorize_tasks

    shoebox = _shoebox(chosen)
    jobs = chosen.jobs or min(16, os.cpu_count() or 1)
    colorize_tasks(tasks, shoebox, tally, jobs=jobs, limit=chosen.limit, progress=cli.Progress)


def _suffix(chosen):
    """Return the suffix of the format that was chosen, if one was."""
    return f".{chosen.format}" if chosen.format else None


def _shoebox(chosen):
    """Load the model, and put what was chosen beside it."""
    from colorize_tf.inference.colorizer import Colorizer
    from colorize_tf.inference.shoebox import Shoebox

    with cli.native_chatter_hidden():
        colorizer = Colorizer.load(chosen.model)
    return Shoebox(
        colorizer,
        zs=_noise(chosen, colorizer.z_size),
        intensity=chosen.intensity,
        ensemble=chosen.ensemble,
        side_by_side=chosen.side_by_side,
        quality=chosen.quality,
        overwrite=chosen.overwrite,
        force=chosen.force,
        max_megapixels=chosen.max_megapixels,
    )


def _noise(chosen, z_size):
    """Return a z for each sample, or None for the model's own."""
    import numpy as np

    if chosen.samples is None:
        return None
    if not z_size:
        raise ValueError(
            f"{chosen.model or 'the model'} takes no noise: it has one colouring of a photograph; "
            "leave out --samples, or train with --recipe pix2pix-noise"
        )
    random = np.random.default_rng(chosen.seed or 0)
    # By rows, so that more samples begin with the same ones.
    return random.standard_normal((chosen.samples, z_size), np.float32)


if __name__ == "__main__":
    sys.exit(main())
