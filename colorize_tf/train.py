"""python -m colorize_tf.train: photographs in, a trained and exported colorizer out."""

import contextlib
import dataclasses
import functools
import os
import signal
import sys
import tempfile
import textwrap
from collections.abc import Sequence
from pathlib import Path

from colorize_tf import cli, experiment
from colorize_tf.artifacts.run_folder import RunFolder, read_json
from colorize_tf.config import TrainConfig
from colorize_tf.data import locks
from colorize_tf.experiment import prolonged_config, resume_config
from colorize_tf.files import check_writable_folder
from colorize_tf.options import flag
from colorize_tf.recipes import RECIPE_RESULTS, RECIPES, make_config
from colorize_tf.training.runtime_options import RuntimeOptions

# 128 + SIGTERM: what Kubeflow's TFJob with restartPolicy ExitCode starts again.
_TO_BE_RESTARTED = 143


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
    cli.add_config_flags(parser, RuntimeOptions)
    return parser


def _describe(name, recipe):
    """One recipe for the help: what it is, and the flags that it stands for."""
    flags = " ".join(f"{flag(field)} {value}" for field, value in recipe.defaults.items())
    text = f"{recipe.summary}; {recipe.parameters} M parameters; {recipe.source}."
    if name in RECIPE_RESULTS:
        ciede2000, colorfulness = RECIPE_RESULTS[name]
        text += f" In ten minutes CIEDE2000 {ciede2000:.2f}, colorfulness {colorfulness:.2f}."
    lines = [*textwrap.wrap(text, 62), *textwrap.wrap(flags, 62, break_on_hyphens=False)]
    return f"  {name:14} " + ("\n" + 17 * " ").join(lines)


@cli.command
def main(arguments: Sequence[str] | None = None) -> int:
    """Train as the flags say; return the exit code."""
    chosen = vars(_parser().parse_args(arguments))
    names = {field.name for field in dataclasses.fields(RuntimeOptions)} & chosen.keys()
    runtime_options = RuntimeOptions(**{name: chosen.pop(name) for name in names})
    begin = functools.partial(_begin, chosen, runtime_options.restartable)
    workers, begun = experiment.gather(runtime_options, chosen, begin)
    config = TrainConfig(**begun["config"])
    distribution = experiment.start(runtime_options, workers)
    take_part = _lead if distribution.is_chief else _follow
    if workers is None:
        return take_part(config, distribution, runtime_options.jit, begun["is_new"])
    from colorize_tf.training.distribution import LOST_WORKER

    try:
        return take_part(config, distribution, runtime_options.jit, begun["is_new"])
    except LOST_WORKER as error:
        reason = cli.cause(error.message)[:200]
        print(
            f"\n{workers.named_in(error.message)} is gone; {experiment.RESTART} ({reason})",
            file=sys.stderr,
        )
        return _TO_BE_RESTARTED


def _begin(chosen, restartable):
    """Settle what to do: what cannot work is found out before anything is downloaded."""
    run = None
    if (restartable or chosen.get("resume")) and "run_dir" not in chosen:
        name = "--restartable" if restartable else "--resume"
        raise ValueError(f"{name} needs --run-dir, the folder of the run to go on with")
    if restartable or chosen.get("resume"):
        # Told to all workers where it is in use; what a killed run left of its lock goes away.
        with contextlib.suppress(OSError), locks.held(chosen["run_dir"]):
            pass
    if restartable:
        with contextlib.suppress(OSError):
            os.rmdir(chosen["run_dir"])  # of a run that was killed before it wrote anything
    if restartable and RunFolder(chosen["run_dir"]).config.is_file():
        stored = read_json(RunFolder(chosen["run_dir"]).config)
        # As many epochs as before are no more of them.
        new = {name: value for name, value in chosen.items() if stored.get(name) != value}
        chosen = {**new, "resume": True, "run_dir": chosen["run_dir"]}
    if chosen.get("resume"):
        run = RunFolder.open(chosen["run_dir"])
        config = resume_config(read_json(run.config), chosen)
        if run.state.is_file():
            config = prolonged_config(config, run, chosen)
    else:
        config = make_config(chosen)
        if config.run_dir is not None:
            RunFolder.check_free(config.run_dir)
    if config.export_to:
        check_writable_folder(config.export_to)
    is_new = run is None or not run.state.is_file()
    return {"config": dataclasses.asdict(config), "is_new": is_new}


def _lead(config, distribution, jit, is_new):
    """Train and write down what comes of it, while no other command does so in that folder."""
    with contextlib.ExitStack() as ending:
        run = RunFolder.open(config.run_dir) if config.resume else None
        if run is not None:
            ending.enter_context(locks.held(run.path))
        gan, precision = experiment.build_gan(config, distribution, initialize=is_new)
        config = dataclasses.replace(config, precision=precision)
        distance = experiment.color_distance(config)
        photographs = _find_photographs(config, run)
        print(f"{photographs.origin}: {photographs.audit.summary()}")
        experiment.check(config, photographs, distribution, jit)
        if run is None:
            run = RunFolder.create(config.run_dir, stem=f"{config.recipe}-{config.dataset}")
            ending.enter_context(locks.held(run.path))
        return _train(gan, config, run, photographs, distribution, distance, jit, is_new)


def _train(gan, config, run, photographs, distribution, distance, jit, is_new):
    from colorize_tf.training.checkpoint import load_state
    from colorize_tf.training.termination import Terminated

    if not is_new:
        load_state(gan, run.state)
    experiment.write_down(run, config, photographs)
    distribution.from_chief(_short_hash(photographs))
    try:
        experiment.train(gan, config, run, photographs, distribution, distance=distance, jit=jit)
        _finish(config, run, photographs)
    except KeyboardInterrupt:
        return _interrupted(gan, config, run)
    except Terminated:
        return _terminated(run)
    return 0


def _follow(config, distribution, jit, is_new):
    """Train beside the chief; nothing is kept."""
    from colorize_tf.training.termination import Terminated

    gan, precision = experiment.build_gan(config, distribution, initialize=is_new)
    config = dataclasses.replace(config, precision=precision)
    # After the chief, which may have put them where this process looks.
    expected = distribution.from_chief(0.0)
    photographs = _find_photographs(config, None)
    if _short_hash(photographs) != expected:
        raise ValueError(
            f"the photographs here ({len(photographs.train)} to train on, "
            f"{len(photographs.validation)} to validate on, {photographs.folder}) are not those of "
            "the chief; give all workers the same"
        )
    with tempfile.TemporaryDirectory() as folder:
        run = RunFolder(folder)
        try:
            experiment.train(gan, config, run, photographs, distribution, distance=None, jit=jit)
        except Terminated:
            return _TO_BE_RESTARTED
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
    )
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


def _short_hash(photographs):
    """As many bits of the fingerprint as a float64 holds, which is what workers exchange."""
    return float(int(photographs.fingerprint()[:12], 16))


def _interrupted(gan, config, run):
    """Leave a usable generator behind, the best so far or, before any, the present one."""
    from colorize_tf.artifacts.keras_file import save_generator

    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C would cut this short
    if not run.generator.is_file():
        save_generator(gan.ema_generator, run.generator, experiment.describe_run(config, run))
    signal.signal(signal.SIGINT, handler)
    print(
        f"\ninterrupted; the best generator so far is {run.generator}; go on with "
        f"python -m colorize_tf.train --resume --run-dir {run.path}",
        file=sys.stderr,
    )
    return 1


def _terminated(run):
    print(
        f"\nended by SIGTERM, and saved; go on with python -m colorize_tf.train --resume --run-dir "
        f"{run.path}",
        file=sys.stderr,
    )
    return _TO_BE_RESTARTED


def _finish(config, run, photographs):
    """Export the best generator and print what it reaches."""
    import numpy as np

    from colorize_tf.artifacts.export import export_artifacts
    from colorize_tf.artifacts.keras_file import load_generator
    from colorize_tf.evaluation.scores import evaluation_image, gray, score
    from colorize_tf.evaluation.tables import table
    from colorize_tf.inference.colorizer import Colorizer

    run.drop_cache()
    colorize = Colorizer.load(run.path)
    options = {"paths": photographs.validation, "size": config.image_size}
    scores = {"gray (ab = 0)": score(gray, **options), "this run": score(colorize, **options)}
    description = experiment.describe_run(config, run)
    description["figures"] = {
        "pictures": f"{len(photographs.validation)} validation pictures of: "
        + description["data"]["origin"],
        "size": config.image_size,
        "command": description["training_command"],
        "scores": scores,
    }
    folder = Path(config.export_to).resolve() if config.export_to else run.export
    with cli.native_logs_hidden():
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
