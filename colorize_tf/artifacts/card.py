"""The description inside every artifact: JSON that says what the model is and how it was made.

Reading it does not import TensorFlow.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from ai_edge_litert import schema_py_generated as schema

import colorize_tf
from colorize_tf.artifacts.run_folder import RunFolder
from colorize_tf.artifacts.tflite.join import packed
from colorize_tf.artifacts.versions import version_folder

CARD = "colorize_tf.json"
"""Name of the description inside a `.keras`, a `.tflite` and a SavedModel's `assets.extra`, where
TensorFlow Serving ignores unknown files."""

PROVENANCE = ("recipe", "training_command", "data")
"""Keys that say how a generator was made; every artifact exported from it keeps them."""


def make_card(
    description: dict, *, generator: str, size: int, z_size: int, weights: Sequence[np.ndarray]
) -> dict:
    """Describe a generator.

    Args:
        description: the model's `name`, those keys of `PROVENANCE` that are known, and any others.
        generator: name of the network.
        size: height and width in pixels of its input.
        z_size: length of the noise vector it takes; 0 if it takes none.
        weights: float32, in the order of the network.

    Returns:
        A dictionary that JSON can hold. In a file it also has `signatures`, from the module of that
        name, and in a `.tflite` its `quantization`.
    """
    return {
        "name": description["name"],
        "made_by": "colorize_tf",
        "version": colorize_tf.__version__,
        "licence": "MIT",
        **dict.fromkeys(PROVENANCE),
        **description,
        "generator": generator,
        "input_size": size,
        "z_size": z_size,
        "parameters": sum(weight.size for weight in weights),
        "weights_sha256": _hash(weights),
        "labels": [],
    }


def put_in_keras(path: str | Path, card: dict) -> None:
    """Add a description to a `.keras` file; Keras ignores it."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(CARD, _text(card))


def put_in_saved_model(folder: str | Path, card: dict) -> None:
    """Add a description to a SavedModel's version folder."""
    extra = Path(folder) / "assets.extra"
    extra.mkdir(exist_ok=True)
    (extra / CARD).write_text(_text(card))


def put_in_tflite(content: bytes, card: dict) -> bytes:
    """Add a description to the content of a `.tflite` file, as an entry of its metadata."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = np.frombuffer(_text(card).encode(), np.uint8)
    entry.name, entry.buffer = CARD, len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]
    return packed(model)


def describe(path: str | Path) -> dict:
    """Read the description of an artifact.

    Args:
        path: run folder, `.keras` file, SavedModel version or base folder, or `.tflite` file.

    Returns:
        What `make_card` returned, `signatures`, and of a `.tflite` its `quantization`.

    Raises:
        ValueError: nothing there, or a file without a description.
    """
    path = Path(path)
    if (path / RunFolder.GENERATOR).is_file():
        path = path / RunFolder.GENERATOR
    if not path.exists():
        raise ValueError(
            f"no model at {path}; expected a run folder, a .keras or .tflite file, or a SavedModel"
        )
    try:
        text = _read_folder(version_folder(path)) if path.is_dir() else _read_file(path)
        card = None if text is None else json.loads(text)
    except OSError:
        raise
    except Exception as error:  # whatever its reader raises for a broken or foreign file
        raise ValueError(f"{path} cannot be read as a colorize_tf model: {error}") from error
    if not isinstance(card, dict) or card.get("made_by") != "colorize_tf":
        raise ValueError(
            f"{path} contains no description: it is not a colorize_tf model, or is of an earlier "
            "version"
        )
    return card


def read_provenance(path: str | Path) -> dict:
    """Read from an artifact how its generator was made; empty if it does not say."""
    try:
        card = describe(path)
    except ValueError:
        return {}
    return {key: card[key] for key in PROVENANCE if card.get(key) is not None}


def lines(card: dict, indent: str = "") -> Iterator[str]:
    """Format a description for a terminal, one fact per line."""
    for key, value in card.items():
        if isinstance(value, dict):
            yield f"{indent}{key}:"
            yield from lines(value, indent + "  ")
            continue
        if isinstance(value, list):
            value = ", ".join(map(str, value)) or "none"
        elif isinstance(value, float):
            value = f"{value:.4g}"
        yield f"{indent}{key}: {'unknown' if value is None else value}"


def write_card(path: str | Path, card: dict) -> None:
    """Write a description as a JSON file of its own."""
    Path(path).write_text(_text(card))


def _text(card: dict) -> str:
    return json.dumps(card, indent=2) + "\n"


def _read_folder(folder: Path) -> str | None:
    path = folder / "assets.extra" / CARD
    return path.read_text() if path.is_file() else None


def _read_file(path: Path) -> bytes | None:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return archive.read(CARD) if CARD in archive.namelist() else None
    content = path.read_bytes()
    if content[4:8] != b"TFL3":
        return None
    model = schema.Model.GetRootAs(content, 0)
    entries = [model.Metadata(index) for index in range(model.MetadataLength())]
    buffers = [entry.Buffer() for entry in entries if entry.Name() == CARD.encode()]
    return model.Buffers(buffers[-1]).DataAsNumpy().tobytes() if buffers else None


def _hash(weights: Sequence[np.ndarray]) -> str:
    digest = hashlib.sha256()
    for weight in weights:
        digest.update(str(weight.shape).encode())
        digest.update(np.ascontiguousarray(weight, "<f4").tobytes())
    return digest.hexdigest()
