"""Render landscapes with NumPy and OpenCV, as a data set where no photographs are available.

Color depends on lightness and texture, so that a network can learn it from L.
"""

import os
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from colorize_tf.data.synthetic import scenery
from colorize_tf.data.synthetic.daylight import View, sky

SMALLEST = 16
# Picture seeds: a block for each data set, and validation far above every training block.
SEEDS_PER_SET = 1 << 20
VALIDATION_STREAM = 1 << 52


def render_landscape(seed: int, height: int, width: int) -> np.ndarray:
    """Render one landscape; a seed gives the same scene at every size.

    Args:
        seed: any integer from 0.
        height: in pixels, at least 16.
        width: in pixels, at least 16.

    Returns:
        `images` uint8 `(height, width, 3)`, sRGB.

    Raises:
        ValueError: the picture is too small or the seed negative.

    Example:
        >>> render_landscape(3, 32, 48).shape
        (32, 48, 3)
    """
    _check(seed, height, width)
    view = View(np.random.default_rng(seed), height, width)
    names = list(SCENES)
    canvas = SCENES[names[view.rng.integers(len(names))]](view, sky(view))
    return _photograph(view, canvas, np.random.default_rng([seed, 1]))


def _check(seed: int, height: int, width: int) -> None:
    if min(height, width) < SMALLEST:
        raise ValueError(
            f"cannot render a landscape of {height} x {width} pixels, expected at least "
            f"{SMALLEST} x {SMALLEST}; render it larger and reduce it"
        )
    if seed < 0:
        raise ValueError(f"the seed is {seed}, expected an integer of at least 0")


def _photograph(view: View, canvas: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Simulate the camera: exposure, vignetting, noise, gamma."""
    exposure = float(np.exp(view.rng.normal(0, 0.1)))
    corner = (view.x - 0.5) ** 2 + (view.y - 0.5) ** 2
    canvas = canvas * (exposure * (1 - view.rng.uniform(0.1, 0.5) * corner))[..., None]
    # A soft shoulder keeps the hue of glare near the sun, which would clip to white.
    red, green, blue = cv2.split(canvas)
    peak = np.maximum(cv2.max(cv2.max(red, green), blue), 1e-6)
    shoulder = np.minimum(peak, 0.8 + 0.2 * np.tanh((peak - 0.8) / 0.2)) / peak
    srgb = np.sqrt(np.maximum(canvas * shoulder[..., None], 0))
    noise = rng.standard_normal(srgb.shape[:2], dtype=np.float32)
    return np.clip(255 * srgb + 1.2 * noise[..., None] + 0.5, 0, 255).astype(np.uint8)


def _alpine(view: View, canvas: np.ndarray) -> np.ndarray:
    rng, line = view.rng, view.horizon + 0.08
    snow = rng.uniform(0.35, 0.8)
    canvas = scenery.mountains(
        view, canvas, base=line, height=rng.uniform(0.3, 0.42), distance=0.8, snow=snow
    )
    canvas = scenery.mountains(
        view, canvas, base=line, height=rng.uniform(0.15, 0.28), distance=0.45, snow=snow + 0.3
    )
    canvas = scenery.woods(view, canvas, kind="conifer", base=line - 0.02, distance=0.5)
    if rng.random() < 0.65:
        canvas = scenery.lake(view, canvas, shore=line + 0.02)
        if rng.random() < 0.5:
            bank = 0.92 - 0.16 * scenery.outline(view, waves=2, roughness=0.4)
            canvas = scenery.meadow(view, canvas, top=bank, flowers=rng.random() < 0.5)
        return canvas
    top = line + 0.03 - 0.05 * scenery.outline(view, waves=2, roughness=0.4)
    return scenery.meadow(view, canvas, top=top, flowers=rng.random() < 0.7)


def _countryside(view: View, canvas: np.ndarray) -> np.ndarray:
    rng, line = view.rng, view.horizon
    for step in range(3):
        canvas = scenery.hills(
            view,
            canvas,
            base=line + 0.05 * step,
            height=0.16 - 0.02 * step,
            distance=0.8 - 0.22 * step,
        )
    canvas = scenery.woods(view, canvas, kind="broadleaf", base=line + 0.12, distance=0.4)
    top = line + 0.15 - 0.06 * scenery.outline(view, waves=2, roughness=0.4)
    canvas = scenery.meadow(view, canvas, top=top, flowers=rng.random() < 0.6)
    return _lone_tree(view, canvas, "broadleaf")


def _autumn(view: View, canvas: np.ndarray) -> np.ndarray:
    rng, line = view.rng, view.horizon
    canvas = scenery.mountains(view, canvas, base=line + 0.05, height=0.25, distance=0.8, snow=0.9)
    for step in range(3):
        kind = "conifer" if rng.random() < 0.25 else "autumn"
        canvas = scenery.woods(
            view, canvas, kind=kind, base=line + 0.03 * step, distance=0.7 - 0.2 * step
        )
    if rng.random() < 0.6:
        return scenery.lake(view, canvas, shore=line + 0.14)
    top = line + 0.17 - 0.05 * scenery.outline(view, waves=2, roughness=0.4)
    canvas = scenery.meadow(view, canvas, top=top, flowers=False)
    return _lone_tree(view, canvas, "autumn")


def _lone_tree(view: View, canvas: np.ndarray, kind: str) -> np.ndarray:
    rng = view.rng
    if rng.random() < 0.4:
        return canvas
    side = 0.25 if rng.random() < 0.5 else 0.75
    foot = (side + rng.uniform(-0.12, 0.12), rng.uniform(0.74, 0.9))
    return scenery.tree(view, canvas, kind=kind, foot=foot, size=foot[1] * rng.uniform(0.6, 0.85))


def _winter(view: View, canvas: np.ndarray) -> np.ndarray:
    line = view.horizon + 0.06
    canvas = scenery.mountains(view, canvas, base=line, height=0.36, distance=0.7, snow=0.15)
    canvas = scenery.woods(view, canvas, kind="conifer", base=line, distance=0.45)
    top = line + 0.05 - 0.06 * scenery.outline(view, waves=2, roughness=0.4)
    return scenery.snowfield(view, canvas, top=top)


def _coast(view: View, canvas: np.ndarray) -> np.ndarray:
    if view.rng.random() < 0.5:
        canvas = scenery.mountains(
            view, canvas, base=view.horizon + 0.01, height=0.14, distance=0.75, snow=2.0
        )
    canvas = scenery.sea(view, canvas)
    return scenery.beach(view, canvas) if view.rng.random() < 0.7 else canvas


def _dunes(view: View, canvas: np.ndarray) -> np.ndarray:
    for step in range(4):
        crest = (0.1 + 0.02 * step) * scenery.outline(view, waves=2, roughness=0.2)
        top = view.horizon + 0.02 + 0.13 * step - crest
        canvas = scenery.sand(view, canvas, top=top, distance=0.55 - 0.17 * step)
    return canvas


def _canyon(view: View, canvas: np.ndarray) -> np.ndarray:
    line = view.horizon + 0.04
    for step in range(2):
        canvas = scenery.mesas(
            view, canvas, base=line, height=0.3 - 0.08 * step, distance=0.6 - 0.3 * step
        )
    return scenery.scrub(view, canvas, top=np.full_like(view.x, line))


def _lavender(view: View, canvas: np.ndarray) -> np.ndarray:
    line = view.horizon
    canvas = scenery.hills(view, canvas, base=line + 0.02, height=0.18, distance=0.8)
    canvas = scenery.woods(view, canvas, kind="broadleaf", base=line + 0.02, distance=0.6)
    return scenery.fields(view, canvas, top=np.full_like(view.x, line + 0.03))


SCENES: dict[str, Callable[[View, np.ndarray], np.ndarray]] = {
    "alpine": _alpine,
    "countryside": _countryside,
    "autumn": _autumn,
    "coast": _coast,
    "dunes": _dunes,
    "canyon": _canyon,
    "lavender": _lavender,
    "winter": _winter,
}


def write_landscapes(
    folder: Path,
    *,
    train: int,
    validation: int,
    size: int,
    seed: int,
    progress: Callable[..., Iterable] | None = None,
) -> None:
    """Render a data set into `folder/train` and `folder/val` unless the folder exists.

    The folder appears when it is complete, so that a killed run leaves no partial data set.

    Args:
        folder: of the data set.
        train: number of training pictures.
        validation: number of validation pictures; none of them is a training picture.
        size: height and width, in pixels.
        seed: determines the pictures, at least 0; two seeds have no picture in common.
        progress: wraps the finished pictures, as `progress(iterable, total=count)`, such as
            `tqdm.tqdm`.

    Raises:
        ValueError: `size` is too small to render, or the seed negative.
    """
    folder = Path(folder)
    if folder.exists():
        return
    _check(seed, size, size)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
        unfinished = Path(scratch) / folder.name
        _fill(unfinished, _picture_seeds(train, validation, seed), size, progress)
        try:
            unfinished.rename(folder)
        except OSError:
            # Another process finished the same pictures first.
            if not folder.exists():
                raise


def _picture_seeds(train: int, validation: int, seed: int) -> dict[str, int]:
    first = seed * SEEDS_PER_SET
    names = {f"train/{index:05d}.png": first + index for index in range(train)}
    for index in range(validation):
        names[f"val/{index:05d}.png"] = VALIDATION_STREAM + first + index
    return names


def _fill(
    folder: Path,
    picture_seeds: dict[str, int],
    size: int,
    progress: Callable[..., Iterable] | None,
) -> None:
    for split in ("train", "val"):
        (folder / split).mkdir(parents=True)

    def write(name: str, seed: int) -> None:
        images = render_landscape(seed, size, size)
        if not cv2.imwrite(str(folder / name), images[..., ::-1]):
            raise OSError(f"cannot write {folder / name}; check the space on the disk")

    # Threads, since a fork after TensorFlow has started can hang and a spawned process would run
    # the caller's script again; NumPy and OpenCV release the GIL while they compute.
    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        written = pool.map(write, picture_seeds.keys(), picture_seeds.values())
        for _ in progress(written, total=len(picture_seeds)) if progress else written:
            pass
    finally:
        pool.shutdown(cancel_futures=True)
