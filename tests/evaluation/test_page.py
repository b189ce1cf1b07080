import html.parser
import re
import shutil
import subprocess

import numpy as np
import pytest

from colorize_tf import imagefiles
from colorize_tf.evaluation import page
from colorize_tf.evaluation.charts import hue_chart
from colorize_tf.evaluation.page import Chart, Row, Section, Tile, check_free, write_page

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "headless_shell")


def sections():
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    return [
        Section(
            "Figures", "How.", table=[["", *"abcdefghijkl"], ["a long name", *12 * ["1.00 ±2"]]]
        ),
        Section("Charts", charts=[Chart("by hue", hue_chart({"run": np.arange(12.0)}))] * 3),
        Section(
            "Pictures",
            rows=[Row("1.png", [Tile(f"{i}", image) for i in range(6)], [Tile("large", image)])],
        ),
    ]


def test_page_is_self_contained(tmp_path):
    text = write_page(tmp_path / "report", "Title", sections()).read_text()
    sources = re.findall(r'(?:src|href|url)\s*[=(]\s*"?([^">]{5})', text)
    assert len(sources) == 10 and set(sources) == {"data:"}
    assert "<script" not in text and "@import" not in text
    assert [path.name for path in (tmp_path / "report").iterdir()] == [page.PAGE]


def test_page_is_well_formed(tmp_path):
    open_tags = []

    class Parser(html.parser.HTMLParser):
        def handle_starttag(self, tag, attributes):
            if tag not in ("meta", "img"):
                open_tags.append(tag)

        def handle_endtag(self, tag):
            assert open_tags.pop() == tag

    Parser().feed(write_page(tmp_path / "report", "Title", sections()).read_text())
    assert open_tags == []


def test_names_are_escaped(tmp_path):
    name = '<script>alert("x")</script> & co'
    image = np.zeros((8, 8, 3), np.uint8)
    section = Section(name, name, [["", name], [name, name]], rows=[Row(name, [Tile(name, image)])])
    text = write_page(tmp_path / "report", name, [section]).read_text()
    assert "<script" not in text and '"x"' not in text
    assert text.count("&lt;script&gt;") == 10


@pytest.mark.parametrize("make", ["mkdir", "touch"])
def test_existing_folders_and_files_are_refused(tmp_path, make):
    getattr(tmp_path / "report", make)()
    with pytest.raises(ValueError, match="report exists already; choose another --report"):
        check_free(tmp_path / "report")
    with pytest.raises(ValueError, match="exists already"):
        write_page(tmp_path / "report", "Title", [])
    assert (tmp_path / "report").is_dir() == (make == "mkdir")


def test_missing_parent_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no folder .*nowhere to write .*; make it first"):
        check_free(tmp_path / "nowhere/report")


def test_failed_write_leaves_nothing(tmp_path, monkeypatch):
    def full(*arguments, **options):
        raise OSError("disk full")

    monkeypatch.setattr("pathlib.Path.write_text", full)
    with pytest.raises(OSError, match="disk full"):
        write_page(tmp_path / "report", "Title", sections())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("width", [390, 1280])
def test_browser_shows_the_page(tmp_path, width):
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip(f"no browser on PATH: none of {', '.join(BROWSERS)}")
    path = write_page(tmp_path / "report", "Title", sections())
    picture = tmp_path / "picture.png"
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},1600"]
    command += [f"--screenshot={picture}", path.as_uri()]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    image = imagefiles.read_image(picture)
    assert image.shape[1] == width
    # Something from the top to below the middle, and a white margin at the right: nothing but the
    # table, which scrolls by itself, is wider than the window.
    assert all(part.std() > 5 for part in np.array_split(image[:1200], 4))
    assert np.all(image[:, -8:] == 255)
