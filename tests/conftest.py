"""Pictures, networks and runs that several tests share."""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import types

import h5py
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from colorize_tf import imagefiles
from colorize_tf.artifacts.tflite.join import packed
from colorize_tf.data.synthetic.landscapes import render_landscape

# A shell starts background jobs with SIGINT ignored, and every child process would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    """Put files with slow tests first, so that all processes end at about the same time."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def landscapes(tmp_path_factory):
    """Paths of twelve rendered landscapes, 96 pixels wide and 80 high."""
    folder = tmp_path_factory.mktemp("landscapes")
    paths = [folder / f"{index:02}.png" for index in range(12)]
    for index, path in enumerate(paths):
        imagefiles.write_image(path, render_landscape(index, 80, 96))
    return paths


@pytest.fixture(scope="session")
def generator():
    """A float32 generator of 32 pixels whose predictions are not zero."""
    from colorize_tf.models.unet import unet

    generator = unet(32, widths=(8, 16, 16), name="test_unet")
    random = np.random.default_rng(0)
    generator.set_weights(
        [
            np.abs(weight) + 0.5 if weight.ndim == 1 else random.normal(0, 0.2, weight.shape)
            for weight in generator.get_weights()
        ]
    )
    return generator


@pytest.fixture(scope="session")
def calm(generator):
    """A generator with chroma like a trained one's: `ab` within 0.5."""
    import keras

    calm = keras.models.clone_model(generator)
    *weights, kernel, bias = generator.get_weights()
    calm.set_weights([*weights, kernel * 0.05, bias * 0.1])
    return calm


@pytest.fixture(scope="session")
def noisy(calm):
    """A generator that takes a z of three; zeros make it `calm`."""
    from colorize_tf.models.unet import unet

    noisy = unet(32, widths=(8, 16, 16), z_size=3, name="noisy")
    kernel, *others = calm.get_weights()
    of_z = np.random.default_rng(1).normal(0, 0.1, (4, 4, 3, 8))
    noisy.set_weights([np.concatenate([kernel, of_z], axis=2), *others])
    return noisy


@pytest.fixture(scope="session")
def squeezenet():
    """Shapes of SqueezeNet's kernels, and a function that writes random ones as Keras 1 did."""
    kernels = {"conv1": (3, 3, 3, 64)}
    channels = [64, 128, 128, 256, 256, 384, 384, 512]
    squeezed = [16, 16, 32, 32, 48, 48, 64, 64]
    for fire, seen, narrow in zip(range(2, 10), channels, squeezed, strict=True):
        kernels[f"fire{fire}/squeeze1x1"] = (1, 1, seen, narrow)
        kernels[f"fire{fire}/expand1x1"] = (1, 1, narrow, 4 * narrow)
        kernels[f"fire{fire}/expand3x3"] = (3, 3, narrow, 4 * narrow)

    def write(path, kernels=kernels, *, scale=0.2):
        random = np.random.default_rng(0)
        with h5py.File(path, "w") as file:
            for layer, shape in kernels.items():
                group = file.create_group(layer)
                group.attrs["weight_names"] = [b"kernel", f"{layer}_b".encode()]
                group["kernel"] = random.normal(0, scale, shape).astype("float32")
                group[f"{layer}_b"] = random.normal(0, scale, shape[-1:]).astype("float32")
            file.create_group("drop9").attrs["weight_names"] = np.zeros(0)
        return path

    return types.SimpleNamespace(kernels=kernels, write=write)


@pytest.fixture(scope="session")
def tiny_tflite(tmp_path_factory):
    """A `.tflite` of 32 pixels, made without TensorFlow: one convolution from lightness to ab."""
    floats = schema.TensorType.FLOAT32
    tensors = [
        schema.TensorT(shape=shape, type=floats, buffer=buffer, name=name)
        for name, shape, buffer in [
            ("lightness", [1, 32, 32, 1], 0),
            ("kernel", [2, 1, 1, 1], 1),
            ("bias", [2], 2),
            ("ab", [1, 32, 32, 2], 0),
        ]
    ]
    options = schema.Conv2DOptionsT(strideW=1, strideH=1)
    operator = schema.OperatorT(
        inputs=[0, 1, 2],
        outputs=[3],
        builtinOptionsType=schema.BuiltinOptions.Conv2DOptions,
        builtinOptions=options,
    )
    conv = schema.BuiltinOperator.CONV_2D
    graph = schema.SubGraphT(tensors=tensors, inputs=[0], outputs=[3], operators=[operator])
    signature = schema.SignatureDefT(
        signatureKey="predict_ab",
        inputs=[schema.TensorMapT(name="lightness", tensorIndex=0)],
        outputs=[schema.TensorMapT(name="ab", tensorIndex=3)],
    )
    weights = [np.float32(values).view(np.uint8) for values in ([-0.2, 0.3], [0.1, 0.2])]
    model = schema.ModelT(
        version=3,
        operatorCodes=[schema.OperatorCodeT(builtinCode=conv, deprecatedBuiltinCode=conv)],
        subgraphs=[graph],
        buffers=[schema.BufferT(), *(schema.BufferT(data=data) for data in weights)],
        signatureDefs=[signature],
    )
    path = tmp_path_factory.mktemp("tiny") / "tiny.tflite"
    path.write_bytes(packed(model))
    return path


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory):
    """A folder of this session that all processes of pytest-xdist share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def built_once(shared_folder):
    """Return a function that calls `build(folder)` once for all processes; returns the folder."""

    def built_once(name, build):
        folder = shared_folder / name
        with open(shared_folder / f"{name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.exists():
                folder.mkdir()
                with contextlib.ExitStack() as on_error:
                    on_error.callback(shutil.rmtree, folder)
                    build(folder)
                    on_error.pop_all()
        return folder

    return built_once


@pytest.fixture(scope="session")
def cache_home(shared_folder):
    """A cache folder for this session, so that landscapes are rendered once."""
    folder = shared_folder / "cache"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def offline(cache_home, monkeypatch):
    """Hide shared photographs and the user's cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache_home))
    monkeypatch.delenv("COLORIZE_TF_DATA", raising=False)


@pytest.fixture(scope="session")
def run_command(cache_home):
    """Return a function that runs a command in a process of its own, as a user does."""

    def run(name, *arguments):
        environment = {**os.environ, "XDG_CACHE_HOME": str(cache_home)}
        environment.pop("COLORIZE_TF_DATA", None)
        return subprocess.run(
            [sys.executable, "-m", f"colorize_tf.{name}", *map(str, arguments)],
            env=environment,
            capture_output=True,
            text=True,
        )

    return run


@pytest.fixture
def exports(monkeypatch):
    """The folders that training would export to; replaces the export, which takes long."""
    folders = []

    def export_artifacts(generator, folder, **_):
        folders.append(folder)
        return {}

    monkeypatch.setattr("colorize_tf.experiment.results.export_artifacts", export_artifacts)
    return folders


@pytest.fixture(scope="session")
def tiny_run(built_once, run_command):
    """The folder of a finished run of recipe tiny, and what it printed."""

    def train(folder):
        flags = ["--recipe", "tiny", "--dataset", "synthetic", "--epochs", "2"]
        output = run_command("train", *flags, "--run-dir", folder / "tiny")
        assert output.returncode == 0, output.stderr
        printed = {"stdout": output.stdout, "stderr": output.stderr}
        (folder / "printed.json").write_text(json.dumps(printed))

    folder = built_once("runs", train)
    printed = json.loads((folder / "printed.json").read_text())
    return folder / "tiny", types.SimpleNamespace(**printed)
