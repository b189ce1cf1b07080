"""Color a photograph of any size with a `.tflite` file: colorize.py MODEL PHOTO RESULT.

Needs ai-edge-litert, NumPy and OpenCV only.
"""

import sys

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter

Y_FROM_RGB = np.float32([0.212671, 0.715160, 0.072169])
# Inverse of sRGB's matrix to XYZ, times the white point D65.
RGB_FROM_XYZ = np.float32(
    [[3.07998, -1.53715, -0.54282], [-0.92125, 1.87599, 0.04525], [0.05289, -0.20404, 1.15123]]
)
RADIUS = 2  # of the guided filter, in pixels of the network
FLAT = 4.0  # variance of L* below which an area does not guide
STEEPEST = 1.5  # largest change of chroma per unit of L*


def lightness(image):
    """Return L* (0..100) of an sRGB image."""
    rgb = np.float32(image) / 255
    linear = np.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    y = linear @ Y_FROM_RGB
    return np.float32(116 * np.where(y > 0.008856, np.cbrt(y), 7.787 * y + 16 / 116) - 16)


def resize(image, width, height):
    """Average areas when reducing, interpolate linearly when enlarging."""
    if width * height < image.shape[0] * image.shape[1]:
        return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return cv2.resize(np.float32(image), (width, height), interpolation=cv2.INTER_LINEAR)


def box(plane):
    """Average over the window of the guided filter."""
    side = 2 * RADIUS + 1
    return cv2.blur(plane, (side, side), borderType=cv2.BORDER_REFLECT)


def slopes(guide, plane):
    """Fit chroma as a linear function of L* around each pixel (guided filter, He and Sun 2015)."""
    variance = box(guide * guide) - box(guide) ** 2
    covariance = box(guide * plane) - box(guide) * box(plane)
    slope = covariance / (np.maximum(variance, 0) + FLAT)
    return box(np.clip(slope, -STEEPEST, STEEPEST))


def upsample(chroma, small, photo_lightness):
    """Scale chroma `(h, w, 2)` to the photograph's size, along the photograph's edges."""
    height, width = photo_lightness.shape
    if chroma.shape[0] >= height and chroma.shape[1] >= width:
        return resize(chroma, width, height)
    guide = lightness(small)
    planes = []
    for plane in cv2.split(chroma):
        slope = slopes(guide, plane)
        offset = resize(plane - slope * guide, width, height)
        planes.append(resize(slope, width, height) * photo_lightness + offset)
    return cv2.merge(planes)


def to_linear(l_star, a, b):
    """Convert CIE Lab to linear sRGB; values outside 0..1 are out of gamut."""
    f_y = (l_star + 16) / 116
    f = np.stack([f_y + a / 500, f_y, f_y - b / 200], axis=-1)
    xyz = np.where(f > 0.2068966, f**3, (f - 16 / 116) / 7.787)
    return xyz @ RGB_FROM_XYZ.T


def to_srgb(l_star, chroma):
    """Convert CIE Lab to sRGB 0..255; lower the chroma where it is out of gamut."""
    a, b = cv2.split(chroma)
    factor = np.ones_like(l_star)
    outside = np.abs(to_linear(l_star, a, b) - 0.5).max(axis=-1) > 0.5001
    if outside.any():
        inside_factor = np.zeros_like(l_star[outside])
        for step in 0.5 ** np.arange(1, 11, dtype=np.float32):  # bisection
            tried = inside_factor + step
            linear = to_linear(l_star[outside], tried * a[outside], tried * b[outside])
            inside = np.abs(linear - 0.5).max(axis=-1) <= 0.5001
            inside_factor = np.where(inside, tried, inside_factor)
        factor[outside] = inside_factor
    linear = np.clip(to_linear(l_star, factor * a, factor * b), 0, 1)
    rgb = np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)
    return np.uint8(np.rint(255 * rgb))


def colorize(photo, predict_ab):
    """Color an sRGB photograph, uint8 `(height, width, 3)`."""
    size = predict_ab.get_input_details()["lightness"]["shape"][1]
    height, width = (max(1, round(side * size / max(photo.shape[:2]))) for side in photo.shape[:2])
    top, left = (size - height) // 2, (size - width) // 2
    small = np.floor(resize(photo, width, height) + 0.5)
    margins = top, size - height - top, left, size - width - left
    square = cv2.copyMakeBorder(small, *margins, cv2.BORDER_REFLECT_101)
    network_input = lightness(square)[None, :, :, None] / 50 - 1
    ab = predict_ab(lightness=network_input)["ab"][0]
    chroma = 110 * ab[top : top + height, left : left + width]
    l_star = lightness(photo)
    return to_srgb(l_star, upsample(chroma, small, l_star))


if __name__ == "__main__":
    model, source, result = sys.argv[1:]
    photo = cv2.cvtColor(cv2.imread(source), cv2.COLOR_BGR2RGB)
    colorized = colorize(photo, Interpreter(model).get_signature_runner("predict_ab"))
    cv2.imwrite(result, colorized[..., ::-1])
