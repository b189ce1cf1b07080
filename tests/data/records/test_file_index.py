import os

import pytest

from colorize_tf.data.records.file_index import TRAIN, VALIDATION, FileIndex

NAMES = [f"{number}.jpg" for number in range(20)]
SOME, OTHER = "ab" * 32, "cd" * 32


@pytest.fixture
def file_index(tmp_path):
    file_index = FileIndex(tmp_path / "files.sqlite")
    yield file_index
    file_index.close()


def test_chunks_are_in_the_order_of_hashes(file_index):
    file_index.add(TRAIN, NAMES)
    chunks = list(file_index.chunks(8))
    assert [len(chunk) for chunk in chunks] == [8, 8, 4] and len(file_index) == 20
    names = [name for chunk in chunks for _, name in chunk]
    assert sorted(names) == sorted(NAMES) and names != sorted(NAMES)


def test_order_does_not_depend_on_the_listing(file_index, tmp_path):
    other = FileIndex(tmp_path / "other.sqlite")
    file_index.add(TRAIN, NAMES)
    other.add(TRAIN, reversed(NAMES))
    assert (
        list(file_index.chunks(20)) == list(other.chunks(20))
        and file_index.sha256() == other.sha256()
    )
    other.add(TRAIN, ["new.jpg"])
    assert file_index.sha256() != other.sha256()
    other.close()


def test_validation_comes_first(file_index):
    file_index.add(TRAIN, NAMES)
    file_index.add(VALIDATION, ["v.jpg"])
    assert next(file_index.chunks(1)) == [(VALIDATION, "v.jpg")]


def test_first_file_with_a_digest_is_found(file_index):
    file_index.add(TRAIN, NAMES)
    for chunk in file_index.chunks(8):  # Reading and writing interleave.
        for _, name in chunk:
            file_index.keep(name, SOME)
    assert file_index.first_with(SOME) == next(file_index.chunks(1))[0][1]
    assert file_index.first_with(OTHER) is None


def test_names_may_be_any_bytes(file_index):
    name = os.fsdecode(b"\xff.jpg")
    file_index.add(TRAIN, [name])
    file_index.keep(name, SOME)
    assert list(file_index.chunks(1)) == [[(TRAIN, name)]] and file_index.first_with(SOME) == name
