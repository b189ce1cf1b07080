"""A SavedModel behind the test server, and the artifacts of a network with noise."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="session")
def noisy_artifacts(noisy, tmp_path_factory):
    """A folder of `noisy.keras`, `1` and `noisy.tflite`, and a run folder `run`."""
    from colorize_tf.artifacts.export import export_artifacts
    from colorize_tf.artifacts.keras_file import save_generator
    from colorize_tf.data.synthetic.landscapes import render_landscape

    folder = tmp_path_factory.mktemp("noisy")
    pictures = render_landscape(0, 32, 32)[np.newaxis]
    export_artifacts(noisy, folder, name="noisy", pictures=pictures)
    (folder / "run").mkdir()
    save_generator(noisy, folder / "run" / "generator.keras")
    return folder


@pytest.fixture(scope="session")
def serving():
    """The module `tests/serving.py`, which no import finds since tests are not a package."""
    path = Path(__file__).parents[1] / "serving.py"
    spec = importlib.util.spec_from_file_location("serving", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def version_folder(generator, tmp_path_factory):
    """Version 1 of a model, as it would be exported."""
    from colorize_tf.artifacts.saved_model import save_saved_model

    folder = tmp_path_factory.mktemp("landscapes") / "1"
    save_saved_model(generator, folder)
    return folder


@pytest.fixture(scope="session")
def server(serving, version_folder):
    """`http://HOST:PORT` of a server of the model `landscapes`."""
    with serving.serve(version_folder, "landscapes") as url:
        yield url


@pytest.fixture(scope="session")
def noisy_url(serving, noisy_artifacts):
    """URL of a served model that takes noise."""
    with serving.serve(noisy_artifacts / "1", "noisy") as url:
        yield f"{url}/v1/models/noisy"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    """Loopback is reached directly, whatever proxy the machine uses."""
    monkeypatch.setenv("no_proxy", "*")
