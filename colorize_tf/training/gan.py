"""ColorizationGAN: one generator, one discriminator, and the step that trains them."""

import keras
import tensorflow as tf

from colorize_tf.color import decode
from colorize_tf.metrics import ColorfulnessRatio, ab_rmse, psnr
from colorize_tf.training.losses import adversarial_loss, discriminator_loss, l1_loss


class ColorizationGAN(keras.Model):
    """A conditional GAN for chroma: Isola et al. 2017, equation 4, both networks given lightness.

    Trained with `fit` on examples `(lightness, ab)`. Compiled with `adversarial=False` it trains
    the generator alone, on L1. Validation always runs the generator with `training=False`, as it
    will be exported.

    Args:
        generator: `lightness` to `ab`, such as `compact_unet` builds.
        discriminator: `[lightness, ab]` to `logits`, such as `patchgan` builds.
        name: name of the model.
    """

    def __init__(
        self, generator: keras.Model, discriminator: keras.Model, name: str = "colorization_gan"
    ):
        super().__init__(name=name)
        self.generator = generator
        self.discriminator = discriminator
        # Variables, so that they are saved and restored with the weights.
        self.stages_done = self._counter("stages_done", "int32")
        self.epochs_done = self._counter("epochs_done", "int32")
        self.steps_done = self._counter("steps_done", "int64")
        self.seconds_done = self._counter("seconds_done", "float32")
        self.loss_means = {
            name: keras.metrics.Mean(name=name)
            for name in ("l1", "adversarial_loss", "discriminator_loss")
        }
        self.ab_rmse = keras.metrics.Mean(name="ab_rmse")
        self.psnr = keras.metrics.Mean(name="psnr")
        self.colorfulness_ratio = ColorfulnessRatio(name="colorfulness_ratio")
        # There is nothing left to build; unless told so, Keras' own checkpoints skip optimizers.
        self.built = True

    def compile(
        self,
        generator_optimizer: keras.optimizers.Optimizer,
        discriminator_optimizer: keras.optimizers.Optimizer,
        *,
        l1_weight: float = 100.0,
        adversarial: bool = True,
    ) -> None:
        """Set how to train.

        Args:
            generator_optimizer: trains the generator.
            discriminator_optimizer: trains the discriminator.
            l1_weight: lambda, what L1 counts for beside the adversarial loss.
            adversarial: whether the discriminator takes part; without it the loss is L1 alone.
        """
        # XLA is slower on a CPU, and "auto" turns it on for some callers.
        super().compile(optimizer=None, jit_compile=False)
        self.l1_weight = l1_weight
        self.adversarial = adversarial
        self.generator_optimizer = _prepare(generator_optimizer, self.generator)
        self.discriminator_optimizer = _prepare(discriminator_optimizer, self.discriminator)

    @property
    def counters(self) -> tuple[keras.Variable, ...]:
        """Stages, epochs, steps and seconds done."""
        return self.stages_done, self.epochs_done, self.steps_done, self.seconds_done

    def _counter(self, name: str, dtype: str) -> keras.Variable:
        return self.add_weight(name=name, initializer="zeros", dtype=dtype, trainable=False)

    def call(self, lightness: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return the generator's `ab` for `lightness`."""
        return self.generator(lightness, training=training)

    def train_step(self, data: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Take one step on a batch `(lightness, ab)`; return the losses' means so far."""
        lightness, ab = data
        # Only once the batch is here: the examples read this counter when they begin, and otherwise
        # TensorFlow may count the first step before they do.
        with tf.control_dependencies([lightness]):
            self.steps_done.assign_add(1)
        if self.adversarial:
            return self._adversarial_step(lightness, ab)
        with tf.GradientTape() as tape:
            l1 = l1_loss(ab, self.generator(lightness, training=True))
            scaled_loss = self.generator_optimizer.scale_loss(self.l1_weight * l1)
        _apply(self.generator_optimizer, tape, scaled_loss, self.generator)
        return self._means(l1=l1)

    def _adversarial_step(self, lightness: tf.Tensor, ab: tf.Tensor) -> dict[str, tf.Tensor]:
        # Both networks learn from the same two passes of the discriminator: it is as it was before
        # the step when it judges for the generator.
        with tf.GradientTape(persistent=True) as tape:
            generated_ab = self.generator(lightness, training=True)
            real_logits = self.discriminator([lightness, ab], training=True)
            generated_logits = self.discriminator([lightness, generated_ab], training=True)
            l1 = l1_loss(ab, generated_ab)
            adversarial = adversarial_loss(generated_logits)
            judgement = discriminator_loss(real_logits, generated_logits)
            scaled_loss = self.generator_optimizer.scale_loss(adversarial + self.l1_weight * l1)
            scaled_judgement = self.discriminator_optimizer.scale_loss(judgement)
        _apply(self.generator_optimizer, tape, scaled_loss, self.generator)
        _apply(self.discriminator_optimizer, tape, scaled_judgement, self.discriminator)
        return self._means(l1=l1, adversarial_loss=adversarial, discriminator_loss=judgement)

    def _means(self, **losses: tf.Tensor) -> dict[str, tf.Tensor]:
        for name, loss in losses.items():
            self.loss_means[name].update_state(loss)
        return {name: self.loss_means[name].result() for name in losses}

    def test_step(self, data: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Measure a batch `(lightness, ab)`; return the means so far."""
        lightness, ab = data
        generated_ab = self.generator(lightness, training=False)
        rgb = decode(lightness, ab)
        generated_rgb = decode(lightness, generated_ab)
        self.ab_rmse.update_state(ab_rmse(ab, generated_ab))
        self.psnr.update_state(psnr(rgb, generated_rgb))
        self.colorfulness_ratio.update_state(rgb, generated_rgb)
        measures = self.ab_rmse, self.psnr, self.colorfulness_ratio
        return {measure.name: measure.result() for measure in measures}


def _prepare(
    optimizer: keras.optimizers.Optimizer, network: keras.Model
) -> keras.optimizers.Optimizer:
    """Wrap for float16, where gradients underflow without a loss scale, and create the slots now.

    Keras wraps only an optimizer that `Model.compile` is given, and an optimizer without slots is
    silently left out of a checkpoint.
    """
    float16 = any(layer.compute_dtype == "float16" for layer in network.layers)
    if float16 and not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(network.trainable_variables)
    return optimizer


def _apply(
    optimizer: keras.optimizers.Optimizer,
    tape: tf.GradientTape,
    scaled_loss: tf.Tensor,
    network: keras.Model,
) -> None:
    gradients = tape.gradient(scaled_loss, network.trainable_variables)
    optimizer.apply(gradients, network.trainable_variables)
