"""tf.data pipelines from photographs to `(lightness, ab)`, for training and for evaluation."""

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
# Prefetched batches. AUTOTUNE doubles them whenever training waited after a pause, such as
# validation, up to gigabytes.
_PREFETCHED = 2
# Bytes of a decoded 3:2 picture per squared pixel of its short side.
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
    """Make endless shuffled batches of random crops and flips, and of further augmentation.

    Each example is a function of `seed` and of its position in the stream, so that a stream that
    skips `steps_done` batches continues exactly where another one stopped (a stream of records,
    with the same number of workers).

    Photographs of different sizes mix: those larger than `load_size` are reduced to it, smaller
    ones keep their resolution, and only those smaller than the crop are enlarged, to the size of
    the crop. Crops are therefore as sharp as the photographs allow.

    Args:
        paths: photographs. Records are streamed from their shards, of which each worker reads its
            part, unless `cache` is `"memory"`.
        image_size: height and width of the crops, in pixels.
        batch_size: examples in a batch of this worker.
        seed: determines the order, the crops and all other random choices.
        cache: where decoded uint8 pictures are kept: `"memory"`, `"none"`, or a folder.
        steps_done: how many batches to skip; a variable is read whenever the dataset is iterated,
            such as `ColorizationGAN.steps_done.value`.
        shard: index of this worker, from 0, and number of workers. In each pass every photograph
            goes to one worker. Unless records are streamed, the batches of all workers together
            equal one batch of a single worker.
        scale_jitter: objects appear up to this share larger or smaller, as far as the photograph
            allows (`augmentation.random_view`); at least 0 and below 1.
        exposure_jitter: exposure varies by up to this many stops, 0 to 4; colors follow.
        contrast_jitter: contrast varies by up to this share, at least 0 and below 1; colors follow.
        film_damage: share of examples whose `lightness` is aged like an old print, 0 to 1; `ab`
            does not change (`film_damage.old_print`).

    Returns:
        Batches of `(lightness, ab)`, float32 `(batch_size, image_size, image_size, 1)`
        and `(batch_size, image_size, image_size, 2)`, both in [-1, 1].

    Raises:
        ValueError: an argument is out of its range, or records are too small or too few.
    """
    _check_image_size(image_size)
    check_strengths(scale_jitter, exposure_jitter, contrast_jitter, film_damage)
    worker, workers = shard
    if not 0 <= worker < workers:
        raise ValueError(f"shard must be an index below a count, such as (0, 2), got {shard}")
    sizes = image_size, load_size(image_size, scale_jitter)
    if isinstance(paths, Records) and is_streamed(paths, cache):
        images = _stream(paths, sizes, seed=seed, shard=shard)
    else:
        images = _shuffle(paths, sizes, cache, seed=seed, shard=shard)
    tones = {"exposure_jitter": exposure_jitter, "contrast_jitter": contrast_jitter}

    def augment(image: tf.Tensor, position: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        key = tf.stack([seed, position])
        crop_seed, flip_seed = tf.unstack(tf.random.split(key, 2))
        tone_seed, film_seed = tf.unstack(tf.random.split(tf.random.fold_in(key, position), 2))
        if scale_jitter:
            image = random_view(
                image,
                size=image_size,
                scale_jitter=scale_jitter,
                margin=_CROP_MARGIN,
                seed=crop_seed,
            )
        else:
            image = tf.image.stateless_random_crop(image, (image_size, image_size, 3), crop_seed)
        image = tf.image.stateless_random_flip_left_right(image, flip_seed)
        return image, random_levels(seed=tone_seed, **tones), film_seed

    def finish(
        images: tf.Tensor, levels: tf.Tensor, film_seeds: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        lightness, ab = _encode(images, levels)
        return damage_film(lightness, share=film_damage, seeds=film_seeds), ab

    def from_current_step(_: tf.Tensor) -> tf.data.Dataset:
        return images(tf.cast(tf.convert_to_tensor(steps_done), tf.int64) * batch_size)

    return (
        # flat_map reads `steps_done` whenever the dataset is iterated.
        tf.data.Dataset.range(1)
        .flat_map(from_current_step)
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
    """Make batches of every photograph once, in order.

    The short side is resized to `image_size`, and the central square is taken.

    Args:
        paths: photographs.
        image_size: height and width of the square, in pixels.
        batch_size: examples in a batch; the last batch may be smaller.
        cache: where decoded uint8 pictures are kept, as in `training_dataset`.

    Returns:
        Batches of `(lightness, ab)`, as `training_dataset` returns them.

    Raises:
        ValueError: `image_size` is no number of pixels, or records are too small.
    """
    _check_image_size(image_size)
    load = _loader(paths, (image_size, image_size), cache)

    def crop(image: tf.Tensor) -> tf.Tensor:
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
    """Call `lab.encode_images` from the graph, several times as fast as `lab_tf.encode`.

    The pipeline is never exported, so that it may call NumPy.
    """
    given = [images] if levels is None else [images, levels]
    parts = tf.numpy_function(encode_images, given, [tf.float32, tf.float32], stateful=False)
    lightness, ab = (
        tf.ensure_shape(part, (*images.shape[:3], channels))
        for part, channels in zip(parts, (1, 2), strict=True)
    )
    return lightness, ab


def load_size(image_size: int, scale_jitter: float = 0.0) -> int:
    """Return the short side, in pixels, to which larger photographs are reduced for training.

    With `scale_jitter`, a crop may show only `1 / (1 + scale_jitter)` of what it shows without;
    photographs stay larger by that factor, so that no crop is enlarged. Memory grows as its square.
    """
    return math.ceil(image_size * _CROP_MARGIN * (1 + scale_jitter))


def cache_bytes(count: int, image_size: int, scale_jitter: float = 0.0) -> int:
    """Estimate the memory of `count` decoded photographs, in bytes."""
    return int(count * load_size(image_size, scale_jitter) ** 2 * _BYTES_PER_SQUARED_SIDE)


def _options() -> tf.data.Options:
    """Turn autotuning off: its thread sleeps between rounds, and deleting an iterator waits for it.

    That takes seconds after each validation. Maps use as many threads as cores either way.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return options


def _shuffle(
    paths: Sequence[Path] | Records,
    sizes: tuple[int, int],
    cache: str | Path,
    *,
    seed: int,
    shard: tuple[int, int],
) -> Callable[[tf.Tensor], tf.data.Dataset]:
    """Return a function from this worker's first example to a dataset of (image, position)."""
    load = _loader(paths, sizes, cache)
    count = len(paths)
    worker, workers = shard

    def shuffle(position: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Visit every photograph once in each pass, in a new order."""
        key = tf.stack([seed, position // count])
        return tf.random.experimental.index_shuffle(position % count, key, count - 1), position

    def images(first: tf.Tensor) -> tf.data.Dataset:
        positions = tf.data.Dataset.range(first * workers + worker, tf.int64.max, workers)
        return positions.map(shuffle).map(
            lambda index, position: (load(index), position), num_parallel_calls=tf.data.AUTOTUNE
        )

    return images


def _stream(
    records: Records, sizes: tuple[int, int], *, seed: int, shard: tuple[int, int]
) -> Callable[[tf.Tensor], tf.data.Dataset]:
    """Return what `_shuffle` does, reading whole shards; a cache on disk would not be faster."""
    worker, workers = shard
    check_records(records, max(sizes), workers)

    def decode(data: bytes, name: bytes) -> np.ndarray:
        return _fit(imagefiles.decode_image(data, name.decode(errors="replace")), sizes)

    def load(data: tf.Tensor, name: tf.Tensor, number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        image = tf.numpy_function(decode, [data, name], tf.uint8, stateful=False)
        return tf.ensure_shape(image, (None, None, 3)), number * workers + worker

    def images(first: tf.Tensor) -> tf.data.Dataset:
        stream = records.stream(seed=seed, first=first, shard=shard)
        return stream.map(load, num_parallel_calls=tf.data.AUTOTUNE)

    return images


def _fit(images: np.ndarray, sizes: tuple[int, int]) -> np.ndarray:
    """Reduce a photograph to the second size; enlarge it only below the first, that of the crop."""
    crop, short_side = sizes
    return imagefiles.resize_to_short_side(
        images, min(short_side, max(crop, min(images.shape[:2])))
    )


def _check_image_size(image_size: object) -> None:
    if not isinstance(image_size, int | np.integer) or image_size < 1:
        raise ValueError(
            "image_size must be one whole number of pixels, as examples are square, such as 128; "
            f"got {image_size!r}"
        )


def check_records(records: Records, short_side: int, workers: int = 1) -> None:
    """Check that a prepared set suits a training run, whose `load_size` is `short_side`.

    Raises:
        ValueError: its photographs were reduced too far, or are too few.
    """
    if len(records) < workers:
        raise ValueError(
            f"{records.folder} has {len(records)} photographs to train on, too few for {workers} "
            "workers; start fewer workers"
        )
    if records.short_side < short_side:
        raise ValueError(
            f"the records were prepared with --size {records.short_side}, crops of this size and "
            f"jitter need {short_side}; prepare them again with that, or train on smaller ones"
        )


def _loader(
    paths: Sequence[Path] | Records, sizes: tuple[int, int], cache: str | Path
) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return an op from the index of a photograph to uint8 `(height, width, 3)`, decoded once.

    `Dataset.cache` would replay one order, and a resumed stream would read all of it to find its
    position.
    """
    decoded: dict[int, np.ndarray] = {}
    written: set[int] = set()
    if isinstance(paths, Records):
        check_records(paths, max(sizes))

    def decode(index: int) -> np.ndarray:
        if isinstance(paths, Records):
            return _fit(imagefiles.decode_image(*paths.read(index)), sizes)
        return _fit(imagefiles.read_image(paths[index]), sizes)

    def from_memory(index: int) -> np.ndarray:
        if index not in decoded:
            decoded[index] = decode(index)
        return decoded[index]

    def from_disk(index: int) -> np.ndarray:
        file = Path(cache) / f"{index}.npy"
        if index not in written:
            with atomic_write(file) as temporary:
                np.save(temporary, decode(index))
            written.add(index)
        return np.load(file)

    read = {"none": decode, "memory": from_memory}.get(str(cache), from_disk)

    def load(index: tf.Tensor) -> tf.Tensor:
        image = tf.numpy_function(lambda i: read(int(i)), [index], tf.uint8, stateful=False)
        return tf.ensure_shape(image, (None, None, 3))

    return load
