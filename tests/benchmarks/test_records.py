import pytest

from colorize_tf.benchmarks import records
from colorize_tf.imagefiles import media


@pytest.fixture
def commands(monkeypatch):
    """The commands whose peak memory is asked for; none is run."""
    asked = []

    def peak(command):
        asked.append(command)
        return 0.5

    monkeypatch.setattr(records, "peak_memory", peak)
    return asked


def test_each_number_of_photographs_is_prepared_and_read(commands):
    memory, speed = records.measure_records(counts=(2, 3))
    assert [row.name for row in memory.rows] == [
        "prepare, 2",
        "a pass of the pipeline, 2",
        "prepare, 3",
        "a pass of the pipeline, 3",
    ]
    assert all(row.value == 0.5 for row in memory.rows)
    assert all(row.value > 0 for row in speed.rows)
    assert [command[1] for command in commands[::2]] == ["colorize_tf.prepare"] * 2


def test_no_two_photographs_are_alike(tmp_path):
    records.write_many(tmp_path, 1100)
    paths = list(tmp_path.rglob("*.jpg"))
    assert len({path.read_bytes() for path in paths}) == 1100
    assert media.read_image(paths[0]).shape == (64, 64, 3)
    assert len(list(tmp_path.iterdir())) == 2
