"""The tab for films: upload, color with progress, stop, watch and download."""

from pathlib import Path
from typing import Any

import gradio as gr

from colorize_tf.demo_app.model_registry import ModelRegistry
from colorize_tf.demo_app.notifications import notify, notify_errors
from colorize_tf.demo_app.upload_session import Sessions
from colorize_tf.inference.video.film import FILM_SUFFIXES

_PROGRESS = gr.Progress()


class FilmTab:
    """The components of the tab and their event handlers.

    Args:
        registry: the models and the limits.
        sessions: the upload session of each open page.
        model: the component that names the model.
    """

    def __init__(self, registry: ModelRegistry, sessions: Sessions, model: gr.Dropdown):
        self._registry = registry
        self._sessions = sessions
        self._model = model
        self._build()
        self._connect()

    def _build(self) -> None:
        with gr.Row():
            with gr.Column(scale=3, min_width=320):
                self._film = gr.Video(
                    label="Film in color", elem_id="film", interactive=False, buttons=[]
                )
            with gr.Column(scale=1, min_width=280):
                self._drop = gr.File(
                    label="A film", elem_id="drop-film", file_types=list(FILM_SUFFIXES), height=150
                )
                self._intensity = gr.Slider(0, 2, 1, step=0.05, label="Intensity")
                self._again = gr.Button("Color it again", visible=False)
                self._stop = gr.Button("Stop", variant="stop", visible=False)
                self._save = gr.DownloadButton(
                    "Download", variant="primary", elem_id="save-film", visible=False
                )

    def _connect(self) -> None:
        private = {"api_visibility": "private"}
        shown = [self._film, self._again, self._stop, self._save]
        uploaded = self._drop.upload(self._upload, self._drop, shown, **private)
        # An empty drop zone accepts the next file.
        uploaded.then(lambda: None, None, self._drop, **private)
        again = self._again.click(self._show_running, None, shown, **private)
        for started in (uploaded, again):
            started.success(
                self._color, [self._model, self._intensity], [self._film, self._save], **private
            ).then(
                self._show_done,
                None,
                [self._again, self._stop],
                show_progress="hidden",
                **private,
            )
        self._stop.click(self._stop_coloring, show_progress="hidden", **private)

    @notify_errors
    def _upload(self, upload: str, request: gr.Request) -> tuple[Any, ...]:
        """Replace the film of the session."""
        self._sessions.get(request.session_hash).replace_film(Path(upload))
        return self._show_running()

    def _show_running(self) -> tuple[Any, ...]:
        return None, gr.Button(visible=False), gr.Button(visible=True), gr.Button(visible=False)

    @notify_errors
    def _color(
        self, model: str, intensity: float, request: gr.Request, progress: gr.Progress = _PROGRESS
    ) -> tuple[Any, ...]:
        """Color the film and show it."""
        colored = self._sessions.get(request.session_hash).color_film(
            self._registry.processor(model, intensity=intensity),
            lambda done, total: progress((done, total), unit="frames"),
        )
        if colored is None:
            return None, gr.DownloadButton(visible=False)
        path, report = colored
        notify(report.notes)
        return str(path), gr.DownloadButton(value=str(path), visible=True)

    def _show_done(self) -> tuple[Any, ...]:
        return gr.Button(visible=True), gr.Button(visible=False)

    def _stop_coloring(self, request: gr.Request) -> None:
        self._sessions.get(request.session_hash).stop_film()
