"""Daylight of a rendered landscape: light, camera view and sky at one of several hours.

Colors are float32 RGB, the squares of sRGB values: a cheap approximation of linear light, in which
colors mix and multiply as light does. The camera takes the square root at the end.
"""

import dataclasses

import cv2
import numpy as np

from colorize_tf.data.synthetic import textures


def light(code: str) -> np.ndarray:
    """Turn `rrggbb` in sRGB into squared RGB, float32 `(3,)`."""
    return (np.frombuffer(bytes.fromhex(code), np.uint8) / np.float32(255)) ** 2


def mix(first: np.ndarray, second: np.ndarray, amount: np.ndarray | float) -> np.ndarray:
    """Blend from `first` to `second`, colors `(3,)` or `(height, width, 3)`.

    `amount`, one number or float32 `(height, width)`, is 0 for the first color and 1 for the
    second. OpenCV is several times faster here than NumPy broadcasting.
    """
    if np.ndim(amount) == 0:
        return first + (second - first) * np.float32(amount)
    amount = np.ascontiguousarray(amount, np.float32)
    if first.ndim == second.ndim == 1:
        return cv2.transform(amount, np.stack([second - first, first], axis=1))
    first, second = (_fill(color, amount.shape) for color in (first, second))
    return cv2.blendLinear(first, second, 1 - amount, amount)


def _fill(color: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    if color.ndim == 1:
        return cv2.merge([np.full(shape, channel, np.float32) for channel in color])
    return np.ascontiguousarray(color, np.float32)


def smoothstep(low: float, high: float, values: np.ndarray) -> np.ndarray:
    """Rise smoothly from 0 at `low` to 1 at `high`."""
    steps = np.clip((values - low) / (high - low), 0, 1)
    return steps * steps * (3 - 2 * steps)


@dataclasses.dataclass(frozen=True)
class Hour:
    """Light and sky at one time of day; colors are `rrggbb`, strengths multiply them."""

    air: str
    zenith: str
    middle: str
    horizon: str
    sunlight: str
    sunlight_strength: float
    ambient: str
    ambient_strength: float
    haze: float
    mist: float
    cloud_bright: str
    cloud_dark: str
    cover: tuple[float, float]
    sun_height: float | None = None
    glow: float = 0.0


HOURS = {
    "noon": Hour(
        air="a3c2e6", zenith="2b62b8", middle="5c97dc", horizon="c3def0", sunlight="fff6e6",
        sunlight_strength=1.0, ambient="9db8e0", ambient_strength=0.5, haze=0.75, mist=0.1,
        cloud_bright="ffffff", cloud_dark="a9b6c9", cover=(0.25, 0.62),
    ),
    "dawn": Hour(
        air="d9bcc2", zenith="7c93c4", middle="d6b7c4", horizon="fbd3a6", sunlight="ffc79a",
        sunlight_strength=0.75, ambient="a7a0c4", ambient_strength=0.5, haze=1.5, mist=0.75,
        cloud_bright="ffe0d0", cloud_dark="b49cb6", cover=(0.1, 0.4), sun_height=0.16, glow=0.5,
    ),
    "sunset": Hour(
        air="8c4a62", zenith="2a2f63", middle="b3506b", horizon="ffac45", sunlight="ff9a55",
        sunlight_strength=0.35, ambient="6f618e", ambient_strength=0.36, haze=0.9, mist=0.1,
        cloud_bright="ff9a5c", cloud_dark="5b3a5e", cover=(0.25, 0.55), sun_height=0.06, glow=0.9,
    ),
    "overcast": Hour(
        air="b8c2d0", zenith="8995aa", middle="a8b3c2", horizon="d3d9e3", sunlight="ffffff",
        sunlight_strength=0.2, ambient="cdd5de", ambient_strength=0.75, haze=1.5, mist=0.5,
        cloud_bright="dfe4e8", cloud_dark="87929c", cover=(0.85, 1.0),
    ),
    "blue hour": Hour(
        air="2c4a86", zenith="0b1940", middle="234a8c", horizon="8aa4cf", sunlight="8aa0e0",
        sunlight_strength=0.06, ambient="5876bc", ambient_strength=0.32, haze=0.8, mist=0.25,
        cloud_bright="5f7fbe", cloud_dark="15224a", cover=(0.1, 0.35),
    ),
}  # fmt: skip
FREQUENCIES = {"noon": 0.46, "dawn": 0.15, "sunset": 0.17, "overcast": 0.13, "blue hour": 0.09}


class View:
    """Camera, light and random generator of a scene, which all layers use.

    Positions are in picture widths `x` `(1, width)` and heights `y` `(height, 1)`, both 0..1, and
    draws from `rng` do not depend on the size, so that a scene is the same at every size.
    """

    def __init__(self, rng: np.random.Generator, height: int, width: int) -> None:
        """Choose hour, horizon and sun for a picture of the given size."""
        self.rng = rng
        self.pixel = 1 / height
        self.aspect = width / height
        self.x = ((np.arange(width, dtype=np.float32) + 0.5) / width)[None, :]
        self.y = ((np.arange(height, dtype=np.float32) + 0.5) / height)[:, None]
        self.hour_name = str(rng.choice(list(FREQUENCIES), p=list(FREQUENCIES.values())))
        self.hour = HOURS[self.hour_name]
        self.horizon = rng.uniform(0.38, 0.56)
        self.sun_x = rng.uniform(0.15, 0.85)
        self.sunlight = light(self.hour.sunlight) * self.hour.sunlight_strength
        self.ambient = light(self.hour.ambient) * self.hour.ambient_strength
        self.air = self.tint(self.hour.air)

    def chances(self, count: int) -> list[float]:
        """Draw numbers in 0..1, as Python floats: NumPy's would promote float32 to float64."""
        return self.rng.random(count).tolist()

    def tint(self, color: str | np.ndarray) -> np.ndarray:
        """Return the color with a slight random shift, least for white."""
        color = light(color) if isinstance(color, str) else color
        saturation = 1 - color.min() / color.max()
        shift = (0.012 + 0.035 * saturation) * self.rng.standard_normal(3, np.float32)
        return color * (1 + shift)

    def ramp(self, tone: np.ndarray, *colors: str) -> np.ndarray:
        """Map a texture 0..1 `(height, width)` to evenly spaced colors, darkest first."""
        stops = [self.tint(color) for color in colors]
        last = len(stops) - 1
        total = mix(stops[0], stops[1], np.clip(tone * last, 0, 1))
        for step in range(1, last):
            rise = np.clip(tone * last - step, 0, 1)
            total += mix(np.zeros_like(stops[0]), stops[step + 1] - stops[step], rise)
        return total

    def lit(self, albedo: np.ndarray, shade: np.ndarray | float) -> np.ndarray:
        """Light a surface: skylight everywhere, sunlight by `shade` 0..1."""
        return albedo * mix(self.ambient, self.ambient + 1.2 * self.sunlight, shade)

    def grain(self, name: str, *, scale: float = 1.0, stretch: float = 1.0) -> np.ndarray:
        """Sample a tile in the picture plane, `scale` repeats per picture height."""
        offset = self.chances(2)
        u = self.x * (self.aspect * scale) + offset[0]
        v = self.y * (scale * stretch) + offset[1]
        return textures.sample(name, u, v, self.pixel * scale)


def sky(view: View) -> np.ndarray:
    """Draw the sky over the whole picture: gradient, sun, clouds."""
    hour, horizon = view.hour, view.horizon
    height_up = np.clip((horizon - view.y[:, 0]) / horizon, 0, 1)
    stops = np.stack([view.tint(c) for c in (hour.horizon, hour.middle, hour.zenith)])
    rows = np.stack([np.interp(height_up, [0, 0.4, 1], stops[:, c]) for c in range(3)], axis=-1)
    canvas = np.repeat(rows[:, None].astype(np.float32), view.x.size, axis=1)
    canvas = _sun(view, canvas)
    return _clouds(view, canvas)


def _sun(view: View, canvas: np.ndarray) -> np.ndarray:
    if view.hour.sun_height is None:
        return canvas
    center = view.horizon - view.hour.sun_height * view.rng.uniform(0.5, 1.5)
    across, down = (view.x - view.sun_x) * view.aspect, view.y - center
    distance = across**2 + down**2
    halo = view.hour.glow * np.exp(-(across**2 + 2.5 * down**2) / 0.06)
    disc = smoothstep(0.034, 0.026, np.sqrt(distance)) + 0.6 * np.exp(-distance / 0.006)
    color = light(view.hour.horizon)
    return canvas + color * halo[..., None] * 0.6 + light("fff2c8") * disc[..., None]


def _clouds(view: View, canvas: np.ndarray) -> np.ndarray:
    rng, hour = view.rng, view.hour
    name = "streaks" if rng.random() < 0.35 else "cloud"
    scale, offset = rng.uniform(0.35, 0.6), view.chances(2)
    cover = rng.uniform(*hour.cover)
    # Clouds lie in a horizontal plane, so that they become smaller and denser at the horizon.
    depth = 0.5 / np.maximum(view.horizon - view.y + 0.22, 0.06)
    u, v = (view.x - 0.5) * view.aspect * scale * depth + offset[0], depth * scale * 0.9 + offset[1]
    footprint = view.pixel * scale * depth
    density = textures.sample(name, u, v, footprint)
    towards_light = textures.sample(name, u - 0.012, v - 0.02, footprint * 2)
    alpha = smoothstep(0.72 - 0.5 * cover, 1.05 - 0.5 * cover, density)
    body = np.clip(0.75 - 1.1 * (density - 0.5) + 3.0 * (density - towards_light), 0, 1)
    color = view.ramp(body, hour.cloud_dark, hour.cloud_bright)
    near_horizon = np.clip((view.horizon - view.y) / 0.12, 0, 1)
    return mix(canvas, color, alpha * (0.35 + 0.6 * near_horizon))


def cover_below(
    view: View, canvas: np.ndarray, top: np.ndarray, color: np.ndarray, *, distance: float
) -> np.ndarray:
    """Draw a lit layer of a color `(height, width, 3)` below its outline, with haze by distance.

    `top` is the outline `(1, width)` in picture heights; `distance` is 1 at the horizon.
    """
    below = view.y - top
    haze = 1 - np.exp(-view.hour.haze * distance**1.6)
    mist = view.hour.mist * distance * smoothstep(0.0, 0.22, below)
    veiled = mix(color, view.air, np.clip(haze + mist, 0, 0.93))
    alpha = np.clip(below / view.pixel + 0.5, 0, 1)
    return mix(canvas, veiled, alpha)


def flip_reflection(canvas: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Sample the canvas at rows and columns in pixels, for reflections in water."""
    rows, columns = np.broadcast_arrays(rows.astype(np.float32), columns.astype(np.float32))
    return cv2.remap(
        canvas, columns.copy(), rows.copy(), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
