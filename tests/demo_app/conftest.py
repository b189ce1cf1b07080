"""Uploaded photographs and films, and a model that needs no file."""

import cv2
import numpy as np
import pytest

from colorize_tf import imagefiles
from colorize_tf.data.synthetic.landscapes import render_landscape
from colorize_tf.inference.batch.processor import PhotographProcessor
from colorize_tf.inference.colorizer import Colorizer


@pytest.fixture
def colorizer():
    """Predicts green everywhere, scaled by z."""

    def predict_ab(lightness, z=None):
        amount = 1.0 if z is None else np.tanh(z[0, 0])
        return np.full((len(lightness), 32, 32, 2), (-0.2 * amount, 0.1), np.float32)

    return Colorizer(predict_ab, 32, z_size=1)


@pytest.fixture
def processor(colorizer):
    return PhotographProcessor(colorizer)


@pytest.fixture
def upload(tmp_path):
    """Return a function that writes a gray photograph as Gradio does: in a folder of its own."""

    def write(name, seed=1, height=60, width=90, color=False):
        images = render_landscape(seed, height, width)
        if not color:
            images = np.repeat(
                cv2.cvtColor(images, cv2.COLOR_RGB2GRAY)[..., np.newaxis], 3, axis=-1
            )
        folder = tmp_path / "uploads" / f"{name}-{seed}"
        folder.mkdir(parents=True)
        imagefiles.write_image(folder / name, images)
        return folder / name

    return write


@pytest.fixture
def progress():
    """Return a progress callback that records its calls."""

    class Progress(list):
        def __call__(self, done, total):
            self.append((done, total))

    return Progress()
