"""Colouring a large photograph, beside only reading and writing it."""

import tempfile
from pathlib import Path

import numpy as np

from colorize_tf.benchmarks.measuring import Contender, Part, compare


def measure_photograph(*, height: int = 3000, width: int = 4000, **options: float) -> list[Part]:
    """Measure a JPEG coloured into another, by LiteRT.

    Args:
        height: of the photograph, in pixels.
        width: of the photograph, in pixels.
        **options: `rounds` and `seconds` of `compare`.
    """
    from colorize_tf.inference.colorizer import Colorizer
    from colorize_tf.photograph import read_photograph, write_photograph

    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "grey.jpg", Path(folder) / "colour.jpg"
        write_grey_photograph(source, height, width)
        colorizer = Colorizer.load(write_model(Path(folder)))

        def colorize():
            photograph = read_photograph(source)
            colored = photograph.with_images(colorizer(photograph.images))
            write_photograph(target, colored)

        def copy():
            write_photograph(target, read_photograph(source))

        rows = compare(
            [Contender("colouring it", colorize), Contender("only reading and writing it", copy)],
            unit="s",
            as_time=True,
            **options,
        )
    megapixels = height * width / 1e6
    return [Part(f"a JPEG of {megapixels:g} megapixels into another", rows)]


def write_grey_photograph(path: Path, height: int, width: int) -> None:
    """Write a rendered landscape as an old photograph: grey, with the grain of film."""
    import cv2

    from colorize_tf import media
    from colorize_tf.data.synthetic import render_landscape

    small = render_landscape(0, 600, 800)
    grey = cv2.cvtColor(cv2.resize(small, (width, height)), cv2.COLOR_RGB2GRAY)
    grain = np.random.default_rng(0).normal(0, 6, grey.shape)
    grey = np.clip(grey + grain, 0, 255).astype(np.uint8)
    media.write_image(path, cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB))


def write_model(folder: Path) -> Path:
    """Write an untrained generator of the default recipe's kind and size as `.tflite`."""
    from colorize_tf import cli
    from colorize_tf.artifacts.keras_file import as_float32
    from colorize_tf.artifacts.tflite import convert_to_tflite
    from colorize_tf.models.unet import compact_unet

    path = folder / "model.tflite"
    with cli.native_chatter_hidden():
        path.write_bytes(convert_to_tflite(as_float32(compact_unet())))
    return path
