import logging

import numpy as np
import pytest

from colorize_tf import colorize_files, imagefiles
from colorize_tf.data.synthetic.landscapes import render_landscape
from colorize_tf.inference.colorizer import Colorizer


@pytest.fixture
def scans(tmp_path, monkeypatch):
    """A folder of two gray photographs; `tmp_path` is the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scans").mkdir()
    for name in ("a.jpg", "b.png"):
        gray = render_landscape(1, 30, 40).mean(axis=-1, keepdims=True).astype(np.uint8)
        imagefiles.write_image(tmp_path / "scans" / name, gray.repeat(3, axis=-1))
    return tmp_path / "scans"


def test_a_folder_gives_a_summary_and_prints_nothing(scans, tiny_tflite, capsys, caplog):
    (scans / "text.jpg").write_text("no image")
    caplog.set_level(logging.INFO)
    summary = colorize_files(scans, "out", model=tiny_tflite)
    assert (summary.done, summary.total, summary.left) == (2, 3, 0)
    assert summary.failed == {"unsupported": 1}
    [message] = summary.messages
    assert "scans/text.jpg" in message and caplog.messages == [message]
    assert capsys.readouterr() == ("", "")
    again = colorize_files("scans", "out", model=tiny_tflite)
    assert again.skipped == {"done before": 2}


def test_a_file_equals_the_result_of_the_colorizer(scans, tiny_tflite):
    summary = colorize_files(scans / "b.png", "new.png", model=tiny_tflite, intensity=0.5)
    assert str(summary) == "1 done"
    expected = Colorizer.load(tiny_tflite)(scans / "b.png", intensity=0.5)
    np.testing.assert_array_equal(imagefiles.read_image("new.png"), expected)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"intensity": 3}, "--intensity must be .* at most 2, got 3"),
        ({"seed": 1}, "--seed chooses samples"),
        ({"overwrite": True, "skip_existing": True}, "exclude each other"),
        ({"model": "gone"}, "no model at gone"),
    ],
)
def test_a_wrong_option_is_a_value_error(scans, options, words):
    with pytest.raises(ValueError, match=words):
        colorize_files("scans", "out", **options)
    assert not (scans.parent / "out").exists()
