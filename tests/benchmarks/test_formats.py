import numpy as np

from colorize_tf.benchmarks import formats
from colorize_tf.benchmarks.measuring import Stopwatch
from colorize_tf.benchmarks.odd_files import make_odd_files
from colorize_tf.benchmarks.odd_files.base import OddFile
from colorize_tf.imagefiles import Photograph, encode_photograph


def test_no_odd_file_is_treated_wrongly(capfd):
    (part,) = formats.measure_formats(Stopwatch())
    assert list(part.missing) == []
    assert sum(row.value for row in part.rows) >= 300
    assert capfd.readouterr() == ("", "")


def test_every_kind_of_error_counts_as_wrong():
    white = np.full((8, 8, 3), 255, np.uint8)
    data = encode_photograph(Photograph(white), ".png")
    cases = [
        OddFile("PNG", "right", data, white / 255),
        OddFile("PNG", "other pixels", data, white / 510),
        OddFile("PNG", "alpha expected", data, np.ones((8, 8, 4))),
        OddFile("PNG", "to be refused", data, None),
        OddFile("PNG", "refused as unsupported alone", data[:-20], white / 255),
    ]
    outcomes = [formats.judge(case)[0] for case in cases]
    assert outcomes == [formats.RIGHT] + 4 * [formats.WRONG]


def test_names_of_files_are_unique():
    names = [(file.format, file.name) for file in make_odd_files() if "the first" not in file.name]
    assert len(set(names)) == len(names)
