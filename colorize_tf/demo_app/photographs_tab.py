"""The tab for photographs: upload, compare gray with color, download at full resolution."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from colorize_tf.demo_app.comparison import comparison
from colorize_tf.demo_app.model_registry import ModelRegistry
from colorize_tf.demo_app.notifications import notify, notify_errors, user_error
from colorize_tf.demo_app.previews import Notes, Preview
from colorize_tf.demo_app.upload_session import Sessions, UploadSession, discard
from colorize_tf.imagefiles import IMAGE_SUFFIXES

_MAX_SAMPLES = 8
_PROGRESS = gr.Progress()
# The server writes a file when its button is clicked; the browser then follows a link to it.
_DOWNLOAD = """(file) => {
    if (!file) return;
    const link = document.createElement('a');
    link.href = file.url;
    link.download = file.orig_name;
    link.click();
}"""


class PhotographsTab:
    """The components of the tab and their event handlers.

    Args:
        registry: the models and the limits.
        sessions: the upload session of each open page.
        examples: black-and-white photographs to start with.
        folder: receives copies of the examples that are chosen.
        page: contains the tab.
        model: the component that names the model.
    """

    def __init__(
        self,
        registry: ModelRegistry,
        sessions: Sessions,
        examples: Sequence[Path],
        folder: Path,
        page: gr.Blocks,
        model: gr.Dropdown,
    ):
        self._registry = registry
        self._sessions = sessions
        self._examples = examples
        self._folder = folder
        self._model = model
        self._build()
        self._connect(page)

    def _build(self) -> None:
        self._selected = gr.State(0)
        with gr.Row():
            with gr.Column(scale=3, min_width=320):
                self._picture = gr.HTML(elem_id="picture")
                self._thumbnails = gr.Gallery(
                    label="Your photographs",
                    elem_id="thumbnails",
                    height="auto",
                    allow_preview=False,
                    object_fit="cover",
                    buttons=[],
                    interactive=False,
                    visible=False,
                )
            with gr.Column(scale=1, min_width=280):
                self._drop = gr.File(
                    label=f"Photographs, at most {self._registry.max_files}",
                    elem_id="drop",
                    file_count="multiple",
                    file_types=list(IMAGE_SUFFIXES),
                    height=150,
                )
                self._intensity = gr.Slider(0, 2, 1, step=0.05, label="Intensity")
                self._build_samples()
                self._save = gr.Button("Download", variant="primary", elem_id="save")
                self._save_all = gr.Button("Download all", elem_id="save-all", visible=False)
                self._saved = gr.File(visible=False)
                self._example_gallery = gr.Gallery(
                    [(str(path), path.stem) for path in self._examples],
                    label="Examples (rendered)",
                    elem_id="examples",
                    columns=2,
                    height="auto",
                    allow_preview=False,
                    object_fit="cover",
                    buttons=[],
                    interactive=False,
                )

    def _build_samples(self) -> None:
        [first, *_] = self._registry.colorizers
        with gr.Row(visible=self._registry.takes_noise(first)) as self._noise:
            self._samples = gr.Slider(
                0, _MAX_SAMPLES, 0, step=1, label="Samples", info="0: no noise", min_width=120
            )
            self._seed = gr.Number(
                0, precision=0, minimum=0, label="Seed", info="other colors", min_width=80
            )

    def _connect(self, page: gr.Blocks) -> None:
        settings = [self._model, self._intensity, self._samples, self._seed]
        shown = [self._picture, self._thumbnails, self._selected, self._save_all]
        network = {"concurrency_id": "photographs", "api_visibility": "private"}
        quiet = {**network, "show_progress": "hidden"}
        latest = {"trigger_mode": "always_last"}
        page.load(self._open, settings, shown, **quiet)
        # An empty drop zone accepts the next files.
        self._drop.upload(self._upload, [self._drop, *settings], shown, **network).then(
            lambda: None, None, self._drop, **quiet
        )
        self._example_gallery.select(self._choose_example, settings, shown, **quiet)
        self._model.change(self._show_noise, self._model, self._noise, **quiet)
        changes = [self._model.change, self._samples.change, self._seed.change]
        gr.on(changes, self._recolor, settings, shown, **latest, **network)
        selected = [self._selected, self._intensity]
        self._intensity.change(self._render, selected, self._picture, **latest, **quiet)
        self._thumbnails.select(
            self._select, self._intensity, [self._selected, self._picture], **quiet
        )
        inputs = [self._selected, self._model, self._intensity]
        for button, write in ((self._save, self._write), (self._save_all, self._write_all)):
            button.click(
                write, inputs, self._saved, show_progress_on=self._picture, **network
            ).success(None, self._saved, js=_DOWNLOAD, **quiet)

    @notify_errors
    def _open(
        self, model: str, intensity: float, samples: int, seed: int | None, request: gr.Request
    ) -> tuple[Any, ...]:
        """Color the first example, so that the page starts with a picture."""
        return self._upload([self._copy_example(0)], model, intensity, samples, seed, request)

    @notify_errors
    def _choose_example(
        self,
        model: str,
        intensity: float,
        samples: int,
        seed: int | None,
        request: gr.Request,
        selection: gr.SelectData,
    ) -> tuple[Any, ...]:
        upload = self._copy_example(selection.index)
        return self._upload([upload], model, intensity, samples, seed, request)

    @notify_errors
    def _upload(
        self,
        uploads: Sequence[str],
        model: str,
        intensity: float,
        samples: int,
        seed: int | None,
        request: gr.Request,
        progress: gr.Progress = _PROGRESS,
    ) -> tuple[Any, ...]:
        """Replace the photographs of the session and color them."""
        paths = [Path(upload) for upload in uploads]
        if len(paths) > self._registry.max_files:
            discard(paths)
            raise user_error(
                f"{len(paths)} files came, at most {self._registry.max_files} are taken at once; "
                "drop fewer, or color a folder with python -m colorize_tf.colorize"
            )
        session = self._sessions.get(request.session_hash)
        processor = self._registry.processor(model, samples=int(samples), seed=int(seed or 0))
        notes = session.replace_photographs(paths, processor, _counting(progress))
        return self._show(session, notes, intensity)

    @notify_errors
    def _recolor(
        self,
        model: str,
        intensity: float,
        samples: int,
        seed: int | None,
        request: gr.Request,
        progress: gr.Progress = _PROGRESS,
    ) -> tuple[Any, ...]:
        """Color the photographs of the session with other settings."""
        session = self._sessions.get(request.session_hash)
        processor = self._registry.processor(model, samples=int(samples), seed=int(seed or 0))
        return self._show(session, session.recolor(processor, _counting(progress)), intensity)

    def _show(self, session: UploadSession, notes: Notes, intensity: float) -> tuple[Any, ...]:
        """Show the messages; return the new state of the components."""
        notify(notes.remarks, notes.failures)
        several = len(session.previews) > 1
        thumbnails = [(str(preview.thumbnail), preview.title) for preview in session.previews]
        return (
            _compare(session.preview(0), intensity),
            gr.Gallery(thumbnails, selected_index=0, visible=several),
            0,
            gr.Button(visible=several),
        )

    @notify_errors
    def _select(
        self, intensity: float, request: gr.Request, selection: gr.SelectData
    ) -> tuple[int, str]:
        """Show another photograph."""
        return selection.index, self._render(selection.index, intensity, request)

    @notify_errors
    def _render(self, selected: int, intensity: float, request: gr.Request) -> str:
        """Show the photograph with another intensity."""
        return _compare(self._sessions.get(request.session_hash).preview(selected), intensity)

    @notify_errors
    def _write(self, selected: int, model: str, intensity: float, request: gr.Request) -> str:
        """Write the photograph on show at its own resolution."""
        preview = self._sessions.get(request.session_hash).preview(selected)
        return str(preview.write(self._registry.processor(model, intensity=intensity)))

    @notify_errors
    def _write_all(
        self,
        selected: int,
        model: str,
        intensity: float,
        request: gr.Request,
        progress: gr.Progress = _PROGRESS,
    ) -> str:
        """Write all photographs of the session."""
        session = self._sessions.get(request.session_hash)
        processor = self._registry.processor(model, intensity=intensity)
        return str(session.write_archive(processor, _counting(progress)))

    def _show_noise(self, model: str) -> gr.Row:
        return gr.Row(visible=self._registry.takes_noise(model))

    def _copy_example(self, index: int) -> str:
        """Copy an example to Gradio's uploads, since a session moves what it takes."""
        folder = tempfile.mkdtemp(dir=self._folder)
        return shutil.copy(self._examples[index], folder)


def _compare(preview: Preview, intensity: float) -> str:
    height, width = preview.images.shape[:2]
    return comparison(preview.title, width / height, preview.encode(0), preview.encode(intensity))


def _counting(progress: gr.Progress) -> Callable[[int, int], None]:
    return lambda done, total: progress((done, total), unit="photographs")
