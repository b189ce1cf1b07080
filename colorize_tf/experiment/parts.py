"""What a user plugs into a run in place of the package's own parts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from colorize_tf.config import TrainConfig
from colorize_tf.plugins import find_function, is_own

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

# Options that may name a part; `models.resolve_generator` finds generators.
_NAMED: tuple[str, ...] = ("discriminator", "dataset", "loss", "augmentation")
# Begins the names of parts that cannot be imported.
_FROM_PYTHON = "python:"


@dataclasses.dataclass(frozen=True)
class Parts:
    """A user's own network, data, loss, augmentation and callbacks; None takes the package's.

    Attributes:
        generator: a model of `lightness` to `ab`, or a function of the image size that builds it.
        discriminator: a model of `[lightness, ab]` to `logits`, or a function of the image size.
        dataset: `tf.data.Dataset` of `(lightness, ab)`, or a function of the data folder that
            returns two of these or two lists of files, to train and to validate on.
        validation_dataset: like `dataset`, to validate on.
        loss: reconstruction loss, a function of `(ab, generated_ab)` to a scalar.
        augmentation: function of `(lightness, ab, seed)` to `(lightness, ab)`.
        callbacks: Keras callbacks.

    Raises:
        ValueError: a part is a name or another object that cannot be called.
    """

    generator: keras.Model | Callable[..., keras.Model] | None = None
    discriminator: keras.Model | Callable[..., keras.Model] | None = None
    dataset: tf.data.Dataset | Callable[..., Any] | None = None
    validation_dataset: tf.data.Dataset | None = None
    loss: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] | None = None
    augmentation: Callable[..., tuple[tf.Tensor, tf.Tensor]] | None = None
    callbacks: Sequence[keras.callbacks.Callback] = ()

    def __post_init__(self) -> None:
        for name in ("generator", *_NAMED):
            part = getattr(self, name)
            is_dataset = name == "dataset" and hasattr(part, "element_spec")
            if part is not None and not callable(part) and not is_dataset:
                raise ValueError(
                    f"{name} must be a function or an object as in docs/python-api.md, got "
                    f"{part!r}; a name belongs in the config, as its option {name!r}"
                )
        callbacks = self.callbacks
        is_sequence = isinstance(callbacks, Sequence) and not isinstance(callbacks, str)
        # TensorFlow starts later, so that Keras is not imported here for its types.
        if not is_sequence or not all(
            hasattr(one, "set_model") and not isinstance(one, type) for one in callbacks
        ):
            raise ValueError(f"callbacks must be a list of Keras callbacks, got {callbacks!r}")

    def named_by(self, config: TrainConfig) -> Parts:
        """Add the parts that a config names as `package.module:function`.

        Raises:
            ValueError: there is no such function.
        """
        for name in ("generator", *_NAMED):
            spec = getattr(config, name)
            if getattr(self, name) is None and str(spec).startswith(_FROM_PYTHON):
                raise ValueError(
                    f"the run was started from Python with a {name} of its own "
                    f"({spec.removeprefix(_FROM_PYTHON)}); resume it by train_colorizer with that "
                    f"{name}"
                )
        named: dict[str, Any] = {
            name: find_function(getattr(config, name), name, {})
            for name in _NAMED
            if getattr(self, name) is None and is_own(getattr(config, name))
        }
        return dataclasses.replace(self, **named)

    def name_in(self, config: TrainConfig) -> TrainConfig:
        """Return the config with the names of parts that were given as objects."""
        given: dict[str, Any] = {
            name: _name(getattr(self, name))
            for name in ("generator", *_NAMED)
            if getattr(self, name) is not None and not is_own(getattr(config, name))
        }
        return dataclasses.replace(config, **given)


def _name(part: Any) -> str:
    """Name a function as `package.module:function` if it can be imported by that name."""
    name = getattr(part, "__qualname__", type(part).__name__)
    module = getattr(part, "__module__", "__main__")
    if callable(part) and name.isidentifier() and module != "__main__":
        return f"{module}:{name}"
    return f"{_FROM_PYTHON}{name}"
