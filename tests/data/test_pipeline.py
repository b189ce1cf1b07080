import numpy as np
import pytest
import tensorflow as tf

from colorize_tf import media
from colorize_tf.data import pipeline
from colorize_tf.data.pipeline import evaluation_dataset, load_size, training_dataset

SHAPE = {"image_size": 32, "batch_size": 4}


def take(dataset, count):
    return [tuple(part.numpy() for part in batch) for batch in dataset.take(count)]


def same(batches, others):
    return all(
        np.array_equal(a, b)
        for x, y in zip(batches, others, strict=True)
        for a, b in zip(x, y, strict=True)
    )


@pytest.fixture
def labelled(tmp_path):
    """Twelve flat pictures that can be told apart by their lightness after any crop."""
    paths = [tmp_path / f"{index}.png" for index in range(12)]
    for index, path in enumerate(paths):
        media.write_image(path, np.full((40, 50, 3), 20 * index, np.uint8))
    return paths


def labels(batches):
    """Lightness of each example, as the index of the labelled picture that it comes from."""
    values = np.concatenate([lightness[:, 0, 0, 0] for lightness, _ in batches])
    levels = np.unique(values)
    return list(np.searchsorted(levels, values))


def test_examples_have_the_contracts_shapes_dtypes_and_range(landscapes):
    lightness, ab = take(training_dataset(landscapes, **SHAPE), 1)[0]
    assert lightness.shape == (4, 32, 32, 1)
    assert ab.shape == (4, 32, 32, 2)
    assert lightness.dtype == ab.dtype == np.float32
    assert -1 <= lightness.min() < lightness.max() <= 1
    assert -1 <= ab.min() < ab.max() <= 1


def test_every_photograph_comes_once_in_each_pass(labelled):
    batches = take(training_dataset(labelled, **SHAPE), 6)
    first, second = labels(batches[:3]), labels(batches[3:])
    assert sorted(first) == sorted(second) == list(range(12))
    assert first != second


def test_the_order_follows_the_seed(labelled):
    orders = [labels(take(training_dataset(labelled, seed=seed, **SHAPE), 3)) for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]


@pytest.mark.parametrize("done", [2, 3, 5])
def test_a_stream_goes_on_where_another_stopped(landscapes, done):
    whole = take(training_dataset(landscapes, seed=3, **SHAPE), 8)
    rest = take(training_dataset(landscapes, seed=3, steps_done=done, **SHAPE), 8 - done)
    assert same(whole[done:], rest)


def test_a_stream_reads_how_far_training_is_whenever_it_is_iterated(landscapes):
    whole = take(training_dataset(landscapes, seed=3, **SHAPE), 8)
    steps_done = tf.Variable(0)
    examples = training_dataset(landscapes, seed=3, steps_done=steps_done, **SHAPE)
    first = take(examples, 5)
    steps_done.assign(5)
    assert same(whole, first + take(examples, 3))


def test_crops_and_flips_change_from_pass_to_pass(landscapes):
    shape = {"image_size": 32, "batch_size": 1}
    first, second = take(training_dataset(landscapes[:1], **shape), 2)
    assert not np.array_equal(first[0], second[0])


def test_chroma_is_flipped_with_its_lightness(tmp_path):
    image = np.zeros((36, 36, 3), np.uint8)
    image[:, :18] = (200, 40, 40)
    media.write_image(tmp_path / "left.png", image)
    shape = {"image_size": 32, "batch_size": 16}
    lightness, ab = take(training_dataset([tmp_path / "left.png"], **shape), 1)[0]
    bright, red = lightness[..., 0] > -0.9, ab[..., 0] > 0.2
    assert np.array_equal(bright, red)
    assert {bool(row[0]) for row in bright[:, 0]} == {True, False}


@pytest.mark.parametrize("cache", ["memory", "none", "disk"])
def test_where_pictures_are_cached_changes_nothing(landscapes, tmp_path, cache):
    expected = take(training_dataset(landscapes, cache="none", **SHAPE), 6)
    cache = tmp_path if cache == "disk" else cache
    assert same(expected, take(training_dataset(landscapes, cache=cache, **SHAPE), 6))


@pytest.mark.parametrize(("cache", "reads"), [("memory", 4), ("disk", 4), ("none", 12)])
def test_a_cached_photograph_is_decoded_once(landscapes, tmp_path, monkeypatch, cache, reads):
    read = []
    decode = media.read_image

    def counting(path):
        read.append(path)
        return decode(path)

    monkeypatch.setattr(pipeline.media, "read_image", counting)
    cache = tmp_path if cache == "disk" else cache
    examples = evaluation_dataset(landscapes[:4], cache=cache, **SHAPE)
    for _ in range(3):
        take(examples, 1)
    assert len(read) == reads


def test_evaluation_takes_every_photograph_in_order_and_the_rest_as_a_smaller_batch(labelled):
    batches = take(evaluation_dataset(labelled[:6], **SHAPE), 3)
    assert [len(lightness) for lightness, _ in batches] == [4, 2]
    assert labels(batches) == list(range(6))


def test_evaluation_sees_the_central_square(tmp_path):
    image = np.zeros((32, 96, 3), np.uint8)
    image[:, 32:64] = 255
    media.write_image(tmp_path / "wide.png", image)
    lightness, _ = take(evaluation_dataset([tmp_path / "wide.png"], **SHAPE), 1)[0]
    assert np.allclose(lightness, 1, atol=1e-3)


def test_pictures_are_kept_an_eighth_larger_than_the_crops():
    assert load_size(128) == 144
    assert load_size(64) == 72


def test_a_photograph_that_vanished_is_named(landscapes, tmp_path):
    examples = training_dataset([tmp_path / "gone.png"], image_size=32, batch_size=1)
    with pytest.raises(tf.errors.OpError, match="gone.png"):
        take(examples, 1)
