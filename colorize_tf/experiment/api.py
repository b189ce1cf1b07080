"""Train from Python: the function behind the command `train`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from colorize_tf import cli
from colorize_tf.config import TrainConfig
from colorize_tf.experiment import runtime
from colorize_tf.experiment.parts import Parts
from colorize_tf.experiment.settling import settle
from colorize_tf.training.errors import LostWorkerError
from colorize_tf.training.runtime_options import RuntimeOptions

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    from colorize_tf.experiment.results import Run


def train_colorizer(
    config: TrainConfig | Mapping[str, Any] | None = None,
    *,
    generator: keras.Model | Callable[..., keras.Model] | None = None,
    discriminator: keras.Model | Callable[..., keras.Model] | None = None,
    dataset: tf.data.Dataset | Callable[..., Any] | None = None,
    validation_dataset: tf.data.Dataset | None = None,
    loss: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] | None = None,
    augmentation: Callable[..., tuple[tf.Tensor, tf.Tensor]] | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    runtime_options: RuntimeOptions | None = None,
    progress: bool = False,
) -> Run | None:
    """Train a colorizer, measure it, and export it as .keras, SavedModel and TFLite.

    Progress goes to the logger `colorize_tf`, which is silent by default. The seed of Python, NumPy
    and Keras is set to that of the config.

    Args:
        config: options by name, those of the command `train`, completed from their recipe, or a
            complete `TrainConfig`.
        generator: a functional Keras model of `lightness` float32 `(batch, size, size, 1)` to `ab`
            float32 `(batch, size, size, 2)`, or a function of the image size that builds it.
        discriminator: a model of `[lightness, ab]` to `logits` float32 `(batch, h, w, 1)`, or a
            function of the image size that builds it.
        dataset: a `tf.data.Dataset` of `(lightness, ab)`, float32 in [-1, 1], examples or batches;
            or a function of the data folder that returns two of them or two lists of image files,
            to train and to validate on. Without it, `config` names the photographs.
        validation_dataset: like `dataset`, finite.
        loss: reconstruction loss, a function of `(ab, generated_ab)` to a float32 scalar.
        augmentation: function of `(lightness, ab, seed)` to `(lightness, ab)` for batches, as an
            operation of `tf.data`; `seed` is int64 `(2,)` for the stateless functions of
            `tf.random`.
        callbacks: Keras callbacks, called in the chief; metrics of an epoch have the names of the
            run's `metrics.csv`.
        runtime_options: where to compute.
        progress: whether to show progress bars on standard error.

    Returns:
        The finished run; None in a process that is not the chief of several.

    Raises:
        ValueError: options that do not go together, missing data, or a part of the wrong interface.
        InterruptedRunError: Ctrl-C; the best generator so far is saved.
        TerminatedError: SIGTERM; the run can be resumed.
        LostWorkerError: another process was lost.

    Example (docs/python-api.md has more, all of which a test runs)::

        run = train_colorizer({"recipe": "tiny", "data_dir": "photos"})
        print(run.scores["this run"]["ciede2000"])
    """
    options = runtime_options or RuntimeOptions()
    parts = Parts(
        generator, discriminator, dataset, validation_dataset, loss, augmentation, callbacks
    )
    chosen = dataclasses.asdict(config) if isinstance(config, TrainConfig) else dict(config or {})

    def begin() -> dict[str, Any]:
        given = config if isinstance(config, TrainConfig) else chosen
        settled, is_new = settle(given, restartable=options.restartable)
        return {"config": dataclasses.asdict(settled), "is_new": is_new}

    workers, settled = runtime.agree(options, chosen, begin)
    complete = parts.name_in(TrainConfig(**settled["config"]))
    parts = parts.named_by(complete)
    distribution = runtime.start(options, workers)
    # These import TensorFlow, which has started.
    from colorize_tf.experiment.training import run_chief, run_follower
    from colorize_tf.training.distribution import LOST_WORKER
    from colorize_tf.training.precision import precision_policy

    run_part = run_chief if distribution.is_chief else run_follower
    try:
        with precision_policy(complete.precision) as precision:
            complete = dataclasses.replace(complete, precision=precision)
            return run_part(
                complete,
                parts,
                distribution,
                is_new=settled["is_new"],
                jit=options.jit,
                progress=progress,
            )
    except LOST_WORKER as error:
        if workers is None:
            raise
        lost, reason = workers.named_in(error.message), cli.cause(error.message)[:200]
        raise LostWorkerError(f"{lost} is gone; {runtime.RESTART} ({reason})") from error
