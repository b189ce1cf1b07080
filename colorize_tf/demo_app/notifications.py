"""What went wrong, and what is to be known, as messages on the page."""

import functools
import html
import os
from collections.abc import Callable, Sequence

import gradio as gr

from colorize_tf.imagefiles.media import is_out_of_memory

# More than fit beside a picture hide it.
_MOST = 4


def told(handler: Callable) -> Callable:
    """Decorate what answers an event, so that a mistake is a message of one line."""

    @functools.wraps(handler)
    def answer(*arguments, **keywords):
        try:
            return handler(*arguments, **keywords)
        except gr.Error:
            raise
        except Exception as error:
            if is_out_of_memory(error):
                raise failure("out of memory; try a smaller photograph") from error
            if isinstance(error, ValueError | OSError):
                raise failure(str(error)) from error
            raise

    return answer


def failure(line: str) -> gr.Error:
    """Make what to raise for a line to be shown."""
    return gr.Error(_as_html(line), print_exception=bool(os.environ.get("COLORIZE_TF_TRACEBACK")))


def warn_of(lines: Sequence[str]) -> None:
    """Show what failed, beside what did not."""
    for line in _first(lines):
        gr.Warning(_as_html(line))


def tell(lines: Sequence[str]) -> None:
    """Show what is to be known."""
    for line in _first(lines):
        gr.Info(_as_html(line))


def _first(lines: Sequence[str]) -> list[str]:
    if len(lines) <= _MOST:
        return list(lines)
    return [*lines[: _MOST - 1], f"and {len(lines) - _MOST + 1} more"]


def _as_html(line: str) -> str:
    return html.escape(" ".join(line.split()))
