import pytest

from colorize_tf import imagefiles
from colorize_tf.benchmarks import records
from colorize_tf.benchmarks.measuring import Stopwatch


@pytest.fixture
def commands(monkeypatch):
    """The commands whose peak memory is measured; none is run."""
    commands = []

    def peak_memory(command, *, timeout):
        commands.append(command)
        return 0.5

    monkeypatch.setattr(records, "peak_memory", peak_memory)
    return commands


def test_sets_of_each_size_are_prepared_and_read(commands):
    memory, speed = records.measure_records(Stopwatch(), counts=(2, 3))
    assert [row.name for row in memory.rows] == [
        "prepare, 2",
        "an epoch of the pipeline, 2",
        "prepare, 3",
        "an epoch of the pipeline, 3",
    ]
    assert all(row.value == 0.5 for row in memory.rows)
    assert all(row.value > 0 for row in speed.rows)
    assert [command[1] for command in commands[::2]] == ["colorize_tf.prepare"] * 2


def test_commands_that_reach_the_time_limit_are_missing(monkeypatch):
    monkeypatch.setattr(records, "peak_memory", lambda command, *, timeout: None)
    memory, speed = records.measure_records(Stopwatch(), counts=(2,))
    assert not memory.rows and not speed.rows
    assert memory.missing[0].startswith("prepare, 2: the time limit")


def test_photographs_are_distinct(tmp_path):
    records.write_distinct_photographs(tmp_path, 1100)
    paths = list(tmp_path.rglob("*.jpg"))
    assert len({path.read_bytes() for path in paths}) == 1100
    assert imagefiles.read_image(paths[0]).shape == (64, 64, 3)
    assert len(list(tmp_path.iterdir())) == 2
