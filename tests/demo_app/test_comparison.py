import base64
import re

from colorize_tf.demo_app.comparison import comparison


def test_html_embeds_both_pictures_with_alternative_texts():
    text = comparison("lake.jpg", 1.5, b"gray file", b"color file")
    sources = [base64.b64decode(found) for found in re.findall(r'base64,([^"]+)"', text)]
    assert sources == [b"gray file", b"color file"]
    assert re.findall(r'alt="(.+?)"', text) == [
        "lake.jpg in black and white",
        "lake.jpg in color",
    ]
    assert "--aspect: 1.5" in text


def test_slider_is_a_labeled_range_input():
    (slider,) = re.findall(r"<input.+?>", comparison("a", 1, b"", b""), re.DOTALL)
    assert 'type="range"' in slider and "aria-label=" in slider


def test_title_is_escaped():
    text = comparison('<script>"x"', 1, b"", b"")
    assert "<script" not in text and 'alt="&lt;script&gt;&quot;x&quot; in color"' in text
