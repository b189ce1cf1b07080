"""The numbers of sRGB and CIE Lab, and the crossings in NumPy and OpenCV for full resolution.

`color.py` is the same in TensorFlow, and tests hold the two together. Stored pictures are uint8 or
uint16 here; every intermediate is float32.
"""

import functools

import cv2
import numpy as np

LIGHTNESS_SCALE = 50.0
"""`lightness = L / LIGHTNESS_SCALE - 1`: L* 0..100 becomes -1..1."""

AB_SCALE = 110.0
"""`ab = (a, b) / AB_SCALE`: sRGB reaches a* -86.2..98.2 and b* -107.9..94.5, all inside tanh."""

# sRGB primaries and the D65 white of the 2 degree observer, to the digits that scikit-image uses.
XYZ_FROM_RGB = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)
WHITE = (0.95047, 1.0, 1.08883)
# Lab to the cube roots of X, Y and Z over white, less 16 / 116.
ROOTS_FROM_LAB = ((1 / 116, 1 / 500, 0.0), (1 / 116, 0.0, 0.0), (1 / 116, 0.0, -1 / 200))
# Below, CIE Lab goes on in a straight line.
DARK_ROOT = 0.2068966
DARK_LUMINANCE = 0.008856
DARK_SLOPE = 7.787

# Levels of the square root of linear light: in even steps of it, as fine everywhere as 16 bits are.
_ENCODING_STEPS = 65535


def images_to_lab(images: np.ndarray) -> np.ndarray:
    """Convert one stored picture to CIE L*a*b*.

    OpenCV's own sRGB curve is off by up to 0.5 Lab units, so that it gets linear light. Agrees with
    `color.rgb_to_lab` within 0.04 Lab units, and 0.005 in L*.

    Args:
        images: uint8 or uint16 `(height, width, 3)`, sRGB.

    Returns:
        lab: float32 `(height, width, 3)`; L* 0..100, a* and b* in Lab units.
    """
    return cv2.cvtColor(_images_to_linear(images), cv2.COLOR_LRGB2Lab)


def images_to_lightness(images: np.ndarray) -> np.ndarray:
    """Compute L* alone, at half of the price of `images_to_lab` and within 0.001 of `color.py`.

    Args:
        images: uint8 or uint16 `(height, width, 3)`, sRGB.

    Returns:
        float32 `(height, width)`, L* 0..100.
    """
    luminance = cv2.transform(_images_to_linear(images), np.float32(XYZ_FROM_RGB[1:2]))
    # Here and below np.clip between two numbers, which is three times as fast as np.maximum.
    root = cv2.pow(np.clip(luminance, DARK_LUMINANCE, np.inf), 1 / 3)
    dark = np.clip(luminance, -np.inf, DARK_LUMINANCE, out=luminance)
    dark -= DARK_LUMINANCE
    dark *= DARK_SLOPE
    root += dark
    root *= 116
    root -= 16
    return root


def lab_to_linear(lab: np.ndarray) -> np.ndarray:
    """Convert CIE L*a*b* to linear light, of which colours outside the gamut have too much or less.

    Greys, where a and b are 0, come out with three equal channels.

    Args:
        lab: float32 `(height, width, 3)`; L* 0..100, a* and b* in Lab units.

    Returns:
        float32 `(height, width, 3)`; 0..1 inside the gamut of sRGB, not clipped.
    """
    to_roots, from_xyz = _matrices()
    roots = cv2.transform(lab, to_roots)
    dark = np.clip(roots, -np.inf, DARK_ROOT)
    dark -= DARK_ROOT
    dark *= 1 / DARK_SLOPE
    np.clip(roots, DARK_ROOT, np.inf, out=roots)
    xyz = roots * roots
    xyz *= roots
    xyz += dark
    xyz[..., 0] -= xyz[..., 1]
    xyz[..., 2] -= xyz[..., 1]
    return cv2.transform(xyz, from_xyz)


def linear_to_images(linear: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Encode linear light for a screen, rounded to the nearest level.

    Args:
        linear: float32, any shape; what lies outside 0..1 is clipped.
        dtype: uint8, or uint16, whose levels are met within one.

    Returns:
        images: of that dtype, same shape.
    """
    steps = np.clip(linear, 0.0, 1.0)
    np.sqrt(steps, out=steps)
    steps *= _ENCODING_STEPS
    steps += 0.5
    return np.take(_levels(np.dtype(dtype)), steps.astype(np.uint16))


def _images_to_linear(images: np.ndarray) -> np.ndarray:
    table = _linear_light(images.dtype)
    # OpenCV's is the faster look-up, but before its version 5 it knows 8 bits alone.
    return cv2.LUT(images, table) if images.dtype == np.uint8 else np.take(table, images)


@functools.cache
def _linear_light(dtype: np.dtype) -> np.ndarray:
    """Linear light 0..1 of all levels of sRGB (IEC 61966-2-1)."""
    rgb = np.linspace(0, 1, np.iinfo(dtype).max + 1)
    linear = np.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    return linear.astype(np.float32)


@functools.cache
def _levels(dtype: np.dtype) -> np.ndarray:
    """Levels of sRGB by steps of the square root of linear light."""
    linear = (np.arange(_ENCODING_STEPS + 1) / _ENCODING_STEPS) ** 2
    rgb = np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)
    return np.rint(rgb * np.iinfo(dtype).max).astype(dtype)


@functools.cache
def _matrices() -> tuple[np.ndarray, np.ndarray]:
    """Lab to roots, affine, and X - Y, Y and Z - Y over white to linear light."""
    to_roots = np.insert(ROOTS_FROM_LAB, 3, 16 / 116, axis=1)
    from_xyz = np.linalg.inv(XYZ_FROM_RGB) * WHITE
    # The rounded white is a hundred-thousandth off the sum of the primaries: 16 bits show that.
    from_xyz /= from_xyz.sum(axis=1, keepdims=True)
    from_xyz[:, 1] = 1
    return to_roots.astype(np.float32), from_xyz.astype(np.float32)
