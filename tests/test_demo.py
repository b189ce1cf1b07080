"""The demo's command, and its page in headless Chromium if that is installed."""

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile

import cv2
import numpy as np
import pytest

from colorize_tf import demo, imagefiles
from colorize_tf.data.synthetic.landscapes import render_landscape

with_gradio = pytest.mark.skipif(
    importlib.util.find_spec("gradio") is None, reason="needs gradio, the extra demo"
)
FLAGS = ["--max-megapixels", "1", "--max-megabytes", "2", "--max-files", "3"]
# Without these flags Chromium contacts its own hosts at each start.
QUIET = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync
--disable-background-networking --disable-component-update --window-size=1280,1000""".split()
SECONDS = 120


def gray_landscape(path, seed=1, height=90, width=140):
    luma = cv2.cvtColor(render_landscape(seed, height, width), cv2.COLOR_RGB2GRAY)
    imagefiles.write_image(path, np.repeat(luma[..., np.newaxis], 3, axis=-1))
    return path


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextlib.contextmanager
def started(folder, *arguments):
    """Start the demo with its temporary files in `folder`; yield its process and URL."""
    port = free_port()
    command = [sys.executable, "-m", "colorize_tf.demo", "--port", str(port), *map(str, arguments)]
    environment = {**os.environ, "TMPDIR": str(folder)}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, **streams) as process:
        try:
            line = process.stdout.readline()
            assert line == f"the demo is at http://127.0.0.1:{port}/ until Ctrl-C\n", (
                process.communicate()[1]
            )
            yield process, f"http://127.0.0.1:{port}/"
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(SECONDS)


def files(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


# The command


def run(capsys, *arguments):
    try:
        code = demo.main([str(argument) for argument in arguments])
    except SystemExit as end:  # argparse's own
        code = end.code
    return code, capsys.readouterr().err


def test_missing_model_is_an_error_of_one_line(capsys, tmp_path):
    code, errors = run(capsys, "--port", free_port(), "--model", tmp_path / "none.tflite")
    assert code == 2
    assert errors.startswith(f"error: no model at {tmp_path}/none.tflite; expected ")
    assert errors.count("\n") == 1


def test_missing_gradio_is_an_error_of_one_line(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    code, errors = run(capsys, "--port", free_port())
    assert code == 2
    assert errors.count("\n") == 1 and 'pip install "colorize_tf[demo]"' in errors


def test_port_in_use_is_an_error_of_one_line(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, errors = run(capsys, "--port", taken.getsockname()[1])
    assert code == 2
    assert errors.count("\n") == 1 and errors.endswith("; choose another --port\n")


@pytest.mark.parametrize("flag", ["--port", "--max-files", "--max-megapixels", "--max-megabytes"])
def test_limits_must_be_positive(capsys, flag):
    code, errors = run(capsys, flag, "0")
    assert code == 2 and f"argument {flag}: must be at least" in errors


@with_gradio
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_the_demo_and_its_files_are_removed(tiny_tflite, tmp_path, number):
    with started(tmp_path, "--model", tiny_tflite) as (process, _):
        assert files(tmp_path)
        process.send_signal(number)
        output, errors = process.communicate(timeout=SECONDS)
    assert (process.returncode, output, errors) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


# The page


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture(scope="module")
def address(tiny_tflite, workspace):
    with started(workspace, "--model", tiny_tflite, *FLAGS) as (_, address):
        yield address


@with_gradio
def test_content_security_policy_allows_no_other_host(address):
    with urllib.request.urlopen(address) as answer:
        policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self' data: blob:;") and "http" not in policy


@with_gradio
def test_server_refuses_a_too_large_upload(address, workspace):
    before = files(workspace)
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n'
    request = urllib.request.Request(
        f"{address}gradio_api/upload",
        head + bytes(2_100_000) + b"\r\n--x--\r\n",
        {"Content-Type": "multipart/form-data; boundary=x"},
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    assert caught.value.code == 413 and "size" in caught.value.read().decode()
    caught.value.close()
    assert files(workspace) == before


@pytest.fixture(scope="module")
def browser(tmp_path_factory, address):
    """Chromium, driven by selenium; downloads go to `browser.downloads`."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium, the extra dev")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("needs chromium and chromedriver on the PATH")
    folder = tmp_path_factory.mktemp("browser")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*QUIET, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    options.add_experimental_option(
        "prefs", {"download.default_directory": str(folder / "downloads")}
    )
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    browser = webdriver.Chrome(options, webdriver.ChromeService(driver))
    browser.downloads = folder / "downloads"
    yield browser
    browser.quit()


class Page:
    """The page in a browser, with the actions of the tests."""

    def __init__(self, browser, address):
        self.browser = browser
        shutil.rmtree(browser.downloads, ignore_errors=True)
        browser.get(address)
        self.wait(lambda: self.title() == "meadow and forest.jpg")

    def wait(self, condition):
        from selenium.webdriver.support.ui import WebDriverWait

        return WebDriverWait(self.browser, SECONDS, 0.1).until(lambda _: condition())

    def find(self, selector):
        return self.browser.find_elements("css selector", selector)

    def first(self, selector):
        return self.wait(lambda: self.find(selector))[0]

    def title(self):
        return self.browser.execute_script(
            "return document.querySelector('.comparison b')?.innerText"
        )

    def drop(self, *paths, zone="#drop"):
        self.first(f"{zone} input[type=file]").send_keys("\n".join(map(str, paths)))

    def click(self, selector):
        self.wait(lambda: self.first(selector).is_displayed())
        self.first(selector).click()

    def downloaded(self, name):
        path = self.browser.downloads / name
        self.wait(path.is_file)
        return path

    def message(self):
        return self.wait(lambda: self.first("[data-testid=toast-body]").text)


@pytest.fixture
def page(browser, address):
    return Page(browser, address)


@with_gradio
def test_downloaded_file_equals_that_of_colorize(page, run_command, tiny_tflite, tmp_path):
    source = gray_landscape(tmp_path / "old.jpg")
    page.drop(source)
    page.wait(lambda: page.title() == "old.jpg")
    page.click("#save")
    downloaded = page.downloaded("old.jpg").read_bytes()
    new = tmp_path / "new.jpg"
    assert run_command("colorize", source, "-o", new, "--model", tiny_tflite).returncode == 0
    assert downloaded == new.read_bytes()


@with_gradio
def test_several_photographs_are_selected_singly_and_downloaded_together(page, tmp_path):
    page.drop(*(gray_landscape(tmp_path / f"{name}.png", ord(name)) for name in "ab"))
    page.wait(lambda: page.title() == "a.png")
    page.wait(lambda: len(page.find("#thumbnails .thumbnail-item img")) == 2)
    page.find("#thumbnails .thumbnail-item")[1].click()
    page.wait(lambda: page.title() == "b.png")
    page.click("#save-all")
    with zipfile.ZipFile(page.downloaded("photographs in color.zip")) as archive:
        assert archive.namelist() == ["a.png", "b.png"]
        assert archive.testzip() is None


@with_gradio
def test_intensity_changes_the_picture(page):
    def source():
        return page.first(".comparison .color").get_attribute("src")

    before = source()
    page.first("input[type=range][aria-label*=Intensity]").send_keys("\ue012\ue012")  # arrow left
    page.wait(lambda: source() != before)


@with_gradio
def test_keyboard_moves_the_seam_and_pictures_have_alternative_texts(page):
    slider = page.first(".comparison input")
    slider.send_keys("\ue010")  # End
    assert (
        page.browser.execute_script(
            "return document.documentElement.style.getPropertyValue('--seam')"
        )
        == "100%"
    )
    texts = [image.get_attribute("alt") for image in page.find("img")]
    assert texts[:2] == [
        "meadow and forest.jpg in black and white",
        "meadow and forest.jpg in color",
    ]
    assert all(texts)


@with_gradio
def test_chosen_example_is_colored(page):
    page.find("#examples .thumbnail-item")[2].click()
    page.wait(lambda: page.title() == "snow.jpg")


@with_gradio
def test_unreadable_photograph_is_a_message_and_the_page_stays(page, tmp_path):
    (tmp_path / "bad.jpg").write_text("no picture")
    page.drop(tmp_path / "bad.jpg")
    assert "cannot read bad.jpg: unsupported: expected the contents of" in page.message()
    assert page.title() == "meadow and forest.jpg"


@with_gradio
def test_too_many_files_are_a_message(page, tmp_path, workspace):
    page.drop(*(gray_landscape(tmp_path / f"many-{number}.png") for number in range(4)))
    assert "4 files came, at most 3 are taken at once" in page.message()
    assert not [name for name in files(workspace) if name.startswith("many")]


@with_gradio
def test_a_film_is_colored_and_downloaded(page, tmp_path):
    fourcc = cv2.VideoWriter_fourcc(*"MJPG")
    writer = cv2.VideoWriter(str(tmp_path / "old.avi"), cv2.CAP_FFMPEG, fourcc, 12, (64, 48))
    for level in range(8):
        writer.write(np.full((48, 64, 3), 90 + level, np.uint8))
    writer.release()
    [tab] = [tab for tab in page.find("[role=tab]") if tab.is_displayed() and tab.text == "Film"]
    tab.click()
    page.drop(tmp_path / "old.avi", zone="#drop-film")
    page.click("#save-film")
    capture = cv2.VideoCapture(str(page.downloaded("old.mp4")), cv2.CAP_FFMPEG)
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 8
    assert np.ptp(capture.read()[1].astype(int), axis=-1).mean() > 3
    capture.release()


@with_gradio
def test_page_fits_a_phone(page):
    metrics = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        width = page.browser.execute_script("return document.documentElement.scrollWidth")
        picture = page.first(".comparison .pictures").rect
    finally:
        page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert width == 390
    assert picture["width"] > 350


@with_gradio
def test_leaving_the_page_removes_its_files(page, workspace, tmp_path):
    page.drop(gray_landscape(tmp_path / "mine.png"))
    page.wait(lambda: page.title() == "mine.png")
    assert "mine.png" in files(workspace)
    page.browser.get("about:blank")
    page.wait(lambda: "mine.png" not in files(workspace))


@with_gradio
def test_page_sends_no_request_to_other_hosts(page, address):
    page.browser.get_log("performance")
    page.browser.refresh()
    page.wait(lambda: page.title() == "meadow and forest.jpg")
    events = [
        json.loads(entry["message"])["message"] for entry in page.browser.get_log("performance")
    ]
    requested = [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]
    assert any(url.startswith(address) for url in requested)
    assert [url for url in requested if not url.startswith((address, "data:", "blob:"))] == []
