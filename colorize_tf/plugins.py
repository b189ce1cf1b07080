"""Functions named on the command line: one of the package's own, or `package.module:function`."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def find_function(
    spec: str, kind: str, known: Mapping[str, Callable[..., Any]]
) -> Callable[..., Any]:
    """Find a function by name.

    Args:
        spec: a name in `known`, or `package.module:function`.
        kind: what the function provides, for errors, such as "generator".
        known: the package's own functions of this kind.

    Raises:
        ValueError: an unknown name, a module that cannot be imported, or no such function in it.
    """
    if spec in known:
        return known[spec]
    module_name, colon, function_name = spec.partition(":")
    if not colon:
        raise ValueError(
            f"no {kind} {spec!r}; there are {', '.join(known)}, or your own as "
            "package.module:function"
        )
    try:
        module = importlib.import_module(module_name)
    except (ImportError, ValueError) as error:  # ValueError: an empty or relative name
        raise ValueError(
            f"{kind} {spec!r} cannot be imported: {error}; start in the folder that contains "
            f"{module_name.partition('.')[0] or 'the module'}, or add that folder to PYTHONPATH"
        ) from error
    function = getattr(module, function_name, None)
    if not callable(function):
        raise ValueError(
            f"{module_name} has no function {function_name!r}; a {kind} is given as "
            "package.module:function"
        )
    return function


def is_own(spec: str | None) -> bool:
    """Return whether a name stands for a function outside of the package."""
    return spec is not None and ":" in spec
