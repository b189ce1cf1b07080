"""Films of unsteady exposure: how far their colors move from frame to frame."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from colorize_tf.benchmarks.measuring import TIME_LIMIT, Part, Row, Stopwatch
from colorize_tf.inference.colorizer import Colorizer

# A film of these takes half a minute; each pixel of its pan moves by two a frame.
_FRAMES = 24
_SIZE = (144, 192)
_PAN = 2
_GRAIN = 2.0


def measure_films(
    watch: Stopwatch,
    *,
    colorizer: Colorizer | None = None,
    swings: Sequence[float] = (0.0, 0.15, 0.25),
    frames: int = _FRAMES,
) -> Iterator[Part]:
    """Color a still and a panning film frame by frame and with smoothing, and compare them.

    Args:
        watch: reports, and limits the time.
        colorizer: the model; by default the one that comes with the package.
        swings: largest changes of the levels of a frame, as shares.
        frames: length of each film.
    """
    colorizer = colorizer or Colorizer.load()
    for pan in (0, _PAN):
        title = f"a film that pans {pan} pixels a frame" if pan else "a still film"
        rows: list[Row] = []
        missing: list[str] = []
        for swing in swings:
            if not watch.remaining():
                missing.append(f"swing of {swing:.0%}: {TIME_LIMIT}")
                continue
            watch.report(title, f"swing of {swing:.0%}")
            rows += _compare(colorizer, render_film(frames, swing=swing, pan=pan), swing, not pan)
        yield Part(f"{title}: change of ab from frame to frame", rows, missing)


def render_film(count: int, *, swing: float, pan: int = 0) -> list[np.ndarray]:
    """Render a gray film of a landscape with grain and unsteady exposure.

    Args:
        count: number of frames.
        swing: largest change of the levels of a frame, as a share; each frame draws its own.
        pan: motion of the camera to the right, in pixels a frame.

    Returns:
        The frames, uint8 `(144, 192, 3)`.
    """
    import cv2

    from colorize_tf.data.synthetic.landscapes import render_landscape

    random = np.random.default_rng(0)
    height, width = _SIZE
    wide = render_landscape(0, height, width + pan * count)
    levels = cv2.cvtColor(wide, cv2.COLOR_RGB2GRAY).astype(np.float32)
    frames = []
    for start in range(0, max(1, pan) * count, max(1, pan)):
        left = start if pan else 0
        exposed = levels[:, left : left + width] * random.uniform(1 - swing, 1 + swing)
        grain = cv2.GaussianBlur(random.normal(0, _GRAIN, _SIZE), (0, 0), 0.8)
        gray = np.clip(exposed + grain, 0, 255).astype(np.uint8)
        frames.append(cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB))
    return frames


def pulse(frames: Sequence[np.ndarray]) -> float:
    """Return the mean distance of the mean ab of neighboring frames, in Lab units."""
    from colorize_tf.color.lab import images_to_lab

    means = [images_to_lab(images)[..., 1:].mean(axis=(0, 1)) for images in frames]
    return float(np.linalg.norm(np.diff(means, axis=0), axis=1).mean())


def _compare(
    colorizer: Colorizer, frames: Sequence[np.ndarray], swing: float, is_still: bool
) -> Iterator[Row]:
    from colorize_tf.inference.rendering import join
    from colorize_tf.inference.video.flicker import flicker
    from colorize_tf.inference.video.smoothing import ChromaSmoother

    alone = [join(*pair) for pair in zip(frames, colorizer.predict(frames), strict=True)]
    smoother = ChromaSmoother()
    tracked = [smoother.track(images) for images in frames]
    predicted = colorizer.predict([frame.images for frame in tracked])
    abs_ = [smoother.smooth(*pair) for pair in zip(tracked, predicted, strict=True)]
    smooth = [join(*pair) for pair in zip(frames, abs_, strict=True)]
    steady = [join(frame.images, ab) for frame, ab in zip(tracked, abs_, strict=True)]
    measures: dict[str, Callable[[Sequence[np.ndarray]], float]] = {"whole frame": pulse}
    if is_still:
        measures["still regions"] = lambda colored: flicker(frames, colored)
    for what, measure in measures.items():
        name = f"swing {swing:.0%}, {what}"
        before, after = measure(alone), measure(smooth)
        yield Row(f"{name}, frame by frame", before, "units of ab")
        yield Row(f"{name}, smoothed", after, "units of ab")
        yield Row(f"{name}, smoothed over frame by frame", after / before, "times")
        yield Row(f"{name}, with --deflicker", measure(steady), "units of ab")
