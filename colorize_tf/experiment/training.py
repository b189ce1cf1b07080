"""One process's part in a run: its networks, examples, callbacks and results."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import signal
import tempfile
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import keras

from colorize_tf.artifacts.keras_file import load_generator, save_generator
from colorize_tf.artifacts.run_folder import RunFolder
from colorize_tf.config import TrainConfig
from colorize_tf.data import locks
from colorize_tf.experiment.description import describe_run, write_description
from colorize_tf.experiment.examples import PhotographExamples, find_examples
from colorize_tf.experiment.losses import color_distance, training_losses
from colorize_tf.experiment.networks import build_gan
from colorize_tf.experiment.own_examples import DatasetExamples, augmented
from colorize_tf.experiment.parts import Parts
from colorize_tf.experiment.results import Run, finish
from colorize_tf.experiment.stages import make_log, plan
from colorize_tf.models.encoders import BACKBONE_PREFIX
from colorize_tf.recipes import learning_rate_factor
from colorize_tf.training import recording
from colorize_tf.training.callbacks import Counters
from colorize_tf.training.checkpoint import load_state, save_state
from colorize_tf.training.distribution import Distribution, use_xla
from colorize_tf.training.errors import InterruptedRunError, TerminatedError
from colorize_tf.training.loop import Loop
from colorize_tf.training.stages import run_stages
from colorize_tf.training.termination import Abandonable, Termination

if TYPE_CHECKING:
    import tensorflow as tf

    from colorize_tf.training.gan import ColorizationGAN
    from colorize_tf.training.run_log import RunLog

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A run that is ready to be trained.

    Attributes:
        config: with the precision that was chosen.
        parts: what the user plugs in.
        distribution: where the networks are.
        gan: from `build_gan`, its state restored where the run is resumed.
        examples: to train and to validate on, the same for all processes.
        folder: of the run; a temporary one for processes other than the chief.
        jit: whether XLA compiles the steps, see `RuntimeOptions`.
    """

    config: TrainConfig
    parts: Parts
    distribution: Distribution
    gan: ColorizationGAN
    examples: PhotographExamples | DatasetExamples
    folder: RunFolder
    jit: str = "auto"

    def train(
        self, distance: tuple[Callable, Callable] | None = None, *, progress: bool = False
    ) -> None:
        """Train through all stages, from the state of the GAN on.

        Args:
            distance: from `color_distance`, for the chief.
            progress: whether to show a progress bar for each epoch.

        Raises:
            TerminatedError: the process was asked to end; the run is saved.
            ValueError: a batch cannot be divided equally, or a shard is damaged.
        """
        config, distribution = self.config, self.distribution
        log = make_log(config, self.folder)
        counters = Counters(config.seed, distribution)
        termination = Termination(counters, self._save_state)
        validation = self.examples.validation(distribution, all_workers=True)
        part = validation  # the same data set where possible: each keeps its decoded photographs
        if distribution.workers:
            part = self.examples.validation(distribution, all_workers=False)
        loop = Loop(
            self.gan,
            examples=self._training_examples(),
            validation=part,
            steps_per_epoch=self.examples.steps_per_epoch,
            distribution=distribution,
            jit_compile=use_xla(self.jit, distribution.replicas),
        )
        callbacks: list[keras.callbacks.Callback] = [termination]
        if distance is not None:
            self._log_summary()
            own = self._chief_callbacks(log, validation, termination, distance)
            bar = [recording.StepBar()] if progress else []
            callbacks = [*bar, *own, *self.parts.callbacks, termination]
        with termination.listening(), self.examples.reading():
            run_stages(
                loop,
                plan(config),
                log=log,
                losses=training_losses(config, self.parts, self.folder, self.examples),
                discriminator_learning_rate=config.discriminator_learning_rate
                * learning_rate_factor(config),
                counters=counters,
                schedule=config.schedule,
                warmup=config.warmup,
                minutes=config.minutes,
                backbone_prefix=BACKBONE_PREFIX,
                callbacks=callbacks,
            )

    def _training_examples(self) -> Any:
        steps_done = self.gan.counters["steps_done"].value
        examples = self.examples.training(self.folder, self.distribution, steps_done)
        if self.parts.augmentation is None:
            return examples
        return augmented(
            examples, self.parts.augmentation, seed=self.config.seed, steps_done=steps_done
        )

    def _save_state(self, gan: ColorizationGAN) -> None:
        if self.distribution.is_chief:
            save_state(gan, self.folder.state)

    def _chief_callbacks(
        self,
        log: RunLog,
        validation: tf.data.Dataset,
        termination: Termination,
        distance: tuple[Callable, Callable],
    ) -> list[keras.callbacks.Callback]:
        """Return callbacks in their order: metrics, log, state, then the best generator."""
        save = functools.partial(save_generator, description=describe_run(self.config, self.folder))
        best = recording.BestGenerator(self.folder.generator, log, save, load_generator)
        best.save_missing(self.gan)
        pictures = next(iter(validation.unbatch().batch(6)))
        return [
            recording.ColorDistance(Abandonable(validation, termination), *distance),
            keras.callbacks.TensorBoard(self.folder.tensorboard, write_graph=False),
            recording.SampleGrid(self.folder.samples, pictures),
            log,
            recording.SaveState(self.folder.state),
            best,
            recording.EpochLog(log, plan(self.config), minutes=self.config.minutes),
        ]

    def _log_summary(self) -> None:
        generator, replicas = self.gan.generator, self.distribution.replicas
        stages = [f"{stage.epochs} epochs {stage.name}" for stage in plan(self.config)]
        minutes = self.config.minutes
        logger.info(
            f"{self.folder.path}: {generator.count_params():,} parameters, "
            f"{generator.dtype_policy.name}, "
            + (f"{replicas} replicas, " if replicas > 1 else "")
            + f"{self.examples.counts}, {self.examples.steps_per_epoch} steps an epoch, "
            + ", then ".join(stages)
            + (f", in {minutes:g} minutes" if minutes else "")
        )


def run_chief(
    config: TrainConfig,
    parts: Parts,
    distribution: Distribution,
    *,
    is_new: bool,
    jit: str,
    progress: bool = False,
) -> Run:
    """Train and write the run folder, under a lock.

    Args:
        config: of the run, with the precision that is set.
        parts: what the user plugs in.
        distribution: from `runtime.start`.
        is_new: whether there is no saved state to go on from.
        jit: see `RuntimeOptions`.
        progress: whether to show progress bars.

    Raises:
        InterruptedRunError: Ctrl-C; the best generator so far is saved.
        TerminatedError: SIGTERM; the state is saved.
        ValueError: something does not fit; before training, nothing is written.
    """
    with contextlib.ExitStack() as stack:
        folder = RunFolder.open(config.run_dir or "") if config.resume else None
        if folder is not None:
            stack.enter_context(locks.held(folder.path))
        gan = build_gan(config, distribution, parts, initialize=is_new)
        distance = color_distance(config)
        examples = find_examples(config, parts, folder, progress=progress)
        logger.info(examples.summary)
        check(config, examples, distribution, jit)
        if folder is None:
            folder = RunFolder.create(config.run_dir, stem=_stem(config))
            stack.enter_context(locks.held(folder.path))
        if not is_new:
            load_state(gan, folder.state)
        write_description(folder, config, examples)
        distribution.from_chief(_short_hash(examples))
        experiment = Experiment(config, parts, distribution, gan, examples, folder, jit)
        with _saved_on_interruption(experiment):
            experiment.train(distance, progress=progress)
            return finish(config, folder, examples, gan)


def run_follower(
    config: TrainConfig,
    parts: Parts,
    distribution: Distribution,
    *,
    is_new: bool,
    jit: str,
    progress: bool = False,
) -> None:
    """Train beside the chief, without keeping anything; see `run_chief`."""
    gan = build_gan(config, distribution, parts, initialize=is_new)
    # After the chief, which may have downloaded or rendered what this process looks for.
    expected = distribution.from_chief(0.0)
    examples = find_examples(config, parts, None, progress=False)
    if _short_hash(examples) != expected:
        raise ValueError(
            f"the photographs here ({examples.counts}, {examples.describe()['folder']}) are not "
            "those of the chief; give all workers the same"
        )
    with tempfile.TemporaryDirectory() as folder:
        Experiment(config, parts, distribution, gan, examples, RunFolder(folder), jit).train()


def check(
    config: TrainConfig,
    examples: PhotographExamples | DatasetExamples,
    distribution: Distribution,
    jit: str,
) -> None:
    """Raise `ValueError` for what training would refuse, before anything is written."""
    distribution.part_of(config.batch_size)
    use_xla(jit, distribution.replicas)
    examples.check(distribution)


def _stem(config: TrainConfig) -> str:
    """Return the first part of a new run folder's name."""
    return f"{config.recipe}-{config.dataset.rpartition(':')[2]}"


def _short_hash(examples: PhotographExamples | DatasetExamples) -> float:
    """Return the bits of the data's hash that a float64 holds, which is what workers exchange."""
    return float(int(examples.describe()["sha256"][:12] or "0", 16))


@contextlib.contextmanager
def _saved_on_interruption(experiment: Experiment) -> Iterator[None]:
    """Say how to go on where the run is stopped; after Ctrl-C there is a generator in any case."""
    folder = experiment.folder
    command = f"python -m colorize_tf.train --resume --run-dir {folder.path}"
    try:
        yield
    except KeyboardInterrupt as error:
        handler = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not stop this
        if not folder.generator.is_file():
            description = describe_run(experiment.config, folder)
            save_generator(experiment.gan.ema_generator, folder.generator, description)
        signal.signal(signal.SIGINT, handler)
        raise InterruptedRunError(
            f"interrupted; the best generator so far is {folder.generator}; continue with {command}"
        ) from error
    except TerminatedError as error:
        raise TerminatedError(f"ended by SIGTERM, and saved; continue with {command}") from error
