import json
import shutil
from pathlib import Path

import pytest

from colorize_tf.artifacts import weights
from colorize_tf.artifacts.keras_file import load_generator, save_generator
from colorize_tf.artifacts.weights import SHIPPED_MODEL, resolve_weights

SAVED = Path(__file__).parents[2] / "saved_models" / "landscapes"
FILE = SAVED / "landscapes.keras"


@pytest.mark.parametrize(
    "source",
    ["shipped", FILE, SAVED, SAVED / "1", SAVED / "landscapes-int8.tflite"],
    ids=["shipped", "keras", "base folder", "version folder", "tflite"],
)
def test_every_form_of_the_shipped_model_resolves_to_its_keras_file(source):
    assert resolve_weights(source) == (FILE, "efficientnet_unet")


def test_a_run_folder_resolves_to_its_best_generator(generator, tmp_path):
    save_generator(generator, tmp_path / "generator.keras")
    assert resolve_weights(tmp_path) == (tmp_path / "generator.keras", "test_unet")
    (tmp_path / "config.json").write_text(json.dumps({"generator": "mine.networks:build"}))
    assert resolve_weights(tmp_path).generator == "mine.networks:build"
    assert load_generator(tmp_path).name == "test_unet"


def test_an_installed_package_says_where_the_shipped_weights_are(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "SHIPPED_MODEL", tmp_path / "a" / "b" / "c.tflite")
    with pytest.raises(ValueError, match="file saved_models/landscapes/landscapes.keras of the so"):
        resolve_weights("shipped")


def test_an_artifact_without_its_keras_file_is_refused(generator, tmp_path):
    shutil.copy(SHIPPED_MODEL, tmp_path / "model.tflite")
    save_generator(generator, tmp_path / "other.keras")
    with pytest.raises(ValueError, match="model.tflite cannot be trained further: .* no .keras"):
        resolve_weights(tmp_path / "model.tflite")


def test_a_run_without_a_generator_is_named(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ValueError, match="has no generator yet"):
        resolve_weights(tmp_path)


@pytest.mark.parametrize("name", ["gone.keras", "gone"])
def test_a_missing_file_is_named(tmp_path, name):
    with pytest.raises(ValueError, match=f"no model at .*{name}; expected a run folder"):
        resolve_weights(tmp_path / name)


@pytest.mark.parametrize("name", ["text.keras", "text.mp3", "folder"])
def test_something_else_is_refused(tmp_path, name):
    (tmp_path / "text.keras").write_text("hello")
    (tmp_path / "text.mp3").write_text("hello")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ValueError, match=f"{name} (cannot be|contains no)"):
        resolve_weights(tmp_path / name)
