"""Classify photographs: gray, toned in one color, or in color.

Thresholds were measured on 5,300 color photographs of landscapes and on scans of old prints.
"""

from dataclasses import dataclass

import cv2
import numpy as np

# Chroma is measured on a copy with this short side, in pixels. On a smaller copy, small colorful
# things (boats, flowers) vanish; on a larger one, film grain and JPEG noise count as color.
MEASURED_SIDE = 64

# Gray scans that went through a color JPEG stay below 1; the palest of 5,300 color photographs of
# landscapes reaches 5.7 in its 99th percentile.
GRAY_CHROMA = 4.0

# A toned print's color is a function of its lightness. The distance of ab from the best cubic in L
# (95th percentile) is 1.3 to 2.4 in sepia scans, and at least 2.7 in those 5,300.
TONED_RESIDUAL = 2.5
# In stained prints the distance reaches 3.9, which is accepted where all colors have one warm hue.
# Of those 5,300, only three close views of bare sand are then classified as sepia; fog, dusk and
# deep water have one hue as well, but a blue one.
SEPIA_RESIDUAL = 4.1
SEPIA_HUES = (40.0, 100.0)  # Degrees in the ab plane, orange to yellow.
SEPIA_CONCENTRATION = 0.98  # Length of the mean ab vector over the mean length.
# A cubic in lightness fits so few colors exactly.
FEW_COLORS = 4


@dataclass(frozen=True)
class Toning:
    """The colors of a photograph, measured in Lab units.

    Attributes:
        kind: "gray", "toned" or "color".
        chroma: 99th percentile of chroma.
        residual: 95th percentile of the distance of a color from the best cubic in its lightness.
        sepia: whether all the color is one warm hue.
    """

    kind: str
    chroma: float
    residual: float
    sepia: bool


def describe_color(images: np.ndarray) -> str:
    """Classify a picture to be colored as "gray", "toned" or "color"; see `measure_toning`.

    A cubic in lightness fits few colors, such as the two of a palette, exactly. They count as toned
    only if they have one warm hue.
    """
    if _has_equal_channels(images):
        return "gray"
    toning = measure_toning(images)
    if toning.kind == "toned" and not toning.sepia and _has_few_colors(images):
        return "color"
    return toning.kind


def measure_toning(images: np.ndarray) -> Toning:
    """Classify and measure one image, uint8 or uint16 `(height, width, 3)`, sRGB."""
    height, width = images.shape[:2]
    scale = min(1.0, MEASURED_SIDE / min(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(images, size, interpolation=cv2.INTER_AREA)
    # OpenCV's Lab is precise enough for thresholds, and releases the GIL.
    rgb = small.astype(np.float32) / np.iinfo(images.dtype).max
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2Lab).reshape(-1, 3)
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    reach = float(np.percentile(chroma, 99))
    residual = _residual_given_lightness(lab)
    sepia = _is_sepia(lab[:, 1:], chroma)
    if reach < GRAY_CHROMA:
        kind = "gray"
    elif residual < (SEPIA_RESIDUAL if sepia else TONED_RESIDUAL):
        kind = "toned"
    else:
        kind = "color"
    return Toning(kind, reach, residual, sepia)


def _has_equal_channels(images: np.ndarray) -> bool:
    """Return whether all pixels are gray; it takes a quarter of the time of the measurement."""
    rows = max(1, 2**16 // images.shape[1])  # Such a band stays in the processor's cache.
    for top in range(0, len(images), rows):
        red, green, blue = cv2.split(images[top : top + rows])
        if cv2.norm(red, green, cv2.NORM_INF) or cv2.norm(green, blue, cv2.NORM_INF):
            return False
    return True


def _residual_given_lightness(lab: np.ndarray) -> float:
    """Return the 95th percentile of the distance of ab from its best cubic in L, in Lab units."""
    powers = np.vander(lab[:, 0] / 100, 4)
    # Normal equations: 4 x 4, and ten times as fast as a decomposition of all the pixels. The ridge
    # keeps a picture of a single lightness solvable.
    gram = powers.T @ powers + 1e-4 * np.eye(4, dtype=np.float32)
    error = lab[:, 1:] - powers @ np.linalg.solve(gram, powers.T @ lab[:, 1:])
    return float(np.percentile(np.hypot(error[:, 0], error[:, 1]), 95))


def _has_few_colors(images: np.ndarray) -> bool:
    """Return whether a sample of the pixels, without interpolation, has few colors."""
    step_down, step_right = (max(1, size // MEASURED_SIDE) for size in images.shape[:2])
    sample = images[::step_down, ::step_right].reshape(-1, 3)
    return len(np.unique(sample, axis=0)) <= FEW_COLORS


def _is_sepia(ab: np.ndarray, chroma: np.ndarray) -> bool:
    a, b = ab.mean(axis=0)
    hue = np.degrees(np.arctan2(b, a))
    concentrated = np.hypot(a, b) > SEPIA_CONCENTRATION * chroma.mean()
    return bool(concentrated and SEPIA_HUES[0] <= hue <= SEPIA_HUES[1])
