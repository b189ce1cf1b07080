import os
import socket
import sys

import pytest

from colorize_tf.demo_app.server import check_address, prepare_gradio

SETTINGS = ("GRADIO_TEMP_DIR", "GRADIO_ANALYTICS_ENABLED", "HF_HUB_DISABLE_TELEMETRY")


@pytest.fixture
def environment(monkeypatch):
    """Environment variables that monkeypatch restores."""
    for name in (*SETTINGS, "no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "before")


def test_missing_gradio_names_the_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "gradio", None)
    with pytest.raises(ValueError, match=r'pip install "colorize_tf\[demo\]"$'):
        prepare_gradio(tmp_path, "127.0.0.1")


def test_gradio_gets_no_telemetry_and_one_folder_of_files(environment, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "gradio", pytest)  # any module will do
    prepare_gradio(tmp_path, "127.0.0.1")
    assert [os.environ[name] for name in SETTINGS] == [str(tmp_path), "False", "1"]
    assert os.environ["no_proxy"] == os.environ["NO_PROXY"] == "before,localhost,127.0.0.1"


def test_port_in_use_is_an_error():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ValueError, match=f"127.0.0.1, port {port}: .+; choose another --port"):
            check_address("127.0.0.1", port)
    check_address("127.0.0.1", port)


def test_foreign_address_is_an_error():
    with pytest.raises(ValueError, match="cannot serve at 192.0.2.1, port 7860: "):
        check_address("192.0.2.1", 7860)
