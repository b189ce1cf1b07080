import argparse
import dataclasses
from pathlib import Path

import pytest

from colorize_tf.options import (
    add_config_flags,
    check_options,
    check_values,
    config_from_flags,
    option,
)


@dataclasses.dataclass(frozen=True)
class Config:
    inputs: tuple[str, ...] = option(group="what", help="files", positional=True, metavar="INPUT")
    output: Path = option(group="what", help="folder", short="-o")
    short_side: int = option(
        288, group="what", help="pixels", flag="--size", least=64, expected="one side"
    )
    share: float = option(0.5, group="how", help="half", above=0, below=1)
    kind: str | None = option(None, group="how", help="one", choices=("a", "b", "c"))
    tags: tuple[str, ...] = option((), group="how", help="names", old_flags=("--labels",))
    fast: bool = option(True, group="how", help="be quick")
    keep: bool = option(False, group="how", help="keep", exclusive="existing")
    replace: bool = option(False, group="how", help="replace", exclusive="existing")
    internal: int = 7

    def __post_init__(self):
        check_options(self)


def parse(*arguments):
    parser = argparse.ArgumentParser()
    add_config_flags(parser, Config)
    return config_from_flags(Config, parser.parse_args(arguments))


def test_defaults_and_required_values():
    assert parse("x", "y", "-o", "z") == Config(inputs=("x", "y"), output=Path("z"))


def test_all_kinds_of_flags():
    flags = "--size 64 --share 0.1 --kind b --tags p --tags q --no-fast --keep"
    config = parse("x", "--output", "z", *flags.split())
    assert config == Config(("x",), Path("z"), 64, 0.1, "b", ("p", "q"), False, True)


def test_earlier_names_of_a_flag_are_accepted():
    assert parse("x", "-o", "z", "--labels", "p").tags == ("p",)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("", "the following arguments are required: INPUT, -o/--output"),
        ("x -o z --size 64x64", "argument --size: expected one side, got '64x64'"),
        ("x -o z --share much", "argument --share: expected a number, got 'much'"),
        ("x -o z --keep --replace", "argument --replace: not allowed with argument --keep"),
        ("x -o z --internal 8", "unrecognized arguments: --internal 8"),
    ],
)
def test_argparse_refuses_wrong_calls(arguments, words, capsys):
    with pytest.raises(SystemExit):
        parse(*arguments.split())
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"short_side": 63}, "--size must be at least 64, got 63"),
        ({"share": 0.0}, "--share must be above 0 and below 1, got 0.0"),
        ({"share": float("nan")}, "--share must be above 0 and below 1, got nan"),
        ({"kind": "d"}, "--kind must be one of a, b, c, got 'd'"),
        ({"short_side": "64"}, "--size must be one side, got '64'"),
        ({"share": None}, "--share must be a number, got None"),
        ({"fast": "no"}, "--fast must be True or False, got 'no'"),
        ({"tags": (1,)}, "--tags must be text, got 1"),
    ],
)
def test_values_outside_choices_and_ranges_are_refused(values, words):
    with pytest.raises(ValueError, match=words):
        Config(inputs=("x",), output=Path("z"), **values)


def test_a_name_that_is_no_option_is_refused_with_the_nearest_one():
    with pytest.raises(ValueError, match="no option 'shortside'; did you mean 'short_side'?"):
        check_values(Config, {"shortside": 64})


def test_help_lists_choices_and_defaults_but_no_earlier_names():
    parser = argparse.ArgumentParser()
    add_config_flags(parser, Config)
    text = parser.format_help()
    for part in ("one: a, b or c", "pixels [288]", "half [0.5]", "--no-fast", "--size N"):
        assert part in text
    assert "--labels" not in text
