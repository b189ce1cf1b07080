"""The programs of docs/mobile."""

import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage.color import lab2rgb, rgb2lab

from colorize_tf import imagefiles
from colorize_tf.artifacts.tflite import convert_to_tflite
from colorize_tf.color.lab import AB_SCALE, LIGHTNESS_SCALE, WHITE, XYZ_FROM_RGB
from colorize_tf.data.synthetic.landscapes import render_landscape
from colorize_tf.inference.colorizer import Colorizer

FOLDER = Path(__file__).parents[1] / "docs/mobile"
EXAMPLES = {path.suffix[1:]: path.read_text() for path in FOLDER.iterdir()}


# What is out of gamut is clipped, here as there.
@pytest.mark.filterwarnings("ignore:Conversion from CIE-LAB:UserWarning")
@pytest.mark.parametrize(("height", "width"), [(50, 90), (90, 50), (32, 32), (200, 150)])
def test_the_python_example_colors_as_the_network_does(calm, tmp_path, height, width):
    imagefiles.write_image(tmp_path / "old.jpg", render_landscape(4, height, width))
    (tmp_path / "landscapes.tflite").write_bytes(convert_to_tflite(calm))
    command = [sys.executable, "-c", EXAMPLES["py"]]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    photo, colorized = (imagefiles.read_image(tmp_path / name) for name in ("old.jpg", "new.png"))
    ab = Colorizer.load(tmp_path / "landscapes.tflite").predict_one(photo)
    lab = rgb2lab(photo)
    lab[..., 1:] = AB_SCALE * cv2.resize(ab, (width, height))
    expected = np.rint(255 * lab2rgb(lab))
    assert np.abs(colorized.astype(int) - photo).max() > 5
    assert np.abs(colorized.astype(int) - expected).max() <= 2


def test_the_python_example_needs_three_packages():
    imports = re.findall(r"^(?:import|from) ([\w.]+)", EXAMPLES["py"], re.MULTILINE)
    assert imports == ["cv2", "numpy", "ai_edge_litert.interpreter"]


@pytest.mark.parametrize("language", ["py", "kt", "swift"])
def test_the_constants_are_those_of_color(language):
    numbers = [float(number) for number in re.findall(r"\d+\.\d+", EXAMPLES[language])]
    matrix = np.linalg.inv(np.array(XYZ_FROM_RGB)) * np.array(WHITE)
    lightness = [116 / LIGHTNESS_SCALE, 16 / LIGHTNESS_SCALE + 1]
    chroma = [AB_SCALE / 500, AB_SCALE / 200]
    for constant in [*np.abs(matrix).ravel(), *lightness, *chroma, *XYZ_FROM_RGB[1]]:
        assert np.abs(np.array(numbers) - constant).min() < 1e-5, constant
