"""python -m colorize_tf.train: photographs in, a trained and exported colorizer out."""

import dataclasses
import hashlib
import os
import signal
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

from colorize_tf import assembly, cli
from colorize_tf.config import STAGES, TrainConfig, flag
from colorize_tf.files import check_writable_folder
from colorize_tf.recipes import REACHED, RECIPES, make_config, resume_config
from colorize_tf.runs import RunFolder, read_json, write_json


def _parser():
    parser = cli.make_parser(
        "train",
        usage="[--dataset NAME] [--recipe NAME] [flags]",
        description="Train a colorizer and export it as .keras, SavedModel and TFLite.",
        details="The defaults in brackets hold where a recipe has none of its own.\n\nrecipes:\n"
        + "\n".join(_describe(name, recipe) for name, recipe in RECIPES.items()),
        example="python -m colorize_tf.train --data-dir photos --run-dir runs/first",
    )
    cli.add_config_flags(parser, TrainConfig)
    return parser


def _describe(name, recipe):
    """One recipe for the help: what it is, and the flags that it stands for."""
    flags = " ".join(f"{flag(field)} {value}" for field, value in recipe.defaults.items())
    text = f"{recipe.summary}; {recipe.parameters} M parameters; {recipe.source}."
    if name in REACHED:
        ciede2000, colorfulness = REACHED[name]
        text += f" In ten minutes CIEDE2000 {ciede2000:.2f}, colourfulness {colorfulness:.2f}."
    lines = [*textwrap.wrap(text, 62), *textwrap.wrap(flags, 62, break_on_hyphens=False)]
    return f"  {name:14} " + ("\n" + 17 * " ").join(lines)


@cli.command
def main(arguments: Sequence[str] | None = None) -> int:
    """Train as the flags say; return the exit code."""
    chosen = vars(_parser().parse_args(arguments))
    if chosen.get("resume"):
        if "run_dir" not in chosen:
            raise ValueError("--resume needs --run-dir, the folder of the run to go on with")
        run = RunFolder.open(chosen["run_dir"])
        config = resume_config(read_json(run.config), chosen)
    else:
        run = None
        config = make_config(chosen)
        if config.run_dir is not None:
            RunFolder.check_free(config.run_dir)
    # What cannot work is found out before anything is downloaded or trained.
    if config.export_to:
        check_writable_folder(config.export_to)
    is_new = run is None or not run.state.is_file()
    gan, precision = assembly.build_gan(config, initialize=is_new)
    config = dataclasses.replace(config, precision=precision)
    distance = assembly.color_distance(config)
    photographs = _find_photographs(config, run)
    if run is None:
        run = RunFolder.create(config.run_dir, stem=f"{config.recipe}-{config.dataset}")
    if config.resume and run.state.is_file():
        config = _restore(gan, config, run, chosen)
    _write_down(run, config, photographs)
    try:
        assembly.train(gan, config, run, photographs, distance)
        _finish(config, run, photographs)
    except KeyboardInterrupt:
        return _interrupted(gan, config, run)
    return 0


def _find_photographs(config, run):
    """Find the photographs, those of a resumed run where it left them, and limit validation."""
    from colorize_tf.data.audit import MINIMUM_SIDE
    from colorize_tf.data.catalog import find_photographs
    from colorize_tf.data.pipeline import load_size

    stored = {} if run is None else read_json(run.data)
    data_dir = config.data_dir
    if config.dataset != "synthetic" and os.path.isdir(stored.get("folder", "")):
        data_dir = stored["folder"]
    photographs = find_photographs(
        config.dataset,
        data_dir=data_dir,
        validation_fraction=config.validation_fraction,
        seed=config.seed,
        synthetic_train=config.synthetic_count,
        synthetic_validation=max(1, round(config.synthetic_count * config.validation_fraction)),
        synthetic_size=max(MINIMUM_SIDE, load_size(config.image_size, config.scale_jitter)),
    )
    photographs = dataclasses.replace(
        photographs,
        validation=photographs.validation[: config.validation_limit],
        origin=stored.get("origin", photographs.origin),
    )
    print(f"{photographs.origin}: {photographs.audit.summary()}")
    if len(photographs.train) < config.batch_size and not config.steps_per_epoch:
        raise ValueError(
            f"a batch of {config.batch_size} needs more photographs to train on than the "
            f"{len(photographs.train)} there are; use a smaller --batch-size or set "
            "--steps-per-epoch"
        )
    if config.feature_weights and len(photographs.validation) < 2:
        raise ValueError(
            "--feature-weights compares sets of photographs: it needs at least 2 to validate on, "
            f"got {len(photographs.validation)}"
        )
    return photographs


def _restore(gan, config, run, chosen):
    """Put the GAN where the run stopped; return the config, its last stage as long as asked for."""
    from colorize_tf.training.state import load_state

    load_state(gan, run.state)
    done, seconds = (int(gan.counters[name]) for name in ("epochs_done", "seconds_done"))
    if "epochs" in chosen and not config.minutes and done >= config.epochs:
        raise ValueError(
            f"the run has {done} epochs behind it, got --epochs {config.epochs}; choose more"
        )
    if "minutes" in chosen and seconds >= 60 * config.minutes:
        raise ValueError(
            f"the run has {seconds / 60:.1f} minutes behind it, got --minutes {config.minutes:g}; "
            "choose more"
        )
    if not chosen.keys() & {"epochs", "minutes"}:
        return config
    stages = assembly.plan(config)
    if gan.counters["stages_begun"] < len(stages):
        return config
    if assembly.make_log(config, run).is_exhausted(stages[-1]):
        raise ValueError(
            f"the run ended because its patience of {stages[-1].patience} epochs did; choose a "
            "larger --patience or --adversarial-patience as well"
        )
    return config if config.minutes else _prolonged(config, int(gan.counters["stage_first_epoch"]))


def _prolonged(config, first_epoch):
    """Let the last stage, which began at `first_epoch`, end when all of `--epochs` are done."""
    last = next(stage for stage in reversed(STAGES) if getattr(config, stage))
    frozen = config.frozen_epochs if last == "pretrain_epochs" else 0
    length = config.epochs - first_epoch + frozen
    others = config.epochs - getattr(config, last)
    return dataclasses.replace(config, **{last: length}, epochs=others + length)


def _write_down(run, config, photographs):
    """Store the config and what the run learns from; a resumed run must find the same."""
    from colorize_tf.data.audit import write_report

    content = {
        "train": len(photographs.train),
        "validation": len(photographs.validation),
        "sha256": _fingerprint(photographs),
    }
    if config.resume:
        stored = read_json(run.data)
        if any(stored.get(name) != value for name, value in content.items()):
            raise ValueError(
                f"the photographs changed since the run began: {stored.get('train')} to train on "
                f"and {stored.get('validation')} to validate on were there, now "
                f"{content['train']} and {content['validation']}, or others of that number; bring "
                "them back or start a new run"
            )
    else:
        stored = {}
    mean_ab = stored.get("mean_ab") or assembly.mean_color(photographs.train)
    source = {"origin": photographs.origin, "folder": str(photographs.folder.absolute())}
    write_json(run.data, {**source, **content, "mean_ab": mean_ab})
    write_json(run.config, {**dataclasses.asdict(config), "resume": False})
    write_report(photographs.audit, run.skipped)


def _fingerprint(photographs):
    """Hash the contents of both sides in their order, so that any change is noticed."""
    contents = {photograph.path: photograph.sha256 for photograph in photographs.audit.usable}
    paths = (*photographs.train, *photographs.validation)
    return hashlib.sha256("".join(contents[path] for path in paths).encode()).hexdigest()


def _interrupted(gan, config, run):
    """Leave a usable generator behind, the best so far or, before any, the present one."""
    from colorize_tf.artifacts.keras_file import save_generator

    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C would cut this short
    if not run.generator.is_file():
        save_generator(gan.final_generator, run.generator, assembly.describe_run(config, run))
    signal.signal(signal.SIGINT, handler)
    print(
        f"\ninterrupted; the best generator so far is {run.generator}; go on with "
        f"python -m colorize_tf.train --resume --run-dir {run.path}",
        file=sys.stderr,
    )
    return 1


def _finish(config, run, photographs):
    """Export the best generator and print what it reaches."""
    import numpy as np

    from colorize_tf.artifacts.export import export_artifacts
    from colorize_tf.artifacts.keras_file import load_generator
    from colorize_tf.evaluation.scores import evaluation_image, grey, score
    from colorize_tf.evaluation.tables import table
    from colorize_tf.inference.colorizer import Colorizer

    run.drop_cache()
    colorize = Colorizer.load(run.path)
    options = {"paths": photographs.validation, "size": config.image_size}
    scores = {"grey (ab = 0)": score(grey, **options), "this run": score(colorize, **options)}
    description = assembly.describe_run(config, run)
    description["figures"] = {
        "pictures": f"{len(photographs.validation)} validation pictures of: "
        + description["data"]["origin"],
        "size": config.image_size,
        "command": description["training_command"],
        "scores": scores,
    }
    folder = Path(config.export_to).resolve() if config.export_to else run.export
    with cli.native_chatter_hidden():
        written = export_artifacts(
            load_generator(run.generator),
            folder,
            name=folder.name if config.export_to else description["name"],
            pictures=evaluation_image(photographs.validation[0], config.image_size)[np.newaxis],
            description=description,
        )
    for path, difference in written.items():
        print(f"wrote {path}, {difference}")
    print(f"{len(photographs.validation)} validation photographs at {config.image_size} px:")
    print(table(scores))
    print(f"samples in {run.samples}, curves in {run.curves}")


if __name__ == "__main__":
    sys.exit(main())
