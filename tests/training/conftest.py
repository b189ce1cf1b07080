"""What several tests of training share."""

import types

import keras
import pytest


@pytest.fixture
def gan():
    """What callbacks see of a ColorizationGAN."""
    network = types.SimpleNamespace(layers=[])
    names = "epochs_done", "epoch_first_step", "stage_first_step", "steps_done", "seconds_done"
    counters = {name: keras.Variable(0.0, dtype="float32") for name in names}
    return types.SimpleNamespace(
        generator=network,
        ema_generator=network,
        discriminator=network,
        generator_optimizer=types.SimpleNamespace(learning_rate=keras.Variable(0.5)),
        discriminator_optimizer=types.SimpleNamespace(learning_rate=keras.Variable(0.25)),
        counters=counters,
        count=lambda name: int(counters[name].numpy()),
        stop_training=False,
    )
