"""Options of commands: dataclass fields that carry their help, choices and range.

`add_config_flags` turns them into flags, `check_options` checks their values, so that a command and
the library refuse the same values in the same words.
"""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import math
import numbers
import os
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

Config = typing.TypeVar("Config")


def option(
    default: Any = dataclasses.MISSING,
    *,
    group: str,
    help: str,
    choices: Sequence[str] = (),
    least: float | None = None,
    most: float | None = None,
    above: float | None = None,
    below: float | None = None,
    factory: Callable[[], Any] | None = None,
    metavar: str | None = None,
    flag: str | None = None,
    short: str | None = None,
    old_flags: Sequence[str] = (),
    positional: bool = False,
    exclusive: str | None = None,
    expected: str | None = None,
) -> Any:
    """Declare a dataclass field that is also a flag.

    The annotation says what the flag takes: `int`, `float`, `str`, `Path`, one of these `| None`,
    `tuple[str, ...]` for several values, or `bool` for a switch (`--no-NAME` where it is on).

    Args:
        default: value without the flag; without a default the flag is required.
        group: heading under which `--help` lists the flag.
        help: what the option does; choices and default are appended, unless it ends in brackets.
        choices: the allowed values.
        least: smallest allowed number.
        most: largest allowed number.
        above: number below all allowed ones.
        below: number above all allowed ones.
        factory: makes the default, as for `dataclasses.field`.
        metavar: name of the value in the help.
        flag: the flag, where it is not the name of the field.
        short: one-letter flag, such as `-o`.
        old_flags: earlier names of the flag, accepted but not listed.
        positional: whether the value is an argument without a flag.
        exclusive: name of a set of flags of which at most one may be given.
        expected: what a value must be, for the error about one that has another type.
    """
    metadata = {
        "group": group,
        "help": help,
        "choices": tuple(choices),
        "range": _Range(least, most, above, below),
        "metavar": metavar,
        "flag": flag,
        "short": short,
        "old_flags": tuple(old_flags),
        "positional": positional,
        "exclusive": exclusive,
        "expected": expected,
    }
    if factory is not None:
        return dataclasses.field(default_factory=factory, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True)
class _Range:
    least: float | None
    most: float | None
    above: float | None
    below: float | None

    def __contains__(self, value: float) -> bool:
        return (
            math.isfinite(value)
            and (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )

    def __str__(self) -> str:
        parts = (
            ("at least", self.least),
            ("above", self.above),
            ("at most", self.most),
            ("below", self.below),
        )
        limits = [f"{words} {limit:,}" for words, limit in parts if limit is not None]
        return " and ".join(limits) or "a finite number"


def add_config_flags(parser: argparse.ArgumentParser, config_class: type) -> None:
    """Add a flag for each option of a dataclass, with its choices and its default in the help.

    Flags that were not given are absent from the parsed namespace, which `config_from_flags` reads.

    Args:
        parser: gets the flags.
        config_class: dataclass with fields declared by `options.option`; others get no flag.
    """
    groups: dict[str, argparse._ArgumentGroup] = {}
    exclusive: dict[str, argparse._MutuallyExclusiveGroup] = {}
    hints = typing.get_type_hints(config_class)
    for field in dataclasses.fields(config_class):
        if "group" not in field.metadata:
            continue
        title, name = field.metadata["group"], field.metadata["exclusive"]
        if title not in groups:
            groups[title] = parser.add_argument_group(title)
        group: argparse._ActionsContainer = groups[title]
        if name:
            if name not in exclusive:
                exclusive[name] = group.add_mutually_exclusive_group()
            group = exclusive[name]
        _add_flag(group, field, hints[field.name])


def config_from_flags(config_class: type[Config], chosen: argparse.Namespace | dict) -> Config:
    """Make a dataclass from those of its fields that were chosen.

    Args:
        config_class: the dataclass that was given to `add_config_flags`.
        chosen: parsed arguments; what is not a field of the dataclass is ignored.

    Raises:
        ValueError: the dataclass refuses a value.
    """
    values = chosen if isinstance(chosen, dict) else vars(chosen)
    names = {field.name for field in dataclasses.fields(typing.cast(Any, config_class))}
    return config_class(
        **{
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
            if name in names
        }
    )


def _add_flag(group: argparse._ActionsContainer, field: dataclasses.Field, hint: Any) -> None:
    kind, is_repeated = _value_type(hint)
    options: dict[str, Any] = {"default": argparse.SUPPRESS, "help": _help_text(field, kind)}
    if kind is bool:
        is_on = field.default is True
        options["action"] = argparse.BooleanOptionalAction if is_on else "store_true"
    else:
        metavars = {int: "N", float: "X", Path: "PATH"}
        options["metavar"] = field.metadata["metavar"] or metavars.get(kind, "NAME")
        options["type"] = _parser_of(kind, field.metadata["expected"])
    has_default = not _is_required(field)
    if field.metadata["positional"]:
        if is_repeated or has_default:
            options["nargs"] = ("*" if has_default else "+") if is_repeated else "?"
        group.add_argument(field.name, **options)
        return
    if is_repeated:
        options["action"] = "append"
    options |= {"dest": field.name, "required": not has_default}
    short = [field.metadata["short"]] if field.metadata["short"] else []
    group.add_argument(*short, flag_of(field), **options)
    if field.metadata["old_flags"]:
        hidden = {**options, "help": argparse.SUPPRESS, "required": False}
        group.add_argument(*field.metadata["old_flags"], **hidden)


def _help_text(field: dataclasses.Field, kind: type) -> str:
    """Return the help of an option, its choices and, where it does not name it, its default."""
    text = field.metadata["help"]
    if field.metadata["choices"]:
        *most, last = field.metadata["choices"]
        names = f"{', '.join(most)} or {last}" if most else last
        text = f"{text}: {names}" if text else names
    is_shown = field.default not in (None, dataclasses.MISSING, "") and kind is not bool
    if is_shown and not text.endswith("]"):
        text += f" [{field.default:g}]" if kind is float else f" [{field.default}]"
    return text.replace("%", "%%")


def _is_required(field: dataclasses.Field) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _value_type(hint: Any) -> tuple[type, bool]:
    """Return the type of one value and whether there may be several: `int | None` is `int`, once.

    For `tuple[str, ...]` it is `str`, several.
    """
    if isinstance(hint, types.UnionType):
        return _value_type(next(kind for kind in hint.__args__ if kind is not type(None)))
    if typing.get_origin(hint) is tuple:
        return typing.get_args(hint)[0], True
    return hint, False


def _parser_of(kind: type, expected: str | None) -> Callable[[str], Any]:
    """Make what `add_argument` takes as `type`: it names what was expected instead."""
    words = expected or {int: "a whole number", float: "a number"}.get(kind, "text")

    def parse(text: str) -> Any:
        try:
            return kind(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"expected {words}, got {text!r}") from error

    return parse


def check_options(config: Any) -> None:
    """Check the values of a dataclass against the types, choices and ranges of its options.

    Raises:
        ValueError: a value is not allowed; the message names flag, allowed values and value.
    """
    names = (field.name for field in dataclasses.fields(config))
    check_values(type(config), {name: getattr(config, name) for name in names})


def check_values(config_class: type, chosen: Mapping[str, Any]) -> None:
    """Check options by name, before a dataclass is made of them.

    Raises:
        ValueError: there is no such option, or a value is not allowed.
    """
    fields = {field.name: field for field in dataclasses.fields(config_class)}
    hints = typing.get_type_hints(config_class)
    for name, values in chosen.items():
        if name not in fields:
            close = difflib.get_close_matches(name, fields, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(fields)}"
            raise ValueError(f"there is no option {name!r}; {hint}")
        if "group" in fields[name].metadata:
            for value in values if isinstance(values, tuple | list) else (values,):
                _check(fields[name], hints[name], value)


# By the type of an option: what its values are instances of, and words for it.
_KINDS: dict[type, tuple[Any, str]] = {
    bool: (bool, "True or False"),
    int: (numbers.Integral, "a whole number"),
    float: (numbers.Real, "a number"),
    str: ((str, os.PathLike), "text"),
    Path: ((str, os.PathLike), "a path"),
}


def _check(field: dataclasses.Field, hint: Any, value: Any) -> None:
    choices, allowed = field.metadata["choices"], field.metadata["range"]
    if value is None and field.default is None:
        return
    kind, _ = _value_type(hint)
    accepted, words = _KINDS[kind]
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        words = field.metadata["expected"] or words
        raise ValueError(f"{flag_of(field)} must be {words}, got {value!r}")
    if choices and value not in choices:
        raise ValueError(f"{flag_of(field)} must be one of {', '.join(choices)}, got {value!r}")
    if isinstance(value, int | float) and not isinstance(value, bool) and value not in allowed:
        raise ValueError(f"{flag_of(field)} must be {allowed}, got {value}")


def flag_of(field: dataclasses.Field) -> str:
    """Return the flag of a field, or the metavar of a positional one."""
    if field.metadata.get("positional"):
        return field.metadata["metavar"] or field.name.upper()
    return field.metadata.get("flag") or flag(field.name)


def flag(name: str) -> str:
    """Return the flag of an option: `--image-size` for `image_size`."""
    return "--" + name.replace("_", "-")
