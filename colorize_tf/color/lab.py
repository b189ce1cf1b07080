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
# The cube roots of X, Y and Z over white to L* + 16, a* and b*.
LAB_FROM_ROOTS = ((0.0, 116.0, 0.0), (500.0, -500.0, 0.0), (0.0, 200.0, -200.0))
# Lab to the cube roots of X, Y and Z over white, less 16 / 116.
ROOTS_FROM_LAB = ((1 / 116, 1 / 500, 0.0), (1 / 116, 0.0, 0.0), (1 / 116, 0.0, -1 / 200))
# Below, CIE Lab goes on in a straight line.
DARK_ROOT = 0.2068966
DARK_LUMINANCE = 0.008856
DARK_SLOPE = 7.787

# Levels of the square root of linear light: in even steps of it, as fine everywhere as 16 bits are.
_ENCODING_STEPS = 65535


def images_to_lab(images: np.ndarray) -> np.ndarray:
    """Convert one stored picture to CIE L*a*b*, within 0.001 Lab units of `color.rgb_to_lab`.

    OpenCV's own conversion is no faster, and off by up to 0.5 Lab units; 0.04 from linear light.

    Args:
        images: uint8 or uint16 `(height, width, 3)`, sRGB.

    Returns:
        lab: float32 `(height, width, 3)`; L* 0..100, a* and b* in Lab units.
    """
    xyz_from_rgb, lab_from_roots, _ = _to_lab_matrices()
    return cv2.transform(_to_roots(cv2.transform(_look_up(images), xyz_from_rgb)), lab_from_roots)


def encode_images(
    images: np.ndarray, levels: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Compute what the networks see and answer, ten times as fast as `color.encode` in TensorFlow.

    Args:
        images: uint8 `(batch, height, width, 3)`, sRGB.
        levels: float32 `(batch, 256)`, linear light of the levels of each picture, 1 is white; None
            for that of sRGB. Others expose and develop a picture otherwise.

    Returns:
        `lightness` and `ab`, float32 `(batch, height, width, 1)` and `(batch, height, width, 2)`,
        both in [-1, 1].
    """
    lightness = np.empty((*images.shape[:3], 1), np.float32)
    ab = np.empty((*images.shape[:3], 2), np.float32)
    xyz_from_rgb, _, encoded_from_roots = _to_lab_matrices()
    # One at a time: what is computed on the way then stays in the processor's cache.
    for index, image in enumerate(images):
        linear = _look_up(image) if levels is None else cv2.LUT(image, levels[index])
        roots = _to_roots(cv2.transform(linear, xyz_from_rgb))
        encoded = cv2.transform(roots, encoded_from_roots)
        cv2.mixChannels([encoded], [lightness[index], ab[index]], (0, 0, 1, 1, 2, 2))
    return lightness, ab


def images_to_lightness(images: np.ndarray) -> np.ndarray:
    """Compute L* alone, at half of the price of `images_to_lab` and within 0.001 of `color.py`.

    Args:
        images: uint8 or uint16 `(height, width, 3)`, sRGB.

    Returns:
        float32 `(height, width)`, L* 0..100.
    """
    roots = _to_roots(cv2.transform(_look_up(images), np.float32(XYZ_FROM_RGB[1:2])))
    roots *= 116
    roots -= 16
    return roots


def lab_to_linear(lab: np.ndarray) -> np.ndarray:
    """Convert CIE L*a*b* to linear light, of which colors outside the gamut have too much or less.

    Grays, where a and b are 0, come out with three equal channels.

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


def _look_up(images: np.ndarray) -> np.ndarray:
    """Linear light 0..1 of stored pictures, float32."""
    table = _linear_light(images.dtype)
    # OpenCV's is the faster look-up, but before its version 5 it knows 8 bits alone.
    return cv2.LUT(images, table) if images.dtype == np.uint8 else np.take(table, images)


def _to_roots(xyz: np.ndarray) -> np.ndarray:
    """CIE's cube roots of light over white, in a straight line where dark; `xyz` is used up."""
    # np.clip between two numbers, which is three times as fast as np.maximum.
    roots = np.clip(xyz, DARK_LUMINANCE, np.inf)
    xyz -= roots
    xyz *= DARK_SLOPE
    # OpenCV's power function takes as long as these three together and half again.
    cv2.log(roots, roots)
    roots *= 1 / 3
    cv2.exp(roots, roots)
    roots += xyz
    return roots


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
def _to_lab_matrices() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Linear light to X, Y and Z over white; their roots to Lab, and to `lightness` and `ab`."""
    xyz_from_rgb = np.array(XYZ_FROM_RGB) / np.array(WHITE)[:, np.newaxis]
    lab_from_roots = np.insert(LAB_FROM_ROOTS, 3, (-16, 0, 0), axis=1)
    encoded = lab_from_roots / np.array([LIGHTNESS_SCALE, AB_SCALE, AB_SCALE])[:, np.newaxis]
    encoded[0, 3] -= 1
    return tuple(map(np.float32, (xyz_from_rgb, lab_from_roots, encoded)))


@functools.cache
def _matrices() -> tuple[np.ndarray, np.ndarray]:
    """Lab to roots, affine, and X - Y, Y and Z - Y over white to linear light."""
    to_roots = np.insert(ROOTS_FROM_LAB, 3, 16 / 116, axis=1)
    from_xyz = np.linalg.inv(XYZ_FROM_RGB) * WHITE
    # The rounded white is a hundred-thousandth off the sum of the primaries: 16 bits show that.
    from_xyz /= from_xyz.sum(axis=1, keepdims=True)
    from_xyz[:, 1] = 1
    return to_roots.astype(np.float32), from_xyz.astype(np.float32)
