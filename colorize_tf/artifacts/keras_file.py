"""Generators as `.keras` files of built-in layers, in float32, loadable without this package."""

import itertools
from pathlib import Path

import keras

from colorize_tf.artifacts.card import make_card, put_in_keras
from colorize_tf.artifacts.signatures import keras_signatures
from colorize_tf.artifacts.weights import resolve_weights
from colorize_tf.files import atomic_write
from colorize_tf.models.generator import check_generator, z_size_of


def save_generator(
    generator: keras.Model, path: str | Path, description: dict | None = None
) -> None:
    """Write a generator as a float32 `.keras` file, whole or not at all.

    Args:
        generator: `lightness` to `ab`, or `[lightness, z]` to `ab`, of built-in layers, under any
            dtype policy.
        path: where to write, ending in `.keras`; an older file there is replaced.
        description: what the file says of itself beside what the generator tells: how it came
            about, with the keys of `card.PROVENANCE`, and a `name`, by default the file's.
    """
    card = describe_generator(generator, {"name": Path(path).stem, **(description or {})})
    signatures = keras_signatures(card["input_size"], card["z_size"])
    with atomic_write(path) as aside:
        as_float32(generator).save(aside)
        put_in_keras(aside, {**card, "signatures": signatures})


def describe_generator(generator: keras.Model, description: dict) -> dict:
    """Make the description that all artifacts of a generator carry.

    Args:
        generator: `lightness` to `ab`, or `[lightness, z]` to `ab`.
        description: its `name` and what else is known, as `make_card` takes it.
    """
    return make_card(
        description,
        generator=generator.name,
        size=generator.output_shape[1],
        z_size=z_size_of(generator),
        weights=generator.get_weights(),
    )


def load_generator(path: str | Path) -> keras.Model:
    """Load a generator.

    Args:
        path: what `colorize_tf.artifacts.weights.resolve_weights` takes: a `.keras` file, a run
            folder, whose best generator is taken, `"shipped"`, or an exported model with its
            `.keras` file beside it.

    Returns:
        The generator, `lightness` `(batch, size, size, 1)`, or that and `z` `(batch, z_size)`, to
        `ab` `(batch, size, size, 2)`.

    Raises:
        ValueError: no such file, not a `.keras` file, code inside, or not a generator.
    """
    path = resolve_weights(path).path
    try:
        generator = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # whatever a broken or foreign file makes Keras raise
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ValueError(f"{path} cannot be loaded as a Keras model: {reason}") from error
    check_generator(generator, path)
    return generator


def copy_weights(source: keras.Model, target: keras.Model, name: str | Path) -> None:
    """Copy all weights of one generator to another of the same architecture.

    Args:
        source: generator to read, at any image size.
        target: generator to change.
        name: what to call the source in an error.

    Raises:
        ValueError: the architectures differ; `target` is then unchanged.
    """
    theirs = [tuple(weight.shape) for weight in source.weights]
    ours = [tuple(weight.shape) for weight in target.weights]
    if theirs != ours:
        at = next(i for i in itertools.count() if theirs[i : i + 1] != ours[i : i + 1])
        came = f"{source.weights[at].path} {theirs[at]}" if at < len(theirs) else "nothing"
        expected = f"{target.weights[at].path} {ours[at]}" if at < len(ours) else "nothing"
        raise ValueError(
            f"{name} does not match the network {target.name}: weight {at + 1} of {len(theirs)} "
            f"is {came}, expected {expected} of {len(ours)}"
        )
    target.set_weights(source.get_weights())


def as_float32(generator: keras.Model) -> keras.Model:
    """Return a copy of a generator that computes in float32, whatever it was trained with."""

    def convert(layer):
        return layer.__class__.from_config({**layer.get_config(), "dtype": "float32"})

    copy = keras.models.clone_model(generator, clone_function=convert)
    copy.set_weights(generator.get_weights())
    return copy
