"""python -m colorize_tf.train: photographs in, a trained and exported colorizer out."""

import dataclasses
import hashlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from colorize_tf import cli
from colorize_tf.config import RECIPES, TrainConfig, make_config, resume_config
from colorize_tf.files import check_writable_folder
from colorize_tf.runs import RunFolder, read_json, write_json

# Decoded photographs beyond this go to disk, so that a run stays within 4 GiB of memory.
_MEMORY_CACHE_BYTES = 1.5 * 2**30


def _parser():
    recipes = "\n".join(f"  {name:10} {recipe.summary}" for name, recipe in RECIPES.items())
    parser = cli.make_parser(
        "train",
        usage="[--dataset NAME] [--recipe NAME] [flags]",
        description="Train a colorizer and export it as .keras, SavedModel and TFLite.",
        details=f"recipes:\n{recipes}\n\nThe defaults in brackets are those of recipe compact.",
        example="python -m colorize_tf.train --data-dir photos --run-dir runs/first",
    )
    cli.add_config_flags(parser, TrainConfig)
    return parser


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
    gan, precision = _build(config, initialize=run is None or not run.state.is_file())
    config = dataclasses.replace(config, precision=precision)
    photographs = _find_photographs(config, run)
    if run is None:
        run = RunFolder.create(config.run_dir, stem=f"{config.recipe}-{config.dataset}")
    if config.resume and run.state.is_file():
        _restore(gan, config, run, chosen)
    _write_down(run, config, photographs)
    try:
        _train(gan, config, run, photographs)
        _finish(config, run, photographs)
    except KeyboardInterrupt:
        return _interrupted(gan, run)
    return 0


def _build(config, *, initialize):
    """Set the machine up; return the compiled GAN and the precision that was chosen."""
    cli.start_tensorflow()
    import keras
    import tensorflow as tf

    from colorize_tf.artifacts.keras_file import copy_weights, load_generator
    from colorize_tf.models import GENERATORS
    from colorize_tf.models.patchgan import patchgan
    from colorize_tf.training.gan import ColorizationGAN
    from colorize_tf.training.precision import set_precision

    if config.generator not in GENERATORS:
        raise ValueError(f"no generator {config.generator!r}; there are {', '.join(GENERATORS)}")
    keras.utils.set_random_seed(config.seed)
    if config.deterministic:
        tf.config.experimental.enable_op_determinism()
    precision = set_precision(config.precision)
    generator = GENERATORS[config.generator](config.image_size)
    discriminator = patchgan(base_width=config.discriminator_width)
    if config.init_from and initialize:
        copy_weights(load_generator(config.init_from), generator, config.init_from)
    gan = ColorizationGAN(generator, discriminator)
    adam = {"learning_rate": config.learning_rate, "beta_1": config.beta_1}
    gan.compile(keras.optimizers.Adam(**adam), keras.optimizers.Adam(**adam))
    return gan, precision


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
        synthetic_size=max(MINIMUM_SIDE, load_size(config.image_size)),
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
    return photographs


def _restore(gan, config, run, chosen):
    """Put the GAN where the run stopped."""
    from colorize_tf.training.state import load_state

    load_state(gan, run.state)
    done = int(gan.epochs_done)
    if "epochs" in chosen and not config.minutes and done >= config.epochs:
        raise ValueError(
            f"the run has {done} epochs behind it, got --epochs {config.epochs}; choose more"
        )


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
    source = {"origin": photographs.origin, "folder": str(photographs.folder.absolute())}
    write_json(run.data, {**source, **content})
    write_json(run.config, {**dataclasses.asdict(config), "resume": False})
    write_report(photographs.audit, run.skipped)


def _fingerprint(photographs):
    """Hash the contents of both sides in their order, so that any change is noticed."""
    contents = {photograph.path: photograph.sha256 for photograph in photographs.audit.usable}
    paths = (*photographs.train, *photographs.validation)
    return hashlib.sha256("".join(contents[path] for path in paths).encode()).hexdigest()


def _train(gan, config, run, photographs):
    """Train through all stages."""
    from colorize_tf.training.stages import plan_stages, run_stages

    train_examples, validation_examples = _examples(gan, config, run, photographs)
    stages = plan_stages(
        epochs=config.epochs,
        pretrain_epochs=config.pretrain_epochs,
        learning_rate=config.learning_rate,
        adversarial_learning_rate=config.adversarial_learning_rate,
    )
    steps_per_epoch = config.steps_per_epoch or len(photographs.train) // config.batch_size
    print(
        f"{run.path}: {gan.generator.count_params():,} parameters, "
        f"{gan.generator.dtype_policy.name}, {len(photographs.train)} photographs to train on, "
        f"{len(photographs.validation)} to validate on, {steps_per_epoch} steps an epoch, "
        + ", then ".join(f"{stage.epochs} epochs {stage.name}" for stage in stages)
        + (f", in {config.minutes:g} minutes" if config.minutes else "")
    )
    callbacks = _callbacks(run, validation_examples)
    callbacks[-1].catch_up(gan)
    run_stages(
        gan,
        stages,
        l1_weight=config.l1_weight,
        seed=config.seed,
        minutes=config.minutes,
        callbacks=callbacks,
        x=train_examples,
        validation_data=validation_examples,
        steps_per_epoch=steps_per_epoch,
    )


def _examples(gan, config, run, photographs):
    from colorize_tf.data.pipeline import cache_bytes, evaluation_dataset, training_dataset

    cache = config.cache
    if cache == "auto":
        needed = cache_bytes(len(photographs.train), config.image_size)
        cache = "memory" if needed <= _MEMORY_CACHE_BYTES else "disk"
    if cache == "disk":
        cache = run.fresh_cache()
    shape = {"image_size": config.image_size, "batch_size": config.batch_size}
    train_examples = training_dataset(
        photographs.train,
        seed=config.seed,
        cache=cache,
        steps_done=gan.steps_done.value,
        **shape,
    )
    return train_examples, evaluation_dataset(photographs.validation, **shape)


def _callbacks(run, validation_examples):
    import keras

    from colorize_tf.artifacts.keras_file import load_generator, save_generator
    from colorize_tf.training import callbacks

    log = callbacks.RunLog(run.metrics, run.curves)
    first_examples = next(iter(validation_examples.unbatch().batch(6)))
    return [
        callbacks.Progress(),
        keras.callbacks.TensorBoard(run.tensorboard, write_graph=False),
        callbacks.SampleGrid(run.samples, first_examples),
        log,
        callbacks.SaveState(run.state),
        callbacks.BestGenerator(run.generator, log, save_generator, load_generator),
    ]


def _interrupted(gan, run):
    """Leave a usable generator behind, the best so far or, before any, the present one."""
    from colorize_tf.artifacts.keras_file import save_generator

    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C would cut this short
    if not run.generator.is_file():
        save_generator(gan.generator, run.generator)
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
    from colorize_tf.evaluation.scores import evaluation_image, grey, score, table
    from colorize_tf.inference.colorizer import Colorizer

    run.drop_cache()
    folder = Path(config.export_to).resolve() if config.export_to else run.export
    with cli.native_chatter_hidden():
        written = export_artifacts(
            load_generator(run.generator),
            folder,
            name=folder.name if config.export_to else run.path.absolute().name,
            pictures=evaluation_image(photographs.validation[0], config.image_size)[np.newaxis],
        )
    for path, difference in written.items():
        print(f"wrote {path}, {difference}")
    colorize = Colorizer.load(run.path)
    options = {"paths": photographs.validation, "size": config.image_size}
    scores = {"grey (ab = 0)": score(grey, **options), "this run": score(colorize, **options)}
    print(f"{len(photographs.validation)} validation photographs at {config.image_size} px:")
    print(table(scores))
    print(f"samples in {run.samples}, curves in {run.curves}")


if __name__ == "__main__":
    sys.exit(main())
