"""Color a photograph of any size with a `.tflite` file."""

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter

LINEAR_FROM_ROOTS = np.float32(
    [[3.07998, -1.53715, -0.54282], [-0.92125, 1.87599, 0.04525], [0.05289, -0.20404, 1.15123]]
)


def root(image):
    """Return (L + 16) / 116 of sRGB 0..255."""
    rgb = np.float32(image) / 255
    linear = np.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    y = linear @ np.float32([0.212671, 0.715160, 0.072169])
    return np.where(y > 0.008856, np.cbrt(y), 7.787 * y + 16 / 116)


photo = cv2.cvtColor(cv2.imread("old.jpg"), cv2.COLOR_BGR2RGB)
predict_ab = Interpreter("landscapes.tflite").get_signature_runner("predict_ab")
size = predict_ab.get_input_details()["lightness"]["shape"][1]

height, width = (max(1, round(side * size / max(photo.shape[:2]))) for side in photo.shape[:2])
top, left = (size - height) // 2, (size - width) // 2
small = cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA)
edges = top, size - height - top, left, size - width - left
square = cv2.copyMakeBorder(small, *edges, cv2.BORDER_REFLECT_101)
lightness = 2.32 * root(square) - 1.32  # L / 50 - 1
ab = predict_ab(lightness=np.float32(lightness[None, :, :, None]))["ab"][0]
ab = cv2.resize(ab[top : top + height, left : left + width], photo.shape[1::-1])

y = root(photo)
x, z = y + 0.22 * ab[..., 0], np.maximum(y - 0.55 * ab[..., 1], 0)  # a / 500, b / 200
roots = np.stack([x, y, z], axis=-1)
xyz = np.where(roots > 0.2068966, roots**3, (roots - 16 / 116) / 7.787)
linear = np.clip(xyz @ LINEAR_FROM_ROOTS.T, 0, 1)
rgb = np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)
cv2.imwrite("new.png", np.uint8(np.rint(255 * rgb))[..., ::-1])
