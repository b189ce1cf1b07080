import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colorize_tf.imagefiles import exif

sizes = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 12: 8}
values = st.sampled_from(sorted(sizes)).flatmap(
    lambda kind: st.tuples(
        st.just(kind),
        st.integers(1, 9).flatmap(
            lambda count: st.binary(min_size=count * sizes[kind], max_size=count * sizes[kind])
        ),
    )
)
trees = st.dictionaries(st.integers(256, 30_000), values, max_size=6)


@given(first=trees, second=trees, start=st.sampled_from([8, 1000]))
def test_packed_directory_unpacks_to_the_same(first, second, start):
    tree = {**first, 34665: second}
    data = struct.pack("<4sI", b"II*\0", start).ljust(start, b"\0") + exif.pack(tree, start)
    assert exif.unpack(data) == tree


def test_big_endian_values_become_little_endian():
    entry = struct.pack(">HHIHH", 258, exif.SHORT, 2, 8, 16)
    data = b"MM\0*" + struct.pack(">IH", 8, 1) + entry + bytes(4)
    assert exif.unpack(data) == {258: (exif.SHORT, struct.pack("<HH", 8, 16))}
    (directory,) = exif.directories(data)
    assert exif.numbers(data, directory[258]) == (8, 16)


def test_fractions_are_divided():
    data = b"II*\0" + struct.pack("<I", 8)
    data += exif.pack({282: (exif.RATIONAL, struct.pack("<IIII", 3, 2, 1, 0))}, 8)
    assert exif.numbers(data, next(exif.directories(data))[282]) == (1.5, 0)


@pytest.mark.parametrize("data", [b"", b"II*\0", b"II*\0\0\0\0\0", b"MM\0*\0\0\0\x08\0\x09"])
def test_no_directory_is_an_error(data):
    with pytest.raises(struct.error):
        next(exif.directories(data))
