import numpy as np
import pytest

from colorize_tf.evaluation.scores import gray, mean_color, measure, truth


@pytest.fixture(scope="session")
def measured(landscapes):
    """Four photographs of 48 pixels with the predictions gray, cool and truth."""
    colorizers = {"gray": gray, "cool": mean_color([0.0, -0.2]), "truth": truth}
    return list(measure(colorizers, landscapes[:4], size=48))


@pytest.fixture
def random_figures():
    """Make figures of 40 pictures with a given mean."""

    def make(mean, seed=0):
        random = np.random.default_rng(seed)
        return {
            "ab_rmse": random.normal(mean, 2, 40),
            "colorfulness": random.uniform(10, 30, 40),
            "true_colorfulness": random.uniform(20, 60, 40),
        }

    return make
