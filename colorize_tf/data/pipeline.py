"""tf.data: photographs to `(lightness, ab)`, one function for training and one for evaluation."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from colorize_tf import imagefiles
from colorize_tf.color.lab import encode_images
from colorize_tf.data.augmentation import check_strengths, random_levels, random_view
from colorize_tf.data.film_damage import damage_film
from colorize_tf.data.records.reading import Records, is_streamed
from colorize_tf.files import atomic_write

# pix2pix resizes to 286 and crops 256; 9/8 is the nearest simple fraction.
_CROP_MARGIN = 9 / 8
# Batches that wait. Left to TensorFlow, they become twice as many whenever training had to wait
# after a pause, such as validation: gigabytes in the end.
_PREFETCHED = 2
# A decoded picture with sides of 3:2, in bytes per squared short side.
_BYTES_PER_SQUARED_SIDE = 3 * 1.5


def training_dataset(
    paths: Sequence[Path] | Records,
    *,
    image_size: int,
    batch_size: int,
    seed: int = 0,
    cache: str | Path = "memory",
    steps_done: int | tf.Variable = 0,
    shard: tuple[int, int] = (0, 1),
    scale_jitter: float = 0.0,
    exposure_jitter: float = 0.0,
    contrast_jitter: float = 0.0,
    film_damage: float = 0.0,
) -> tf.data.Dataset:
    """Endless shuffled batches of random crops and flips, and of what else is asked for.

    Every example is a function of `seed` and of its place in the stream, so a stream that passes
    over `steps_done` batches goes on exactly where another one stopped; a stream of records, with
    as many workers.

    Args:
        paths: photographs. Records are streamed from their shards, of which each worker has its
            part, unless they are to be cached in memory.
        image_size: height and width of the crops, in pixels.
        batch_size: examples in a batch, of this worker alone.
        seed: chooses the order, the crops and all else that is random.
        cache: where decoded uint8 pictures stay: `"memory"`, `"none"`, or the path of a folder.
        steps_done: how many batches to pass over; a variable is read whenever the dataset is
            iterated, such as `ColorizationGAN.steps_done.value`.
        shard: this worker's index, from 0, and how many share the photographs: in each pass every
            one comes once, to one of them. Unless they are streamed, the batches of all together
            hold what a batch of one that is alone would.
        scale_jitter: objects appear up to this share larger or smaller, as far as the photograph
            goes (`augmentation.random_view`), at least 0 and below 1. Photographs are kept larger
            for it, see `load_size`.
        exposure_jitter: stops up or down, 0 to 4; colors follow.
        contrast_jitter: share of contrast more or less, at least 0 and below 1; colors follow.
        film_damage: share of examples whose `lightness` is that of an old print, 0 to 1; `ab` stays
            as it was (`film.old_print`).

    Returns:
        Batches of `(lightness, ab)`, float32 `(batch_size, image_size, image_size, 1)`
        and `(batch_size, image_size, image_size, 2)`, both in [-1, 1].

    Raises:
        ValueError: `shard`, `scale_jitter`, `exposure_jitter`, `contrast_jitter` or `film_damage`
            is out of its range, or records are too small or too few.
    """
    check_strengths(scale_jitter, exposure_jitter, contrast_jitter, film_damage)
    worker, workers = shard
    if not 0 <= worker < workers:
        raise ValueError(f"shard must be an index below a count, such as (0, 2), got {shard}")
    short_side = load_size(image_size, scale_jitter)
    read = _stream if is_streamed(paths, cache) else _walk
    images = read(paths, short_side, cache, seed=seed, shard=shard)
    tones = {"exposure_jitter": exposure_jitter, "contrast_jitter": contrast_jitter}

    def augment(image, place):
        key = tf.stack([seed, place])
        crop_seed, flip_seed = tf.unstack(tf.random.split(key, 2))
        tone_seed, film_seed = tf.unstack(tf.random.split(tf.random.fold_in(key, place), 2))
        if scale_jitter:
            view = {"size": image_size, "scale_jitter": scale_jitter, "margin": _CROP_MARGIN}
            image = random_view(image, seed=crop_seed, **view)
        else:
            image = tf.image.stateless_random_crop(image, (image_size, image_size, 3), crop_seed)
        image = tf.image.stateless_random_flip_left_right(image, flip_seed)
        return image, random_levels(seed=tone_seed, **tones), film_seed

    def finish(images, levels, film_seeds):
        lightness, ab = _encode(images, levels)
        return damage_film(lightness, share=film_damage, seeds=film_seeds), ab

    def from_where_training_is(_):
        return images(tf.cast(tf.convert_to_tensor(steps_done), tf.int64) * batch_size)

    return (
        # Within flat_map, which reads `steps_done` whenever the dataset is iterated.
        tf.data.Dataset.range(1)
        .flat_map(from_where_training_is)
        .map(augment, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(batch_size, drop_remainder=True)
        .map(finish, num_parallel_calls=tf.data.AUTOTUNE)
        .prefetch(_PREFETCHED)
        .with_options(_options())
    )


def evaluation_dataset(
    paths: Sequence[Path] | Records,
    *,
    image_size: int,
    batch_size: int,
    cache: str | Path = "memory",
) -> tf.data.Dataset:
    """Every photograph once, in order: short side to `image_size`, then the central square.

    Args:
        paths: photographs.
        image_size: height and width of the result, in pixels.
        batch_size: examples in a batch; the last batch may be smaller.
        cache: where decoded uint8 pictures stay, as in `training_dataset`.

    Returns:
        Batches of `(lightness, ab)`, as `training_dataset` describes it.
    """
    load = _loader(paths, image_size, cache)

    def crop(image):
        return tf.image.resize_with_crop_or_pad(image, image_size, image_size)

    return (
        tf.data.Dataset.range(len(paths))
        .map(load, num_parallel_calls=tf.data.AUTOTUNE)
        .map(crop)
        .batch(batch_size)
        .map(_encode, num_parallel_calls=tf.data.AUTOTUNE)
        .prefetch(_PREFETCHED)
        .with_options(_options())
    )


def _encode(images: tf.Tensor, levels: tf.Tensor | None = None) -> tuple[tf.Tensor, tf.Tensor]:
    """`colorimetry.encode_images` as an op, several times as fast as `color.encode`.

    Training never leaves the machine, so that it may call what is no operation of TensorFlow's.
    """
    given = [images] if levels is None else [images, levels]
    parts = tf.numpy_function(encode_images, given, [tf.float32, tf.float32], stateful=False)
    lightness, ab = (
        tf.ensure_shape(part, (*images.shape[:3], channels))
        for part, channels in zip(parts, (1, 2), strict=True)
    )
    return lightness, ab


def load_size(image_size: int, scale_jitter: float = 0.0) -> int:
    """Short side, in pixels, at which photographs are kept for random crops of `image_size`.

    With `scale_jitter` a crop may show `1 / (1 + scale_jitter)` of what it shows without: that much
    larger they are kept, so that no crop has to be enlarged. The memory grows as the square of it.
    """
    return math.ceil(image_size * _CROP_MARGIN * (1 + scale_jitter))


def cache_bytes(count: int, image_size: int, scale_jitter: float = 0.0) -> int:
    """About how much memory `count` decoded photographs take, in bytes."""
    return int(count * load_size(image_size, scale_jitter) ** 2 * _BYTES_PER_SQUARED_SIDE)


def _options() -> tf.data.Options:
    """Without autotuning, whose thread sleeps between its rounds and ends no sooner.

    Whoever drops an iterator waits for it, for seconds: after each validation, and at the end of
    each stage. Maps then run on as many threads as there are cores, which they did anyway.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return options


def _walk(
    paths: Sequence[Path] | Records,
    short_side: int,
    cache: str | Path,
    *,
    seed: int,
    shard: tuple[int, int],
) -> Callable[[tf.Tensor], tf.data.Dataset]:
    """Return what makes a dataset of (image, place) from this worker's `first` example on."""
    load = _loader(paths, short_side, cache)
    count = len(paths)
    worker, workers = shard

    def shuffle(place):
        """Every photograph once in each pass, in an order of its own."""
        key = tf.stack([seed, place // count])
        return tf.random.experimental.index_shuffle(place % count, key, count - 1), place

    def images(first):
        places = tf.data.Dataset.range(first * workers + worker, tf.int64.max, workers)
        return places.map(shuffle).map(
            lambda index, place: (load(index), place), num_parallel_calls=tf.data.AUTOTUNE
        )

    return images


def _stream(
    records: Records,
    short_side: int,
    cache: str | Path,
    *,
    seed: int,
    shard: tuple[int, int],
) -> Callable[[tf.Tensor], tf.data.Dataset]:
    """The same as `_walk` from shards, which no `cache` on disk would make faster."""
    worker, workers = shard
    check_records(records, short_side, workers)

    def decode(data, name):
        return _decode(data, name.decode(errors="replace"), short_side)

    def load(data, name, number):
        image = tf.numpy_function(decode, [data, name], tf.uint8, stateful=False)
        return tf.ensure_shape(image, (None, None, 3)), number * workers + worker

    def images(first):
        stream = records.stream(seed=seed, first=first, shard=shard)
        return stream.map(load, num_parallel_calls=tf.data.AUTOTUNE)

    return images


def _decode(data: bytes, name: str, short_side: int) -> np.ndarray:
    return imagefiles.resize_to_short_side(imagefiles.decode_image(data, name), short_side)


def check_records(records: Records, short_side: int, workers: int = 1) -> None:
    """Find out whether a set can be trained on, before anything is written.

    Args:
        records: to train on.
        short_side: `load_size` of the crops, in pixels.
        workers: how many share it.

    Raises:
        ValueError: its photographs are too small, or too few.
    """
    if len(records) < workers:
        raise ValueError(
            f"{records.folder} has {len(records)} photographs to train on, too few for {workers} "
            "workers; start fewer of them"
        )
    if records.short_side < short_side:
        raise ValueError(
            f"the records were prepared with --size {records.short_side}, crops of this size and "
            f"jitter need {short_side}; prepare them again with that, or train on smaller ones"
        )


def _loader(
    paths: Sequence[Path] | Records, short_side: int, cache: str | Path
) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return an op from a photograph's index to uint8 `(height, width, 3)`, decoded only once.

    Not `Dataset.cache`: that replays one order, and a resumed stream would have to read all of it
    to find its place.
    """
    decoded = {}
    if isinstance(paths, Records):
        check_records(paths, short_side)

    def decode(index):
        if isinstance(paths, Records):
            return _decode(*paths.read(index), short_side)
        return imagefiles.resize_to_short_side(imagefiles.read_image(paths[index]), short_side)

    def from_memory(index):
        if index not in decoded:
            decoded[index] = decode(index)
        return decoded[index]

    def from_disk(index):
        file = Path(cache) / f"{index}.npy"
        if index not in decoded:
            with atomic_write(file) as aside:
                np.save(aside, decode(index))
            decoded[index] = True
        return np.load(file)

    read = {"none": decode, "memory": from_memory}.get(cache, from_disk)

    def load(index):
        image = tf.numpy_function(lambda i: read(int(i)), [index], tf.uint8, stateful=False)
        return tf.ensure_shape(image, (None, None, 3))

    return load
