"""Docstrings render, and their examples are correct."""

import doctest
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import colorize_tf
from colorize_tf.data.synthetic.landscapes import render_landscape
from colorize_tf.imagefiles import write_image

PACKAGE = Path(colorize_tf.__file__).parent
WITH_EXAMPLES = sorted(
    path.relative_to(PACKAGE.parent).with_suffix("").as_posix().replace("/", ".")
    for path in PACKAGE.rglob("*.py")
    if ">>> " in path.read_text()
)


def test_api_renders_without_a_warning(tmp_path):
    script = PACKAGE.parent / "docs/render.py"
    command = [sys.executable, str(script), str(tmp_path)]
    finished = subprocess.run(command, capture_output=True, text=True, cwd=PACKAGE.parent)
    assert finished.returncode == 0, finished.stderr
    assert "Warn" not in finished.stderr
    page = (tmp_path / "colorize_tf.html").read_text()
    for name in colorize_tf.__all__:
        assert f'id="{name}"' in page


@pytest.fixture
def photographs(tmp_path, monkeypatch):
    """The working folder of the examples: gray photographs."""
    monkeypatch.chdir(tmp_path)
    Path("scans").mkdir()
    for seed, name in enumerate(["old.jpg", "scans/a.jpg", "scans/b.jpg"]):
        write_image(name, render_landscape(seed, 60, 80)[..., :1].repeat(3, axis=-1))


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_docstring_examples_are_correct(name, photographs):
    results = doctest.testmod(importlib.import_module(name))
    assert results.attempted and not results.failed
