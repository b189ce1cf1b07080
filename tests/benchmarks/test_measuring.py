import pytest

from colorize_tf.benchmarks import measuring
from colorize_tf.benchmarks.measuring import Contender, Part, Row, Stopwatch, table


@pytest.fixture
def clock(monkeypatch):
    """Return a function that makes work of the given seconds; time passes only in such work."""
    now = [0.0]
    monkeypatch.setattr(measuring.time, "perf_counter", lambda: now[0])

    def work(*seconds):
        turns = iter(seconds * 1000)
        return lambda: now.__setitem__(0, now[0] + next(turns))

    return work


def test_rate_is_work_per_second(clock):
    contender = Contender("ours", clock(0.5), 32)
    part = Stopwatch().compare("a race", [contender], rounds=3, seconds=4)
    assert (part.title, part.rows) == ("a race", [Row("ours", 64, "pictures/s", spread=0)])


def test_time_is_seconds_per_unit_of_work(clock):
    (row,) = Stopwatch().compare("", [Contender("ours", clock(0.5))], unit="s", as_time=True).rows
    assert (row.value, row.unit) == (0.5, "s")


@pytest.mark.parametrize("as_time", [False, True])
def test_ratio_is_the_speed_of_the_first_over_the_others(clock, as_time):
    contenders = [Contender("ours", clock(1.0)), Contender("peer", clock(3.0))]
    ours, peer = Stopwatch(seconds=0).compare("", contenders, as_time=as_time).rows
    assert ours.ratio is None
    assert peer.ratio == pytest.approx(3.0)


def test_median_ignores_one_slow_round_and_spread_shows_it(clock):
    contender = Contender("ours", clock(1.0, 1.0, 1.0, 1.0, 4.0))
    (row,) = Stopwatch(rounds=3, seconds=0).compare("", [contender]).rows
    assert row.value == 1.0
    assert row.spread == 0.75


def test_contenders_take_turns_and_steps_are_reported():
    calls, steps = [], []
    contenders = [Contender(name, lambda name=name: calls.append(name)) for name in "ab"]
    watch = Stopwatch(rounds=3, seconds=0, report=lambda *step: steps.append(step))
    watch.compare("a race", contenders)
    assert "".join(calls) == "aabb" + "ab" * 3
    assert steps[:3] == [
        ("a race", "a, warm-up"),
        ("a race", "b, warm-up"),
        ("a race", "a, round 1 of 3"),
    ]


def test_contenders_after_the_deadline_are_missing(clock):
    contenders = [Contender(name, clock(10.0)) for name in ("ours", "peer", "late")]
    part = Stopwatch(limit=30).compare("", contenders)
    assert [row.name for row in part.rows] == ["ours", "peer"]
    assert part.missing == ["late: the time limit of this part was reached; raise --time-limit"]


def test_rounds_end_at_the_deadline(clock):
    steps = []
    watch = Stopwatch(rounds=5, seconds=2, limit=10, report=lambda _, step: steps.append(step))
    watch.compare("", [Contender("ours", clock(2.5))])
    assert steps == ["ours, warm-up", "ours, round 1 of 5", "ours, round 2 of 5"]


def test_time_is_allotted_in_equal_shares(clock):
    watch = Stopwatch(limit=30)
    wait = clock(5.0)
    limits = []
    for _, share in watch.allot("abc"):
        limits.append(share.remaining())
        wait()
    assert limits == [10.0, 12.5, 20.0]


def test_table_has_only_the_columns_with_values():
    rows = [Row("ours", 1234.5, "pictures/s", spread=0.05), Row("peer", 12.34, "pictures/s", 0.1)]
    text = table(Part("a race", rows, ["a third"]), "a fast machine")
    assert text.splitlines()[:2] == ["a race", "  on a fast machine"]
    assert "1234" in text and "12.3" in text and "5%" in text
    assert "ours over it" not in text and "matrix rate" not in text
    assert text.splitlines()[-1] == "  not measured: a third"
