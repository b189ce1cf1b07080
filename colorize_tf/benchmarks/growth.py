"""How the time of a picture grows with its size, the batch and the data set.

Coloring should take the same time per megapixel at every size.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from colorize_tf.benchmarks.inputs import write_gray_photograph
from colorize_tf.benchmarks.measuring import TIME_LIMIT, Contender, Part, Row, Stopwatch
from colorize_tf.benchmarks.photograph import make_colorizing
from colorize_tf.benchmarks.training import Case, build_gan, fastest_precision
from colorize_tf.files import atomic_write

SIZES = (64, 128, 256, 512)
BATCHES = (1, 4, 16, 64)
LENGTHS = (100, 200, 400, 800)
MEGAPIXELS = (0.25, 1, 4, 12, 24, 48, 100)
_AXES = ("pixels a side", "batch", "photographs in the data set", "megapixels")


def measure_growth(
    watch: Stopwatch,
    *,
    sizes: Sequence[int] = SIZES,
    batches: Sequence[int] = BATCHES,
    lengths: Sequence[int] = LENGTHS,
    megapixels: Sequence[float] = MEGAPIXELS,
    generator: str = "efficientnet_unet",
) -> Iterator[Part]:
    """Measure seconds per picture of a training step, the generator, auditing and coloring.

    Args:
        watch: measures.
        sizes: heights and widths in pixels, at a batch of 4.
        batches: pictures in a batch, at the second of `sizes`.
        lengths: photographs in a data set.
        megapixels: of photographs that the model that comes with the package colors.
        generator: name in `GENERATORS`; by default the shipped model's.
    """
    settings = {
        _AXES[0]: [(size, size, 4) for size in sizes],
        _AXES[1]: [(batch, sizes[1], batch) for batch in batches],
    }
    networks = {"training step": _make_training_step, "generator": _make_generator}
    for axis, values in settings.items():
        for kind, make in networks.items():
            points = [
                (value, batch, partial(make, generator, size, batch))
                for value, size, batch in values
            ]
            with fastest_precision():
                yield _measure_axis(watch, f"seconds a picture, {kind}, by {axis}", points)
    with tempfile.TemporaryDirectory() as folder:
        audits = [
            (length, length, partial(_make_audit, Path(folder), length)) for length in lengths
        ]
        yield _measure_axis(watch, f"seconds a picture, auditing them, by {_AXES[2]}", audits)
        colorings = [
            (size, size, partial(_make_coloring, Path(folder), size)) for size in megapixels
        ]
        title = f"seconds a megapixel, JPEG files colored into others, by {_AXES[3]}"
        coloring = _measure_axis(watch, title, colorings)
    yield coloring
    if len(coloring.rows) > 1:
        measured = [float(row.name) for row in coloring.rows]
        seconds = [size * row.value for size, row in zip(measured, coloring.rows, strict=True)]
        exponent, _ = np.polyfit(np.log(measured), np.log(seconds), 1)
        row = Row("exponent, 1 is linear", float(exponent), "")
        yield Part("time of coloring as a power of the megapixels", [row])


def _measure_axis(
    watch: Stopwatch,
    title: str,
    points: Sequence[tuple[float, float, Callable[[], Callable[[], object]]]],
) -> Part:
    """Measure values of an axis one by one.

    Args:
        watch: measures.
        title: of the table.
        points: for each its value, the amount of work, and a function that prepares the work.
    """
    rows: list[Row] = []
    missing = []
    for value, amount, make in points:
        if rows and not watch.remaining():
            missing.append(f"{value:g}: {TIME_LIMIT}")
            continue
        watch.report(title, f"{value:g}, preparation")
        contender = Contender(f"{value:g}", make(), amount)
        part = watch.compare(title, [contender], unit="s", as_time=True, rounds=3, seconds=1.0)
        rows += part.rows
    return Part(title, rows, missing)


def _make_training_step(generator: str, size: int, batch: int) -> Callable[[], object]:
    import tensorflow as tf

    gan = build_gan(Case(generator, 32, size, batch))
    examples = tuple(tf.zeros((batch, size, size, channels)) for channels in (1, 2))
    step = tf.function(gan.train_step)
    return lambda: float(step(examples)["reconstruction_loss"])


def _make_generator(generator: str, size: int, batch: int) -> Callable[[], object]:
    import tensorflow as tf

    from colorize_tf.models import GENERATORS

    network = GENERATORS[generator](size)
    lightness = tf.zeros((batch, size, size, 1))
    compiled = tf.function(lambda: network(lightness, training=False))
    return lambda: compiled().numpy()


def _make_audit(folder: Path, length: int) -> Callable[[], object]:
    from colorize_tf import imagefiles
    from colorize_tf.data.audit import MINIMUM_SIDE, audit

    random = np.random.default_rng(length)
    paths = [folder / f"{length}-{index}.jpg" for index in range(length)]
    for path in paths:
        coarse = random.integers(0, 256, (4, 4, 3), np.uint8)
        imagefiles.write_image(
            path, coarse.repeat(MINIMUM_SIDE // 4 + 1, 0).repeat(MINIMUM_SIDE, 1)
        )
    # A cache would skip the files that it knows.
    return lambda: audit(paths, cache_file=None, progress=False)


def _make_coloring(folder: Path, megapixels: float) -> Callable[[], object]:
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    source, target = folder / f"gray-{megapixels}.jpg", folder / "color.jpg"
    write_gray_photograph(source, height, round(megapixels * 1e6 / height))
    colorize, _ = make_colorizing(source, target)
    return colorize


def draw_growth(parts: Sequence[Part], path: str | Path) -> None:
    """Draw seconds per picture or megapixel on logarithmic axes, where a power is a straight line.

    Args:
        parts: from `measure_growth`.
        path: of the picture to write; its suffix chooses the format.
    """
    # The canvas needs no display, and no global state of pyplot.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(16, 4), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, title in zip(figure.subplots(1, len(_AXES)), _AXES, strict=True):
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
        # Show at least a decade, so that noise does not look like growth.
        least, most = axes.get_ylim()
        axes.set_ylim(min(least, most / 10), most)
        axes.grid(alpha=0.3, which="both")
        axes.legend()
    path = Path(path)
    with atomic_write(path) as aside:
        figure.savefig(aside, format=path.suffix[1:] or "png", dpi=110)
