"""Where the trainable weights of a model are, and which network they belong to.

Does not import TensorFlow.
"""

import contextlib
import json
import zipfile
from pathlib import Path
from typing import NamedTuple

import colorize_tf
from colorize_tf.artifacts.card import describe
from colorize_tf.artifacts.run_folder import RunFolder, read_json

SHIPPED = "shipped"
"""The name that stands for the model of the installed package."""

SHIPPED_MODEL = Path(colorize_tf.__file__).parent / "shipped" / "landscapes.tflite"

# An installed package contains the model as TFLite only, whose layers are merged and cannot be
# trained; the .keras file of the same weights is in the source repository.
_SHIPPED_WEIGHTS = Path("saved_models", "landscapes", "landscapes.keras")


class Weights(NamedTuple):
    """Trainable weights.

    Attributes:
        path: `.keras` file.
        generator: the network they belong to: a name in `colorize_tf.models.GENERATORS`, or
            `package.module:function` where the run says so.
    """

    path: Path
    generator: str


def resolve_weights(source: str | Path) -> Weights:
    """Find the `.keras` file that a model's weights can be loaded from, and name its network.

    Args:
        source: `"shipped"`, a run folder, a `.keras` file, a `.tflite` file, or a SavedModel's
            version or base folder. TFLite files and SavedModels cannot be trained further: for
            these, the `.keras` file of the same weights is looked for beside them, where `export`
            writes it.

    Returns:
        The file, and the name of the network.

    Raises:
        ValueError: nothing there, not a model of this package, or no `.keras` file beside it.
    """
    if source == SHIPPED:
        path = SHIPPED_MODEL.parents[2] / _SHIPPED_WEIGHTS
        if not path.is_file():
            raise ValueError(
                "an installed package contains the shipped model for colorizing only, as TFLite; "
                f"its trainable weights are the file {_SHIPPED_WEIGHTS} of the source repository: "
                "get that file, and name it instead of 'shipped'"
            )
        return Weights(path, _network_name(path))
    path = Path(source)
    if (path / RunFolder.GENERATOR).is_file():
        run, path = RunFolder(path), path / RunFolder.GENERATOR
        stored = read_json(run.config).get("generator") if run.config.is_file() else None
        return Weights(path, stored or _network_name(path))
    if RunFolder(path).config.is_file():
        raise ValueError(f"the run in {path} has no generator yet; let it finish an epoch first")
    if path.suffix != ".keras" and path.exists():
        path = _keras_file_beside(path)
    if not path.is_file():
        raise ValueError(
            f"no model at {path}; expected a run folder, a .keras file, an exported model with its "
            ".keras file beside it, or 'shipped'"
        )
    return Weights(path, _network_name(path))


def _keras_file_beside(path: Path) -> Path:
    """Find the `.keras` file with the weights of a `.tflite` file or SavedModel."""
    digest = describe(path)["weights_sha256"]
    folders = [path, path.parent] if path.is_dir() else [path.parent]
    for candidate in sorted(file for folder in folders for file in folder.glob("*.keras")):
        with contextlib.suppress(ValueError):  # another program's .keras file
            if describe(candidate)["weights_sha256"] == digest:
                return candidate
    raise ValueError(
        f"{path} cannot be trained further: a .tflite file or SavedModel has merged layers, and "
        f"no .keras file of the same weights is in {folders[-1]}; name the .keras file or the run "
        "folder that it was exported from"
    )


def _network_name(path: Path) -> str:
    """Read the name of a `.keras` file's network."""
    try:
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read("config.json"))["config"]["name"]
    except (OSError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} cannot be loaded as a Keras model: {error}") from error
