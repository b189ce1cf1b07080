"""Layers of a rendered landscape: ridges, woods, ground and water.

Every function takes the view and the canvas `(height, width, 3)` and returns a new canvas with one
more layer in front. Each material has its own texture, from which its color can be predicted.
"""

import numpy as np

from colorize_tf.data.synthetic import textures
from colorize_tf.data.synthetic.daylight import (
    View,
    cover_below,
    flip_reflection,
    light,
    mix,
    smoothstep,
)

WOODS = {
    "conifer": ("spires", ("0b1f14", "2b5230", "6b8f55")),
    "broadleaf": ("crowns", ("17310f", "4c7a26", "a3bd4d")),
    "autumn": ("crowns", ("4a1a10", "c4541a", "f7b93c")),
}
FLOWERS = ("fff6f0", "ffd83a", "fff0a0", "c81e14")


def outline(view: View, *, waves: int, roughness: float, sharp: bool = False) -> np.ndarray:
    """Draw a random ridge `(1, width)`, 0..1.

    `waves` is the number of corners of the coarsest octave, `roughness` the amplitude of each
    octave relative to the one before; `sharp` folds the octaves into peaks.
    """
    total, norm = np.zeros_like(view.x), 0.0
    for octave in range(7 if sharp else 4):
        corners = waves * 2**octave + 1
        knots = view.rng.random(corners)
        if sharp and octave < 3:
            knots = 1 - np.abs(2 * knots - 1)
        positions = view.x * (corners - 1)
        if not sharp:
            # Cosine interpolation rounds the corners of a hill.
            positions = np.floor(positions) + smoothstep(0, 1, positions - np.floor(positions))
        total += roughness**octave * np.interp(positions, np.arange(corners), knots)
        norm += roughness**octave
    low, high = total.min(), total.max()
    return ((total - low) / max(high - low, 1e-6)).astype(np.float32)


def mountains(
    view: View, canvas: np.ndarray, *, base: float, height: float, distance: float, snow: float
) -> np.ndarray:
    """Draw a range of rock, green at its base and white above `snow` (share of the height)."""
    profile = outline(view, waves=3, roughness=0.5, sharp=True)
    top = base - height * (0.25 + 0.75 * profile)
    offset = view.chances(2)
    u = view.x * view.aspect * 0.9 + offset[0]
    v = (view.y - 0.7 * top) * 0.8 + offset[1]
    shade = textures.sample("relief", u, v, view.pixel * 0.9)
    grit = textures.sample("grit", 2 * u, 2 * v, view.pixel * 1.8)
    altitude = (base - view.y) / height + 0.35 * (grit - 0.5) + 0.25 * (shade - 0.5)
    rock = view.ramp(0.5 * shade + 0.5 * grit, "4a4744", "a39c92")
    green = view.ramp(grit, "1f3320", "6b7f45")
    albedo = mix(green, rock, smoothstep(0.2, 0.45, altitude))
    albedo = mix(albedo, light("f7f9ff"), smoothstep(snow, snow + 0.15, altitude))
    return cover_below(view, canvas, top, view.lit(albedo, shade), distance=distance)


def mesas(
    view: View, canvas: np.ndarray, *, base: float, height: float, distance: float
) -> np.ndarray:
    """Draw flat-topped red rock with horizontal strata."""
    profile = outline(view, waves=4, roughness=0.45)
    terraces = smoothstep(0.35, 0.42, profile) * 0.55 + smoothstep(0.62, 0.67, profile) * 0.4
    top = base - height * (terraces + 0.08 * profile)
    offset = view.chances(2)
    u, v = view.x * view.aspect * 0.8 + offset[0], view.y * 0.9 + offset[1]
    bands = textures.sample("strata", u, v, view.pixel)
    shade = textures.sample("relief", u, v * 0.4, view.pixel)
    albedo = view.ramp(0.65 * bands + 0.35 * shade, "7a2f1a", "e39a62")
    lit = view.lit(albedo, 0.3 + 0.7 * shade)
    return cover_below(view, canvas, top, lit, distance=distance)


def hills(
    view: View, canvas: np.ndarray, *, base: float, height: float, distance: float
) -> np.ndarray:
    """Draw a green hill with the shadows of its folds and of clouds."""
    top = base - height * outline(view, waves=2, roughness=0.35)
    tufts = view.grain("grass", scale=1.2)
    folds = view.grain("cloud", scale=0.6, stretch=2.0)
    albedo = view.ramp(0.5 * tufts + 0.5 * folds, "2f4a1c", "a3b855")
    lit = view.lit(albedo, smoothstep(0.2, 0.7, folds))
    return cover_below(view, canvas, top, lit, distance=distance)


def woods(
    view: View, canvas: np.ndarray, *, kind: str, base: np.ndarray | float, distance: float
) -> np.ndarray:
    """Draw one of the `WOODS`: rows of trees, nearer ones lower and larger."""
    tile, colors = WOODS[kind]
    size = 0.045 + 0.1 * (1 - distance)
    land = 0.5 * size * outline(view, waves=2, roughness=0.4)
    for row in range(3):
        near = 1 + 0.25 * row
        top = base - land + 0.45 * size * row - size * near * _treetops(view, kind, size * near)
        offset = view.chances(2)
        scale = 0.11 / (size * near)
        u, v = view.x * view.aspect * scale + offset[0], (view.y + land) * scale + offset[1]
        tone = textures.sample(tile, u, v, view.pixel * scale)
        depth = smoothstep(2.2 * size, 0.0, view.y - top)
        tone = tone * (0.35 + 0.65 * depth)
        lit = view.lit(view.ramp(tone, *colors), 0.15 + 0.85 * tone)
        canvas = cover_below(view, canvas, top, lit, distance=distance * (1 - 0.1 * row))
    return canvas


def _treetops(view: View, kind: str, size: float) -> np.ndarray:
    """Draw the outline of a row of trees, 0..1: spires or round crowns of random heights."""
    rng = view.rng
    count = int((1.9 if kind == "conifer" else 2.2) / size)
    positions, tall = rng.random((2, count, 1), np.float32)
    tall = 0.45 + 0.55 * tall
    across = np.abs(view.x - positions) * view.aspect / size
    if kind == "conifer":
        tops = tall - across * 3.2
    else:
        tops = tall - 0.5 + np.sqrt(np.maximum(0.25 - across**2, 0))
    twigs = np.interp(view.x, np.linspace(0, 1, 301), rng.random(301)).astype(np.float32)
    return np.max(tops, axis=0, keepdims=True).clip(0.1) + 0.13 * twigs


def tree(
    view: View, canvas: np.ndarray, *, kind: str, foot: tuple[float, float], size: float
) -> np.ndarray:
    """Draw one round-crowned tree with its shadow; `size` in picture heights."""
    tile, colors = WOODS[kind]
    across, up = (view.x - foot[0]) * view.aspect / size, (foot[1] - view.y) / size
    shadow = 0.55 * np.exp(-((across + 0.15) ** 2) / 0.12 - (up / 0.06) ** 2)
    canvas = canvas * (1 - shadow)[..., None]
    angles, reach, radii = view.rng.random((3, 11), np.float32)
    crown = np.full(canvas.shape[:2], -1, np.float32)
    for angle, far, radius in zip(angles * 2 * np.pi, 0.32 * np.sqrt(reach), radii, strict=True):
        x, y = across - far * np.cos(angle), up - 0.62 - 0.75 * far * np.sin(angle)
        crown = np.maximum(crown, 1 - (x * x + y * y) / (0.12 + 0.1 * radius) ** 2)
    scale = 0.45 / size
    leaves = view.grain(tile, scale=scale)
    light_side = np.clip(0.5 - 0.6 * across + 0.9 * (up - 0.62), 0, 1)
    tone = np.clip(leaves * (0.45 + 0.9 * light_side), 0, 1)
    trunk = (np.abs(across) < 0.022 + 0.03 * np.exp(-up / 0.05)) & (up > 0) & (up < 0.6)
    bark = view.lit(view.tint("4a3a2c"), 0.3)
    canvas = mix(canvas, bark, trunk)
    lit = view.lit(view.ramp(tone, *colors), 0.1 + 0.9 * tone)
    return mix(canvas, lit, smoothstep(0.0, 0.25, crown + 0.9 * (leaves - 0.45)))


def _plane(
    view: View, top: np.ndarray | float, *, near: float = 0.12
) -> tuple[np.ndarray, np.ndarray]:
    """Return ground coordinates below a horizon: across, away and distance, 2-D or a column."""
    line = float(np.min(top))
    depth = near / (np.maximum(view.y - line, 0) / (1 - line) + near)
    across = (view.x - 0.5) * view.aspect * depth / near
    return across, depth


def meadow(view: View, canvas: np.ndarray, *, top: np.ndarray, flowers: bool) -> np.ndarray:
    """Draw grass up to the camera, in patches, with or without flowers."""
    across, depth = _plane(view, top)
    offset = view.chances(4)
    far = depth / 0.12
    # Blades are upright: the logarithm shrinks them with distance without flattening them.
    up = -np.log(depth)
    blades = textures.sample(
        "grass", across * 0.5 + offset[0], up * -0.6 + offset[1], view.pixel * 0.55 * far
    )
    patches = textures.sample(
        "cloud", across * 0.12 + offset[2], far * 0.12 + offset[3], view.pixel * 0.3 * far
    )
    tone = np.clip(0.65 * blades + 0.7 * patches - 0.2, 0, 1)
    color = view.ramp(tone, "263d10", "b6bf4e")
    if flowers:
        petals = FLOWERS[view.rng.integers(len(FLOWERS))]
        dots = textures.sample(
            "dots", across * 0.5 + offset[1], up * 1.2 + offset[0], view.pixel * far * 0.5
        )
        color = mix(color, view.tint(petals), dots * smoothstep(0.42, 0.6, patches))
    lit = view.lit(color, 0.35 + 0.65 * smoothstep(0.25, 0.6, patches))
    return cover_below(view, canvas, top, lit, distance=0.08)


def fields(view: View, canvas: np.ndarray, *, top: np.ndarray) -> np.ndarray:
    """Draw rows of lavender that converge at the horizon."""
    across, depth = _plane(view, top, near=0.1)
    vanish = view.rng.uniform(-0.6, 0.6)
    furrow = 0.5 + 0.5 * np.cos(2 * np.pi * (across + vanish / 0.1 * depth) * 1.6)
    offset = view.chances(2)
    far = depth / 0.1
    bumps = textures.sample(
        "crowns", across * 0.5 + offset[0], np.log(depth) + offset[1], view.pixel * far * 0.6
    )
    ridge = smoothstep(0.3, 0.6, furrow + 0.4 * (bumps - 0.5))
    bush = view.ramp(bumps * (0.4 + 0.6 * furrow), "35265c", "b79ae0")
    color = mix(view.ramp(bumps, "2c2a14", "6f6b3a"), bush, ridge)
    return cover_below(view, canvas, top, view.lit(color, 0.3 + 0.7 * ridge), distance=0.1)


def sand(
    view: View, canvas: np.ndarray, *, top: np.ndarray, distance: float, relief: float = 1.0
) -> np.ndarray:
    """Draw sand: fine ripples on wide smooth dunes of strength `relief`, 0..1."""
    offset = view.chances(4)
    below = view.y - top
    u = view.x * view.aspect * 0.5 + below * view.rng.uniform(-0.5, 0.5) + offset[0]
    folds = textures.sample("dunes", u, below * 0.8 + offset[1], view.pixel)
    across, depth = _plane(view, top, near=0.25)
    far = depth / 0.25
    ripples = textures.sample(
        "ripples", across * 0.12 + offset[2], far * 0.7 + offset[3], view.pixel * 0.7 * far**2
    )
    tone = np.clip(0.8 * (relief * folds + (1 - relief) * 0.75) + 0.25 * ripples - 0.02, 0, 1)
    albedo = view.ramp(tone, "a5713f", "f3cd92")
    lit = view.lit(albedo, 0.25 + 0.75 * tone)
    return cover_below(view, canvas, top, lit, distance=distance)


def scrub(view: View, canvas: np.ndarray, *, top: np.ndarray) -> np.ndarray:
    """Draw a stony desert floor with gray-green bushes and their shadows."""
    across, depth = _plane(view, top)
    offset = view.chances(6)
    far, up = depth / 0.12, -np.log(depth)

    def sample(tile: str, scale: float, index: int, lift: float = 0.0) -> np.ndarray:
        u, v = across * scale + offset[index], (up * 0.9 + lift) * scale + offset[index + 1]
        return textures.sample(tile, u, v, view.pixel * scale * far)

    gravel = 0.6 * sample("grit", 0.6, 0) + 0.4 * sample("stones", 0.55, 2)
    bush = smoothstep(0.1, 0.5, sample("dots", 0.3, 4))
    shadow = smoothstep(0.1, 0.6, sample("dots", 0.3, 4, lift=-0.03))
    albedo = view.ramp(gravel * (1 - 0.6 * shadow), "6b3520", "b86c40", "e6b183")
    leaves = view.ramp(sample("crowns", 0.9, 0), "20260f", "6d7547")
    lit = view.lit(mix(albedo, leaves, bush), 0.2 + 0.8 * gravel)
    return cover_below(view, canvas, top, lit, distance=0.1)


def snowfield(view: View, canvas: np.ndarray, *, top: np.ndarray) -> np.ndarray:
    """Draw smooth snow with blue skylight in its hollows."""
    drifts = view.grain("dunes", scale=0.6, stretch=2.2)
    crust = view.grain("grit", scale=1.5)
    tone = np.clip(0.8 * drifts + 0.2 * crust, 0, 1)
    albedo = view.ramp(tone, "8fb2ea", "fffaf2")
    return cover_below(view, canvas, top, view.lit(albedo, 0.15 + 0.7 * tone), distance=0.1)


def lake(view: View, canvas: np.ndarray, *, shore: float) -> np.ndarray:
    """Draw still water that reflects what is above the shore line."""
    across, depth = _plane(view, shore)
    offset = view.chances(2)
    far = depth / 0.12
    waves = textures.sample(
        "waves", across * 0.12 + offset[0], far * 0.5 + offset[1], view.pixel * 0.25 * far
    )
    below = np.maximum(view.y - shore, 0)
    rows = (shore - below - (waves - 0.5) * (0.02 + 0.35 * below)) / view.pixel
    mirrored = flip_reflection(canvas, rows, np.arange(view.x.size)[None, :])
    deep = view.tint("0f3a45") * (view.ambient + view.sunlight)
    strength = 0.45 + 0.4 * np.exp(-below * 3) + 0.25 * (waves - 0.5)
    color = mix(deep * (0.7 + 0.6 * waves[..., None]), mirrored, np.clip(strength, 0, 1))
    return cover_below(view, canvas, np.full_like(view.x, shore), color, distance=0.0)


def sea(view: View, canvas: np.ndarray) -> np.ndarray:
    """Draw waves, foam and the sun's glitter below the horizon."""
    across, depth = _plane(view, view.horizon, near=0.08)
    offset = view.chances(2)
    far = depth / 0.08
    waves = textures.sample(
        "waves", across * 0.1 + offset[0], far * 0.35 + offset[1], view.pixel * 0.2 * far
    )
    sky_above = canvas[max(int(view.horizon / view.pixel) - 1, 0)].mean(axis=0)
    water = view.ramp(waves, "0a3c5a", "3f9aa6") * 1.2 * (0.7 * view.ambient + view.sunlight)
    color = mix(water, sky_above, np.clip(0.75 * depth**0.6 - 0.3 * waves + 0.1, 0, 0.9))
    foam = smoothstep(0.78, 0.92, waves) * (1 - depth)
    color = mix(color, view.ambient + view.sunlight, foam)
    if view.hour.sun_height is not None:
        spread = 0.04 + 0.14 * (1 - depth)
        path = np.exp(-(((view.x - view.sun_x) * view.aspect / spread) ** 2))
        glitter = path * smoothstep(0.45, 0.7, waves)
        color = color + light(view.hour.horizon) * glitter[..., None]
    return cover_below(view, canvas, np.full_like(view.x, view.horizon), color, distance=0.05)


def beach(view: View, canvas: np.ndarray) -> np.ndarray:
    """Draw a beach in front of the sea, with a line of foam."""
    side = 1.0 if view.rng.random() < 0.5 else -1.0
    curve = 0.1 * outline(view, waves=2, roughness=0.3)
    top = view.rng.uniform(0.68, 0.8) + side * 0.16 * (view.x - 0.5) - curve
    froth = view.grain("cloud", scale=2.0)
    edge = top - 0.03 * froth
    foam = np.broadcast_to((view.ambient + view.sunlight) * 0.95, canvas.shape)
    canvas = mix(canvas, foam, smoothstep(-0.03, 0.0, view.y - edge) * 0.9)
    wet = smoothstep(0.12, 0.0, view.y - top)
    dry = sand(view, canvas, top=top, distance=0.0, relief=0.35)
    dry = dry * (1 - 0.45 * wet[..., None])
    return mix(canvas, dry, np.clip((view.y - top) / view.pixel + 0.5, 0, 1))
