"""A network with noise."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def noisy(calm):
    """A generator that takes a z of three; zeros make it `calm`."""
    from colorize_tf.models.unet import unet

    noisy = unet(32, widths=(8, 16, 16), z_size=3, name="noisy")
    kernel, *others = calm.get_weights()
    of_z = np.random.default_rng(1).normal(0, 0.1, (4, 4, 3, 8))
    noisy.set_weights([np.concatenate([kernel, of_z], axis=2), *others])
    return noisy
