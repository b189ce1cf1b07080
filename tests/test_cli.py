import argparse
import dataclasses
import io
import logging
import os
import re
import shlex
import subprocess
import sys
import types
import warnings
from pathlib import Path

import pytest

import colorize_tf
from colorize_tf import cli
from colorize_tf.config import TrainConfig
from colorize_tf.options import option


@dataclasses.dataclass(frozen=True)
class Config:
    name: str = option("old", group="first", help="what it is called")
    batch_size: int = option(32, group="first", help="examples, 100% of them")
    learning_rate: float = option(0.1, group="second", help="step size")
    steps: int | None = option(None, group="second", help="how many")
    minutes: float | None = option(None, group="second", help="how long")
    data_dir: str | None = option(None, group="first", help="where")
    quiet: bool = option(False, group="second", help="say nothing")


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """What `command` sets for its process is undone after each test."""
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "2")
    monkeypatch.setenv("OPENCV_LOG_LEVEL", "SILENT")
    monkeypatch.setenv("OPENCV_FFMPEG_LOGLEVEL", "-8")
    monkeypatch.delenv("COLORIZE_TF_TRACEBACK", raising=False)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)


@pytest.fixture
def parser():
    parser = cli.make_parser(
        "train",
        usage="[flags]",
        description="Trains.",
        example="train --quiet",
        details="more:\n  x",
    )
    cli.add_config_flags(parser, Config)
    return parser


def fails(error):
    @cli.command
    def main(arguments=None):
        raise error

    return main


def test_flags_are_field_names_with_dashes_of_the_fields_types(parser):
    arguments = "--name new --batch-size 8 --learning-rate 2e-4 --steps 3 --minutes 1.5 --quiet"
    assert vars(parser.parse_args([*arguments.split(), "--data-dir", "a b"])) == {
        "name": "new",
        "batch_size": 8,
        "learning_rate": 2e-4,
        "steps": 3,
        "minutes": 1.5,
        "quiet": True,
        "data_dir": "a b",
    }


def test_flags_that_were_not_given_are_absent(parser):
    assert vars(parser.parse_args([])) == {}
    assert vars(parser.parse_args(["--steps", "3"])) == {"steps": 3}


def test_a_long_description_is_wrapped():
    parser = cli.make_parser("train", usage="", description="word " * 40, example="")
    lines = parser.format_help().splitlines()
    assert max(map(len, lines)) <= 80 and sum("word word" in line for line in lines) > 1


def test_help_has_groups_defaults_details_and_an_example(parser):
    text = parser.format_help()
    for part in ("first:", "second:", "what it is called [old]", "100% of them [32]", "[0.1]"):
        assert part in text
    assert "more:\n  x\n\nexample:\n  train --quiet" in text
    assert text.startswith("usage: python -m colorize_tf.train [flags]")


def test_help_shows_no_default_where_there_is_none(parser):
    lines = parser.format_help().splitlines()
    assert [line for line in lines if "how many" in line or "say nothing" in line]
    assert not [line for line in lines if "None" in line or "False" in line]


def test_every_field_of_the_train_config_becomes_a_flag():
    parser = cli.make_parser("train", usage="", description="", example="")
    cli.add_config_flags(parser, TrainConfig)
    text = parser.format_help()
    for field in dataclasses.fields(TrainConfig):
        assert f"--{field.name.replace('_', '-')}" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--color"], "unrecognized arguments: --color"),
        (["--batch-size", "many"], "argument --batch-size: expected a whole number, got 'many'"),
        (["--batch-size"], "argument --batch-size: expected one argument"),
        (["--batch", "8"], "unrecognized arguments: --batch 8"),
        (["stray"], "unrecognized arguments: stray"),
    ],
)
def test_a_wrong_flag_is_one_line_and_exit_code_2(parser, capsys, arguments, words):
    with pytest.raises(SystemExit) as exit_:
        parser.parse_args(arguments)
    assert exit_.value.code == 2
    line = f"python -m colorize_tf.train: error: {words} (--help shows what there is)\n"
    assert capsys.readouterr() == ("", line)


def test_version_is_the_packages(parser, capsys):
    with pytest.raises(SystemExit) as exit_:
        parser.parse_args(["--version"])
    assert exit_.value.code == 0
    assert capsys.readouterr().out == f"{colorize_tf.__version__}\n"


@pytest.mark.parametrize("answer", [None, 0, 1])
def test_a_command_returns_its_exit_code(answer):
    main = cli.command(lambda arguments=None: answer)
    assert main([]) == (answer or 0)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("no photographs\n  in a"), "error: no photographs in a\n"),
        (FileNotFoundError(2, "No such file", "a"), "error: [Errno 2] No such file: 'a'\n"),
        (OSError(13, "Permission denied"), "error: [Errno 13] Permission denied\n"),
        (MemoryError(), "error: MemoryError\n"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(capsys, error, line):
    assert fails(error)([]) == 2
    assert capsys.readouterr() == ("", line)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2.1", "argument --x: must be at most 2, got 2.1"),
        ("-0.1", "argument --x: must be at least 0, got -0.1"),
        ("nan", "argument --x: must be at least 0, got nan"),
        ("much", "argument --x: invalid float value: 'much'"),
    ],
)
def test_a_number_outside_its_range_is_a_wrong_call(parser, capsys, text, words):
    parser.add_argument("--x", type=cli.number(float, 0, 2))
    assert parser.parse_args(["--x", "2"]).x == 2.0
    with pytest.raises(SystemExit) as end:
        parser.parse_args(["--x", text])
    assert end.value.code == 2
    assert words in capsys.readouterr().err


def test_an_interruption_is_exit_code_1(capsys):
    assert fails(KeyboardInterrupt())([]) == 1
    assert capsys.readouterr() == ("", "interrupted\n")


def test_what_tensorflow_refuses_is_one_line_and_exit_code_2(capsys):
    import tensorflow as tf

    error = tf.errors.ResourceExhaustedError(None, None, "no memory\n\tof the graph: a trace")
    assert fails(error)([]) == 2
    assert capsys.readouterr() == ("", "error: no memory\n")


def test_a_full_disk_says_what_to_do(capsys):
    assert fails(OSError(28, "No space left on device"))([]) == 2
    assert capsys.readouterr().err == (
        "error: the disk is full; free space there or choose another folder, then try again\n"
    )


def test_the_cause_is_found_in_what_tensorflow_says(capsys):
    import tensorflow as tf

    message = """Graph execution error:

Detected at node PyFunc defined at (most recent call last):
<stack traces unavailable>
ImageFileError: cannot read gone.png: missing: there is no such file; check the path
Traceback (most recent call last):
  File "module.py", line 1, in function
"""
    assert fails(tf.errors.UnknownError(None, None, message))([]) == 2
    assert capsys.readouterr().err == (
        "error: ImageFileError: cannot read gone.png: missing: there is no such file; "
        "check the path\n"
    )


def test_a_fault_of_the_package_passes_through():
    with pytest.raises(TypeError):
        fails(TypeError())([])


def test_developers_can_ask_for_the_traceback(monkeypatch):
    monkeypatch.setenv("COLORIZE_TF_TRACEBACK", "1")
    with pytest.raises(ValueError, match="here"):
        fails(ValueError("here"))([])


def test_a_warning_is_one_line(capsys):
    @cli.command
    def main(arguments=None):
        warnings.warn("first\n  second", stacklevel=1)

    warnings.simplefilter("always")
    assert main([]) == 0
    assert capsys.readouterr() == ("", "warning: first second\n")


def test_what_the_library_logs_is_printed_while_a_command_runs(capsys):
    logger = logging.getLogger("colorize_tf.some.module")

    @cli.command
    def main(arguments=None):
        logger.info("a line")
        logger.warning("careful")

    assert main([]) == 0
    logger.warning("silent again")
    assert capsys.readouterr() == ("a line\n", "warning: careful\n")


def test_a_command_without_tensorflow_says_why_it_cannot(capsys):
    assert fails(ModuleNotFoundError("No module", name="tensorflow"))([]) == 2
    assert "needs TensorFlow, which is not installed" in capsys.readouterr().err


def test_a_chosen_log_level_stays(monkeypatch):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    cli.command(lambda arguments=None: None)([])
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0"


def test_the_console_command_passes_flags_to_the_command(monkeypatch):
    command = types.SimpleNamespace(main=lambda arguments: ["done", *arguments])
    monkeypatch.setitem(sys.modules, "colorize_tf.train", command)
    arguments = ["--dataset", "coco", "--help", "--version"]
    monkeypatch.setattr(sys, "argv", ["colorize-tf", "train", *arguments])
    assert cli.main() == ["done", *arguments]


def test_the_console_command_lists_the_commands(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["colorize-tf", "--help"])
    with pytest.raises(SystemExit):
        cli.main()
    output = capsys.readouterr().out
    assert all(f"  {name:10} {text}\n" in output for name, text in cli.COMMANDS.items())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [([], "name a command: train, colorize"), (["paint"], "choice: 'paint'")],
)
def test_the_console_command_refuses_another_command(monkeypatch, capsys, arguments, words):
    monkeypatch.setattr(sys, "argv", ["colorize-tf", *arguments])
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    assert exit_.value.code == 2
    errors = capsys.readouterr().err
    assert errors.startswith("colorize-tf: error: ") and errors.count("\n") == 1
    assert words in errors


@pytest.fixture(params=cli.COMMANDS)
def command_help(request, monkeypatch, capsys):
    """Output of `colorize-tf COMMAND --help` on 80 columns, and the command's parser."""
    parsers = []
    make_parser = cli.make_parser

    def remember(*arguments, **keywords):
        parsers.append(make_parser(*arguments, **keywords))
        return parsers[-1]

    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(cli, "make_parser", remember)
    monkeypatch.setattr(sys, "argv", ["colorize-tf", request.param, "--help"])
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    assert exit_.value.code == 0
    return capsys.readouterr().out, parsers[0]


def test_every_help_has_a_usage_and_one_example(command_help):
    text, parser = command_help
    assert text.startswith(f"usage: {parser.prog} ")
    (example,) = re.findall(r"^example:\n  (.*)", text, re.MULTILINE)
    assert example.startswith(parser.prog)


def test_every_help_fits_a_terminal(command_help):
    text, _ = command_help
    assert [line for line in text.splitlines() if len(line) > 80] == []


def test_every_help_has_its_flags_in_groups(command_help):
    text, _ = command_help
    assert "positional arguments:" not in text
    options = re.search(r"^options:\n(.*?)\n\n", text, re.MULTILINE | re.DOTALL)[1]
    assert re.findall(r"^  (-\S+)", options, re.MULTILINE) == ["-h,", "--version"]


def test_every_help_shows_defaults(command_help):
    _, parser = command_help
    for action in parser._actions:
        if action.option_strings and action.default not in (None, False, argparse.SUPPRESS):
            assert re.search(r"\[.+\]$", action.help), action.option_strings


def test_an_example_is_a_valid_call(command_help):
    text, parser = command_help
    (example,) = re.findall(r"^example:\n  (.*)", text, re.MULTILINE)
    arguments = shlex.split(example.removeprefix(parser.prog))
    parser.parse_args(arguments)


def test_native_logs_is_hidden_and_no_more(capfd):
    os.write(2, b"before ")
    with cli.native_logs_hidden():
        os.write(2, b"within ")
    os.write(2, b"after")
    assert capfd.readouterr().err == "before after"


def test_native_logs_shows_again_after_an_error(capfd):
    with pytest.raises(ValueError), cli.native_logs_hidden():
        raise ValueError
    os.write(2, b"after")
    assert capfd.readouterr().err == "after"


def run_python(code):
    root = Path(colorize_tf.__file__).parents[1]
    return subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)


def test_our_warnings_show_while_native_logs_is_hidden():
    code = "import warnings\nwith cli.native_logs_hidden(): warnings.warn('ours')"
    assert "ours" in run_python(f"from colorize_tf import cli\n{code}").stderr


def test_handlers_made_while_native_logs_are_hidden_log_afterwards():
    code = "with cli.native_logs_hidden(): handler = logging.StreamHandler()"
    warn = "handler.emit(logging.makeLogRecord({'msg': 'later'}))"
    result = run_python(f"import logging\nfrom colorize_tf import cli\n{code}\n{warn}")
    assert result.stderr == "later\n"


def test_without_standard_error_there_is_nothing_to_hide():
    code = "import os\nos.close(2)\nwith cli.native_logs_hidden(): print('done')"
    assert run_python(f"from colorize_tf import cli\n{code}").stdout == "done\n"


def test_help_needs_no_tensorflow():
    code = "sys.argv = ['', 'train', '--help']\ntry: cli.main()\nfinally: print(*sys.modules)"
    output = run_python(f"import sys\nfrom colorize_tf import cli\n{code}").stdout
    assert "--dataset" in output
    assert {"tensorflow", "keras"}.isdisjoint(output.split())


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_on_a_terminal_is_a_bar_that_goes_when_it_is_done(monkeypatch):
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with cli.Progress(4, "photographs") as progress:
        progress._bar.delay = 0
        progress.advance(3)
        progress._bar.refresh()
        assert "3/4" in terminal.getvalue() and "photographs" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r")


def test_progress_elsewhere_is_a_line_now_and_then(capsys):
    with cli.Progress(4, "photographs", seconds=0) as progress:
        progress.advance(1)
    line = capsys.readouterr().err
    assert re.fullmatch(r"1 of 4 photographs, \S+ a second, \S+ left\n", line)
    with cli.Progress(4, "photographs", seconds=1000) as progress:
        progress.advance(1)
    assert capsys.readouterr() == ("", "")


def test_progress_learns_how_much_there_is(capsys):
    with cli.Progress(None, "frames", seconds=0) as progress:
        progress.advance(2)
        progress.advance(3, 30)
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("2 frames, ") and second.startswith("3 of 30 frames, ")


def test_lines_and_warnings_go_around_the_bar(monkeypatch):
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    shown = warnings.showwarning
    with cli.Progress(4, "photographs") as progress:
        progress._bar.refresh()
        progress.line("a.jpg is broken")
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("two\npages", stacklevel=1)
    lines = re.split(r"[\r\n]", terminal.getvalue())
    assert "a.jpg is broken" in lines and "warning: two pages" in lines
    assert warnings.showwarning is shown
