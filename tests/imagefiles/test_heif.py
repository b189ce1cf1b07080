import sys

import pytest

from colorize_tf.benchmarks.odd_files.others import make_raw
from colorize_tf.imagefiles import UnsupportedImageError, decode_photograph, find_format

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (HEIC, "HEIC"),
        (HEIC.replace(b"ftypheic", b"ftypmif1"), "HEIC"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", "AVIF"),
        (b"\0\0\0\x18ftypavif\0\0\0\0mif1miaf", "AVIF"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "raw"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", None),
    ],
)
def test_brand_decides_the_format(start, name):
    found = find_format(start + bytes(40))
    assert (found and found.name) == name


def test_a_missing_extra_is_named(monkeypatch):
    for module in ("pi_heif.as_plugin", "rawpy"):
        monkeypatch.setitem(sys.modules, module, None)
    for data in (HEIC + bytes(40), next(make_raw()).data):
        with pytest.raises(UnsupportedImageError, match=r"pip install 'colorize_tf\[formats\]'"):
            decode_photograph(data)
