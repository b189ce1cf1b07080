"""Export a trained generator, and measure it: the files, their reports and the scores."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from colorize_tf.artifacts.run_folder import write_json
from colorize_tf.recipes import portable_path

if TYPE_CHECKING:
    import keras
    import numpy as np

    from colorize_tf.artifacts.export import Difference

Progress = Callable[[str, int, int], None]
"""Called with the name of a step, such as "photographs measured", and the counts done and total."""

# Photographs to measure on, and to calibrate int8 with.
_PHOTOGRAPHS = 100
# Rendered landscapes to measure on, where int8 needs no calibration.
_RENDERINGS = 32


@dataclasses.dataclass(frozen=True)
class Export:
    """What `export_colorizer` wrote and measured.

    Attributes:
        folder: where the files are.
        differences: by path, how far an artifact is from the generator.
        reports: by name of a TFLite file, what `report_tflite` measured, and `measure`, `value` and
            `limit` of its difference from the generator.
        photographs: which photographs `scores` are means over, in words.
        size: height and width in pixels that the network takes and that was measured at.
        scores: by name (the model, and predicting gray) and measure, as in `evaluate`.
    """

    folder: Path
    differences: dict[Path, Difference]
    reports: dict[str, dict]
    photographs: str
    size: int
    scores: dict[str, dict]


def export_colorizer(
    model: str | Path | keras.Model,
    folder: str | Path,
    *,
    name: str | None = None,
    size: int | None = None,
    tflite: Sequence[str] = ("float32",),
    saved_model: bool = True,
    image_dtype: str = "float32",
    warmup: bool = False,
    data_dir: str | Path | None = None,
    calibration_dir: str | Path | None = None,
    command: str | None = None,
    progress: Progress | None = None,
) -> Export:
    """Write a generator as `.keras`, SavedModel and TFLite files, compared with it and measured.

    Args:
        model: a generator, or what `load_generator` takes: a run folder, a `.keras` file, or
            `"shipped"`.
        folder: where to write; made if absent. SavedModel versions count up in it, and other files
            of the same names are replaced.
        name: of the files, by default the folder's.
        size: height and width in pixels that the network takes in all files; by default as it was
            trained.
        tflite: quantizations of the TFLite files, of `"float32"`, `"float16"`, `"dynamic"` and
            `"int8"`.
        saved_model: whether to write a SavedModel for TensorFlow Serving.
        image_dtype: of the images that TFLite files take and return: `"float32"` in 0..1 or
            `"uint8"` in 0..255.
        warmup: whether to add warm-up requests and configurations for TensorFlow Serving.
        data_dir: folder of photographs to measure on; by default landscapes are rendered.
        calibration_dir: folder of photographs to calibrate int8 with; by default those to measure
            on.
        command: what the model card names as the command that printed its figures.
        progress: called as each step advances.

    Returns:
        The paths, and what was measured.

    Raises:
        ValueError: an argument does not fit the model or the others, too few photographs, or an
            artifact that differs from the generator; nothing is then written.

    Example:
        >>> from colorize_tf import export_colorizer
        >>> from colorize_tf.models import tiny_unet
        >>> export = export_colorizer(tiny_unet(32), "valley", tflite=["float16"])
        >>> sorted(path.name for path in export.differences)
        ['1', 'valley-float16.tflite', 'valley.keras']
    """
    from colorize_tf.artifacts.card import read_provenance
    from colorize_tf.artifacts.export import export_artifacts
    from colorize_tf.artifacts.keras_file import load_generator
    from colorize_tf.artifacts.tflite.report import report_tflite
    from colorize_tf.artifacts.weights import resolve_weights
    from colorize_tf.models.generator import check_generator, resize_generator

    progress = progress or (lambda step, done, total: None)
    folder = Path(folder).resolve()
    name = name or folder.name
    _check_arguments(folder, name, tflite, calibration_dir, warmup)
    if isinstance(model, str | Path):
        path = resolve_weights(model).path
        generator, provenance = load_generator(path), read_provenance(path)
    else:
        check_generator(model, "the model")
        generator, provenance = model, {}
    if size is not None:
        generator = resize_generator(generator, size)
    size = generator.output_shape[1]
    with _photographs(data_dir, size, "int8" in tflite, progress) as (paths, origin):
        calibration = None
        if "int8" in tflite:
            calibration = _calibration_images(calibration_dir, paths, data_dir, size)
        images, scores = _measure(generator, paths, progress)
    figures = {"pictures": origin, "size": size, "command": command, "scores": scores}
    differences = export_artifacts(
        generator,
        folder,
        name=name,
        pictures=images,
        calibration=calibration,
        quantizations=tflite,
        saved_model=saved_model,
        image_dtype=image_dtype,
        warmup=warmup,
        description={**provenance, "figures": figures},
        progress=lambda done, total: progress("artifacts written", done, total),
    )
    files = [path for path in differences if path.suffix == ".tflite"]
    reports = {}
    for done, path in enumerate(files):
        progress("TFLite files timed", done, len(files))
        reports[path.name] = {**differences[path]._asdict(), **report_tflite(path.read_bytes())}
    write_json(folder / "report.json", reports)
    return Export(folder, differences, reports, origin, size, scores)


def _check_arguments(
    folder: Path,
    name: str,
    tflite: Sequence[str],
    calibration_dir: str | Path | None,
    warmup: bool,
) -> None:
    """Raise `ValueError` for what can be known before any work."""
    from colorize_tf.artifacts.serving import check_servable
    from colorize_tf.artifacts.tflite.convert import check_quantization

    for quantization in tflite:
        check_quantization(quantization)
    if calibration_dir is not None and "int8" not in tflite:
        raise ValueError(
            f"only int8 is calibrated, with the photographs in {calibration_dir}; add int8 to the "
            "TFLite files, or leave the folder out"
        )
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; expected a folder to export to")
    if warmup:
        check_servable(name)


@contextlib.contextmanager
def _photographs(
    data_dir: str | Path | None, size: int, is_calibrated: bool, progress: Progress
) -> Iterator[tuple[Sequence[Path], str]]:
    """List photographs to measure on, or render some, and name them in words."""
    from colorize_tf.data.catalog import list_photographs
    from colorize_tf.data.synthetic.landscapes import render_landscape
    from colorize_tf.imagefiles import write_image

    if data_dir is not None:
        found = list_photographs(data_dir)[:_PHOTOGRAPHS]
        yield found, f"the first {len(found)} photographs of {portable_path(str(data_dir))}"
        return
    count = _PHOTOGRAPHS if is_calibrated else _RENDERINGS
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, f"{seed}.png") for seed in range(count)]
        for seed, path in enumerate(paths):
            progress("landscapes rendered", seed, count)
            write_image(path, render_landscape(seed, size, size))
        yield paths, f"{count} landscapes rendered by colorize_tf (seeds from 0)"


def _calibration_images(
    calibration_dir: str | Path | None,
    measured: Sequence[Path],
    data_dir: str | Path | None,
    size: int,
) -> np.ndarray:
    """Read the photographs that int8 is calibrated with, uint8 `(n, size, size, 3)`."""
    import numpy as np

    from colorize_tf.data.catalog import list_photographs
    from colorize_tf.evaluation.scores import evaluation_image

    paths = measured
    if calibration_dir is not None:
        found = list_photographs(calibration_dir)
        # Spread over the folder, as similar photographs often have neighboring names.
        paths = found[:: max(1, len(found) // _PHOTOGRAPHS)][:_PHOTOGRAPHS]
    if len(paths) < _PHOTOGRAPHS:
        raise ValueError(
            f"int8 needs at least {_PHOTOGRAPHS} photographs to be calibrated with, got "
            f"{len(paths)} usable ones in {calibration_dir or data_dir}; give more, or another "
            "folder to calibrate with"
        )
    return np.stack([evaluation_image(path, size) for path in paths])


def _measure(
    generator: keras.Model, paths: Sequence[Path], progress: Progress
) -> tuple[np.ndarray, dict[str, dict]]:
    """Return the images as the generator sees them, and its scores beside those of gray."""
    import numpy as np
    import tensorflow as tf

    from colorize_tf.evaluation.scores import compare, evaluation_image, gray
    from colorize_tf.inference.colorizer import Colorizer
    from colorize_tf.models.generator import generate_ab, z_size_of

    # A graph saves Keras' overhead for each of many photographs.
    predict = tf.function(functools.partial(generate_ab, generator), autograph=False)

    def predict_ab(lightness: np.ndarray, z: np.ndarray | None = None) -> np.ndarray:
        return predict(tf.constant(lightness), z).numpy()

    def counted() -> Iterator[Path]:
        for done, path in enumerate(paths):
            progress("photographs measured", done, len(paths))
            yield path

    size = generator.output_shape[1]
    colorizer = Colorizer(predict_ab, size, z_size_of(generator))
    scores = compare({"gray (ab = 0)": gray, "this model": colorizer}, counted(), size=size)
    return np.stack([evaluation_image(path, size) for path in paths]), scores
