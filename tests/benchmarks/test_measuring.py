import pytest

from colorize_tf.benchmarks import measuring
from colorize_tf.benchmarks.measuring import Contender, Part, Row, compare, table


@pytest.fixture
def clock(monkeypatch):
    """Time that passes only in what is measured."""
    now = [0.0]
    monkeypatch.setattr(measuring.time, "perf_counter", lambda: now[0])

    def work(*seconds):
        turns = iter(seconds * 1000)
        return lambda: now.__setitem__(0, now[0] + next(turns))

    return work


def test_a_rate_counts_what_is_done_in_a_second(clock):
    (row,) = compare([Contender("ours", clock(0.5), 32)], rounds=3, seconds=4)
    assert row == Row("ours", 64, "pictures/s", spread=0)


def test_a_time_is_what_one_takes(clock):
    (row,) = compare([Contender("ours", clock(0.5))], unit="s", seconds=0, as_time=True)
    assert (row.value, row.unit) == (0.5, "s")


def test_a_ratio_says_how_many_times_as_fast_the_first_is(clock):
    contenders = [Contender("ours", clock(1.0)), Contender("peer", clock(3.0))]
    for as_time in (False, True):
        ours, peer = compare(contenders, seconds=0, as_time=as_time)
        assert ours.ratio is None
        assert peer.ratio == pytest.approx(3.0)


def test_the_median_passes_over_one_slow_round_which_the_spread_shows(clock):
    (row,) = compare([Contender("ours", clock(1.0, 1.0, 1.0, 1.0, 4.0))], rounds=3, seconds=0)
    assert row.value == 1.0
    assert row.spread == 0.75


def test_contenders_take_turns():
    seen = []
    contenders = [Contender(name, lambda name=name: seen.append(name)) for name in "ab"]
    compare(contenders, rounds=3, seconds=0)
    assert "".join(seen) == "aabb" + "ab" * 3


def test_a_table_has_the_columns_that_are_filled():
    rows = [Row("ours", 1234.5, "pictures/s", spread=0.05), Row("peer", 12.34, "pictures/s", 0.1)]
    text = table(Part("a race", rows, ["the favorite, which is ill"]))
    assert text.splitlines()[0] == "a race"
    assert "1234" in text and "12.3" in text and "5%" in text
    assert "ours over it" not in text and "matrix rate" not in text
    assert text.splitlines()[-1] == "  not measured: the favorite, which is ill"
