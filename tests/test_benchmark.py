import json

from colorize_tf import benchmark


def test_a_part_is_printed_and_written(tmp_path, monkeypatch, capsys):
    row = {"pictures_per_second": 80.0, "spread": 0.05, "pipeline_ratio": 10.0}
    monkeypatch.setitem(benchmark.PARTS, "pipeline", ("of a test", lambda: {"step": row}))
    assert benchmark.main(["pipeline", "--json", str(tmp_path / "figures.json")]) == 0
    assert "10.0" in capsys.readouterr().out
    assert json.loads((tmp_path / "figures.json").read_text())["pipeline"]["step"] == row


def test_an_unknown_part_lists_the_parts(capsys):
    assert benchmark.main(["moon"]) == 2
    assert "no part 'moon'; there are pipeline" in capsys.readouterr().err


def test_a_rate_counts_pictures_per_second(monkeypatch):
    now = [0.0]

    def act():
        now[0] += 0.5

    monkeypatch.setattr(benchmark.time, "perf_counter", lambda: now[0])
    rate = benchmark._rate(act, 32, rounds=3, seconds=4)
    assert rate == {"pictures_per_second": 64, "spread": 0}
