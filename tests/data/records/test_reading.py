import numpy as np
import pytest
import tensorflow as tf

from colorize_tf import imagefiles
from colorize_tf.data import pipeline
from colorize_tf.data.pipeline import evaluation_dataset, training_dataset
from colorize_tf.data.records import reading
from colorize_tf.data.records.prepared_set import copy_out, open_set
from colorize_tf.data.records.reading import Records
from tests.data.conftest import same, take

SHAPE = {"image_size": 32, "batch_size": 4}


@pytest.fixture
def train(prepared):
    return open_set(prepared).splits["train"]


def stream(some, count, *, seed=0, first=0, shard=(0, 1)):
    """Names and numbers of the first records of a stream."""
    dataset = some.stream(seed=seed, first=tf.constant(first, tf.int64), shard=shard)
    rows = list(dataset.take(count).as_numpy_iterator())
    return [name.decode() for _, name, _ in rows], [int(number) for *_, number in rows]


def all_names(some):
    return [some.read(index)[1] for index in range(len(some))]


def test_records_are_read_by_index(train):
    contents, name = train.read(5)
    assert imagefiles.decode_image(contents).shape == (40, 50, 3)
    assert name.endswith(".png")
    assert len(set(all_names(train))) == len(train)


def test_slices_equal_those_of_a_list(train):
    expected = all_names(train)[2:30:5]
    assert all_names(train[2:30:5]) == expected and len(train[2:30:5]) == len(expected)
    assert all_names(train[2:30:5][1:3]) == expected[1:3]


def test_damaged_record_names_its_shard(train, prepared):
    shard = prepared / train.shards[0].name
    shard.write_bytes(b"\xff" * len(shard.read_bytes()))
    with pytest.raises(ValueError, match="train-0000.*damaged at byte 12"):
        train.read(0)


def test_stream_has_every_record_once_per_pass(train):
    count = len(train)
    names, numbers = stream(train, 3 * count)
    passes = [names[start : start + count] for start in (0, count, 2 * count)]
    assert all(sorted(one) == sorted(all_names(train)) for one in passes)
    assert passes[0] != passes[1] != passes[2]
    assert numbers == list(range(3 * count))


def test_order_of_a_stream_depends_on_its_seed(train):
    orders = [stream(train, 20, seed=seed)[0] for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]


def test_single_shard_has_a_new_order_in_each_pass(train):
    count = train.shards[0].count
    one = Records(train.folder, train.shards[:1], short_side=40, sha256="")
    names, _ = stream(one, 2 * count)
    assert sorted(names[:count]) == sorted(names[count:]) and names[:count] != names[count:]


def test_streams_beyond_the_shuffle_buffer_have_every_record(train, monkeypatch):
    monkeypatch.setattr(reading, "_SHUFFLE_BYTES", 1)
    names, _ = stream(train, len(train))
    assert sorted(names) == sorted(all_names(train))


def test_global_seed_changes_nothing(train):
    expected = stream(train, 10)
    tf.random.set_seed(0)
    assert stream(train, 10) == expected


@pytest.mark.parametrize("first", [3, 36, 50])
def test_stream_continues_where_another_stopped(train, first):
    names, _ = stream(train, 80)
    rest, numbers = stream(train, 80 - first, first=first)
    assert rest == names[first:] and numbers[0] == first


@pytest.mark.parametrize("workers", [2, 3, 5])
def test_workers_share_the_records_of_each_pass(train, workers):
    count = len(train)
    assert len({shard.count for shard in train.shards}) > 1, "shards are uneven"
    lengths = [count * (i + 1) // workers - count * i // workers for i in range(workers)]
    first, second = [], []
    for worker, length in enumerate(lengths):
        names, numbers = stream(train, 2 * length, shard=(worker, workers))
        first += names[:length]
        second += names[length:]
        assert numbers == list(range(2 * length))
    assert sorted(first) == sorted(second) == sorted(all_names(train)) and first != second
    assert max(lengths) - min(lengths) <= 1


def test_more_workers_than_shards_share_the_records(train):
    workers = 2 * len(train.shards)
    names = [stream(train, len(train) // workers, shard=(i, workers))[0] for i in range(workers)]
    assert len(set(sum(names, []))) == workers * (len(train) // workers)


def test_part_of_a_worker_continues_where_it_stopped(train):
    names, _ = stream(train, 40, shard=(1, 3))
    rest, numbers = stream(train, 23, first=17, shard=(1, 3))
    assert rest == names[17:] and numbers[0] == 17


def test_more_workers_than_photographs_are_refused(train):
    with pytest.raises(ValueError, match="too few for 99 workers"):
        training_dataset(train, cache="none", shard=(0, 99), **SHAPE)


@pytest.mark.parametrize("cache", ["none", "memory"])
def test_records_become_examples(train, cache):
    whole = take(training_dataset(train, cache=cache, **SHAPE), 12)
    lightness, ab = whole[0]
    assert lightness.shape == (4, 32, 32, 1) and ab.shape == (4, 32, 32, 2)
    assert -1 <= lightness.min() < lightness.max() <= 1 and np.abs(ab).max() > 0.05
    assert same(whole, take(training_dataset(train, cache=cache, **SHAPE), 12))
    rest = take(training_dataset(train, cache=cache, steps_done=10, **SHAPE), 2)
    assert same(whole[10:], rest)


def test_cached_records_are_decoded_once(train, monkeypatch):
    decoded = []
    decode = imagefiles.decode_image

    def counting(data, name):
        decoded.append(name)
        return decode(data, name)

    monkeypatch.setattr(pipeline.imagefiles, "decode_image", counting)
    take(training_dataset(train, **SHAPE), 40)
    # Two passes may decode the same photograph before either has cached it.
    assert len(set(decoded)) == len(train)
    assert len(decoded) < 1.5 * len(train)


def test_workers_draw_different_augmentations(train):
    two = [take(training_dataset(train, shard=(w, 2), cache="none", **SHAPE), 2) for w in (0, 1)]
    assert not same(*two)


def test_evaluation_reads_records_in_order(train, tmp_path):
    def bar(indices):
        return indices

    files = copy_out(train[:6], tmp_path / "files", bar)
    batches = take(evaluation_dataset(train[:6], **SHAPE), 2)
    assert [len(lightness) for lightness, _ in batches] == [4, 2]
    assert same(batches, take(evaluation_dataset(files, **SHAPE), 2))


def test_records_below_the_crop_size_are_refused(train):
    for make in (training_dataset, evaluation_dataset):
        with pytest.raises(ValueError, match="prepared with --size 40, crops .* need"):
            make(train, image_size=64, batch_size=4)
    with pytest.raises(ValueError, match="prepared with --size 40, crops .* need 54"):
        training_dataset(train, cache="none", scale_jitter=0.5, **SHAPE)
