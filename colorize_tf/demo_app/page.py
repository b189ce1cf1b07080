"""The page: a heading, the choice of a model, a tab for photographs and one for films."""

from collections.abc import Sequence
from pathlib import Path

import gradio as gr

from colorize_tf.demo_app.film_tab import FilmTab
from colorize_tf.demo_app.model_registry import ModelRegistry
from colorize_tf.demo_app.photographs_tab import PhotographsTab
from colorize_tf.demo_app.upload_session import Sessions

_TITLE = "Old landscapes in color"
_INTRODUCTION = (
    "Drop black-and-white photographs of landscapes. They keep their lightness and their "
    "resolution; only color is added. People and interiors come out wrong."
)
# Gradio removes uploads that no session took, such as those of a page closed meanwhile. Seconds.
_CLEANUP_INTERVAL, _MAX_UPLOAD_AGE = 600, 24 * 3600


def build_page(
    registry: ModelRegistry, sessions: Sessions, examples: Sequence[Path], folder: Path
) -> gr.Blocks:
    """Build the page.

    Args:
        registry: the models and the limits.
        sessions: the upload session of each open page.
        examples: black-and-white photographs to start with.
        folder: Gradio's folder of uploads.
    """
    with gr.Blocks(
        title=_TITLE, analytics_enabled=False, delete_cache=(_CLEANUP_INTERVAL, _MAX_UPLOAD_AGE)
    ) as page:
        gr.Markdown(f"# {_TITLE}\n{_INTRODUCTION}", elem_id="heading")
        names = list(registry.colorizers)
        model = gr.Dropdown(names, value=names[0], label="Model", visible=len(names) > 1)
        with gr.Tab("Photographs"):
            PhotographsTab(registry, sessions, examples, folder, page, model)
        with gr.Tab("Film"):
            FilmTab(registry, sessions, model)

        def close_session(request: gr.Request) -> None:
            sessions.close(request.session_hash)

        page.unload(close_session)
    return page
