"""Every block of README.md and docs/*.md runs word for word, here or in a named test."""

import functools
import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from colorize_tf import cli, imagefiles
from colorize_tf.data.synthetic.landscapes import render_landscape
from colorize_tf.recipes import make_config

ROOT = Path(__file__).parents[1]
PAGES = {path: path.read_text() for path in [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]}
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = list(dict.fromkeys(block for text in PAGES.values() for block in BLOCK.findall(text)))
API_BLOCKS = [block for _, block in BLOCK.findall(PAGES[ROOT / "docs/python-api.md"])]
PROSE = {path: BLOCK.sub("", text) for path, text in PAGES.items()}
ALL_PROSE = "\n".join(PROSE.values())

# Blocks that do not run as they stand, by their first words, and the test that makes the same call.
THIS_FILE = "test_docs_commands.py"
REMOTE = "inference/test_remote.py"
ELSEWHERE = {
    "python -m colorize_tf.benchmark": (
        "test_benchmark.py",
        "test_all_parts_are_measured_by_default",
    ),
    "for recipe in": (THIS_FILE, "test_the_comparison_of_recipes"),
    'pip install ".[demo]"': (
        "test_demo.py",
        "test_signals_end_the_demo_and_its_files_are_removed",
    ),
    "srun python": (THIS_FILE, "test_trainings_that_other_tests_run_are_accepted"),
    "export TF_CONFIG": (
        "test_train_workers.py",
        "test_a_killed_worker_ends_all_and_the_same_command_goes_on",
    ),
    'pip install ".[batch]"': (
        "inference/batch/test_ray_processes.py",
        "test_the_ray_engine_equals_the_local_engine",
    ),
    "docker run": (THIS_FILE, "test_a_container_finds_the_shipped_model"),
    "printf": (REMOTE, "test_the_documented_curl_example"),
    "import base64": (REMOTE, "test_the_documented_python_example"),
    "import pathlib\n\nimport grpc": (REMOTE, "test_the_documented_grpc_example"),
}


def starting_with(start):
    (block,) = [block for _, block in BLOCKS if block.startswith(start)]
    return block


HERE = [(language, block) for language, block in BLOCKS if not block.startswith(tuple(ELSEWHERE))]
SHELL = [block for language, block in HERE if language == "bash"]
PYTHON = [block for language, block in HERE if language == "python" and block not in API_BLOCKS]


def test_every_block_is_tested():
    assert {language for language, _ in HERE} <= {"bash", "python"}
    assert not re.findall(r"^ {4}.*", ALL_PROSE, re.MULTILINE), "an indented block: fence it"
    assert "python -m colorize_tf" not in re.sub(r"`.*?`", "", ALL_PROSE)
    for start, (file, name) in ELSEWHERE.items():
        assert starting_with(start)
        assert f"def {name}(" in (ROOT / "tests" / file).read_text(), name


def test_the_readme_is_short():
    assert len(PAGES[ROOT / "README.md"].splitlines()) <= 250


# Blocks that this process can run, without the start of an interpreter for each line.
PLAIN = re.compile(r"(?:python -m colorize_tf\.(?!train)\w+ [^|<>&'*\n]+\n)+")
# Stand-ins for programs that the tests do not run. Training is cut short.
PROGRAMS = {
    "python": """\
case "$*" in
    *colorize_tf.train*)
        set -- "$@" --recipe tiny --epochs 1 --steps-per-epoch 1 --image-size 32 --batch-size 8 ;;
    *pytest*) exit ;;
esac
exec "$REAL_PYTHON" "$@"
""",
    "python3": 'test "$*" = "-m venv .venv"',
    "pip": 'test "$1" = install',
    "jupyter": 'test -d "$REPOSITORY/$2"',
    "docker": 'printf "%s\\n" "$@" > docker.txt',
}


def write(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    imagefiles.write_image(path, image)


@pytest.fixture(scope="module")
def make_photographs(tmp_path_factory):
    """Return a function that makes a folder of photographs, 32 in `train` and so many in `val`."""

    @functools.cache
    def make(validation):
        folder = tmp_path_factory.mktemp("photographs")
        for split, seeds in {"train": range(32), "val": range(100, 100 + validation)}.items():
            for seed in seeds:
                write(folder / split / f"{seed}.png", render_landscape(seed, 64, 80))
        return folder

    return make


@pytest.fixture
def place(tmp_path, cache_home, monkeypatch):
    """The working folder: old photographs, a film, and stand-ins for other programs."""
    old = render_landscape(4, 60, 90).mean(axis=-1, keepdims=True).astype(np.uint8)
    old = old.repeat(3, axis=-1)
    for name in ("old.jpg", "scans/a.jpg", "scans/1920/b.tif"):
        write(tmp_path / name, old)
    film = cv2.VideoWriter(str(tmp_path / "old.mov"), cv2.VideoWriter_fourcc(*"MJPG"), 8, (90, 60))
    for _ in range(3):
        film.write(old)
    film.release()
    programs = tmp_path / ".venv/bin"
    programs.mkdir(parents=True)
    for name, script in PROGRAMS.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("REAL_PYTHON", sys.executable)
    monkeypatch.setenv("REPOSITORY", str(ROOT))
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache_home))
    monkeypatch.setenv("COLORIZE_TF_DATA", str(tmp_path / "data"))
    return tmp_path


def run_here(block):
    for line in block.splitlines():
        _, _, module, *arguments = shlex.split(line)
        assert importlib.import_module(module).main(arguments) == 0, line


@pytest.fixture
def run_shell(place, request, monkeypatch):
    """Run a block as it stands and check that it wrote every output that it names."""
    monkeypatch.chdir(place)

    def run(block):
        if "--warmup" in block:
            pytest.importorskip("tensorflow_serving")
        written = re.findall(r"(?:-o|>|--run-dir|--to) ([^\s>]+)", block)
        for name in {"photos", "prepared", "landscapes"} - set(written):
            if re.search(rf"--(?:dataset|data-dir) {name}|prepare {name}", block):
                folder = place / ("data/landscapes" if name == "landscapes" else name)
                folder.parent.mkdir(exist_ok=True)
                make = request.getfixturevalue("make_photographs")
                folder.symlink_to(make(100 if "int8" in block else 8))  # int8 is calibrated
        for run in {"runs/mine", "runs/other"} - set(written):
            if run in block:
                shutil.copytree(request.getfixturevalue("tiny_run")[0], place / run)
        if PLAIN.fullmatch(block):
            run_here(block)
        else:
            command = ["bash", "-euo", "pipefail", "-c", block]
            finished = subprocess.run(command, cwd=place, capture_output=True, text=True)
            assert finished.returncode == 0, finished.stderr
        for path in (place / name for name in written):
            assert any(path.iterdir()) if path.is_dir() else path.stat().st_size, path

    return run


@pytest.mark.slow
@pytest.mark.parametrize("block", SHELL, ids=lambda block: block.split("\n")[0][-50:])
def test_shell_blocks_run(block, run_shell):
    run_shell(block)


@pytest.mark.parametrize("block", PYTHON, ids=lambda block: block.split("\n")[0])
def test_python_blocks_run(block):
    images = render_landscape(0, 48, 64)
    names = {"images": images}
    exec(block, names)
    assert names["colorized"].shape == images.shape


@pytest.mark.slow
def test_python_api_page_runs(place, make_photographs):
    (place / "photos").symlink_to(make_photographs(8))
    finished = subprocess.run(
        [sys.executable, "-c", "\n\n".join(API_BLOCKS)], cwd=place, capture_output=True, text=True
    )
    assert finished.returncode == 0, finished.stderr
    for name in ("new.png", "runs/own/generator.keras", "report", "saved_models/first/1"):
        assert (place / name).exists(), name


def test_a_container_finds_the_shipped_model(place, run_shell):
    (place / "saved_models").symlink_to(ROOT / "saved_models")
    run_shell(starting_with("docker run"))
    arguments = (place / "docker.txt").read_text().splitlines()
    (mount,) = [one for one in arguments if one.startswith("type=bind")]
    mount = dict(part.split("=") for part in mount.split(",") if "=" in part)
    files = [one.split("=")[1] for one in arguments if re.match(r"--\w+=/", one)]
    assert len(files) == 2
    for file in (*files, f"{mount['target']}/1/saved_model.pb"):
        assert (Path(mount["source"]) / Path(file).relative_to(mount["target"])).is_file()


def parser_of(verb, monkeypatch):
    """The parser that a verb makes."""
    made = []
    make = cli.make_parser
    with monkeypatch.context() as patch:
        patch.setattr(cli, "make_parser", lambda *_, **k: made.append(make(*_, **k)) or made[-1])
        with pytest.raises(SystemExit):
            importlib.import_module(f"colorize_tf.{verb}").main(["--help"])
    return made[0]


def test_the_comparison_of_recipes(place, monkeypatch):
    """The command accepts each call; other tests train every recipe."""
    recorder = '#!/bin/sh\nprintf "%s\\n" "$*" >> calls.txt\n'
    (place / ".venv/bin/python").write_text(recorder)
    subprocess.run(["bash", "-euc", starting_with("for recipe in")], cwd=place, check=True)
    *trainings, evaluation = map(shlex.split, (place / "calls.txt").read_text().splitlines())
    assert evaluation[:2] == ["-m", "colorize_tf.evaluate"]
    assert parser_of("evaluate", monkeypatch).parse_args(evaluation[2:]).models
    parser = parser_of("train", monkeypatch)
    configs = [make_config(vars(parser.parse_args(one[2:]))) for one in trainings]
    assert len({config.recipe for config in configs}) == len(configs) == 8


def test_trainings_that_other_tests_run_are_accepted(monkeypatch):
    _, *command = shlex.split(starting_with("srun python"))
    assert command[:3] == ["python", "-m", "colorize_tf.train"]
    assert parser_of("train", monkeypatch).parse_args(command[3:]).restartable


def test_every_named_flag_exists(monkeypatch):
    parsers = [parser_of(verb, monkeypatch) for verb in cli.COMMANDS]
    known = {option for parser in parsers for option in parser._option_string_actions}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", ALL_PROSE))
    assert named and named - known <= {"--dist"}


def test_every_named_extra_exists():
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    named = set(re.findall(r"pip install \"\.\[(\w+)\]\"", "".join(PAGES.values())))
    assert named and named <= set(setup["options.extras_require"])


def anchors(path):
    headings = re.findall(r"^#+ (.*)", PROSE[path], re.MULTILINE)
    return {
        re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_link_has_a_target(page):
    for target in re.findall(r"\]\(((?!https?://)[^)]+)\)", PROSE[page]):
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), target
        assert not anchor or anchor in anchors(path), target
