import base64
import json
import os
import re
import subprocess
import sys
import threading
import urllib.error
import urllib.request
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import tensorflow as tf

from colorize_tf import colorize, imagefiles
from colorize_tf.artifacts.saved_model import load_saved_model
from colorize_tf.data.synthetic.landscapes import render_landscape
from colorize_tf.inference import remote
from colorize_tf.inference.colorizer import Colorizer
from colorize_tf.inference.errors import ModelUnavailableError


def examples():
    """The clients in docs/serving.md: curl, Python over REST, Python over gRPC."""
    page = (Path(__file__).parents[2] / "docs/serving.md").read_text()
    blocks = re.findall(r"```(?:bash|python)\n(.*?)```", page, re.DOTALL)
    return [block for block in blocks if "old.jpg" in block]


def ask(url, request=None):
    """What curl would get: status and parsed JSON."""
    body = None if request is None else json.dumps(request).encode()
    try:
        with urllib.request.urlopen(url, body, timeout=60) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def packed(contents):
    return {"b64": base64.b64encode(contents).decode()}


def unpacked(answer):
    contents = np.frombuffer(base64.b64decode(answer["b64"]), np.uint8)
    return cv2.imdecode(contents, cv2.IMREAD_COLOR_RGB)


def encoded(image, suffix):
    return cv2.imencode(suffix, image[..., ::-1])[1].tobytes()


def png_of(width, height):
    """A whole PNG of one color; its pixels are not held in memory."""
    compressor, row = zlib.compressobj(), bytes(width + 1)
    data = b"".join([compressor.compress(row) for _ in range(height)]) + compressor.flush()
    chunks = [
        (b"IHDR", width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 0, 0, 0, 0])),
        (b"IDAT", data),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
        for kind, data in chunks
    )


# The served model, asked as any client would ask it


@pytest.fixture
def url(server):
    return f"{server}/v1/models/landscapes"


def test_files_of_several_sizes_are_served_as_png_of_the_same_sizes(url):
    files = [
        encoded(render_landscape(1, 40, 60), ".jpg"),
        encoded(render_landscape(2, 33, 20), ".png"),
    ]
    status, answer = ask(f"{url}:predict", {"instances": [packed(file) for file in files]})
    assert status == 200
    assert [unpacked(item).shape for item in answer["predictions"]] == [(40, 60, 3), (33, 20, 3)]


def test_column_and_row_requests_are_equivalent(url):
    file = packed(encoded(render_landscape(1, 24, 30), ".png"))
    _, rows = ask(f"{url}/versions/1:predict", {"instances": [{"image_bytes": file}]})
    _, columns = ask(f"{url}:predict", {"inputs": {"image_bytes": [file]}})
    assert rows["predictions"] == columns["outputs"]


def test_pixel_and_file_signatures_agree(url):
    image = render_landscape(1, 24, 30)
    request = {"signature_name": "colorize", "instances": [image.tolist()]}
    _, pixels = ask(f"{url}:predict", request)
    _, file = ask(f"{url}:predict", {"instances": [packed(encoded(image, ".png"))]})
    np.testing.assert_array_equal(pixels["predictions"][0], unpacked(file["predictions"][0]))


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        (b"no image", "is no JPEG, PNG, BMP or GIF file"),
        (b"", "is no JPEG, PNG, BMP or GIF file"),
        (encoded(render_landscape(1, 40, 60), ".png")[:-200], "is damaged or cut short"),
        (png_of(10_000, 10_000), "is too large: 10000 x 10000 pixels, at most 40 megapixels"),
    ],
    ids=["text", "empty", "cut short", "100 megapixels"],
)
def test_an_invalid_image_is_named_and_the_server_keeps_running(url, contents, words):
    good = packed(encoded(render_landscape(1, 24, 30), ".png"))
    status, answer = ask(f"{url}:predict", {"instances": [good, packed(contents), good]})
    assert status == 400
    assert f"image 1 of the batch {words}" in answer["error"]
    assert ask(f"{url}:predict", {"instances": [good]})[0] == 200


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"instances": [{"b64": "*"}]}, "base64"),
        ({"instances": []}, "instances"),
        ({}, "Missing"),
        ({"signature_name": "repair", "instances": ["x"]}, "repair"),
        ({"signature_name": "predict_ab", "instances": ["x"]}, "float"),
        ({"signature_name": "predict_ab", "instances": [[[0.5]]]}, "shape"),
    ],
)
def test_an_invalid_request_is_a_400_with_a_reason(url, request_, words):
    status, answer = ask(f"{url}:predict", request_)
    assert status == 400
    assert words in answer["error"]


def test_status_metadata_and_missing_models(server, url):
    assert ask(url)[1]["model_version_status"][0]["state"] == "AVAILABLE"
    described = ask(f"{url}/metadata")[1]["metadata"]["signature_def"]["signature_def"]
    assert {"serving_default", "colorize", "predict_ab"} <= set(described)
    assert ask(f"{url}/versions/7") == (
        404,
        {"error": "Servable not found for request: Specific(landscapes, 7)"},
    )
    assert ask(f"{server}/v1/models/seas:predict", {"instances": []})[0] == 404


# The clients in docs/serving.md, word for word except for the address


@pytest.fixture
def photo_folder(tmp_path):
    gray = render_landscape(4, 50, 70).mean(axis=-1, keepdims=True)
    imagefiles.write_image(tmp_path / "old.jpg", gray.astype(np.uint8).repeat(3, axis=-1))
    return tmp_path


def check_example(folder, finished, version_folder):
    assert (finished.returncode, finished.stderr) == (0, "")
    old, new = (imagefiles.read_image(folder / name).astype(int) for name in ("old.jpg", "new.png"))
    served = load_saved_model(version_folder).signatures["colorize"]
    expected = served(images=tf.constant(old[np.newaxis], tf.uint8))["colorized"][0].numpy()
    assert new.shape == old.shape
    assert np.abs(new - old).max() > 5
    assert np.abs(new - expected.astype(int)).mean() < 2  # two ways to decode a JPEG


def run_python(code, folder):
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True
    )


def test_the_documented_curl_example(server, photo_folder, version_folder):
    example = examples()[0].replace("http://localhost:8501", server)
    assert server in example
    finished = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", example],
        cwd=photo_folder,
        capture_output=True,
        text=True,
    )
    check_example(photo_folder, finished, version_folder)


def test_the_documented_python_example(server, photo_folder, version_folder):
    example = examples()[1].replace("http://localhost:8501", server)
    assert server in example
    check_example(photo_folder, run_python(example, photo_folder), version_folder)


def test_the_documented_grpc_example(serving, photo_folder, version_folder):
    pytest.importorskip("tensorflow_serving")
    with serving.serve_grpc(version_folder, "landscapes") as address:
        example = examples()[2].replace("localhost:8500", address)
        assert address in example
        finished = run_python(example, photo_folder)
    assert finished.returncode == 0, finished.stderr
    finished.stderr = ""  # TensorFlow's start-up messages
    check_example(photo_folder, finished, version_folder)


# The remote colorizer


@pytest.mark.parametrize("end", ["", "/", "/versions/1"])
def test_remote_and_local_colorizers_agree(url, version_folder, end):
    image = render_landscape(3, 70, 110)
    answer = Colorizer.load(url + end)(image).astype(int)
    assert np.abs(answer - image).max() > 5
    assert np.abs(answer - Colorizer.load(version_folder)(image)).max() <= 2


def test_a_remote_colorizer_sends_its_z(noisy_url, noisy_artifacts):
    image = render_landscape(3, 70, 110)
    z = np.float32([0.5, -1.0, 2.0])
    remote_one, local = Colorizer.load(noisy_url), Colorizer.load(noisy_artifacts / "1")
    assert remote_one.z_size == 3
    answer = remote_one(image, z).astype(int)
    assert np.abs(answer - local(image, z)).max() <= 2
    assert np.abs(answer - remote_one(image)).max() > 10
    assert np.abs(remote_one(image).astype(int) - local(image)).max() <= 2


def test_a_served_model_without_noise_refuses_z(url):
    colorizer = Colorizer.load(url)
    assert colorizer.z_size == 0
    with pytest.raises(ValueError, match="this model takes no noise"):
        colorizer(render_landscape(3, 20, 30), np.zeros(3))


@pytest.mark.parametrize("model", ["url", "noisy.tflite"])
def test_the_command_writes_samples(noisy_url, noisy_artifacts, photo_folder, model):
    model = noisy_url if model == "url" else noisy_artifacts / model
    old, new = (str(photo_folder / name) for name in ("old.jpg", "new.png"))
    arguments = [old, "-o", new, "--model", str(model), "--samples", "3", "--seed", "7"]
    assert colorize.main(arguments) == 0
    written = sorted(path.name for path in photo_folder.iterdir())
    assert written == ["new-1.png", "new-2.png", "new-3.png", "old.jpg"]
    random, colorizer = np.random.default_rng(7), Colorizer.load(noisy_artifacts / "noisy.keras")
    for number in (1, 2, 3):
        z = random.standard_normal(3, np.float32)
        expected = colorizer(imagefiles.read_image(old), z).astype(int)
        sample = imagefiles.read_image(photo_folder / f"new-{number}.png")
        assert np.abs(expected - sample).max() <= 2


def test_sampling_with_a_tflite_never_imports_tensorflow(noisy_artifacts, photo_folder):
    old, new = (str(photo_folder / name) for name in ("old.jpg", "new.png"))
    model = str(noisy_artifacts / "noisy.tflite")
    code = f"""
import sys
from colorize_tf import colorize
assert colorize.main([{old!r}, "-o", {new!r}, "--model", {model!r}, "--samples", "2"]) == 0
assert not {{"tensorflow", "keras"}} & set(sys.modules)
"""
    finished = run_python(code, Path(remote.__file__).parents[2])
    assert finished.returncode == 0, finished.stderr


def test_the_command_uses_a_served_model(url, photo_folder, capsys):
    old, new = (str(photo_folder / name) for name in ("old.jpg", "new.png"))
    assert colorize.main([old, "-o", new, "--model", url]) == 0
    assert imagefiles.read_image(new).shape == (50, 70, 3)
    assert colorize.main([old, "-o", new, "--overwrite", "--model", f"{url}/versions/7"]) == 2
    error = capsys.readouterr().err
    assert "no model at" in error and error.count("\n") == 1


def test_a_remote_colorizer_never_imports_tensorflow(url):
    code = f"""
import sys
import numpy as np
from colorize_tf.inference.colorizer import Colorizer
Colorizer.load({url!r})(np.zeros((20, 30, 3), np.uint8))
assert not {{"tensorflow", "keras"}} & set(sys.modules)
"""
    finished = run_python(code, Path(remote.__file__).parents[2])
    assert finished.returncode == 0, finished.stderr


# What a server may answer instead


@pytest.fixture
def pauses(monkeypatch):
    """The pauses that were made, none of which is waited for."""
    pauses = []
    monkeypatch.setattr(remote, "sleep", pauses.append)
    return pauses


def metadata(size=4, name="predict_ab", channels=2):
    def tensor(last):
        return {"tensor_shape": {"dim": [{"size": str(n)} for n in (-1, size, size, last)]}}

    signature = {"inputs": {"lightness": tensor(1)}, "outputs": {"ab": tensor(channels)}}
    return {"metadata": {"signature_def": {"signature_def": {name: signature}}}}


def noisy_metadata(size=4, z=(-1, 3), **others):
    described = metadata()
    signatures = described["metadata"]["signature_def"]["signature_def"]
    tensors = {"lightness": (-1, size, size, 1), "z": z} | others
    signatures["sample_ab"] = {
        "inputs": {
            name: {"tensor_shape": {"dim": [{"size": str(n)} for n in shape]}}
            for name, shape in tensors.items()
            if shape is not None
        }
    }
    return described


@pytest.fixture
def scripted(serving):
    """Serves the given answers one after another, the last one for ever; counts the requests."""
    running = []

    def start(*answers):
        waiting, requests = list(answers), []

        def answer(method, path, body):
            requests.append((method, path))
            status, content = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            if callable(content):
                content = content()
            return status, content if isinstance(content, bytes) else json.dumps(content).encode()

        running.append(serving.http_server(answer))
        return f"{running[-1].__enter__()}/v1/models/m", requests

    yield start
    for server in running:
        server.__exit__(None, None, None)


LIGHTNESS = np.zeros((1, 4, 4, 1), np.float32)
AB = {"predictions": np.zeros((1, 4, 4, 2)).tolist()}


def drop():
    raise ConnectionError  # the handler ends, and the connection with it


@pytest.mark.parametrize(
    "fault", [(429, b""), (502, b"<html>"), (503, b""), (504, b""), (200, drop)]
)
def test_transient_errors_are_retried_with_backoff(scripted, pauses, fault):
    url, requests = scripted((200, metadata()), fault, fault, (200, AB))
    np.testing.assert_array_equal(remote.RemotePredictor(url)(LIGHTNESS), np.zeros((1, 4, 4, 2)))
    assert pauses == [0.5, 1.0]
    assert [method for method, _ in requests] == ["GET", "POST", "POST", "POST"]


def test_four_transient_errors_are_an_error(scripted, pauses):
    url, requests = scripted((503, {"error": "loading"}))
    with pytest.raises(ModelUnavailableError, match=r"refused the request \(503\): loading"):
        remote.RemotePredictor(url)
    assert pauses == [0.5, 1.0, 2.0]
    assert len(requests) == 4


@pytest.mark.parametrize("status", [400, 500])
def test_a_refused_request_is_not_retried(scripted, pauses, status):
    url, requests = scripted((200, metadata()), (status, {"error": "not\nlike this"}))
    told = rf"{url} refused the request \({status}\): not like this"
    with pytest.raises(ValueError, match=told) as error:
        remote.RemotePredictor(url)(LIGHTNESS)
    assert not isinstance(error.value, ModelUnavailableError)
    assert pauses == []
    assert len(requests) == 2


def test_a_timeout_is_an_error(scripted, pauses):
    answered = threading.Event()
    url, _ = scripted((200, lambda: answered.wait(30) and b"{}"))
    try:
        with pytest.raises(ModelUnavailableError, match=f"no response from {url}: timed out"):
            remote.RemotePredictor(url, timeout=0.05, attempts=2)
    finally:
        answered.set()
    assert pauses == [0.5]


def test_an_unreachable_server_is_an_error(serving, pauses):
    with serving.http_server(None) as gone:
        pass
    with pytest.raises(ValueError, match=f"no response from {gone}/v1/models/m: .*refused"):
        Colorizer.load(f"{gone}/v1/models/m")


def test_unknown_models_and_versions_are_named(server, url, pauses):
    with pytest.raises(
        ValueError, match=f"no model at {server}/v1/models/seas: Servable not found"
    ):
        Colorizer.load(f"{server}/v1/models/seas")
    with pytest.raises(ValueError, match=f"no model at {url}/versions/7"):
        Colorizer.load(f"{url}/versions/7")
    assert pauses == []


@pytest.mark.parametrize(
    ("described", "words"),
    [
        (metadata(name="classify"), "no signature predict_ab .* only classify"),
        (metadata(channels=3), "gives ab"),
        (metadata(size=-1), "takes lightness"),
        (noisy_metadata(size=8), r"\[\[-1, 8, 8, 1\], \[-1, 3\]\] in sample_ab, expected \[-1, 4"),
        (noisy_metadata(z=(-1, -1)), r"\[-1, -1\]\] in sample_ab, expected .* \[-1, z_size\]"),
        (noisy_metadata(z=()), "has a sample_ab without lightness and z"),
        (noisy_metadata(z=None), "has a sample_ab without lightness and z"),
        ({"model": "another"}, "as TensorFlow Serving does"),
        ([], "as TensorFlow Serving does"),
        (b"<html>hello</html>", "responded with '<html>hello</html>', expected JSON"),
    ],
)
def test_another_kind_of_model_is_refused(scripted, described, words):
    url, _ = scripted((200, described))
    with pytest.raises(ValueError, match=words) as error:
        remote.RemotePredictor(url)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"hello", "responded with 'hello', expected JSON"),
        (b"", "responded with '', expected JSON"),
        ({"outputs": []}, r"without predictions of shape \(1, 4, 4, 2\)"),
        ({"predictions": [[1, [2]]]}, "without predictions"),
        ({"predictions": [[1, 2]]}, r"predicted shape \(1, 2\)"),
        ({"predictions": np.full((1, 4, 4, 2), np.nan).tolist()}, "predicted NaN"),
    ],
)
def test_a_malformed_response_is_an_error(scripted, answer, words):
    url, _ = scripted((200, metadata()), (200, answer))
    with pytest.raises(ValueError, match=words):
        remote.RemotePredictor(url)(LIGHTNESS)


def test_a_request_over_the_size_limit_is_not_sent(scripted):
    url, requests = scripted((200, metadata()))
    predictor = remote.RemotePredictor(url, max_payload=10_000)
    with pytest.raises(ValueError, match="the limit is 10000; send fewer pictures at once"):
        predictor(np.zeros((400, 4, 4, 1), np.float32))
    assert len(requests) == 1


def test_a_response_over_the_size_limit_is_refused(scripted):
    url, _ = scripted((200, metadata()))
    with pytest.raises(ValueError, match="responded with more than 100 bytes"):
        remote.RemotePredictor(url, max_payload=100)


@pytest.mark.parametrize(
    "url",
    [
        "http://",
        "http://host:8501",
        "http://host:port/v1/models/m",
        "http://host/v1/models/",
        "http://host/v1/models/m:predict",
        "http://host/v1/models/m?version=1",
        "http://me:secret@host/v1/models/m",
        "https://host/v1/models/m/versions/first",
    ],
)
def test_a_malformed_url_is_refused_without_a_request(url):
    with pytest.raises(ValueError, match="expected http://HOST:8501/v1/models/NAME"):
        Colorizer.load(url)
