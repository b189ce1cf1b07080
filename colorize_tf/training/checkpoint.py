"""The state of a run in one file, from which a stopped run continues exactly.

Keras' `save_weights` is no alternative: it skips optimizers that do not match, with a warning, and
aborts the process when the disk is full.
"""

from __future__ import annotations

import contextlib
import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from colorize_tf.files import atomic_write

if TYPE_CHECKING:
    import keras

    from colorize_tf.training.gan import ColorizationGAN

_COUNTER = "counter."


def save_state(gan: ColorizationGAN, path: Path) -> None:
    """Write networks, optimizers, loss scales and counters atomically.

    Args:
        gan: compiled.
        path: the `.npz` file; an older one is replaced.
    """
    arrays = {name: variable.numpy() for name, variable in state_variables(gan).items()}
    content = io.BytesIO()
    np.savez(content, **arrays)
    with atomic_write(path) as aside:
        aside.write_bytes(content.getbuffer())


def load_state(gan: ColorizationGAN, path: Path) -> None:
    """Restore what `save_state` wrote.

    Args:
        gan: compiled, of the same networks, optimizers and precision; unchanged after an error.
        path: the `.npz` file.

    Raises:
        ValueError: the file is damaged, or belongs to another configuration.
    """
    variables = state_variables(gan)
    with _opened(path) as content:
        arrays = dict(content)
    shapes = {name: tuple(variable.shape) for name, variable in variables.items()}
    stored = {name: array.shape for name, array in arrays.items()}
    if stored != shapes:
        name = next(n for n in (*shapes, *stored) if stored.get(n) != shapes.get(n))
        raise ValueError(
            f"{path} is the state of another configuration: {name} is "
            f"{stored.get(name, 'missing')}, expected {shapes.get(name, 'nothing of that name')}"
        )
    for name, variable in variables.items():
        variable.assign(arrays[name])


def read_counters(path: Path) -> dict[str, float]:
    """Return the counters of a state, without a GAN to restore it to.

    Raises:
        ValueError: the file is damaged.
    """
    with _opened(path) as content:
        names = [name for name in content if name.startswith(_COUNTER)]
        return {name.removeprefix(_COUNTER): content[name].item() for name in names}


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Mapping[str, np.ndarray]]:
    try:
        with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as content:
            yield content
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} cannot be read as the state of a run: {error}") from error


def state_variables(gan: ColorizationGAN) -> dict[str, keras.Variable]:
    """Return all variables of a run's state, by names that do not depend on those of layers."""
    groups = {
        "generator": gan.generator.variables,
        "discriminator": gan.discriminator.variables,
        "generator_optimizer": gan.generator_optimizer.variables,
        "discriminator_optimizer": gan.discriminator_optimizer.variables,
    }
    if gan.ema_generator is not gan.generator:
        groups["ema_generator"] = gan.ema_generator.variables
    # By position: names of layers depend on how many layers the process has created.
    by_position = {
        f"{group}.{index}": variable
        for group, variables in groups.items()
        for index, variable in enumerate(variables)
    }
    return {**by_position, **{_COUNTER + name: value for name, value in gan.counters.items()}}
