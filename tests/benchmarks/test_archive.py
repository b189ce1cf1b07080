import sys

import pytest

from colorize_tf.benchmarks import archive
from colorize_tf.benchmarks.inputs import write_folders
from colorize_tf.imagefiles import media


@pytest.fixture
def here(monkeypatch):
    """Ray's turns are done at a desk, and noted."""
    asked = []

    def color(tasks, jobs):
        asked.append((len(tasks), jobs))
        return archive._color_here(tasks, jobs)

    monkeypatch.setattr(archive, "_color_by_ray", color)
    return asked


def test_the_same_files_are_colored_without_ray_and_by_each_number_of_processes(here):
    rates, starts = archive.measure_archive(
        count=20, processes=(1, 2), height=24, width=32, stages_at=()
    )
    assert here == [(20, 1), (20, 2)]
    assert [row.name for row in rates.rows] == [
        "without Ray, 2 jobs",
        "Ray, processes: 1",
        "Ray, processes: 2",
        "last over first with Ray",
    ]
    assert all(row.value > 0 for row in [*rates.rows, *starts.rows])


def test_without_ray_its_rows_are_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    (part,) = archive.measure_archive(count=2, height=24, width=32, stages_at=())
    assert [row.name for row in part.rows] == ["without Ray, 2 jobs"]
    assert "pip install colorize_tf[batch]" in part.missing[0]


def test_each_stage_of_a_photograph_is_measured_and_ten_million_are_their_sum(here):
    *_, part = archive.measure_archive(count=2, height=24, width=32, stages_at=[(60, 80)])
    assert part.title.startswith("a JPEG of 0.0048 megapixels")
    values = {row.name: row.value for row in part.rows}
    stages = [values.pop(name) for name in ("decode", "network", "join", "encode")]
    bytes_in, bytes_out, hours, terabytes = values.values()
    assert min(stages) >= 0 and hours == pytest.approx(1e7 * sum(stages) / 1000 / 3600)
    assert 0 < bytes_in and 0 < bytes_out
    assert terabytes == pytest.approx(10 * (bytes_in + bytes_out))


def test_there_are_a_hundred_photographs_in_a_folder(tmp_path):
    write_folders(tmp_path / "in", 101, 24, 32)
    paths = sorted((tmp_path / "in").rglob("*.*"))
    assert len(paths) == 101 and len(list((tmp_path / "in").iterdir())) == 2
    assert media.read_image(paths[-1]).shape == (24, 32, 3)


def test_a_photograph_that_fails_stops_the_benchmark():
    with pytest.raises(ValueError, match="no such file"):
        archive._Clock().line("no such file")
