"""ColorizationGAN: one generator, one discriminator, and the steps that train them."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from colorize_tf.color.lab_tf import decode, to_lab
from colorize_tf.metrics.pictures import ColorfulnessRatio, ab_rmse, ciede2000, psnr, ssim
from colorize_tf.training.fusion import in_training
from colorize_tf.training.losses import ADVERSARIAL_LOSSES, AdversarialLoss, l1_loss
from colorize_tf.training.optimizers import apply_gradients, prepare_optimizer


@keras.saving.register_keras_serializable("colorize_tf")
class ColorizationGAN(keras.Model):
    """A conditional GAN for chroma: Isola et al. 2017, equation 4, both networks given lightness.

    Trained on examples `(lightness, ab)`, in one of three ways that `compile` sets:

    - `"reconstruction"`: the generator alone, on the reconstruction loss;
    - `"discriminator"`: the discriminator alone, against the current generator;
    - `"adversarial"`: both, the generator on both losses.

    Validation always runs `ema_generator` with `training=False`, as it will be exported. A
    generator that takes noise `z` is given one vector per picture, from N(0, 1), in training, and
    zeros otherwise.

    Built in the scope of a `tf.distribute` strategy, each replica takes steps on its part of every
    batch, and losses are means over that part. Gradients are averaged over replicas; batch
    normalization is not: each replica normalizes by its own part, and `statistics` drift apart
    until they are averaged too.

    Args:
        generator: `lightness` to `ab`, such as `compact_unet` builds, or `[lightness, z]` to `ab`.
        discriminator: `[lightness, ab]` to `logits`, such as `patchgan` builds.
        ema: momentum of the moving average of the generator's weights; 0 keeps none.
        noise_seed: chooses `z`, together with the steps done.
        name: name of the model.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        ema: float = 0.0,
        noise_seed: int = 0,
        name: str = "colorization_gan",
    ):
        super().__init__(name=name)
        self.generator = generator
        self.discriminator = discriminator
        self.train_generator = in_training(generator)
        self.train_discriminator = in_training(discriminator)
        self.ema = ema
        self.noise_seed = noise_seed
        self.ema_generator = generator
        if ema:
            self.ema_generator = keras.models.clone_model(generator)
            self.ema_generator.set_weights(generator.get_weights())
        self.z_size = generator.inputs[1].shape[1] if len(generator.inputs) > 1 else 0
        # Variables, so that they are saved with the weights.
        self.counters = {
            name: self.add_weight(name=name, initializer="zeros", dtype=dtype, trainable=False)
            for name, dtype in {
                "stages_begun": "int32",
                "stage_first_epoch": "int32",
                "stage_first_step": "int64",
                "stage_first_second": "float32",
                "epochs_done": "int32",
                "epoch_first_step": "int64",
                "steps_done": "int64",
                "seconds_done": "float32",
            }.items()
        }
        self.loss_means = {
            name: keras.metrics.Mean(name=name)
            for name in ("reconstruction_loss", "adversarial_loss", "discriminator_loss")
        }
        self.measures = {
            **{
                name: keras.metrics.Mean(name=name)
                for name in ("ab_rmse", "psnr", "ssim", "ciede2000")
            },
            "colorfulness_ratio": ColorfulnessRatio(name="colorfulness_ratio"),
        }
        # All variables exist; otherwise Keras' own checkpoints skip optimizers.
        self.built = True

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs, so that `save` and `ModelCheckpoint` work."""
        networks = {"generator": self.generator, "discriminator": self.discriminator}
        serialize = keras.saving.serialize_keras_object
        return {
            **{name: serialize(network) for name, network in networks.items()},
            "ema": self.ema,
            "noise_seed": self.noise_seed,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "ColorizationGAN":
        """Rebuild a GAN; compile it to train it further."""
        networks = {
            name: keras.saving.deserialize_keras_object(config[name], custom_objects)
            for name in ("generator", "discriminator")
        }
        return cls(**{**config, **networks})

    def get_compile_config(self) -> None:
        """Return nothing: losses are functions, which a file does not hold."""

    def compile(
        self,
        generator_optimizer: keras.optimizers.Optimizer,
        discriminator_optimizer: keras.optimizers.Optimizer,
        *,
        objective: str = "adversarial",
        reconstruction_loss: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] = l1_loss,
        reconstruction_output: str = "ab",
        reconstruction_weight: float = 100.0,
        adversarial_loss: AdversarialLoss = ADVERSARIAL_LOSSES["vanilla"],
        label_smoothing: float = 0.0,
    ) -> None:
        """Set objective, losses and optimizers.

        Args:
            generator_optimizer: trains the generator.
            discriminator_optimizer: trains the discriminator.
            objective: `"reconstruction"`, `"discriminator"` or `"adversarial"`.
            reconstruction_loss: function of the true `ab` and the output of the generator's layer
                `reconstruction_output`.
            reconstruction_output: name of that layer; color classes take their logits.
            reconstruction_weight: lambda, its weight beside the adversarial loss.
            adversarial_loss: one of `ADVERSARIAL_LOSSES`.
            label_smoothing: distance below 1 of the discriminator's target for real patches.

        Raises:
            ValueError: an unknown objective.
        """
        steps = {
            "reconstruction": self._reconstruction_step,
            "discriminator": self._discriminator_step,
            "adversarial": self._adversarial_step,
        }
        if objective not in steps:
            raise ValueError(f"objective must be one of {', '.join(steps)}, got {objective!r}")
        # XLA is slower on a CPU, and "auto" turns it on for some callers.
        super().compile(optimizer=None, jit_compile=False)
        self.step = steps[objective]
        self.reconstruction_loss = reconstruction_loss
        self.reconstruction_weight = reconstruction_weight
        self.adversarial_loss = adversarial_loss
        self.label_smoothing = label_smoothing
        self.train_reconstructor = self.train_generator
        if reconstruction_output != "ab":
            output = self.generator.get_layer(reconstruction_output).output
            self.train_reconstructor = in_training(keras.Model(self.generator.inputs, output))
        self.generator_optimizer = prepare_optimizer(generator_optimizer, self.generator)
        # Callbacks that log the learning rate look for this attribute.
        self.optimizer = self.generator_optimizer
        self.discriminator_optimizer = prepare_optimizer(
            discriminator_optimizer, self.discriminator
        )

    @property
    def statistics(self) -> list[keras.Variable]:
        """Means and variances of batch normalization, of all networks."""
        networks = {id(n): n for n in (self.generator, self.ema_generator, self.discriminator)}
        return [
            variable
            for network in networks.values()
            for layer in network.layers
            if isinstance(layer, keras.layers.BatchNormalization)
            for variable in (layer.moving_mean, layer.moving_variance)
        ]

    def count(self, name: str) -> int:
        """Return one of the counters of epochs, steps and stages."""
        return int(self.counters[name].numpy())

    def call(self, lightness: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return the generator's `ab` for `lightness`, without noise unless it trains."""
        if training:
            return self.train_generator(self._with_noise(lightness, training=True))
        return self.generator(self._with_noise(lightness, training=False), training=False)

    def colorize(self, lightness: tf.Tensor) -> tf.Tensor:
        """Return the EMA generator's `ab` for `lightness`, as it will be exported."""
        return self.ema_generator(self._with_noise(lightness, training=False), training=False)

    def train_step(self, data: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Take one step on a batch `(lightness, ab)`; return the losses' means so far."""
        lightness, ab = data
        # After the batch: the examples read this counter when their iterator starts, and TensorFlow
        # could count the first step before that.
        with tf.control_dependencies([lightness]):
            self.counters["steps_done"].assign_add(1)
        losses = self.step(lightness, ab)
        for name, loss in losses.items():
            self.loss_means[name].update_state(loss)
        return {name: self.loss_means[name].result() for name in losses}

    def _reconstruction_step(self, lightness: tf.Tensor, ab: tf.Tensor) -> dict[str, tf.Tensor]:
        with tf.GradientTape() as tape:
            prediction = self.train_reconstructor(self._with_noise(lightness, training=True))
            loss = self.reconstruction_loss(ab, prediction)
            scaled_loss = self.generator_optimizer.scale_loss(self.reconstruction_weight * loss)
        self._apply_to_generator(tape, scaled_loss)
        return {"reconstruction_loss": loss}

    def _discriminator_step(self, lightness: tf.Tensor, ab: tf.Tensor) -> dict[str, tf.Tensor]:
        generated_ab = self.call(lightness)
        with tf.GradientTape() as tape:
            real_logits = self.train_discriminator([lightness, ab])
            generated_logits = self.train_discriminator([lightness, generated_ab])
            loss = self._discriminator_loss(real_logits, generated_logits)
            scaled_loss = self.discriminator_optimizer.scale_loss(loss)
        self._apply_to_discriminator(tape, scaled_loss)
        return {"discriminator_loss": loss}

    def _adversarial_step(self, lightness: tf.Tensor, ab: tf.Tensor) -> dict[str, tf.Tensor]:
        # Both networks use the same two passes of the discriminator, with its weights before the
        # step.
        with tf.GradientTape(persistent=True) as tape:
            generated_ab = self.call(lightness, training=True)
            real_logits = self.train_discriminator([lightness, ab])
            generated_logits = self.train_discriminator([lightness, generated_ab])
            reconstruction = self.reconstruction_loss(ab, generated_ab)
            adversarial = self.adversarial_loss.generator(generated_logits)
            discriminator_loss = self._discriminator_loss(real_logits, generated_logits)
            scaled_loss = self.generator_optimizer.scale_loss(
                adversarial + self.reconstruction_weight * reconstruction
            )
            scaled_judgment = self.discriminator_optimizer.scale_loss(discriminator_loss)
        self._apply_to_generator(tape, scaled_loss)
        apply_gradients(self.discriminator_optimizer, tape, scaled_judgment, self.discriminator)
        return {
            "reconstruction_loss": reconstruction,
            "adversarial_loss": adversarial,
            "discriminator_loss": discriminator_loss,
        }

    def _discriminator_loss(self, real_logits: tf.Tensor, generated_logits: tf.Tensor) -> tf.Tensor:
        return self.adversarial_loss.discriminator(
            real_logits, generated_logits, self.label_smoothing
        )

    def _with_noise(self, lightness: tf.Tensor, training: bool) -> tf.Tensor | list[tf.Tensor]:
        """Return the generator's inputs."""
        if not self.z_size:
            return lightness
        count = tf.shape(lightness)[0]
        if not training:
            return [lightness, tf.zeros((count, self.z_size))]
        seed = tf.stack([tf.constant(self.noise_seed, tf.int64), self.counters["steps_done"].value])
        # Draw for all replicas and take this one's part, so that replicas draw different noise.
        replica = tf.distribute.get_replica_context()
        shape = (replica.num_replicas_in_sync * count, self.z_size)
        first = replica.replica_id_in_sync_group * count
        return [lightness, tf.random.stateless_normal(shape, seed)[first : first + count]]

    def _apply_to_generator(self, tape: tf.GradientTape, scaled_loss: tf.Tensor) -> None:
        apply_gradients(self.generator_optimizer, tape, scaled_loss, self.generator)
        if self.ema:
            self._average_weights()

    def _apply_to_discriminator(self, tape: tf.GradientTape, scaled_loss: tf.Tensor) -> None:
        apply_gradients(self.discriminator_optimizer, tape, scaled_loss, self.discriminator)

    def _average_weights(self) -> None:
        """Move the EMA generator toward the generator, including batch normalization statistics."""
        steps = self.counters["steps_done"].value - self.counters["stage_first_step"].value
        steps = tf.cast(steps, tf.float32)
        # Warm up the average so that the weights at the start of the stage fade.
        momentum = tf.minimum(self.ema, steps / (steps + 10.0))
        pairs = zip(self.ema_generator.weights, self.generator.weights, strict=True)
        for average, weight in pairs:
            average.assign(weight + momentum * (average - weight))

    def test_step(self, data: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Measure a batch `(lightness, ab)`; return the means so far."""
        lightness, ab = data
        return self.measure(lightness, ab, self.colorize(lightness))

    def measure(
        self, lightness: tf.Tensor, ab: tf.Tensor, generated_ab: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Add the metrics of predictions for a batch; return the means so far."""
        rgb = decode(lightness, ab)
        generated_rgb = decode(lightness, generated_ab)
        measures = {
            "ab_rmse": ab_rmse(ab, generated_ab),
            "psnr": psnr(rgb, generated_rgb),
            "ssim": ssim(rgb, generated_rgb),
            "ciede2000": ciede2000(to_lab(lightness, ab), to_lab(lightness, generated_ab)),
        }
        for name, measure in measures.items():
            self.measures[name].update_state(measure)
        self.measures["colorfulness_ratio"].update_state(rgb, generated_rgb)
        return {name: mean.result() for name, mean in self.measures.items()}
