import numpy as np
import pytest
import tensorflow as tf

from colorize_tf import imagefiles
from colorize_tf.color.lab_tf import encode, images_to_rgb
from colorize_tf.data import pipeline
from colorize_tf.data.pipeline import (
    cache_bytes,
    evaluation_dataset,
    load_size,
    training_dataset,
)
from tests.data.conftest import same, take

SHAPE = {"image_size": 32, "batch_size": 4}
EVERYTHING = {
    "scale_jitter": 0.5,
    "exposure_jitter": 1.0,
    "contrast_jitter": 0.3,
    "film_damage": 0.5,
}


@pytest.fixture
def labeled(tmp_path):
    """Twelve flat pictures that can be told apart by their lightness after any crop."""
    paths = [tmp_path / f"{index}.png" for index in range(12)]
    for index, path in enumerate(paths):
        imagefiles.write_image(path, np.full((40, 50, 3), 20 * index, np.uint8))
    return paths


def labels(batches):
    """Lightness of each example, as the index of the labeled picture that it comes from."""
    values = np.concatenate([lightness[:, 0, 0, 0] for lightness, _ in batches])
    levels = np.unique(values)
    return list(np.searchsorted(levels, values))


def test_examples_have_shapes_dtypes_and_range(landscapes):
    lightness, ab = take(training_dataset(landscapes, **SHAPE), 1)[0]
    assert lightness.shape == (4, 32, 32, 1)
    assert ab.shape == (4, 32, 32, 2)
    assert lightness.dtype == ab.dtype == np.float32
    assert -1 <= lightness.min() < lightness.max() <= 1
    assert -1 <= ab.min() < ab.max() <= 1


def test_each_pass_visits_every_photograph_once(labeled):
    batches = take(training_dataset(labeled, **SHAPE), 6)
    first, second = labels(batches[:3]), labels(batches[3:])
    assert sorted(first) == sorted(second) == list(range(12))
    assert first != second


def test_order_depends_on_the_seed(labeled):
    orders = [labels(take(training_dataset(labeled, seed=seed, **SHAPE), 3)) for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]


@pytest.mark.parametrize("done", [2, 3, 5])
def test_stream_continues_where_another_stopped(landscapes, done):
    whole = take(training_dataset(landscapes, seed=3, **SHAPE), 8)
    rest = take(training_dataset(landscapes, seed=3, steps_done=done, **SHAPE), 8 - done)
    assert same(whole[done:], rest)


def test_steps_done_is_read_whenever_the_dataset_is_iterated(landscapes):
    whole = take(training_dataset(landscapes, seed=3, **SHAPE), 8)
    steps_done = tf.Variable(0)
    examples = training_dataset(landscapes, seed=3, steps_done=steps_done, **SHAPE)
    first = take(examples, 5)
    steps_done.assign(5)
    assert same(whole, first + take(examples, 3))


@pytest.mark.parametrize("workers", [2, 3])
def test_workers_share_every_batch(landscapes, workers):
    whole = take(training_dataset(landscapes, image_size=32, batch_size=6, seed=3), 4)
    shape = {"image_size": 32, "batch_size": 6 // workers, "seed": 3}
    parts = [
        take(training_dataset(landscapes, shard=(worker, workers), **shape), 4)
        for worker in range(workers)
    ]
    for batch, shares in zip(whole, zip(*parts, strict=True), strict=True):
        for part in (0, 1):
            joined = np.stack([share[part] for share in shares], axis=1)
            np.testing.assert_array_equal(joined.reshape(batch[part].shape), batch[part])


def test_workers_see_different_photographs_in_each_pass(labeled):
    shape = {"image_size": 32, "batch_size": 3}
    first, second = (
        take(training_dataset(labeled, shard=(worker, 2), **shape), 4) for worker in (0, 1)
    )
    for one_pass in (slice(0, 2), slice(2, 4)):
        assert sorted(labels(first[one_pass] + second[one_pass])) == list(range(12))


def test_worker_continues_where_it_stopped(landscapes):
    options = {"seed": 3, "shard": (1, 2), **SHAPE}
    whole = take(training_dataset(landscapes, **options), 5)
    assert same(whole[2:], take(training_dataset(landscapes, steps_done=2, **options), 3))


@pytest.mark.parametrize("shard", [(2, 2), (-1, 2), (0, 0)])
def test_invalid_shard_is_refused(landscapes, shard):
    with pytest.raises(ValueError, match="index below a count"):
        training_dataset(landscapes, shard=shard, **SHAPE)


def test_crops_and_flips_change_from_pass_to_pass(landscapes):
    shape = {"image_size": 32, "batch_size": 1}
    first, second = take(training_dataset(landscapes[:1], **shape), 2)
    assert not np.array_equal(first[0], second[0])


def test_chroma_is_flipped_with_its_lightness(tmp_path):
    image = np.zeros((36, 36, 3), np.uint8)
    image[:, :18] = (200, 40, 40)
    imagefiles.write_image(tmp_path / "left.png", image)
    shape = {"image_size": 32, "batch_size": 16}
    lightness, ab = take(training_dataset([tmp_path / "left.png"], **shape), 1)[0]
    bright, red = lightness[..., 0] > -0.9, ab[..., 0] > 0.2
    assert np.array_equal(bright, red)
    assert {bool(row[0]) for row in bright[:, 0]} == {True, False}


@pytest.mark.parametrize("cache", ["memory", "none", "disk"])
def test_cache_does_not_change_examples(landscapes, tmp_path, cache):
    expected = take(training_dataset(landscapes, cache="none", **SHAPE), 6)
    cache = tmp_path if cache == "disk" else cache
    assert same(expected, take(training_dataset(landscapes, cache=cache, **SHAPE), 6))


@pytest.mark.parametrize(("cache", "reads"), [("memory", 4), ("disk", 4), ("none", 12)])
def test_cached_photographs_are_decoded_once(landscapes, tmp_path, monkeypatch, cache, reads):
    read = []
    decode = imagefiles.read_image

    def counting(path):
        read.append(path)
        return decode(path)

    monkeypatch.setattr(pipeline.imagefiles, "read_image", counting)
    cache = tmp_path if cache == "disk" else cache
    examples = evaluation_dataset(landscapes[:4], cache=cache, **SHAPE)
    for _ in range(3):
        take(examples, 1)
    assert len(read) == reads


def test_evaluation_visits_photographs_in_order(labeled):
    batches = take(evaluation_dataset(labeled[:6], **SHAPE), 3)
    assert [len(lightness) for lightness, _ in batches] == [4, 2]
    assert labels(batches) == list(range(6))


def test_evaluation_takes_the_central_square(tmp_path):
    image = np.zeros((32, 96, 3), np.uint8)
    image[:, 32:64] = 255
    imagefiles.write_image(tmp_path / "wide.png", image)
    lightness, _ = take(evaluation_dataset([tmp_path / "wide.png"], **SHAPE), 1)[0]
    assert np.allclose(lightness, 1, atol=1e-3)


def test_photographs_are_kept_an_eighth_larger_than_crops():
    assert load_size(128) == 144
    assert load_size(64) == 72


def test_missing_photograph_is_named(landscapes, tmp_path):
    examples = training_dataset([tmp_path / "gone.png"], image_size=32, batch_size=1)
    with pytest.raises(tf.errors.OpError, match="gone.png"):
        take(examples, 1)


def test_without_augmentation_examples_are_crops_and_flips(landscapes):
    """Written out a second time: runs of earlier versions can be resumed and repeated."""
    seed, size = 3, SHAPE["image_size"]
    images = []
    for position in range(8):
        index = tf.random.experimental.index_shuffle(position, tf.constant([seed, 0], tf.int64), 11)
        image = imagefiles.resize_to_short_side(imagefiles.read_image(landscapes[int(index)]), 36)
        crop, flip = tf.unstack(tf.random.split(tf.constant([seed, position], tf.int64), 2))
        image = tf.image.stateless_random_crop(image, (size, size, 3), crop)
        images.append(tf.image.stateless_random_flip_left_right(image, flip))
    batches = take(training_dataset(landscapes, seed=seed, **SHAPE), 2)
    for part, expected in enumerate(encode(images_to_rgb(tf.stack(images)))):
        # A thousandth of a Lab unit: the stream's arithmetic is OpenCV's.
        stream = np.concatenate([batch[part] for batch in batches])
        np.testing.assert_allclose(stream, expected, atol=1e-5)


@pytest.mark.parametrize("name", EVERYTHING)
def test_each_augmentation_changes_the_examples(landscapes, name):
    plain = take(training_dataset(landscapes, **SHAPE), 2)
    assert not same(plain, take(training_dataset(landscapes, **SHAPE, **{name: 0.9}), 2))


def test_augmented_examples_keep_shapes_and_range(landscapes):
    for lightness, ab in take(training_dataset(landscapes, **SHAPE, **EVERYTHING), 6):
        assert lightness.shape == (4, 32, 32, 1) and ab.shape == (4, 32, 32, 2)
        assert lightness.dtype == ab.dtype == np.float32
        assert -1 <= lightness.min() < lightness.max() <= 1
        assert -1 <= ab.min() < ab.max() <= 1


def test_augmented_stream_continues_where_another_stopped(landscapes):
    whole = take(training_dataset(landscapes, seed=3, **SHAPE, **EVERYTHING), 6)
    rest = take(training_dataset(landscapes, seed=3, steps_done=2, **SHAPE, **EVERYTHING), 4)
    assert same(whole[2:], rest)


def test_augmented_examples_do_not_depend_on_the_batch_size(landscapes):
    pairs = take(training_dataset(landscapes, image_size=32, batch_size=2, **EVERYTHING), 4)
    eight = take(training_dataset(landscapes, image_size=32, batch_size=8, **EVERYTHING), 1)[0]
    for part in (0, 1):
        joined = np.concatenate([pair[part] for pair in pairs])
        np.testing.assert_allclose(joined, eight[part], atol=1e-5)


def test_film_damage_changes_lightness_and_not_chroma(landscapes):
    jitter = {**EVERYTHING, "film_damage": 0.0}
    clean = take(training_dataset(landscapes, **SHAPE, **jitter), 3)
    damaged = take(training_dataset(landscapes, **SHAPE, **{**jitter, "film_damage": 1.0}), 3)
    for (lightness, ab), (damaged_lightness, damaged_ab) in zip(clean, damaged, strict=True):
        assert np.array_equal(ab, damaged_ab)
        assert (np.abs(lightness - damaged_lightness).mean(axis=(1, 2, 3)) > 1e-3).all()


def test_chroma_follows_exposure(tmp_path):
    """More light by any gain makes `a`, `b` and L + 16 grow by its cube root, by CIE's formula."""
    imagefiles.write_image(tmp_path / "flat.png", np.full((40, 40, 3), (120, 90, 100), np.uint8))
    shape = {"image_size": 32, "batch_size": 16}
    (plain,) = take(training_dataset([tmp_path / "flat.png"], **shape), 1)
    (exposed,) = take(training_dataset([tmp_path / "flat.png"], exposure_jitter=1.0, **shape), 1)
    gain = ((exposed[0] + 1) * 50 + 16) / ((plain[0] + 1) * 50 + 16)
    assert gain.min() < 0.9 and gain.max() > 1.1
    np.testing.assert_allclose(exposed[1], plain[1] * gain, atol=1e-4)


def test_scale_jitter_keeps_photographs_larger():
    assert load_size(128, 0.5) == 216
    assert cache_bytes(10, 128, 0.5) == pytest.approx(cache_bytes(10, 128) * 1.5**2)


@pytest.mark.parametrize(("stored", "kept"), [(100, 54), (54, 54), (40, 40), (32, 32), (20, 32)])
@pytest.mark.parametrize("scale_jitter", [0.5, 0.0])
def test_photographs_are_enlarged_only_to_the_size_of_the_crop(stored, kept, scale_jitter):
    sizes = 32, load_size(32, scale_jitter)
    fitted = pipeline._fit(np.zeros((stored, stored * 2, 3), np.uint8), sizes)
    assert fitted.shape[:2] == (min(kept, sizes[1]), min(kept, sizes[1]) * 2)


def test_small_photographs_are_cropped_at_their_own_resolution(tmp_path):
    """Beside a larger one, 34 pixels of noise come as they are; resampling would change levels."""
    noise = np.random.default_rng(0).choice(np.uint8([40, 200]), (34, 34, 1)).repeat(3, -1)
    imagefiles.write_image(tmp_path / "small.png", noise)
    imagefiles.write_image(tmp_path / "large.png", np.full((90, 90, 3), 120, np.uint8))
    paths = sorted(tmp_path.glob("*.png"))
    ((lightness, _),) = take(training_dataset(paths, image_size=32, batch_size=2), 1)
    assert sorted(len(np.unique(np.round(example, 4))) for example in lightness) == [1, 2]


@pytest.mark.parametrize("image_size", [(64, 96), 64.0, "64", 0])
@pytest.mark.parametrize("make", [training_dataset, evaluation_dataset])
def test_image_size_must_be_one_number(make, image_size):
    with pytest.raises(ValueError, match="image_size must be one whole number of pixels"):
        make([], image_size=image_size, batch_size=4)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("scale_jitter", 1.0),
        ("scale_jitter", -0.1),
        ("contrast_jitter", 1.0),
        ("contrast_jitter", float("nan")),
        ("exposure_jitter", 4.5),
        ("exposure_jitter", -1.0),
        ("film_damage", 1.1),
        ("film_damage", -0.1),
    ],
)
def test_strength_out_of_range_is_refused(landscapes, name, value):
    with pytest.raises(ValueError, match=f"{name} must .* got {value}"):
        training_dataset(landscapes, **SHAPE, **{name: value})


def test_autotuning_is_off(landscapes):
    shape = {"image_size": 32, "batch_size": 4}
    for make in (training_dataset, evaluation_dataset):
        assert make(landscapes, **shape).options().autotune.enabled is False
