"""A run: its examples, its stages and all that happens around its steps."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from colorize_tf.config import MONITORS, STAGES, TrainConfig
from colorize_tf.experiment.description import describe_run
from colorize_tf.experiment.losses import training_losses
from colorize_tf.recipes import learning_rate_factor

if TYPE_CHECKING:
    import tensorflow as tf
    from keras.callbacks import Callback

    from colorize_tf.artifacts.run_folder import RunFolder
    from colorize_tf.data.catalog import Photographs
    from colorize_tf.training.callbacks import Counters
    from colorize_tf.training.distribution import Distribution
    from colorize_tf.training.gan import ColorizationGAN
    from colorize_tf.training.loop import Loop
    from colorize_tf.training.run_log import RunLog
    from colorize_tf.training.stage_plan import Stage
    from colorize_tf.training.termination import Termination

# Decoded photographs beyond this go to disk, so that a run stays within 4 GiB of memory.
_MEMORY_CACHE_BYTES = 1.5 * 2**30


def plan(config: TrainConfig) -> list[Stage]:
    """Return the stages of a run, in their order."""
    from colorize_tf.training.stage_plan import plan_stages

    names = (*STAGES, "frozen_epochs", "patience", "adversarial_patience")
    factor = learning_rate_factor(config)
    return plan_stages(
        pretrain_learning_rate=config.pretrain_learning_rate * factor,
        adversarial_learning_rate=config.adversarial_learning_rate * factor,
        **{name: getattr(config, name) for name in names},
    )


def make_log(config: TrainConfig, run: RunFolder) -> RunLog:
    """Return the log of a run, with the rows that it has so far."""
    from colorize_tf.training.run_log import RunLog

    mode = MONITORS[config.monitor]
    return RunLog(run.metrics, run.curves, monitor=config.monitor, mode=mode)


def check(
    config: TrainConfig, photographs: Photographs, distribution: Distribution, jit: str
) -> None:
    """Find out what `train` would refuse, before anything is written.

    Args:
        config: of the run.
        photographs: to train and to validate on.
        distribution: where the GAN was built.
        jit: whether steps are compiled by XLA, see `RuntimeOptions`.

    Raises:
        ValueError: a batch cannot be shared out in equal parts, XLA is asked for where it cannot
            be had, or prepared photographs are too small, or fewer than the workers.
    """
    from colorize_tf.data.pipeline import check_records, load_size
    from colorize_tf.data.records.reading import Records
    from colorize_tf.training.distribution import use_xla

    distribution.part_of(config.batch_size)
    use_xla(jit, distribution.replicas)
    if isinstance(photographs.train, Records):
        short_side = load_size(config.image_size, config.scale_jitter)
        check_records(photographs.train, short_side, distribution.shard[1])


def train(
    gan: ColorizationGAN,
    config: TrainConfig,
    run: RunFolder,
    photographs: Photographs,
    distribution: Distribution,
    *,
    distance: tuple[Callable, Callable],
    jit: str = "auto",
) -> None:
    """Train through all stages, going on where `gan` stopped.

    Args:
        gan: from `build_gan`, its state restored where a run goes on.
        config: with the precision that was chosen.
        run: where the chief writes everything, and the other processes what they need meanwhile.
        photographs: to train and to validate on, the same for all processes.
        distribution: where `gan` was built.
        distance: from `color_distance`.
        jit: whether steps are compiled by XLA, see `RuntimeOptions`.

    Raises:
        Terminated: the process was asked to end; the run is saved.
        ValueError: a batch cannot be shared out in equal parts, or a shard is damaged inside.
    """
    from colorize_tf.data.records.prepared_set import damage_told
    from colorize_tf.models.encoders import BACKBONE_PREFIX
    from colorize_tf.training.callbacks import Counters
    from colorize_tf.training.distribution import use_xla
    from colorize_tf.training.loop import Loop
    from colorize_tf.training.stages import run_stages

    validation = _validation_examples(config, photographs.validation, distribution)
    index, count = distribution.shard
    own = photographs.validation[index::count]
    loop = Loop(
        gan,
        examples=_training_examples(gan, config, run, photographs, distribution),
        # One data set where it may be, as each keeps its decoded photographs.
        validation=_validation_examples(config, own, distribution) if count > 1 else validation,
        steps_per_epoch=_steps_per_epoch(config, photographs),
        distribution=distribution,
        jit_compile=use_xla(jit, distribution.replicas),
    )
    stages = plan(config)
    log = make_log(config, run)
    counters = Counters(config.seed, distribution)
    termination = _termination(counters, run)
    callbacks = [termination]
    if distribution.is_chief:
        print(_summary(loop, config, run, photographs, stages), flush=True)
        callbacks = [*_callbacks(config, run, log, validation, distance, termination), termination]
        callbacks[-2].catch_up(gan)
    with termination.listening(), damage_told(photographs.folder):
        run_stages(
            loop,
            stages,
            log=log,
            losses=training_losses(config, run, photographs),
            discriminator_learning_rate=config.discriminator_learning_rate
            * learning_rate_factor(config),
            counters=counters,
            schedule=config.schedule,
            warmup=config.warmup,
            minutes=config.minutes,
            backbone_prefix=BACKBONE_PREFIX,
            callbacks=callbacks,
        )


def _steps_per_epoch(config: TrainConfig, photographs: Photographs) -> int:
    return config.steps_per_epoch or len(photographs.train) // config.batch_size


def _summary(
    loop: Loop,
    config: TrainConfig,
    run: RunFolder,
    photographs: Photographs,
    stages: Sequence[Stage],
) -> str:
    generator, replicas = loop.gan.generator, loop.distribution.replicas
    return (
        f"{run.path}: {generator.count_params():,} parameters, {generator.dtype_policy.name}, "
        + (f"{replicas} replicas, " if replicas > 1 else "")
        + f"{len(photographs.train)} photographs to train on, {len(photographs.validation)} to "
        f"validate on, {loop.steps_per_epoch} steps an epoch, "
        + ", then ".join(f"{stage.epochs} epochs {stage.name}" for stage in stages)
        + (f", in {config.minutes:g} minutes" if config.minutes else "")
    )


def _training_examples(
    gan: ColorizationGAN,
    config: TrainConfig,
    run: RunFolder,
    photographs: Photographs,
    distribution: Distribution,
) -> tf.data.Dataset:
    from colorize_tf.data.pipeline import training_dataset

    cache = _cache(config, photographs)
    if cache == "disk":
        cache = run.fresh_cache()
    return training_dataset(
        photographs.train,
        image_size=config.image_size,
        batch_size=distribution.part_of(config.batch_size) * distribution.local_replicas,
        seed=config.seed,
        cache=cache,
        steps_done=gan.counters["steps_done"].value,
        shard=distribution.shard,
        scale_jitter=config.scale_jitter,
        exposure_jitter=config.exposure_jitter,
        contrast_jitter=config.contrast_jitter,
        film_damage=config.film_damage,
    )


def _cache(config: TrainConfig, photographs: Photographs) -> str:
    """Choose where decoded photographs stay: `"memory"`, `"disk"` or `"none"`."""
    from colorize_tf.data.pipeline import cache_bytes

    if config.cache != "auto":
        return config.cache
    count = len(photographs.train)
    needed = cache_bytes(count, config.image_size, scale_jitter=config.scale_jitter)
    return "memory" if needed <= _MEMORY_CACHE_BYTES else "disk"


def _validation_examples(
    config: TrainConfig, paths: Sequence[Path], distribution: Distribution
) -> tf.data.Dataset:
    from colorize_tf.data.pipeline import evaluation_dataset

    return evaluation_dataset(
        paths,
        image_size=config.image_size,
        batch_size=distribution.part_of(config.batch_size),
    )


def _termination(counters: Counters, run: RunFolder) -> Termination:
    from colorize_tf.training.checkpoint import save_state
    from colorize_tf.training.termination import Termination

    def save(gan):
        if counters.distribution.is_chief:
            save_state(gan, run.state)

    return Termination(counters, save)


def _callbacks(
    config: TrainConfig,
    run: RunFolder,
    log: RunLog,
    examples: tf.data.Dataset,
    distance: tuple[Callable, Callable],
    termination: Termination,
) -> list[Callback]:
    """In the order in which they run: the distance is logged, the state decides what counts."""
    import keras

    from colorize_tf.artifacts.keras_file import load_generator, save_generator
    from colorize_tf.training import callbacks
    from colorize_tf.training.termination import Abandonable

    save = functools.partial(save_generator, description=describe_run(config, run))
    return [
        callbacks.ColorDistance(Abandonable(examples, termination), *distance),
        callbacks.Progress(),
        keras.callbacks.TensorBoard(run.tensorboard, write_graph=False),
        callbacks.SampleGrid(run.samples, next(iter(examples.unbatch().batch(6)))),
        log,
        callbacks.SaveState(run.state),
        callbacks.BestGenerator(run.generator, log, save, load_generator),
    ]
