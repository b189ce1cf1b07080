"""Errors, warnings and remarks as messages on the page."""

import functools
import html
import os
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from colorize_tf.imagefiles import is_out_of_memory

# More messages would cover the picture.
_MAX_MESSAGES = 4


def notify_errors(handler: Callable) -> Callable:
    """Decorate an event handler so that a user's mistake becomes a message of one line."""

    @functools.wraps(handler)
    def guarded(*arguments: Any, **keywords: Any) -> Any:
        try:
            return handler(*arguments, **keywords)
        except gr.Error:
            raise
        except Exception as error:
            if is_out_of_memory(error):
                raise user_error("out of memory; try a smaller photograph") from error
            if isinstance(error, ValueError | OSError):
                raise user_error(str(error)) from error
            raise

    return guarded


def user_error(line: str) -> gr.Error:
    """Make the exception that shows a line as an error."""
    return gr.Error(_to_html(line), print_exception=bool(os.environ.get("COLORIZE_TF_TRACEBACK")))


def notify(remarks: Sequence[str], warnings: Sequence[str] = ()) -> None:
    """Show remarks and warnings, a message each, at most four of either."""
    for show, lines in ((gr.Info, remarks), (gr.Warning, warnings)):
        for line in _limit(lines):
            show(_to_html(line))


def _limit(lines: Sequence[str]) -> Sequence[str]:
    if len(lines) <= _MAX_MESSAGES:
        return lines
    return [*lines[: _MAX_MESSAGES - 1], f"and {len(lines) - _MAX_MESSAGES + 1} more"]


def _to_html(line: str) -> str:
    return html.escape(" ".join(line.split()))
