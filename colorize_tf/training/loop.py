"""Epochs of steps and validation, on one or more replicas.

Replaces Keras' `fit`, which does not run on several machines (keras issue 20585) and is no faster
on one. Callbacks are those of Keras.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import tensorflow as tf
from keras.callbacks import Callback, CallbackList

from colorize_tf.training.checkpoint import state_variables
from colorize_tf.training.distribution import Distribution

if TYPE_CHECKING:
    from colorize_tf.training.gan import ColorizationGAN


class Loop:
    """Trains and validates epoch by epoch.

    Args:
        gan: compiled; built in the scope of `distribution`.
        examples: endless batches of `(lightness, ab)`, the part of this process; each is divided
            among its replicas.
        validation: batches to validate on, the part of this process; None skips validation.
        steps_per_epoch: steps per epoch.
        distribution: where the replicas are.
        jit_compile: whether XLA compiles the steps.
    """

    def __init__(
        self,
        gan: ColorizationGAN,
        *,
        examples: tf.data.Dataset,
        validation: tf.data.Dataset | None = None,
        steps_per_epoch: int,
        distribution: Distribution,
        jit_compile: bool = False,
    ):
        self.gan = gan
        self.examples = distribution.share_out(examples)
        self.validation = None if validation is None else distribution.spread(validation)
        self.steps_per_epoch = steps_per_epoch
        self.distribution = distribution
        self.jit_compile = jit_compile
        # Traced once for each compilation of the GAN.
        self._compiled: Callable | None = None
        self._train: Callable | None = None
        self._test = tf.function(self._test_step, autograph=False, reduce_retracing=True)

    def run(self, callbacks: Sequence[Callback], *, first_epoch: int, end_epoch: int) -> None:
        """Train until `end_epoch`, or until a callback sets `stop_training`.

        Args:
            callbacks: called as by `fit`, but during validation only when a batch begins. The first
                is `Counters`.
            first_epoch: index of the first epoch; its steps that the GAN has done are skipped.
            end_epoch: index after the last epoch.
        """
        gan = self.gan
        called = CallbackList(
            list(callbacks), model=gan, verbose=1, epochs=end_epoch, steps=self.steps_per_epoch
        )
        gan.stop_training = False
        called.on_train_begin()
        # The chief may have restored its state, or the best generator of the last stage.
        self.distribution.copy_from_chief(state_variables(gan).values())
        if self._compiled is not gan.step:
            self._compiled, self._train = gan.step, self._make_train_function()
        train: Callable = self._train or self._make_train_function()
        iterator: Any = iter(self.examples)
        for epoch in range(first_epoch, end_epoch):
            gan.reset_metrics()
            called.on_epoch_begin(epoch)
            taken = gan.count("steps_done") - gan.count("epoch_first_step")
            logs = {}
            for step in range(taken, self.steps_per_epoch):
                called.on_train_batch_begin(step)
                logs = train(iterator)
                called.on_train_batch_end(step, logs)
                if gan.stop_training:
                    break
            self.distribution.average(gan.statistics)
            metrics = {name: float(gan.loss_means[name].result()) for name in logs}
            metrics.update(self._validate(called))
            called.on_epoch_end(epoch, metrics)
            gan.stop_training = self.distribution.any_worker(gan.stop_training)
            if gan.stop_training:
                break
        called.on_train_end()

    def _make_train_function(self) -> Callable[[tf.data.Iterator], dict[str, tf.Tensor]]:
        """Return a function of an iterator that takes a step and returns one replica's losses."""
        strategy = self.distribution.strategy
        step = self.gan.train_step
        if self.jit_compile:
            step = tf.function(step, jit_compile=True, autograph=False)

        @tf.function(autograph=False)
        def train(iterator: Any) -> dict[str, tf.Tensor]:
            logs = strategy.run(step, args=(iterator.get_next(),))
            return {
                name: strategy.experimental_local_results(value)[0] for name, value in logs.items()
            }

        return train

    def _test_step(self, batch: tuple[tf.Tensor, tf.Tensor]) -> None:
        def measure(batch: tuple[tf.Tensor, tf.Tensor]) -> bool:
            self.gan.test_step(batch)
            return True

        def measure_some(batch: tuple[tf.Tensor, tf.Tensor]) -> None:
            # The last batches of some replicas are empty, which networks do not accept.
            is_empty = tf.equal(tf.shape(batch[0])[0], 0)
            tf.cond(is_empty, lambda: True, lambda: measure(batch))

        measures = measure_some if self.distribution.replicas > 1 else measure
        self.distribution.strategy.run(measures, args=(batch,))

    def _validate(self, callbacks: CallbackList) -> dict[str, float]:
        """Measure the validation examples of all processes."""
        if self.validation is None:
            return {}
        for number, batch in enumerate(self.validation):
            callbacks.on_test_batch_begin(number)
            self._test(batch)
        return {f"val_{name}": float(mean.result()) for name, mean in self.gan.measures.items()}
