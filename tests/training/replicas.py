"""Run as a program: trains a few steps on some replicas, and writes down what came of it.

`replicas.py devices FILE` trains on one device and on two of this process; `replicas.py workers
FILE` on the processes that TF_CONFIG names. The data are the same.
"""

import os
import sys

import keras
import numpy as np
import tensorflow as tf

from colorize_tf.training.callbacks import Counters
from colorize_tf.training.checkpoint import state_variables
from colorize_tf.training.distribution import Distribution, choose_distribution
from colorize_tf.training.gan import ColorizationGAN
from colorize_tf.training.loop import Loop
from colorize_tf.training.optimizers import FusedAdam
from colorize_tf.training.workers import find_workers

SIZE, BATCH, STEPS = 16, 4, 3


def networks():
    """A generator that takes noise and a discriminator, without batch normalization."""
    lightness = keras.Input((SIZE, SIZE, 1))
    z = keras.Input((3,))
    features = keras.layers.Conv2D(6, 3, padding="same", activation="relu")(lightness)
    noise = keras.layers.Reshape((1, 1, 6))(keras.layers.Dense(6)(z))
    features = keras.layers.Add()([features, noise])
    head = {"activation": "tanh", "dtype": "float32", "name": "ab"}
    ab = keras.layers.Conv2D(2, 3, padding="same", **head)(features)
    generator = keras.Model([lightness, z], ab)
    gray, color = keras.Input((SIZE, SIZE, 1)), keras.Input((SIZE, SIZE, 2))
    joined = keras.layers.Concatenate()([gray, color])
    features = keras.layers.Conv2D(6, 4, strides=2, activation="leaky_relu")(joined)
    logits = keras.layers.Conv2D(1, 3, dtype="float32")(features)
    return generator, keras.Model([gray, color], logits)


def build(distribution, generator_and_discriminator=networks, **options):
    keras.utils.set_random_seed(0)
    with distribution.scope():
        gan = ColorizationGAN(*generator_and_discriminator(), ema=0.9, noise_seed=1)
        optimizers = [FusedAdam(1e-2, beta_1=0.5, global_clipnorm=0.5) for _ in range(2)]
        gan.compile(*optimizers, **options)
    return gan


def pictures(count):
    lightness = tf.random.stateless_uniform((count, SIZE, SIZE, 1), (1, 2), -1, 1)
    # Not alike, so that replicas differ in their gradients and their figures.
    ab = tf.random.stateless_uniform((count, SIZE, SIZE, 2), (3, 4), -1, 1)
    return lightness, ab * tf.linspace(0.1, 1.0, count)[:, None, None, None]


class Figures(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.figures = dict(logs)


def train(distribution):
    """Train an epoch; return weights and figures by name."""
    gan = build(distribution)
    index, count = distribution.shard
    own = BATCH // count
    every = tf.data.Dataset.from_tensor_slices(pictures(STEPS * BATCH)).batch(own)
    part = every.enumerate().filter(lambda place, _: place % count == index)
    # Not a multiple of anything.
    validation = tf.data.Dataset.from_tensor_slices(pictures(5)).shard(count, index).batch(2)
    loop = Loop(
        gan,
        examples=part.map(lambda _, batch: batch).repeat(),
        validation=validation,
        steps_per_epoch=STEPS,
        distribution=distribution,
    )
    seen = Figures()
    loop.run([Counters(0, distribution), seen], first_epoch=0, end_epoch=1)
    state = {name: variable.numpy() for name, variable in state_variables(gan).items()}
    return {**state, **{f"figure.{name}": value for name, value in seen.figures.items()}}


def copies(distribution, variable):
    return np.stack([copy.numpy() for copy in distribution.copies(variable)])


def normalization(distribution):
    """Moving means after a step, of each replica, then averaged; and which places each drops."""
    keras.utils.set_random_seed(0)
    lightness = keras.Input((SIZE, SIZE, 1))
    with distribution.scope():
        features = keras.layers.BatchNormalization(momentum=0.0)(lightness)
        features = keras.layers.Dropout(0.5, name="dropout")(features)
        generator = keras.Model(lightness, keras.layers.Conv2D(2, 1, name="ab")(features))
        gan = ColorizationGAN(generator, networks()[1])
        gan.compile(*(FusedAdam() for _ in range(2)), objective="reconstruction")
    batches = iter(distribution.share_out(tf.data.Dataset.from_tensors(pictures(BATCH))))
    batch = next(batches)
    tf.function(lambda: distribution.strategy.run(gan.train_step, args=(batch,)))()
    mean = generator.layers[1].moving_mean
    apart = copies(distribution, mean)
    distribution.average(gan.statistics)
    counters = Counters(0, distribution)
    counters.set_model(gan)
    counters.on_epoch_begin(0)
    seeds = copies(distribution, generator.get_layer("dropout").seed_generator.state)
    true = [np.mean(part) for part in np.split(pictures(BATCH)[0], 2)]
    return {"apart": apart[:, 0], "averaged": copies(distribution, mean)[:, 0], "true": true} | {
        "seeds": seeds
    }


def overflow(distribution):
    """Weights before and after a float16 step that overflows in the second replica alone."""
    keras.config.set_dtype_policy("mixed_float16")
    gan = build(distribution)
    keras.config.set_dtype_policy("float32")
    lightness, ab = pictures(BATCH)
    lightness = tf.concat([lightness[:-1], lightness[-1:] * np.inf], axis=0)
    batch = next(iter(distribution.share_out(tf.data.Dataset.from_tensors((lightness, ab)))))
    for optimizer in (gan.generator_optimizer, gan.discriminator_optimizer):
        optimizer.dynamic_scale.assign(64.0)
    weights = [gan.generator.weights[0], gan.discriminator.weights[0]]
    before = [copies(distribution, weight) for weight in weights]
    step = tf.function(lambda batch: distribution.strategy.run(gan.train_step, args=(batch,)))
    step(batch)
    skipped = [copies(distribution, weight) for weight in weights]
    step(next(iter(distribution.share_out(tf.data.Dataset.from_tensors(pictures(BATCH))))))
    return {
        "overflow.unmoved": [np.array_equal(*pair) for pair in zip(before, skipped, strict=True)],
        "overflow.equal": [np.ptp(copies(distribution, w), axis=0).max() == 0 for w in weights],
        "overflow.moved": [
            not np.array_equal(copies(distribution, weight), old)
            for weight, old in zip(weights, before, strict=True)
        ],
        "overflow.scales": copies(distribution, gan.generator_optimizer.dynamic_scale),
    }


def on_devices():
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    one, two = Distribution(), choose_distribution("mirrored", None)
    results = {f"one.{name}": value for name, value in train(one).items()}
    results |= {f"two.{name}": value for name, value in train(two).items()}
    return {**results, **normalization(two), **overflow(two)}


def on_workers():
    distribution = choose_distribution("multi-worker", find_workers(os.environ))
    results = train(distribution)
    index = distribution.shard[0]
    own = keras.Variable(np.float32([index + 1.5, 2.0]))
    apart = keras.Variable(np.float32([[index, 4.0]]))
    distribution.average([apart])
    counter = keras.Variable(7 * (index + 1), dtype="int64")
    distribution.copy_from_chief([own, counter])
    return {
        **results,
        "averaged": apart.numpy(),
        "copied": own.numpy(),
        "counted": counter.numpy(),
        "wishes": [distribution.any_worker(False), distribution.any_worker(index == 1)],
        "told": distribution.from_chief(index + 0.25),
    }


if __name__ == "__main__":
    # On a CPU, Grappler's remapper complains of leaky ReLU, see `precision.precision_policy`.
    tf.config.optimizer.set_experimental_options({"remapping": False})
    results = {"devices": on_devices, "workers": on_workers}[sys.argv[1]]()
    np.savez(sys.argv[2], **results)
