"""Photographs: dropped, seen in gray and in color, taken away at their own resolution."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import gradio as gr

from colorize_tf.demo_app.comparison import comparison
from colorize_tf.demo_app.model_registry import ModelRegistry
from colorize_tf.demo_app.notifications import failure, tell, told, warn_of
from colorize_tf.demo_app.previews import Notes, Preview
from colorize_tf.demo_app.sessions import Sessions
from colorize_tf.demo_app.upload_session import UploadSession, discard
from colorize_tf.imagefiles.media import IMAGE_SUFFIXES

_MOST_SAMPLES = 8
_PROGRESS = gr.Progress()
# A link that is followed at once: what is downloaded is made when it is asked for.
_SAVE = """(file) => {
    if (!file) return;
    const link = document.createElement('a');
    link.href = file.url;
    link.download = file.orig_name;
    link.click();
}"""


class PhotographsTab:
    """The components of the tab, and what happens when they are used.

    Args:
        registry: the models and the limits.
        visits: the albums.
        examples: black-and-white photographs to begin with.
        folder: where copies of them are put.
        page: where the tab is built.
        model: the component that names the model.
    """

    def __init__(
        self,
        registry: ModelRegistry,
        visits: Sessions,
        examples: Sequence[Path],
        folder: Path,
        page: gr.Blocks,
        model: gr.Dropdown,
    ):
        self._studio = registry
        self._visits = visits
        self._examples = examples
        self._folder = folder
        self._model = model
        self._build()
        self._connect(page)

    def _build(self) -> None:
        self._chosen = gr.State(0)
        with gr.Row():
            with gr.Column(scale=3, min_width=320):
                self._picture = gr.HTML(elem_id="picture")
                self._strip = gr.Gallery(
                    label="Your photographs",
                    elem_id="strip",
                    height="auto",
                    allow_preview=False,
                    object_fit="cover",
                    buttons=[],
                    interactive=False,
                    visible=False,
                )
            with gr.Column(scale=1, min_width=280):
                self._drop = gr.File(
                    label=f"Photographs, at most {self._studio.max_files}",
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
                self._shelf = gr.Gallery(
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
        [first, *_] = self._studio.colorizers
        with gr.Row(visible=self._studio.takes_noise(first)) as self._noise:
            self._samples = gr.Slider(
                0,
                _MOST_SAMPLES,
                0,
                step=1,
                label="Samples",
                info="0: one, its own",
                min_width=120,
            )
            self._seed = gr.Number(
                0, precision=0, minimum=0, label="Seed", info="other colors", min_width=80
            )

    def _connect(self, page: gr.Blocks) -> None:
        choices = [self._model, self._intensity, self._samples, self._seed]
        shown = [self._picture, self._strip, self._chosen, self._save_all]
        network = {"concurrency_id": "photographs", "api_visibility": "private"}
        quiet = {**network, "show_progress": "hidden"}
        page.load(self._open, choices, shown, **quiet)
        # Emptied, so that more can be dropped.
        self._drop.upload(self._take, [self._drop, *choices], shown, **network).then(
            lambda: None, None, self._drop, **quiet
        )
        self._shelf.select(self._take_example, choices, shown, **quiet)
        self._model.change(self._show_noise, self._model, self._noise, **quiet)
        gr.on(
            [self._model.change, self._samples.change, self._seed.change],
            self._color,
            choices,
            shown,
            trigger_mode="always_last",
            **network,
        )
        self._intensity.change(
            self._paint,
            [self._chosen, self._intensity],
            self._picture,
            trigger_mode="always_last",
            **quiet,
        )
        self._strip.select(self._choose, self._intensity, [self._chosen, self._picture], **quiet)
        selected = [self._chosen, self._model, self._intensity]
        for button, handler, inputs in (
            (self._save, self._write, selected),
            (self._save_all, self._write_all, selected[1:]),
        ):
            button.click(
                handler, inputs, self._saved, show_progress_on=self._picture, **network
            ).success(None, self._saved, js=_SAVE, **quiet)

    @told
    def _open(self, model, intensity, samples, seed, request: gr.Request):
        """Show the first example, so that the page begins with a picture."""
        return self._take([self._copied(0)], model, intensity, samples, seed, request)

    @told
    def _take_example(
        self, model, intensity, samples, seed, request: gr.Request, selection: gr.SelectData
    ):
        upload = self._copied(selection.index)
        return self._take([upload], model, intensity, samples, seed, request)

    @told
    def _take(
        self, uploads, model, intensity, samples, seed, request: gr.Request, progress=_PROGRESS
    ):
        """Color uploads, in the place of what is in the album."""
        uploads = [Path(upload) for upload in uploads]
        if len(uploads) > self._studio.max_files:
            discard(uploads)
            raise failure(
                f"{len(uploads)} files came, at most {self._studio.max_files} are taken at once; "
                "drop fewer, or color a folder with python -m colorize_tf.colorize"
            )
        album = self._visits.album(request.session_hash)
        processor = self._processor(model, samples, seed)
        return self._shown(album, album.take(uploads, processor, _counted(progress)), intensity)

    @told
    def _color(self, model, intensity, samples, seed, request: gr.Request, progress=_PROGRESS):
        """Color what is in the album anew."""
        album = self._visits.album(request.session_hash)
        processor = self._processor(model, samples, seed)
        return self._shown(album, album.color(processor, _counted(progress)), intensity)

    def _shown(self, album: UploadSession, notes: Notes, intensity: float):
        """Tell what there is to tell, and return what the components show."""
        tell(notes.known)
        warn_of(notes.failed)
        several = len(album.slides) > 1
        strip = [(str(slide.thumbnail), slide.title) for slide in album.slides]
        return (
            _comparison(album.slide(0), intensity),
            gr.Gallery(strip, selected_index=0, visible=several),
            0,
            gr.Button(visible=several),
        )

    @told
    def _choose(self, intensity, request: gr.Request, selection: gr.SelectData):
        """Show another photograph."""
        return selection.index, self._paint(selection.index, intensity, request)

    @told
    def _paint(self, chosen, intensity, request: gr.Request):
        """Show the photograph anew, more or less vivid."""
        album = self._visits.album(request.session_hash)
        return _comparison(album.slide(chosen), intensity)

    @told
    def _write(self, chosen, model, intensity, request: gr.Request):
        """Write the photograph that is shown, at its own resolution."""
        album = self._visits.album(request.session_hash)
        processor = self._studio.shoebox(model, intensity=intensity)
        return str(album.slide(chosen).write(processor))

    @told
    def _write_all(self, model, intensity, request: gr.Request, progress=_PROGRESS):
        """Write all photographs."""
        album = self._visits.album(request.session_hash)
        processor = self._studio.shoebox(model, intensity=intensity)
        return str(album.write_all(processor, _counted(progress)))

    def _show_noise(self, model):
        return gr.Row(visible=self._studio.takes_noise(model))

    def _processor(self, model, samples, seed):
        return self._studio.shoebox(model, samples=int(samples), seed=int(seed or 0))

    def _copied(self, number: int) -> Path:
        """Copy an example to where uploads are, as an album keeps what it takes."""
        folder = tempfile.mkdtemp(dir=self._folder)
        return Path(shutil.copy(self._examples[number], folder))


def _comparison(slide: Preview, intensity: float) -> str:
    height, width = slide.small.shape[:2]
    return comparison(slide.title, width / height, slide.shown(0), slide.shown(intensity))


def _counted(progress: gr.Progress) -> Callable[[int, int], None]:
    return lambda done, total: progress((done, total), unit="photographs")
