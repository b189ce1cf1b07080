"""Pictures and models that the benchmarks work on."""

import os
from pathlib import Path

import numpy as np

# Rendering takes longer than what is measured, so that few scenes serve for many files.
_SCENES = 8
_FOLDER_SIZE = 100


def write_gray_photograph(path: Path, height: int, width: int) -> None:
    """Write a rendered landscape as an old photograph: gray, with film grain."""
    import cv2

    from colorize_tf import imagefiles
    from colorize_tf.data.synthetic.landscapes import render_landscape

    small = render_landscape(0, 600, 800)
    gray = cv2.cvtColor(cv2.resize(small, (width, height)), cv2.COLOR_RGB2GRAY)
    grain = 6 * np.random.default_rng(0).standard_normal(gray.shape, np.float32)
    gray = np.clip(gray + grain, 0, 255).astype(np.uint8)
    imagefiles.write_image(path, cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB))


def write_gray_photographs(folder: Path, count: int, height: int, width: int) -> None:
    """Write copies of a gray photograph into subfolders of a hundred."""
    first = folder / "first.jpg"
    folder.mkdir(parents=True)
    write_gray_photograph(first, height, width)
    data = first.read_bytes()
    first.unlink()
    for index in range(count):
        path = folder / f"{index // _FOLDER_SIZE:03d}" / f"{index:06d}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)


def write_training_pictures(folder: Path, count: int, size: int) -> list[Path]:
    """Write square JPEG files of `size` pixels a side, of eight scenes, into a new folder."""
    from colorize_tf import imagefiles
    from colorize_tf.data.synthetic.landscapes import render_landscape

    folder.mkdir(exist_ok=True)
    paths = [folder / f"{index}.jpg" for index in range(count)]
    for index, path in enumerate(paths):
        if index < _SCENES:
            imagefiles.write_image(path, render_landscape(index, size, size))
        else:
            os.link(paths[index % _SCENES], path)
    return paths


def write_model(folder: Path) -> Path:
    """Write an untrained generator of the default recipe as a `.tflite` file."""
    from colorize_tf import cli
    from colorize_tf.artifacts.keras_file import as_float32
    from colorize_tf.artifacts.tflite.convert import convert_to_tflite
    from colorize_tf.models.unet import compact_unet

    path = folder / "model.tflite"
    with cli.native_logs_hidden():
        path.write_bytes(convert_to_tflite(as_float32(compact_unet())))
    return path
