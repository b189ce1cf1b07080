import os

import pytest

from colorize_tf.data.ledger import TRAIN, VALIDATION, Ledger

NAMES = [f"{number}.jpg" for number in range(20)]
SOME, OTHER = "ab" * 32, "cd" * 32


@pytest.fixture
def ledger(tmp_path):
    ledger = Ledger(tmp_path / "files.sqlite")
    yield ledger
    ledger.close()


def test_files_come_in_units_and_an_order_of_their_own(ledger):
    ledger.add(TRAIN, NAMES)
    units = list(ledger.units(8))
    assert [len(unit) for unit in units] == [8, 8, 4] and len(ledger) == 20
    names = [name for unit in units for _, name in unit]
    assert sorted(names) == sorted(NAMES) and names != sorted(NAMES)


def test_the_order_does_not_depend_on_that_of_listing(ledger, tmp_path):
    other = Ledger(tmp_path / "other.sqlite")
    ledger.add(TRAIN, NAMES)
    other.add(TRAIN, reversed(NAMES))
    assert list(ledger.units(20)) == list(other.units(20)) and ledger.sha256() == other.sha256()
    other.add(TRAIN, ["new.jpg"])
    assert ledger.sha256() != other.sha256()
    other.close()


def test_validation_comes_first(ledger):
    ledger.add(TRAIN, NAMES)
    ledger.add(VALIDATION, ["v.jpg"])
    assert next(ledger.units(1)) == [(VALIDATION, "v.jpg")]


def test_the_first_with_a_digest_is_remembered(ledger):
    ledger.add(TRAIN, NAMES)
    for unit in ledger.units(8):  # It is read while it is written to.
        for _, name in unit:
            ledger.keep(name, SOME)
    assert ledger.first_with(SOME) == next(ledger.units(1))[0][1]
    assert ledger.first_with(OTHER) is None


def test_names_may_be_any_bytes(ledger):
    name = os.fsdecode(b"\xff.jpg")
    ledger.add(TRAIN, [name])
    ledger.keep(name, SOME)
    assert list(ledger.units(1)) == [[(TRAIN, name)]] and ledger.first_with(SOME) == name
