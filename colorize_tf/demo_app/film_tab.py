"""Films: dropped, colored with progress, looked at and taken away."""

from pathlib import Path

import gradio as gr

from colorize_tf.demo_app.model_registry import ModelRegistry
from colorize_tf.demo_app.notifications import tell, told
from colorize_tf.demo_app.sessions import Sessions
from colorize_tf.inference.video.film import FILM_SUFFIXES

_PROGRESS = gr.Progress()


class FilmTab:
    """The components of the tab, and what happens when they are used.

    Args:
        registry: the models and the limits.
        visits: the albums.
        model: the component that names the model.
    """

    def __init__(self, registry: ModelRegistry, visits: Sessions, model: gr.Dropdown):
        self._studio = registry
        self._visits = visits
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
        buttons = [self._again, self._stop, self._save]
        taken = self._drop.upload(self._take, self._drop, [self._film, *buttons], **private)
        taken.then(lambda: None, None, self._drop, **private)
        again = self._again.click(self._begin, None, [self._film, *buttons], **private)
        for begun in (taken, again):
            begun.success(
                self._color, [self._model, self._intensity], [self._film, self._save], **private
            ).then(self._end, None, [self._again, self._stop], show_progress="hidden", **private)
        self._stop.click(self._halt, show_progress="hidden", **private)

    @told
    def _take(self, upload, request: gr.Request):
        """Put a film in the place of the one in the album."""
        self._visits.album(request.session_hash).take_film(Path(upload))
        return self._begin()

    def _begin(self):
        return None, gr.Button(visible=False), gr.Button(visible=True), gr.Button(visible=False)

    @told
    def _color(self, model, intensity, request: gr.Request, progress=_PROGRESS):
        """Color the film, and show it."""
        album = self._visits.album(request.session_hash)
        processor = self._studio.shoebox(model, intensity=intensity)
        colored = album.color_film(
            processor, lambda done, total: progress((done, total), unit="frames")
        )
        if colored is None:
            return None, gr.DownloadButton(visible=False)
        path, report = colored
        tell(report.notes)
        return str(path), gr.DownloadButton(value=str(path), visible=True)

    def _end(self):
        return gr.Button(visible=True), gr.Button(visible=False)

    def _halt(self, request: gr.Request):
        self._visits.album(request.session_hash).stop()
