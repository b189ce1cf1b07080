"""The notebooks run from top to bottom, and are stored with small pictures."""

import json
import os
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
# Less to learn from, and for less long, than what is stored; the rest is as it stands.
SHORTER = {"PICTURES": 64, "L1_EPOCHS": 1, "MORE_EPOCHS": 1}
# The run that other tests made the same way serves for the training command.
PYTHON = """\
#!/bin/sh
case "$*" in
    "-m colorize_tf.train --recipe tiny --dataset synthetic --run-dir tiny")
        exec cp -r "$TINY_RUN" tiny ;;
esac
exec "$REAL_PYTHON" "$@"
"""


def by_name(path):
    return path.stem


def code_cells(path):
    notebook = nbformat.read(path, as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_four():
    assert [path.stem[:3] for path in NOTEBOOKS] == ["01_", "02_", "03_", "04_"]


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=by_name)
def test_it_runs(path, tmp_path, tmp_path_factory, cache_home, tiny_run, monkeypatch):
    programs = tmp_path_factory.mktemp("programs")
    (programs / "python").write_text(PYTHON)
    (programs / "python").chmod(0o755)
    monkeypatch.setenv("TINY_RUN", str(tiny_run[0]))
    monkeypatch.setenv("REAL_PYTHON", sys.executable)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache_home))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    monkeypatch.delenv("COLORIZE_TF_DATA", raising=False)
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", ()):
            names = re.findall(r"^(\w+) = \d+$", cell.source, re.MULTILINE)
            assert names and set(names) <= SHORTER.keys()
            cell.source = "\n".join(f"{name} = {SHORTER[name]}" for name in names)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute()
    assert list(tmp_path.iterdir()) == [], "it writes beside itself"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=by_name)
def test_it_is_stored_as_it_ran(path):
    counts = [cell.execution_count for cell in code_cells(path)]
    assert counts == list(range(1, len(counts) + 1))
    outputs = [output for cell in code_cells(path) for output in cell.outputs]
    kinds = {kind for output in outputs for kind in output.get("data", ())}
    assert kinds & {"image/png", "image/jpeg"}
    assert not [output for output in outputs if output.output_type == "error"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=by_name)
def test_it_is_small_and_tells_nothing_of_the_machine(path):
    assert path.stat().st_size < 400_000
    notebook = json.loads(path.read_text())
    assert notebook["metadata"].keys() <= {"kernelspec", "language_info"}
    outputs = [cell.outputs for cell in code_cells(path)]
    words = re.sub(r'"image/\w+": ".*?"', "", json.dumps(outputs))
    assert not re.findall(r"/(?:home|root|tmp|work|usr|var|Users)\b|site-packages", words)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=by_name)
def test_it_uses_the_public_api_only(path):
    for cell in code_cells(path):
        assert not re.findall(r"from colorize_tf\.|import colorize_tf\.", cell.source)
