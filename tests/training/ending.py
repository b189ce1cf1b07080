"""Run as a program by two processes: the second is asked to end amid the validation."""

import os
import signal

import keras
import tensorflow as tf

from colorize_tf.color.lab_tf import encode
from colorize_tf.models.patchgan import patchgan
from colorize_tf.models.unet import unet
from colorize_tf.training.callbacks import Counters
from colorize_tf.training.distribution import choose_distribution
from colorize_tf.training.errors import TerminatedError
from colorize_tf.training.gan import ColorizationGAN
from colorize_tf.training.loop import Loop
from colorize_tf.training.termination import Termination
from colorize_tf.training.workers import find_workers


class Asked(keras.callbacks.Callback):
    """SIGTERM to the second process, when it has nothing more to validate on but the first has."""

    def on_test_batch_begin(self, batch, logs=None):
        if batch == 3 and index == 1:
            os.kill(os.getpid(), signal.SIGTERM)


tf.config.optimizer.set_experimental_options({"remapping": False})
distribution = choose_distribution("multi-worker", find_workers(os.environ))
index, count = distribution.shard
keras.utils.set_random_seed(0)
with distribution.scope():
    gan = ColorizationGAN(unet(32, widths=(4, 8)), patchgan(base_width=4))
    gan.compile(*(keras.optimizers.Adam() for _ in range(2)), objective="reconstruction")
pictures = tf.data.Dataset.from_tensor_slices(
    encode(tf.random.stateless_uniform((7, 32, 32, 3), (1, 2)))
)
loop = Loop(
    gan,
    examples=pictures.batch(1).repeat(),
    validation=pictures.shard(count, index).batch(1),
    steps_per_epoch=2,
    distribution=distribution,
)
measured, saved = [], []
measure = loop._test
loop._test = lambda batch: measured.append(batch) or measure(batch)
counters = Counters(0, distribution)
termination = Termination(counters, saved.append)
with termination.listening():
    try:
        loop.run([counters, Asked(), termination], first_epoch=0, end_epoch=1)
    except TerminatedError:
        print("ended", len(measured), len(saved), gan.count("steps_done"), gan.count("epochs_done"))
