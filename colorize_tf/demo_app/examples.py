"""Example photographs: black-and-white landscapes that the package renders."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from colorize_tf.data.synthetic.landscapes import render_landscape
from colorize_tf.imagefiles import write_image
from colorize_tf.inference.rendering import join

_SCENE_SEEDS = {"meadow and forest": 19, "lone tree": 17, "snow": 18, "mountains in mist": 5}
_HEIGHT, _WIDTH = 480, 720


def render_examples(folder: Path) -> list[Path]:
    """Render the examples as JPEG files, each named after its scene.

    Args:
        folder: a new folder to create for them.
    """
    folder.mkdir()

    def render(scene: str) -> Path:
        images = render_landscape(_SCENE_SEEDS[scene], _HEIGHT, _WIDTH)
        path = folder / f"{scene}.jpg"
        write_image(path, join(images, np.zeros((1, 1, 2), np.float32)))
        return path

    with ThreadPoolExecutor() as pool:
        return list(pool.map(render, _SCENE_SEEDS))
