"""The docstrings render, and what they show is so."""

import doctest
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import colorize_tf

PACKAGE = Path(colorize_tf.__file__).parent
WITH_EXAMPLES = sorted(
    path.relative_to(PACKAGE.parent).with_suffix("").as_posix().replace("/", ".")
    for path in PACKAGE.rglob("*.py")
    if ">>> " in path.read_text()
)


def test_the_api_renders_without_a_warning(tmp_path):
    script = PACKAGE.parent / "docs/render.py"
    command = [sys.executable, str(script), str(tmp_path)]
    finished = subprocess.run(command, capture_output=True, text=True, cwd=PACKAGE.parent)
    assert finished.returncode == 0, finished.stderr
    assert "Warn" not in finished.stderr
    page = (tmp_path / "colorize_tf.html").read_text()
    for name in colorize_tf.__all__:
        assert f'id="{name}"' in page


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_its_examples_answer_what_they_say(name):
    results = doctest.testmod(importlib.import_module(name))
    assert results.attempted and not results.failed
