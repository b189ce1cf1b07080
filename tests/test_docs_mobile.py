"""The programs of docs/mobile give the same picture as `Colorizer`.

The Kotlin and Swift programs run with the stand-ins in tests/mobile for a phone's libraries. They
exchange big-endian pictures and network values with the test over standard input and output.
"""

import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from colorize_tf import imagefiles
from colorize_tf.artifacts.tflite.runner import load_tflite
from colorize_tf.artifacts.weights import SHIPPED_MODEL
from colorize_tf.color.lab import WHITE, XYZ_FROM_RGB
from colorize_tf.data.synthetic.landscapes import render_landscape
from colorize_tf.inference.colorizer import Colorizer

PROGRAMS = Path(__file__).parents[1] / "docs/mobile"
STUBS = Path(__file__).parent / "mobile"
SHAPES = [(64, 64), (333, 1000), (256, 256), (1, 1), (140, 100), (128, 5)]


@pytest.fixture(scope="module")
def colorizer():
    return Colorizer.load()


def gray_landscape(shape):
    gray = render_landscape(4, max(16, *shape), max(16, *shape))[: shape[0], : shape[1]]
    return gray.mean(axis=-1, keepdims=True).astype(np.uint8).repeat(3, axis=-1)


def compile_kotlin(folder):
    """Compile the Kotlin program; return the command that starts it."""
    kernel = pytest.importorskip("run_kotlin_kernel", reason="needs kotlin-jupyter-kernel")
    if not shutil.which("java"):
        pytest.skip("needs Java")
    jars = Path(kernel.__path__[0]) / "jars"
    (library,) = jars.glob("kotlin-stdlib-[0-9]*.jar")
    (compiler,) = jars.glob("kotlin-jupyter-kernel-*-all.jar")
    sources = [PROGRAMS / "LandscapeColorizer.kt", *sorted(STUBS.glob("*.kt"))]
    main = "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler"
    flags = ["-Werror", "-no-stdlib", "-no-reflect", "-cp", library, "-d", folder]
    subprocess.run(["java", "-cp", compiler, main, *flags, *sources], check=True)
    return ["java", "-cp", f"{library}:{folder}", "MainKt"]


def compile_swift(folder):
    """Compile the Swift program; return the command that starts it."""
    if not shutil.which("swiftc"):
        pytest.skip("needs a Swift compiler (swiftc)")
    for module in ("CoreGraphics", "TensorFlowLite"):
        flags = ["-emit-module", "-emit-library", "-static", "-parse-as-library"]
        flags += ["-module-name", module, "-o", f"lib{module}.a"]
        subprocess.run(["swiftc", *flags, STUBS / f"{module}.swift"], cwd=folder, check=True)
    sources = [PROGRAMS / "LandscapeColorizer.swift", STUBS / "main.swift"]
    flags = ["-O", "-I", ".", "-L", ".", "-lCoreGraphics", "-lTensorFlowLite", "-o", "program"]
    subprocess.run(["swiftc", *flags, *sources], cwd=folder, check=True)
    return [folder / "program"]


class Program:
    """A running program, for which the test computes the network."""

    def __init__(self, process, colorizer):
        self.process = process
        self.colorizer = colorizer

    def colorize(self, image):
        size = self.colorizer.size
        red, green, blue = np.moveaxis(image.astype(np.uint32), -1, 0)
        pixels = 255 << 24 | red << 16 | green << 8 | blue
        self._send(np.array(image.shape[1::-1], ">i4"))
        self._send(pixels.astype(">u4"))
        lightness = self._receive(">f4", (1, size, size, 1)).astype(np.float32)
        self._send(self.colorizer.predict_ab(lightness).astype(">f4"))
        pixels = self._receive(">i4", image.shape[:2])
        return np.stack([pixels >> shift & 255 for shift in (16, 8, 0)], axis=-1).astype(np.uint8)

    def _send(self, array):
        self.process.stdin.write(array.tobytes())
        self.process.stdin.flush()

    def _receive(self, dtype, shape):
        contents = self.process.stdout.read(np.prod(shape) * 4)
        return np.frombuffer(contents, dtype).reshape(shape)


def check_program(colorize, colorizer, shape):
    """The program colors a photograph of this shape as `Colorizer` does."""
    image = gray_landscape(shape)
    expected, colorized = colorizer(image), colorize(image)
    difference = deltaE_ciede2000(rgb2lab(colorized), rgb2lab(expected))
    assert difference.mean() < 0.2, shape
    assert image.shape[:2] == (1, 1) or np.ptp(colorized.astype(int), axis=-1).max() > 5, "gray"


@pytest.mark.parametrize("shape", SHAPES)
def test_python_program_equals_colorizer(colorizer, shape):
    module = runpy.run_path(str(PROGRAMS / "colorize.py"))
    runner = load_tflite(SHIPPED_MODEL)["predict_ab"]
    check_program(lambda image: module["colorize"](image, runner), colorizer, shape)


def test_python_program_reads_and_writes_files(colorizer, tmp_path):
    image = gray_landscape((50, 90))
    imagefiles.write_image(tmp_path / "old.png", image)
    arguments = [SHIPPED_MODEL, tmp_path / "old.png", tmp_path / "new.png"]
    subprocess.run([sys.executable, PROGRAMS / "colorize.py", *arguments], check=True)
    difference = imagefiles.read_image(tmp_path / "new.png").astype(int) - colorizer(image)
    assert np.abs(difference).mean() < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("compile_program", [compile_kotlin, compile_swift])
def test_compiled_program_equals_colorizer(compile_program, colorizer, tmp_path):
    command = [*compile_program(tmp_path), str(colorizer.size)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        program = Program(process, colorizer)
        for shape in SHAPES:
            check_program(program.colorize, colorizer, shape)
    assert process.returncode == 0


def test_python_program_needs_three_packages():
    source = (PROGRAMS / "colorize.py").read_text()
    imports = re.findall(r"^(?:import|from) ([\w.]+)", source, re.MULTILINE)
    assert imports == ["sys", "cv2", "numpy", "ai_edge_litert.interpreter"]


@pytest.mark.parametrize("path", sorted(PROGRAMS.iterdir()), ids=lambda path: path.suffix)
def test_constants_equal_those_of_the_package(path):
    numbers = [float(number) for number in re.findall(r"\d+\.\d+", path.read_text())]
    matrix = np.linalg.inv(np.array(XYZ_FROM_RGB)) * np.array(WHITE)
    for constant in [*np.abs(matrix).ravel(), *XYZ_FROM_RGB[1]]:
        assert np.abs(np.array(numbers) - constant).min() < 1e-5, constant
