"""Photographs to begin with: landscapes that the package renders itself, in black and white."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from colorize_tf.data.synthetic.landscapes import render_landscape
from colorize_tf.imagefiles.media import write_image
from colorize_tf.inference.rendering import join

# What is seen, and the seed of the scene.
_SCENES = {"meadow and forest": 19, "lone tree": 17, "snow": 18, "mountains in mist": 5}
_HEIGHT, _WIDTH = 480, 720


def render_examples(folder: Path) -> list[Path]:
    """Render the examples as JPEG files, each named after what is seen.

    Args:
        folder: where to put them; is made.

    Returns:
        The files.
    """
    folder.mkdir()

    def render(scene):
        name, seed = scene
        images = render_landscape(seed, _HEIGHT, _WIDTH)
        path = folder / f"{name}.jpg"
        write_image(path, join(images, np.zeros((1, 1, 2), np.float32)))
        return path

    with ThreadPoolExecutor() as pool:
        return list(pool.map(render, _SCENES.items()))
