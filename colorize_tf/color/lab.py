"""The constants of sRGB and CIE Lab, and the conversions in NumPy and OpenCV.

`lab_tf` has the same conversions in TensorFlow; tests keep the two equal. Images are uint8 or
uint16 here, intermediate values float32.
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
# f(X), f(Y) and f(Z) of CIE Lab, where f(t) is a cube root of X, Y or Z over white, to L* + 16, a*
# and b*.
LAB_FROM_F = ((0.0, 116.0, 0.0), (500.0, -500.0, 0.0), (0.0, 200.0, -200.0))
# Lab to f(X), f(Y) and f(Z), less 16 / 116.
F_FROM_LAB = ((1 / 116, 1 / 500, 0.0), (1 / 116, 0.0, 0.0), (1 / 116, 0.0, -1 / 200))
# f(t) is linear below t = T_THRESHOLD, where its value is F_THRESHOLD.
F_THRESHOLD = 0.2068966
T_THRESHOLD = 0.008856
LINEAR_SLOPE = 7.787

# The lookup table from linear light to sRGB has even steps of the square root of linear light,
# which resolve 16 bits everywhere.
_ENCODING_STEPS = 65535


def images_to_lab(images: np.ndarray) -> np.ndarray:
    """Convert one image to CIE L*a*b*, within 0.001 Lab units of `lab_tf.rgb_to_lab`.

    OpenCV's own conversion is no faster, and its error is up to 0.5 Lab units (0.04 from linear
    light).

    Args:
        images: uint8 or uint16 `(height, width, 3)`, sRGB.

    Returns:
        lab: float32 `(height, width, 3)`; L* 0..100, a* and b* in Lab units.
    """
    xyz_from_rgb, lab_from_f, _ = _matrices_to_lab()
    return cv2.transform(_f(cv2.transform(_to_linear(images), xyz_from_rgb)), lab_from_f)


def encode_images(
    images: np.ndarray, levels: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the networks' input and target, ten times as fast as `lab_tf.encode`.

    Args:
        images: uint8 `(batch, height, width, 3)`, sRGB.
        levels: float32 `(batch, 256)`, the linear light of each of the 256 levels of each image, 1
            is white; by default that of sRGB. Other values change exposure and contrast.

    Returns:
        `lightness` and `ab`, float32 `(batch, height, width, 1)` and `(batch, height, width, 2)`,
        both in [-1, 1].
    """
    lightness = np.empty((*images.shape[:3], 1), np.float32)
    ab = np.empty((*images.shape[:3], 2), np.float32)
    xyz_from_rgb, _, encoded_from_f = _matrices_to_lab()
    # One at a time, so that intermediate values stay in the processor's cache.
    for index, image in enumerate(images):
        linear = _to_linear(image) if levels is None else cv2.LUT(image, levels[index])
        f = _f(cv2.transform(linear, xyz_from_rgb))
        encoded = cv2.transform(f, encoded_from_f)
        cv2.mixChannels([encoded], [lightness[index], ab[index]], (0, 0, 1, 1, 2, 2))
    return lightness, ab


def images_to_l_star(images: np.ndarray) -> np.ndarray:
    """Compute L* alone, in half the time of `images_to_lab`.

    Args:
        images: uint8 or uint16 `(height, width, 3)`, sRGB.

    Returns:
        float32 `(height, width)`, L* 0..100.
    """
    y_from_rgb = np.array(XYZ_FROM_RGB[1:2], np.float32)
    f_y = _f(cv2.transform(_to_linear(images), y_from_rgb))
    return 116 * f_y - 16


def lab_to_linear(lab: np.ndarray) -> np.ndarray:
    """Convert CIE L*a*b* to linear light.

    Grays, whose a* and b* are 0, get three equal channels.

    Args:
        lab: float32 `(height, width, 3)`; L* 0..100, a* and b* in Lab units.

    Returns:
        float32 `(height, width, 3)`; 0..1 inside the gamut of sRGB, not clipped.
    """
    f_from_lab, linear_from_differences = _matrices_from_lab()
    f = cv2.transform(lab, f_from_lab)
    dark: np.ndarray = np.clip(f, -np.inf, F_THRESHOLD)
    dark -= F_THRESHOLD
    dark *= 1 / LINEAR_SLOPE
    np.clip(f, F_THRESHOLD, np.inf, out=f)
    xyz = f * f
    xyz *= f
    xyz += dark
    xyz[..., 0] -= xyz[..., 1]
    xyz[..., 2] -= xyz[..., 1]
    return cv2.transform(xyz, linear_from_differences)


def linear_to_images(linear: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Encode linear light as sRGB, rounded to the nearest level.

    Args:
        linear: float32, any shape; values outside 0..1 are clipped.
        dtype: uint8, or uint16, where the result may be off by one level.

    Returns:
        images: of that dtype, same shape.
    """
    steps = np.clip(linear, 0.0, 1.0)
    np.sqrt(steps, out=steps)
    steps *= _ENCODING_STEPS
    steps += 0.5
    return np.take(_srgb_levels(np.dtype(dtype)), steps.astype(np.uint16))


def _to_linear(images: np.ndarray) -> np.ndarray:
    """Decode sRGB to linear light 0..1, float32."""
    table = _linear_light(images.dtype)
    # OpenCV's lookup is faster, but before version 5 it supports 8 bits only.
    return cv2.LUT(images, table) if images.dtype == np.uint8 else np.take(table, images)


def _f(xyz: np.ndarray) -> np.ndarray:
    """Compute f(t) of CIE Lab for X, Y and Z over white; overwrites `xyz`."""
    # np.clip with two bounds is three times as fast as np.maximum.
    f = np.clip(xyz, T_THRESHOLD, np.inf)
    xyz -= f
    xyz *= LINEAR_SLOPE
    # OpenCV's power function takes half again as long as these three together.
    cv2.log(f, f)
    f *= 1 / 3
    cv2.exp(f, f)
    f += xyz
    return f


@functools.cache
def _linear_light(dtype: np.dtype) -> np.ndarray:
    """Return the linear light 0..1 of all levels of sRGB (IEC 61966-2-1)."""
    rgb = np.linspace(0, 1, np.iinfo(dtype).max + 1)
    linear = np.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    return linear.astype(np.float32)


@functools.cache
def _srgb_levels(dtype: np.dtype) -> np.ndarray:
    """Return the level of sRGB for each step of the square root of linear light."""
    linear = (np.arange(_ENCODING_STEPS + 1) / _ENCODING_STEPS) ** 2
    rgb = np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)
    return np.rint(rgb * np.iinfo(dtype).max).astype(dtype)


@functools.cache
def _matrices_to_lab() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return linear light to X, Y and Z over white; f to Lab; f to `lightness` and `ab`."""
    xyz_from_rgb = np.array(XYZ_FROM_RGB) / np.array(WHITE)[:, np.newaxis]
    lab_from_f = np.insert(LAB_FROM_F, 3, (-16, 0, 0), axis=1)
    encoded = lab_from_f / np.array([LIGHTNESS_SCALE, AB_SCALE, AB_SCALE])[:, np.newaxis]
    encoded[0, 3] -= 1
    return (
        xyz_from_rgb.astype(np.float32),
        lab_from_f.astype(np.float32),
        encoded.astype(np.float32),
    )


@functools.cache
def _matrices_from_lab() -> tuple[np.ndarray, np.ndarray]:
    """Return Lab to f, and X - Y, Y and Z - Y over white to linear light."""
    f_from_lab = np.insert(F_FROM_LAB, 3, 16 / 116, axis=1)
    from_xyz = np.linalg.inv(XYZ_FROM_RGB) * WHITE
    # The rounded white differs from the sum of the primaries by 1e-5, which is visible in 16 bits.
    from_xyz /= from_xyz.sum(axis=1, keepdims=True)
    from_xyz[:, 1] = 1
    return f_from_lab.astype(np.float32), from_xyz.astype(np.float32)
