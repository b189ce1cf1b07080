"""Save and load generators as `.keras` files, in float32, loadable without this package."""

import functools
import itertools
from pathlib import Path
from typing import Any

import keras

from colorize_tf.artifacts.card import make_card, put_in_keras
from colorize_tf.artifacts.signatures import keras_signatures
from colorize_tf.artifacts.weights import resolve_weights
from colorize_tf.files import atomic_write
from colorize_tf.models.generator import check_generator, z_size_of


def save_generator(
    generator: keras.Model, path: str | Path, description: dict | None = None
) -> None:
    """Write a generator as a float32 `.keras` file, atomically.

    Args:
        generator: `lightness` to `ab`, or `[lightness, z]` to `ab`, of built-in layers, under any
            dtype policy.
        path: where to write, ending in `.keras`; an older file there is replaced.
        description: how the generator was made, with the keys of `card.PROVENANCE`, and a
            `name`, by default the file's.
    """
    card = describe_generator(generator, {"name": Path(path).stem, **(description or {})})
    signatures = keras_signatures(card["input_size"], card["z_size"])
    with atomic_write(path) as temporary:
        as_float32(generator).save(temporary)
        put_in_keras(temporary, {**card, "signatures": signatures})


def describe_generator(generator: keras.Model, description: dict) -> dict:
    """Make the description that all artifacts of a generator contain, see `card.make_card`."""
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
    except Exception as error:  # whatever Keras raises for a broken or foreign file
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ValueError(f"{path} cannot be loaded as a Keras model: {reason}") from error
    check_generator(generator, path)
    _check_predict_input(generator)
    return generator


def _check_predict_input(generator: keras.Model) -> None:
    """Make `predict` name a wrong input shape in one line, not in an AutoGraph traceback."""
    predict = generator.predict

    @functools.wraps(predict)
    def checked_predict(x: Any, *args: Any, **kwargs: Any) -> Any:
        arrays = x if isinstance(x, list | tuple) else [x]
        for array, expected in zip(arrays, generator.inputs, strict=False):
            shape = getattr(array, "shape", None)  # A data set has none.
            if shape is not None and tuple(shape[1:]) != tuple(expected.shape[1:]):
                raise ValueError(
                    f"{generator.name} expects {expected.name} of shape {expected.shape}, got "
                    f"{tuple(shape)}; colorize photographs of any size with Colorizer, or copy the "
                    "network for another size with models.generator.resize_generator"
                )
        return predict(x, *args, **kwargs)

    generator.predict = checked_predict


def copy_weights(source: keras.Model, target: keras.Model, name: str | Path) -> None:
    """Copy all weights of one generator to another of the same architecture, of any image size.

    Raises:
        ValueError: the architectures differ; `target` is then unchanged. The error calls the source
            `name`.
    """
    pairs = itertools.zip_longest(source.weights, target.weights)
    for number, (found, expected) in enumerate(pairs, start=1):
        if found is None or expected is None or found.shape != expected.shape:
            one, other = (
                "nothing" if weight is None else f"{weight.path} {tuple(weight.shape)}"
                for weight in (found, expected)
            )
            raise ValueError(
                f"{name} does not match the network {target.name}: weight {number} of "
                f"{len(source.weights)} is {one}, expected {other} of {len(target.weights)}"
            )
    target.set_weights(source.get_weights())


def as_float32(generator: keras.Model) -> keras.Model:
    """Return a copy of a generator that computes in float32."""

    def convert(layer: keras.Layer) -> keras.Layer:
        return layer.__class__.from_config({**layer.get_config(), "dtype": "float32"})

    copy = keras.models.clone_model(generator, clone_function=convert)
    copy.set_weights(generator.get_weights())
    return copy
