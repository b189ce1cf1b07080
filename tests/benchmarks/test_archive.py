import sys

import pytest

from colorize_tf import imagefiles
from colorize_tf.benchmarks import archive
from colorize_tf.benchmarks.inputs import write_gray_photographs
from colorize_tf.benchmarks.measuring import Stopwatch


@pytest.fixture
def ray_calls(monkeypatch):
    """The numbers of tasks and jobs that Ray would get; this process does the work instead."""
    calls = []

    def color(tasks, jobs):
        calls.append((len(tasks), jobs))
        return archive._color_locally(tasks, jobs)

    monkeypatch.setattr(archive, "_color_by_ray", color)
    return calls


def measure(**settings):
    return list(archive.measure_archive(Stopwatch(), height=24, width=32, **settings))


def test_the_same_files_are_colored_without_ray_and_by_each_number_of_processes(ray_calls):
    rates, starts = measure(count=20, processes=(1, 2), stage_sizes=())
    assert ray_calls == [(20, 1), (20, 2)]
    assert [row.name for row in rates.rows] == [
        "without Ray, 2 jobs",
        "Ray, processes: 1",
        "Ray, processes: 2",
        "last over first with Ray",
    ]
    assert all(row.value > 0 for row in [*rates.rows, *starts.rows])


def test_without_ray_its_rows_are_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    (part,) = measure(count=2, stage_sizes=())
    assert [row.name for row in part.rows] == ["without Ray, 2 jobs"]
    assert "pip install colorize_tf[batch]" in part.missing[0]


def test_ray_is_missing_after_the_time_limit(ray_calls):
    settings = {"count": 2, "height": 24, "width": 32, "stage_sizes": ()}
    (part,) = archive.measure_archive(Stopwatch(limit=0), **settings)
    assert ray_calls == [] and len(part.missing) == 2


def test_ten_million_photographs_cost_the_sum_of_the_stages():
    part = archive.measure_stages(Stopwatch(), height=60, width=80)
    assert part.title.startswith("a JPEG of 0.0048 megapixels")
    values = {row.name: row.value for row in part.rows}
    stages = [values.pop(name) for name in ("decode", "network", "join", "encode")]
    bytes_in, bytes_out, hours, terabytes = values.values()
    assert min(stages) >= 0 and hours == pytest.approx(1e7 * sum(stages) / 1000 / 3600)
    assert 0 < bytes_in and 0 < bytes_out
    assert terabytes == pytest.approx(10 * (bytes_in + bytes_out))


def test_a_folder_holds_a_hundred_photographs(tmp_path):
    write_gray_photographs(tmp_path / "in", 101, 24, 32)
    paths = sorted((tmp_path / "in").rglob("*.*"))
    assert len(paths) == 101 and len(list((tmp_path / "in").iterdir())) == 2
    assert imagefiles.read_image(paths[-1]).shape == (24, 32, 3)


def test_failed_photograph_stops_the_benchmark():
    with pytest.raises(ValueError, match="no such file"):
        archive.ProgressRecorder().line("no such file")
