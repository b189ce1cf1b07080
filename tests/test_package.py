import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import colorize_tf

PACKAGE = Path(colorize_tf.__file__).parent


def imported(path, statements=None):
    """Dotted names that a module imports; `from a import b` counts as `a.b`."""
    if statements is None:
        statements = ast.walk(ast.parse((PACKAGE / path).read_text()))
    for node in statements:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} has a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def outside_functions(path):
    """The nodes of a module that run when it is imported."""
    waiting = [ast.parse((PACKAGE / path).read_text())]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))


def run_python(*arguments):
    return subprocess.run(
        [sys.executable, *arguments], cwd=PACKAGE.parent, capture_output=True, text=True
    )


def test_imports_point_one_way_and_have_no_cycles():
    """Check the contracts of pyproject.toml, as `lint-imports` does."""
    result = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("home", ["config", "recipes", "cli"])
def test_what_answers_at_once_imports_neither_tensorflow_nor_keras(home):
    path = f"{home}.py"
    statements = outside_functions(path) if home == "cli" else None
    libraries = {name.split(".")[0] for name in imported(path, statements)}
    assert libraries.isdisjoint({"tensorflow", "keras"}) and libraries


def test_importing_the_package_is_silent():
    result = run_python("-W", "error", "-c", "import colorize_tf")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_importing_the_package_imports_nothing_heavy():
    modules = run_python("-c", "import sys, colorize_tf; print(*sys.modules)").stdout.split()
    assert "colorize_tf" in modules
    assert {"tensorflow", "keras", "cv2", "numpy"}.isdisjoint(modules)


@pytest.mark.parametrize("name", colorize_tf.__all__)
def test_every_public_name_resolves(name):
    assert getattr(colorize_tf, name) is not None
    assert name in dir(colorize_tf)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'colorize_tf' has no attribute 'nothing'"):
        colorize_tf.nothing  # noqa: B018


def test_the_version_is_three_numbers():
    assert re.fullmatch(r"\d+\.\d+\.\d+", colorize_tf.__version__)
