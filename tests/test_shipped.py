"""The model that comes with the package, and its `.keras` in saved_models/."""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from colorize_tf import imagefiles
from colorize_tf.artifacts.card import describe
from colorize_tf.data.synthetic.landscapes import render_landscape
from colorize_tf.inference.colorizer import SHIPPED_MODEL, Colorizer

FOLDER = Path(__file__).parents[1] / "saved_models" / "landscapes"


def gray_landscape(index=4, height=96, width=144):
    image = render_landscape(index, height, width)
    gray = np.rint(image @ [0.2126, 0.7152, 0.0722]).astype(np.uint8)
    return np.repeat(gray[..., np.newaxis], 3, axis=-1)


def test_the_shipped_model_is_the_default():
    gray = gray_landscape()
    colorized = Colorizer.load()(gray).astype(int)
    assert np.ptp(colorized, axis=-1).mean() > 5


def test_the_command_needs_no_model_and_no_tensorflow(tmp_path):
    imagefiles.write_image(tmp_path / "old.png", gray_landscape())
    code = (
        "import sys; from colorize_tf.colorize import main; "
        "code = main(['old.png', '-o', 'new.png']); "
        "assert 'tensorflow' not in sys.modules; sys.exit(code)"
    )
    finished = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True)
    assert finished.returncode == 0, finished.stderr
    assert np.ptp(imagefiles.read_image(tmp_path / "new.png").astype(int), axis=-1).mean() > 5


def test_the_description_has_the_training_data_and_command():
    card = describe(SHIPPED_MODEL)
    assert card["licence"] == "MIT" and card["data"]["train"] > 1000
    assert "python -m colorize_tf.train" in card["training_command"]


@pytest.mark.parametrize(
    "file", ["landscapes.keras", "1", "landscapes-dynamic.tflite", "landscapes-int8.tflite"]
)
def test_files_in_saved_models_have_the_same_weights(file):
    card = describe(FOLDER / file)
    assert card["weights_sha256"] == describe(SHIPPED_MODEL)["weights_sha256"]
    assert card["weights_sha256"] in (FOLDER / "MODEL_CARD.md").read_text()


def test_the_card_names_every_file_by_its_content():
    table = (FOLDER / "MODEL_CARD.md").read_text().partition("## Files")[2]
    named = dict(re.findall(r"^\| (\S+).* \| `(\w{64})` \|$", table, re.MULTILINE))
    paths = [path for path in FOLDER.rglob("*") if path.is_file() and path.suffix != ".md"]
    files = {path.relative_to(FOLDER).as_posix(): path for path in paths}
    files["colorize_tf/shipped/landscapes.tflite"] = SHIPPED_MODEL
    assert named == {
        name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()
    }
    assert sum(path.stat().st_size for path in FOLDER.rglob("*")) < 60e6


def test_the_keras_file_and_the_shipped_file_predict_the_same():
    gray = gray_landscape()
    expected = Colorizer.load()(gray).astype(int)
    assert np.abs(Colorizer.load(FOLDER / "landscapes.keras")(gray) - expected).max() <= 2


def test_it_is_small_enough_for_a_wheel():
    assert SHIPPED_MODEL.stat().st_size < 12e6
