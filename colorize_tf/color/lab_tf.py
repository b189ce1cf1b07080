"""sRGB <-> CIE Lab in TensorFlow, and the scaling to `lightness` and `ab`.

Training, metrics, the served graph and TFLite files use these conversions; `lab` has the constants
and the same conversions without TensorFlow, which is imported here on first use. Arrays that are
not floating point (for `images_to_rgb`, not uint8) raise `ValueError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from colorize_tf.color.lab import (
    AB_SCALE,
    F_FROM_LAB,
    F_THRESHOLD,
    LAB_FROM_F,
    LIGHTNESS_SCALE,
    LINEAR_SLOPE,
    T_THRESHOLD,
    WHITE,
    XYZ_FROM_RGB,
    images_to_lab,
)

if TYPE_CHECKING:
    import tensorflow as tf


def _as_float32(tensor: tf.Tensor | np.ndarray, name: str) -> tf.Tensor:
    import tensorflow as tf

    tensor = tf.convert_to_tensor(tensor)
    if not tensor.dtype.is_floating:
        raise ValueError(
            f"{name} must be floating point, got {tensor.dtype.name}; "
            "convert uint8 images with images_to_rgb first"
        )
    return tf.cast(tensor, tf.float32)


def _float32(values: ArrayLike) -> np.ndarray:
    return np.asarray(values, np.float32)


def images_to_rgb(images: tf.Tensor | np.ndarray) -> tf.Tensor:
    """Convert images to `rgb`.

    Args:
        images: uint8 `(..., height, width, 3)`, sRGB 0..255.

    Returns:
        rgb: float32, same shape, sRGB 0..1.
    """
    import tensorflow as tf

    images = tf.convert_to_tensor(images)
    if images.dtype != tf.uint8:
        raise ValueError(f"images must be uint8 in 0..255, got {images.dtype.name}")
    return tf.cast(images, tf.float32) / 255.0


def rgb_to_images(rgb: tf.Tensor | np.ndarray) -> tf.Tensor:
    """Convert `rgb` to images, rounded to the nearest level.

    Args:
        rgb: float `(..., height, width, 3)`, sRGB; values outside 0..1 are clipped.

    Returns:
        images: uint8, same shape, sRGB 0..255.
    """
    import tensorflow as tf

    rgb = _as_float32(rgb, "rgb")
    return tf.cast(tf.round(tf.clip_by_value(rgb, 0.0, 1.0) * 255.0), tf.uint8)


def rgb_to_lab(rgb: tf.Tensor | np.ndarray) -> tf.Tensor:
    """Convert sRGB to CIE L*a*b* (D65, 2 degree observer).

    Args:
        rgb: float `(..., 3)`, gamma-encoded sRGB 0..1.

    Returns:
        lab: float32, same shape; L* 0..100, a* and b* in Lab units. The gradient is finite
        everywhere, black included.

    Raises:
        ValueError: `rgb` is not floating point.

    Example:
        >>> middle_gray = np.full((1, 1, 3), 128 / 255)
        >>> f"L* is {float(rgb_to_lab(middle_gray)[0, 0, 0]):.1f}, not 50"
        'L* is 53.6, not 50'
    """
    import tensorflow as tf

    rgb = _as_float32(rgb, "rgb")
    # tensorflow-io's conversion, the reference in a test, takes five times as long, and its
    # gradient at black is NaN. Pixels form one matrix, so that each product is one call.
    linear = rgb_to_linear(tf.reshape(rgb, (-1, 3)))
    xyz = tf.matmul(linear, _float32(XYZ_FROM_RGB / np.array(WHITE)[:, np.newaxis]).T)
    # A common offset changes L* only.
    f = _f(xyz) - 16.0 / 116.0
    return tf.reshape(tf.matmul(f, _float32(LAB_FROM_F).T), tf.shape(rgb))


def lab_to_rgb(lab: tf.Tensor | np.ndarray) -> tf.Tensor:
    """Convert CIE L*a*b* (D65, 2 degree observer) to sRGB.

    Args:
        lab: float `(..., 3)`; L* 0..100, a* and b* in Lab units.

    Returns:
        rgb: float32, same shape, gamma-encoded sRGB; colors outside the gamut are clipped to 0..1.
        The gradient is finite everywhere and zero where a channel is clipped.

    Raises:
        ValueError: `lab` is not floating point.

    Example:
        >>> lab_to_rgb(np.float32([[[100, 0, 0]]])).numpy().round(2).tolist()
        [[[1.0, 1.0, 1.0]]]
    """
    import tensorflow as tf

    # Matrices, and minimum plus maximum instead of `where`: TFLite delegates support these.
    f = tf.tensordot(_as_float32(lab, "lab"), _float32(F_FROM_LAB).T, axes=1)
    # Z is not negative; X and Y are for some colors outside the gamut.
    f = tf.maximum(f + np.float32(16.0 / 116.0), _float32([-9.0, -9.0, 0.0]))
    upper = tf.maximum(f, F_THRESHOLD)
    xyz = upper * upper * upper + (tf.minimum(f, F_THRESHOLD) - F_THRESHOLD) / LINEAR_SLOPE
    rgb_from_f = np.linalg.inv(np.array(XYZ_FROM_RGB)) * np.array(WHITE)
    linear = tf.tensordot(xyz, _float32(rgb_from_f).T, axes=1)
    return linear_to_rgb(linear)


def linear_to_rgb(linear: tf.Tensor) -> tf.Tensor:
    """Encode linear light as sRGB (IEC 61966-2-1).

    Args:
        linear: float32, any shape, 1 is white.

    Returns:
        rgb: float32, same shape, gamma-encoded sRGB, clipped to 0..1.
    """
    import tensorflow as tf

    curve = 1.055 * _power(tf.maximum(linear, 0.0031308), 1.0 / 2.4) - 0.055
    return tf.clip_by_value(curve + 12.92 * (tf.minimum(linear, 0.0031308) - 0.0031308), 0.0, 1.0)


def rgb_to_linear(rgb: tf.Tensor) -> tf.Tensor:
    """Decode gamma-encoded sRGB, float32 0..1 of any shape, to linear light, 1 is white."""
    import tensorflow as tf

    base = (tf.maximum(rgb, 0.04045) + 0.055) / 1.055
    return base * base * _power(base, 0.4) + (tf.minimum(rgb, 0.04045) - 0.04045) / 12.92


def rgb_to_lightness(rgb: tf.Tensor | np.ndarray) -> tf.Tensor:
    """Compute the networks' input alone: `encode(rgb)[0]` in a quarter of the time in TFLite.

    Args:
        rgb: float `(..., height, width, 3)`, gamma-encoded sRGB 0..1.

    Returns:
        lightness: float32 `(..., height, width, 1)` in [-1, 1], `L / 50 - 1`; within 1e-4 Lab units
        of `rgb_to_lab`.
    """
    import tensorflow as tf

    rgb = _as_float32(rgb, "rgb")
    y = tf.tensordot(rgb_to_linear(rgb), _float32(XYZ_FROM_RGB[1])[:, np.newaxis], axes=1)
    return (116.0 * _f(y) - 16.0) / LIGHTNESS_SCALE - 1.0


def _f(xyz: tf.Tensor) -> tf.Tensor:
    """Compute f(t) of CIE Lab for X, Y and Z over white."""
    import tensorflow as tf

    bright = tf.maximum(xyz, T_THRESHOLD)
    return _power(bright, 1 / 3) + LINEAR_SLOPE * (xyz - bright)


def _power(base: tf.Tensor, exponent: float) -> tf.Tensor:
    """Compute `base ** exponent` for positive bases; TFLite's POW takes eight times as long."""
    import tensorflow as tf

    return tf.exp(exponent * tf.math.log(base))


def encode(rgb: tf.Tensor | np.ndarray) -> tuple[tf.Tensor, tf.Tensor]:
    """Convert an image to the networks' input and target.

    Args:
        rgb: float `(..., height, width, 3)`, gamma-encoded sRGB 0..1.

    Returns:
        lightness: float32 `(..., height, width, 1)` in [-1, 1], `L / 50 - 1`.
        ab: float32 `(..., height, width, 2)` in [-1, 1], `(a, b) / 110`.

    Raises:
        ValueError: `rgb` is not floating point.

    Example:
        >>> lightness, ab = encode(np.ones((2, 3, 3)))
        >>> lightness.shape.as_list(), ab.shape.as_list(), float(lightness[0, 0, 0])
        ([2, 3, 1], [2, 3, 2], 1.0)
    """
    lab = rgb_to_lab(rgb)
    return lab[..., :1] / LIGHTNESS_SCALE - 1.0, lab[..., 1:] / AB_SCALE


def decode(lightness: tf.Tensor | np.ndarray, ab: tf.Tensor | np.ndarray) -> tf.Tensor:
    """Combine `lightness` and `ab` to an image; the inverse of `encode`.

    Args:
        lightness: float `(..., height, width, 1)` in [-1, 1].
        ab: float `(..., height, width, 2)` in [-1, 1].

    Returns:
        rgb: float32 `(..., height, width, 3)`, gamma-encoded sRGB, clipped to 0..1.

    Raises:
        ValueError: an input is not floating point.

    Example:
        >>> lightness, ab = encode(np.full((2, 2, 3), 0.25))
        >>> round(float(decode(lightness, ab)[0, 0, 0]), 3)
        0.25
    """
    return lab_to_rgb(to_lab(lightness, ab))


def to_lab(lightness: tf.Tensor | np.ndarray, ab: tf.Tensor | np.ndarray) -> tf.Tensor:
    """Combine `lightness` and `ab`, as `decode` takes them, to `lab` as `rgb_to_lab` returns it."""
    import tensorflow as tf

    lightness = (_as_float32(lightness, "lightness") + 1.0) * LIGHTNESS_SCALE
    return tf.concat([lightness, _as_float32(ab, "ab") * AB_SCALE], axis=-1)


def ab_bins(grid: int = 10) -> np.ndarray:
    """Quantize chroma: the centers of the square cells of the ab plane that sRGB reaches.

    Zhang et al. 2016, section 2.2. There are 261 cells of 10 Lab units. The paper has 313, by a
    rule that it does not state: even the convex hull of sRGB touches only 269.

    Args:
        grid: side of a cell in Lab units; one cell is centered on gray.

    Returns:
        bins: float32 `(count, 2)`, `(a, b) / 110`, ordered by a, then by b.
    """
    # A line of constant ab leaves the RGB cube through a face, so the faces reach every cell.
    levels = np.arange(256, dtype=np.uint8)
    face = np.stack(np.meshgrid(levels, levels), axis=-1)
    faces = [np.insert(face, channel, end, axis=-1) for channel in range(3) for end in (0, 255)]
    cells = np.rint(images_to_lab(np.concatenate(faces))[..., 1:] / grid).astype(int)
    half = int(AB_SCALE // grid) + 1
    reached = np.zeros((2 * half + 1, 2 * half + 1), bool)
    reached[cells[..., 0] + half, cells[..., 1] + half] = True
    return _float32((np.argwhere(reached) - half) * (grid / AB_SCALE))
