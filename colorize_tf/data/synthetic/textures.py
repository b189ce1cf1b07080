"""Periodic gray tiles of natural textures, and their sampling.

Every tile is `(TILE, TILE)` float32 in 0..1, wraps in both directions, is made once from a fixed
seed and kept as a mip pyramid, so that a material looks the same at any distance and size.
"""

import functools
from collections.abc import Callable

import cv2
import numpy as np

TILE = 512
LEVELS = 7


def sample(name: str, u: np.ndarray, v: np.ndarray, footprint: np.ndarray | float) -> np.ndarray:
    """Sample a tile at given positions, filtered for the size of a pixel there.

    Args:
        name: a key of `TILES`.
        u: horizontal position in tile repeats; broadcasts with `v` to 2-D.
        v: vertical position in tile repeats.
        footprint: tile repeats that one pixel covers: a scalar, or one value for each row `(h, 1)`.

    Returns:
        float32 `(height, width)`, 0..1.
    """
    u, v = (np.ascontiguousarray(c, np.float32) for c in np.broadcast_arrays(u, v))
    lods = np.clip(np.log2(np.maximum(footprint, 1e-6) * TILE), 0, LEVELS - 1)
    lods = np.broadcast_to(np.asarray(lods, np.float32), (u.shape[0], 1))
    total = np.zeros(u.shape, np.float32)
    for level, tile in enumerate(pyramid(name)):
        weight = np.maximum(1 - np.abs(lods - level), 0)
        rows = np.flatnonzero(weight)
        if rows.size:
            band = slice(rows[0], rows[-1] + 1)
            total[band] += weight[band] * _fetch(tile, u[band], v[band])
    return total


def _fetch(tile: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    size = np.float32(tile.shape[0])
    # remap uses 16-bit fixed point, so that coordinates are wrapped before.
    columns, rows = ((c - np.floor(c)) * size - np.float32(0.5) for c in (u, v))
    return cv2.remap(tile, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)


@functools.cache
def pyramid(name: str) -> tuple[np.ndarray, ...]:
    """Return the mip pyramid of a tile, finest level first."""
    rng = np.random.default_rng(list(TILES).index(name))
    levels: list[np.ndarray] = [np.ascontiguousarray(TILES[name](rng), np.float32)]
    for _ in range(LEVELS - 1):
        half = levels[-1].shape[0] // 2
        levels.append(cv2.resize(levels[-1], (half, half), interpolation=cv2.INTER_AREA))
    return tuple(levels)


def spectral_noise(
    rng: np.random.Generator, *, slope: float, stretch: float = 1.0, lowest: float = 1.0
) -> np.ndarray:
    """Shape white noise into a power-law spectrum; periodic, mean 0, standard deviation 1.

    Args:
        rng: source of the noise.
        slope: amplitude falls with frequency to this power: 1 is gritty, 2 is cloudy.
        stretch: above 1 the grain runs vertically (grass), below 1 horizontally (water).
        lowest: lowest frequency, in waves per tile; higher values make the texture more uniform.
    """
    vertical = np.fft.fftfreq(TILE, 1 / TILE)[:, None] * stretch
    horizontal = np.fft.rfftfreq(TILE, 1 / TILE)[None, :]
    radius = np.hypot(horizontal, vertical)
    amplitude = np.where(radius >= lowest, np.maximum(radius, 1e-9) ** -slope, 0.0)
    noise = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((TILE, TILE))) * amplitude)
    return noise / noise.std()


def _level(noise: np.ndarray, contrast: float = 0.22) -> np.ndarray:
    return np.clip(0.5 + contrast * (noise - noise.mean()) / noise.std(), 0, 1)


def _slope_light(height: np.ndarray, softness: float) -> np.ndarray:
    """Light a height field from the upper left: the wrapped derivative."""
    across = np.roll(height, -1, 1) - np.roll(height, 1, 1)
    down = np.roll(height, -1, 0) - np.roll(height, 1, 0)
    light = across + 0.5 * down
    return 0.5 + 0.5 * np.tanh(light / (light.std() * softness))


def _grass(rng: np.random.Generator) -> np.ndarray:
    blades = spectral_noise(rng, slope=0.8, stretch=7, lowest=16)
    tufts = spectral_noise(rng, slope=1.2, stretch=2, lowest=6)
    return _level(blades + 0.5 * tufts)


def _relief(rng: np.random.Generator) -> np.ndarray:
    folds = sum(-np.abs(spectral_noise(rng, slope=2.3, lowest=low)) / low for low in (2, 5, 11))
    return _slope_light(folds, softness=1.4)


def _dunes(rng: np.random.Generator) -> np.ndarray:
    folds = -np.abs(spectral_noise(rng, slope=3.2, stretch=1.8, lowest=2))
    return _slope_light(folds, softness=1.2)


def _ripples(rng: np.random.Generator) -> np.ndarray:
    rows = np.arange(TILE)[:, None] / TILE
    phase = rows * 36 + 1.1 * spectral_noise(rng, slope=2.0, lowest=2)
    strength = np.clip(0.6 + 0.4 * spectral_noise(rng, slope=1.8, lowest=2), 0.1, 1)
    return 0.5 + 0.5 * strength * np.sin(2 * np.pi * phase)


def _dead_leaves(
    rng: np.random.Generator, count: int, draw: Callable[[np.ndarray, int, int, float], None]
) -> np.ndarray:
    """Cover a tile with overlapping shapes, later over earlier (Matheron's dead leaves)."""
    margin = 64
    tile = np.full((TILE + 2 * margin,) * 2, 0.25, np.float32)
    positions = rng.integers(0, TILE, (count, 2))
    positions = positions[np.argsort(positions[:, 1], kind="stable")]
    for (column, row), tone in zip(positions, rng.random(count), strict=True):
        for x in (column - TILE, column, column + TILE):
            for y in (row - TILE, row, row + TILE):
                if -margin < x < TILE + margin and -margin < y < TILE + margin:
                    draw(tile, int(x) + margin, int(y) + margin, tone)
    return tile[margin:-margin, margin:-margin]


def _crowns(rng: np.random.Generator) -> np.ndarray:
    def crown(tile: np.ndarray, x: int, y: int, tone: float) -> None:
        radius = 9 + int(14 * tone)
        for step in range(5):
            inner = radius * (1 - step / 5)
            shift = int((radius - inner) * 0.45)
            shade = 0.18 + 0.15 * step + 0.12 * tone
            cv2.circle(tile, (x - shift, y - shift), int(inner), shade, -1, cv2.LINE_AA)

    tile = _dead_leaves(rng, 1500, crown)
    return np.clip(tile + 0.2 * spectral_noise(rng, slope=0.7, lowest=24), 0, 1)


def _spires(rng: np.random.Generator) -> np.ndarray:
    def spire(tile: np.ndarray, x: int, y: int, tone: float) -> None:
        tall, wide = 44 + int(16 * tone), 9 + int(4 * tone)
        for side, shade in ((-1, 0.5 + 0.3 * tone), (1, 0.12 + 0.12 * tone)):
            corners = np.array([[x, y - tall], [x, y], [x + side * wide, y]], np.int32)
            cv2.fillPoly(tile, [corners], shade, cv2.LINE_AA)

    tile = _dead_leaves(rng, 1500, spire)
    return np.clip(tile + 0.08 * spectral_noise(rng, slope=0.3, lowest=40), 0, 1)


def _stones(rng: np.random.Generator) -> np.ndarray:
    def stone(tile: np.ndarray, x: int, y: int, tone: float) -> None:
        wide = 5 + int(22 * tone**3)
        for lift, shade in ((0, 0.2), (max(1, wide // 4), 0.55 + 0.3 * tone)):
            size = (wide - lift // 2, max(1, wide * 2 // 3 - lift // 2))
            cv2.ellipse(tile, (x - lift, y - lift), size, 0, 0, 360, shade, -1, cv2.LINE_AA)

    return _dead_leaves(rng, 2500, stone)


def _dots(rng: np.random.Generator) -> np.ndarray:
    def dot(tile: np.ndarray, x: int, y: int, tone: float) -> None:
        cv2.circle(tile, (x, y), 2 + int(3 * tone), 0.6 + 0.4 * tone, -1, cv2.LINE_AA)

    return np.maximum(_dead_leaves(rng, 900, dot) - 0.25, 0) / 0.75


TILES: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "cloud": lambda rng: _level(spectral_noise(rng, slope=1.75)),
    "streaks": lambda rng: _level(spectral_noise(rng, slope=1.6, stretch=0.3)),
    "grit": lambda rng: _level(spectral_noise(rng, slope=0.9, lowest=4)),
    "relief": _relief,
    "dunes": _dunes,
    "strata": lambda rng: _level(spectral_noise(rng, slope=0.9, stretch=0.06)),
    "grass": _grass,
    "waves": lambda rng: _level(spectral_noise(rng, slope=1.1, stretch=0.25, lowest=3)),
    "ripples": _ripples,
    "crowns": _crowns,
    "spires": _spires,
    "stones": _stones,
    "dots": _dots,
}
