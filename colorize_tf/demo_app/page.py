"""The page: a heading, the choice of a model, photographs and films."""

from collections.abc import Sequence
from pathlib import Path

import gradio as gr

from colorize_tf.demo_app.film_tab import FilmTab
from colorize_tf.demo_app.model_registry import ModelRegistry
from colorize_tf.demo_app.photographs_tab import PhotographsTab
from colorize_tf.demo_app.sessions import Sessions

_TITLE = "Old landscapes in color"
_WORDS = (
    "Drop black-and-white photographs of landscapes. They keep their lightness and their "
    "resolution; only color is added. People and interiors come out wrong."
)
# Uploads that no album took, such as those of a page that was closed meanwhile, in seconds.
_LOOKED_FOR_EVERY, _KEPT_FOR = 600, 24 * 3600


def build_page(
    registry: ModelRegistry, visits: Sessions, examples: Sequence[Path], folder: Path
) -> gr.Blocks:
    """Build the page.

    Args:
        registry: the models and the limits.
        visits: where each visitor's album comes from.
        examples: black-and-white photographs to begin with.
        folder: where uploads go.
    """
    with gr.Blocks(
        title=_TITLE, analytics_enabled=False, delete_cache=(_LOOKED_FOR_EVERY, _KEPT_FOR)
    ) as page:
        gr.Markdown(f"# {_TITLE}\n{_WORDS}", elem_id="heading")
        names = list(registry.colorizers)
        model = gr.Dropdown(names, value=names[0], label="Model", visible=len(names) > 1)
        with gr.Tab("Photographs"):
            PhotographsTab(registry, visits, examples, folder, page, model)
        with gr.Tab("Film"):
            FilmTab(registry, visits, model)

        def leave(request: gr.Request):
            visits.close(request.session_hash)

        page.unload(leave)
    return page
