"""CIE Lab to sRGB inside the gamut, plane by plane: the fast way for full resolution.

L*, a* and b* are linear in f(X), f(Y) and f(Z) (`color.lab`), so that callers can interpolate these
directly. Contiguous planes take a third of the time of pixels with three channels.
"""

import functools
from collections.abc import Sequence

import cv2
import numpy as np

from colorize_tf.color.lab import (
    F_THRESHOLD,
    LINEAR_SLOPE,
    WHITE,
    XYZ_FROM_RGB,
    images_to_l_star,
    linear_to_images,
)

# In linear light. Clipping changes colors within this tolerance by a third of a level of 255, and
# L* by 0.03.
_TOLERANCE = 1e-4
# The size of the table of the gamut's boundary. With it, photographs differ by at most one level of
# 255 from those with a bisection for each color; the table takes 30 ms, bisection 0.3 s for a lake
# of 12 megapixels.
_L_STAR_STEPS = 321
_DIRECTIONS = 641
_BISECTIONS = 12
# No color of sRGB has a larger |a| / 500 + |b| / 200.
_LARGEST = 0.75
_F_BLACK = 16 / 116

# Steps of linear light: at black, where levels of 8 bits are closest, 20 of them are one level.
_STEPS = 65535

_HAS_16_BIT_LUT = int(cv2.__version__.split(".")[0]) >= 5


def images_to_f_y(images: np.ndarray) -> np.ndarray:
    """Compute f(Y), which is `(L* + 16) / 116`.

    Args:
        images: uint8 or uint16 `(height, width, 3)`, sRGB.

    Returns:
        float32 `(height, width)`.
    """
    red, green, blue = cv2.split(images)
    if cv2.norm(red, green, cv2.NORM_INF) or cv2.norm(green, blue, cv2.NORM_INF):
        return _l_star_to_f(images_to_l_star(images))
    return _look_up(green, _f_of_grays(images.dtype))


def f_to_images(f_y: np.ndarray, d_x: np.ndarray, d_z: np.ndarray, out: np.ndarray) -> None:
    """Convert f(X), f(Y) and f(Z) to sRGB inside the gamut.

    Chroma of colors outside is reduced at constant L* and hue. Clipping red, green and blue instead
    changes both: a sky that is too blue would become lighter and purple.

    Args:
        f_y: f(Y) = (L* + 16) / 116, float32 `(height, width)`.
        d_x: f(X) - f(Y) = a / 500.
        d_z: f(Z) - f(Y) = -b / 200; where both differences are 0, the three channels are equal.
        out: uint8 or uint16 `(height, width, 3)`, receives the result.
    """
    # The scale and offset of the indices of `_levels`; 16 bits need finer steps.
    scale, offset = (_STEPS, 0.5) if out.dtype == np.uint8 else (1, 0.0)
    y = _f_inverse(f_y)
    linear = _f_to_linear(f_y, d_x, d_z, y, scale, offset)
    if min(plane.min() for plane in linear) < 0 or max(plane.max() for plane in linear) > scale:
        outside = _indices_outside(linear, scale)
        if outside.size:
            row_y, row_x, row_z, row_linear = (
                plane.reshape(-1)[outside] for plane in (f_y, d_x, d_z, y)
            )
            factor = _largest_factor(row_y, row_x, row_z)
            row_x *= factor
            row_z *= factor
            reduced = _f_to_linear(row_y, row_x, row_z, row_linear, scale, offset)
            for plane, row in zip(linear, reduced, strict=True):
                plane.reshape(-1)[outside] = row
        for plane in linear:
            np.clip(plane, 0, scale, out=plane)
    if out.dtype == np.uint8:
        cv2.merge([_look_up(plane.astype(np.uint16), _levels()) for plane in linear], out)
    else:
        out[:] = linear_to_images(cv2.merge(linear), out.dtype)


def _f_to_linear(
    f_y: np.ndarray,
    d_x: np.ndarray,
    d_z: np.ndarray,
    y: np.ndarray,
    scale: float = 1,
    offset: float = 0,
) -> list[np.ndarray]:
    """Return red, green and blue in linear light times `scale` plus `offset`."""
    x, z = _f_inverse(f_y + d_x), _f_inverse(f_y + d_z)
    x -= y
    z -= y
    planes = []
    for of_x, _, of_z in _rgb_from_xyz() * scale:
        plane = cv2.addWeighted(x, of_x, z, of_z, offset)
        planes.append(cv2.scaleAdd(y, scale, plane, plane))
    return planes


def _f_inverse(f: np.ndarray) -> np.ndarray:
    """Return X, Y or Z over white: the cube of f, and a straight line where it is dark."""
    if f.min() >= F_THRESHOLD:
        return f * f * f
    bright = np.maximum(f, F_THRESHOLD)
    cube = bright * bright
    cube *= bright
    bright -= f
    bright *= 1 / LINEAR_SLOPE
    cube -= bright
    return cube


def _inside(linear: Sequence[np.ndarray], scale: float = 1) -> np.ndarray:
    """Return where red, green and blue are in the gamut."""
    low, high = -_TOLERANCE * scale, (1 + _TOLERANCE) * scale
    red, green, blue = (cv2.inRange(plane, low, high) for plane in linear)
    return cv2.min(cv2.min(red, green), blue) > 0


def _indices_outside(linear: Sequence[np.ndarray], scale: float) -> np.ndarray:
    """Return the indices of colors outside the gamut, as rows of 256 that repeat the last one."""
    outside = np.flatnonzero(~_inside(linear, scale))
    # `cv2.remap` takes no rows of more than 32767.
    return np.append(outside, np.repeat(outside[-1:], -len(outside) % 256)).reshape(-1, 256)


def _largest_factor(f_y: np.ndarray, d_x: np.ndarray, d_z: np.ndarray) -> np.ndarray:
    """Return the largest factor, up to 1, by which a color's chroma stays inside the gamut."""
    size = np.abs(d_x) + np.abs(d_z)
    size += np.float32(1e-12)
    direction = np.copysign(1 - d_x / size, d_z)  # -2..2, cheaper than an angle.
    column = (f_y - _F_BLACK) * np.float32((_L_STAR_STEPS - 1) / (1 - _F_BLACK))
    row = (direction + 2) * np.float32((_DIRECTIONS - 1) / 4)
    largest = cv2.remap(_boundary(), column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.minimum(largest / size, 1)


@functools.cache
def _boundary() -> np.ndarray:
    """Return the largest `|d_x| + |d_z|` inside the gamut by direction and L*."""
    direction = np.linspace(-2, 2, _DIRECTIONS, dtype=np.float32)[:, np.newaxis]
    f_y = np.linspace(_F_BLACK, 1, _L_STAR_STEPS, dtype=np.float32)
    f_y = np.repeat(f_y[np.newaxis], _DIRECTIONS, axis=0)
    d_x = np.repeat(1 - np.abs(direction), _L_STAR_STEPS, axis=1)
    d_z = np.copysign(1 - np.abs(d_x), direction)
    y = _f_inverse(f_y)
    size = np.zeros_like(f_y)
    for step in _LARGEST * 0.5 ** np.arange(1, _BISECTIONS + 1, dtype=np.float32):
        tried = size + step
        inside = _inside(_f_to_linear(f_y, tried * d_x, tried * d_z, y))
        np.copyto(size, tried, where=inside)
    return size


def _look_up(indices: np.ndarray, table: np.ndarray) -> np.ndarray:
    if indices.dtype == np.uint8 or _HAS_16_BIT_LUT:
        return cv2.LUT(indices, table)
    return np.take(table, indices)


def _l_star_to_f(l_star: np.ndarray) -> np.ndarray:
    l_star += 16
    l_star *= 1 / 116
    return l_star


@functools.cache
def _f_of_grays(dtype: np.dtype) -> np.ndarray:
    grays = np.arange(np.iinfo(dtype).max + 1, dtype=dtype)
    return _l_star_to_f(images_to_l_star(cv2.merge([grays[np.newaxis]] * 3)))[0]


@functools.cache
def _levels() -> np.ndarray:
    """Return the level of sRGB for each step of linear light, uint8."""
    linear = np.linspace(0, 1, _STEPS + 1, dtype=np.float32)
    return linear_to_images(linear, np.dtype(np.uint8))


@functools.cache
def _rgb_from_xyz() -> np.ndarray:
    """Return the matrix from X, Y and Z over white to linear light; its rows sum to 1."""
    matrix = np.linalg.inv(XYZ_FROM_RGB) * WHITE
    return matrix / matrix.sum(axis=1, keepdims=True)
