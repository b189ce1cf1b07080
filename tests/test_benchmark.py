import json

import pytest

from colorize_tf import benchmark
from colorize_tf.benchmarks import growth
from colorize_tf.benchmarks.measuring import Part, Row


@pytest.fixture
def parts(monkeypatch):
    """Every part answers at once; what was asked for is noted."""
    asked = []

    def measure(name):
        asked.append(name)
        return [Part(f"part {name}", [Row("ours", 80.0, "pictures/s", ratio=1.25)], ["a peer"])]

    monkeypatch.setattr(benchmark, "_measure", measure)
    return asked


def test_a_part_is_printed_with_the_machine_and_written(parts, tmp_path, capsys):
    assert benchmark.main(["pipeline", "--json", str(tmp_path / "figures.json")]) == 0
    printed = capsys.readouterr().out
    assert " cores, 2" in printed.splitlines()[0]
    assert "part pipeline" in printed and "1.25" in printed and "not measured: a peer" in printed
    content = json.loads((tmp_path / "figures.json").read_text())
    assert content["machine"]["cores"] >= 1
    (part,) = content["parts"]["pipeline"]
    assert part["rows"][0]["ratio"] == 1.25 and part["missing"] == ["a peer"]


def test_without_a_name_all_parts_are_measured(parts):
    assert benchmark.main([]) == 0
    assert parts == list(benchmark.PARTS)


def test_an_unknown_part_lists_the_parts(parts, capsys):
    assert benchmark.main(["moon"]) == 2
    assert "no part 'moon'; there are training, pipeline" in capsys.readouterr().err
    assert parts == []


def test_a_plot_needs_the_part_that_it_draws(parts, capsys):
    assert benchmark.main(["color", "--plot", "growth.png"]) == 2
    assert "name it as well" in capsys.readouterr().err


def test_the_plot_is_of_what_growth_measured(parts, monkeypatch):
    drawn = []
    monkeypatch.setattr(growth, "draw_growth", lambda found, path: drawn.append((found, path)))
    assert benchmark.main(["growth", "--plot", "growth.png"]) == 0
    assert drawn[0][0][0].title == "part growth" and drawn[0][1] == "growth.png"


def test_each_part_has_its_function():
    import importlib

    for text, place in benchmark.PARTS.values():
        module, _, function = place.partition(".")
        assert callable(
            getattr(importlib.import_module(f"colorize_tf.benchmarks.{module}"), function)
        )
        assert text
