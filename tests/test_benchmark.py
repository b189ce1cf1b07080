import importlib
import json

import pytest

from colorize_tf import benchmark
from colorize_tf.benchmarks import growth
from colorize_tf.benchmarks.measuring import Part, Row


@pytest.fixture
def measured(monkeypatch):
    """The names of the parts that were measured; none takes any time."""
    names = []

    def measure(name, watch):
        names.append(name)
        watch.report(f"first {name}", "warm-up")
        rows = [Row("ours", 80.0, "pictures/s", ratio=1.25)]
        yield Part(f"first {name}", rows, ["a peer"])
        yield Part(f"second {name}", rows)

    monkeypatch.setattr(benchmark, "_measure", measure)
    return names


def test_tables_are_printed_and_written(measured, tmp_path, capsys):
    assert benchmark.main(["pipeline", "--json", str(tmp_path / "figures.json")]) == 0
    output = capsys.readouterr()
    assert output.out.startswith("first pipeline\n  on ")
    assert "1.25" in output.out and "not measured: a peer" in output.out
    assert output.err == "measuring first pipeline\n"
    content = json.loads((tmp_path / "figures.json").read_text())
    assert content["machine"]["cores"] >= 1
    first, second = content["parts"]["pipeline"]
    assert first["rows"][0]["ratio"] == 1.25 and first["missing"] == ["a peer"]
    assert second["title"] == "second pipeline"


def test_each_table_is_printed_before_the_next_is_measured(monkeypatch, capsys):
    def measure(name, watch):
        yield Part("first", [])
        assert capsys.readouterr().out.startswith("first\n")
        yield Part("second", [])

    monkeypatch.setattr(benchmark, "_measure", measure)
    assert benchmark.main(["color"]) == 0
    assert capsys.readouterr().out.startswith("second\n")


def test_time_limit_is_in_minutes(monkeypatch):
    left = []

    def measure(name, watch):
        left.append(watch.remaining())
        return []

    monkeypatch.setattr(benchmark, "_measure", measure)
    assert benchmark.main(["color", "--time-limit", "0.5"]) == 0
    assert left[0] == pytest.approx(30, abs=5)


def test_all_parts_are_measured_by_default(measured):
    assert benchmark.main([]) == 0
    assert measured == list(benchmark.PARTS)


def test_unknown_part_lists_the_parts(measured, capsys):
    assert benchmark.main(["moon"]) == 2
    assert "no part 'moon'; there are training, pipeline" in capsys.readouterr().err
    assert measured == []


def test_plot_requires_growth(measured, capsys):
    assert benchmark.main(["color", "--plot", "growth.png"]) == 2
    assert "name it as well" in capsys.readouterr().err


def test_plot_draws_growth(measured, monkeypatch):
    drawn = []
    monkeypatch.setattr(growth, "draw_growth", lambda parts, path: drawn.append((parts, path)))
    assert benchmark.main(["growth", "--plot", "growth.png"]) == 0
    [(parts, path)] = drawn
    assert parts[0].title == "first growth" and path == "growth.png"


@pytest.mark.parametrize("part", benchmark.PARTS)
def test_each_part_has_a_function(part):
    text, location = benchmark.PARTS[part]
    module, _, function = location.partition(".")
    assert callable(getattr(importlib.import_module(f"colorize_tf.benchmarks.{module}"), function))
    assert text
