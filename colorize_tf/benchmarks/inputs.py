"""Photographs that the benchmarks colorize."""

from pathlib import Path

import numpy as np

_IN_A_FOLDER = 100


def write_gray_photograph(path: Path, height: int, width: int) -> None:
    """Write a rendered landscape as an old photograph: gray, with the grain of film."""
    import cv2

    from colorize_tf.data.synthetic.landscapes import render_landscape
    from colorize_tf.imagefiles import media

    small = render_landscape(0, 600, 800)
    gray = cv2.cvtColor(cv2.resize(small, (width, height)), cv2.COLOR_RGB2GRAY)
    grain = 6 * np.random.default_rng(0).standard_normal(gray.shape, np.float32)
    gray = np.clip(gray + grain, 0, 255).astype(np.uint8)
    media.write_image(path, cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB))


def write_folders(folder: Path, count: int, height: int, width: int) -> None:
    """Write gray photographs, a hundred to a folder."""
    first = folder / "first.jpg"
    folder.mkdir(parents=True)
    write_gray_photograph(first, height, width)
    data = first.read_bytes()
    first.unlink()
    for index in range(count):
        path = folder / f"{index // _IN_A_FOLDER:03d}" / f"{index:06d}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
