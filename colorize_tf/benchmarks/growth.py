"""How the cost of a picture grows with its size, with the batch and with the data set.

What coloring a photograph costs, in seconds a megapixel, is to stay the same at every size.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from colorize_tf.benchmarks.inputs import write_gray_photograph
from colorize_tf.benchmarks.measuring import Contender, Part, Row, compare
from colorize_tf.benchmarks.photograph import coloring
from colorize_tf.benchmarks.training import Case, build_gan, fastest_precision
from colorize_tf.files import atomic_write

SIZES = (64, 128, 256, 512)
BATCHES = (1, 4, 16, 64)
LENGTHS = (100, 200, 400, 800)
MEGAPIXELS = (0.25, 1, 4, 12, 24, 48, 100)
_TITLES = ("pixels a side", "batch", "photographs in the data set", "megapixels")


def measure_growth(
    *,
    sizes: Sequence[int] = SIZES,
    batches: Sequence[int] = BATCHES,
    lengths: Sequence[int] = LENGTHS,
    megapixels: Sequence[float] = MEGAPIXELS,
    generator: str = "compact_unet",
    **options: float,
) -> list[Part]:
    """Measure seconds for a picture: a training step, the generator, listing; and coloring.

    Args:
        sizes: heights and widths in pixels, at a batch of 4.
        batches: pictures at once, at the second of `sizes`.
        lengths: photographs in a data set.
        megapixels: of photographs that are colored, by the model that comes with the package.
        generator: name in `GENERATORS`.
        **options: `rounds` and `seconds` of `compare`.
    """
    options = {"rounds": 3, "seconds": 1.0, **options}
    by_size = [(size, size, 4) for size in sizes]
    by_batch = [(batch, sizes[1], batch) for batch in batches]
    parts = []
    for title, settings in zip(_TITLES[:2], (by_size, by_batch), strict=True):
        for kind, make in {"training step": _training, "generator": _generator}.items():
            rows = []
            for value, size, batch in settings:
                with fastest_precision():
                    act = make(generator, size, batch)
                contender = Contender(str(value), act, batch)
                rows += compare([contender], unit="s", as_time=True, **options)
            parts.append(Part(f"seconds a picture, {kind}, by {title}", rows))
    rows = []
    for length in lengths:
        with tempfile.TemporaryDirectory() as folder:
            contender = Contender(str(length), _listing(Path(folder), length), length)
            rows += compare([contender], unit="s", as_time=True, **options)
    parts.append(Part(f"seconds a picture, finding them, by {_TITLES[2]}", rows))
    return [*parts, *_measure_coloring(megapixels, **options)]


def _measure_coloring(megapixels: Sequence[float], **options: float) -> list[Part]:
    """Measure JPEG files colored into others, and the power of their size that the time is."""
    rows = []
    for size in megapixels:
        height = round((size * 1e6 * 3 / 4) ** 0.5)
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder, "gray.jpg"), Path(folder, "color.jpg")
            write_gray_photograph(source, height, round(size * 1e6 / height))
            colorize, _ = coloring(source, target)
            contender = Contender(f"{size:g}", colorize, size)
            rows += compare([contender], unit="s", as_time=True, **options)
    seconds = [size * row.value for size, row in zip(megapixels, rows, strict=True)]
    exponent, _ = np.polyfit(np.log(megapixels), np.log(seconds), 1)
    return [
        Part(f"seconds a megapixel, JPEG files colored into others, by {_TITLES[3]}", rows),
        Part(
            "time of coloring as a power of the megapixels",
            [Row("exponent, 1 is linear", float(exponent), "")],
        ),
    ]


def _training(generator: str, size: int, batch: int) -> Callable[[], object]:
    import tensorflow as tf

    gan = build_gan(Case(generator, (), 32, size, batch))
    examples = tuple(tf.zeros((batch, size, size, channels)) for channels in (1, 2))
    step = tf.function(gan.train_step)
    return lambda: float(step(examples)["reconstruction_loss"])


def _generator(generator: str, size: int, batch: int) -> Callable[[], object]:
    import tensorflow as tf

    from colorize_tf.models import GENERATORS

    network = GENERATORS[generator](size)
    lightness = tf.zeros((batch, size, size, 1))
    compiled = tf.function(lambda: network(lightness, training=False))
    return lambda: compiled().numpy()


def _listing(folder: Path, length: int) -> Callable[[], object]:
    from colorize_tf.data.audit import MINIMUM_SIDE, audit
    from colorize_tf.imagefiles import media

    random = np.random.default_rng(length)
    paths = [folder / f"{index}.jpg" for index in range(length)]
    for path in paths:
        coarse = random.integers(0, 256, (4, 4, 3), np.uint8)
        media.write_image(path, coarse.repeat(MINIMUM_SIDE // 4 + 1, 0).repeat(MINIMUM_SIDE, 1))
    # Without its memory of files that it has seen.
    return lambda: audit(paths, cache_file=None, progress=False)


def draw_growth(parts: Sequence[Part], path: str | Path) -> None:
    """Draw seconds a picture or megapixel, on logarithmic axes, where a straight line is a power.

    Args:
        parts: from `measure_growth`.
        path: of the picture to write; its ending chooses the format.
    """
    # Without a display, and without pyplot's global state.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(16, 4), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, title in zip(figure.subplots(1, len(_TITLES)), _TITLES, strict=True):
        axes.set(xscale="log", yscale="log", xlabel=title)
        for part in parts:
            what, _, by = part.title.partition(", by ")
            if by == title:
                unit, _, kind = what.partition(", ")
                axes.set_ylabel(unit)
                points = [(float(row.name), row.value) for row in part.rows]
                axes.plot(*zip(*points, strict=True), marker="o", label=kind)
                axes.set_xticks([x for x, _ in points], [f"{x:g}" for x, _ in points])
        axes.xaxis.minorticks_off()
        # At least a decade, so that noise does not look like growth.
        least, most = axes.get_ylim()
        axes.set_ylim(min(least, most / 10), most)
        axes.grid(alpha=0.3, which="both")
        axes.legend()
    path = Path(path)
    with atomic_write(path) as aside:
        figure.savefig(aside, format=path.suffix[1:] or "png", dpi=110)
