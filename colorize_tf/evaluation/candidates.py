"""Models to be evaluated: loaded, named, and what is known of their training."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from colorize_tf.artifacts.card import read_provenance
from colorize_tf.artifacts.keras_file import load_generator
from colorize_tf.artifacts.run_folder import RunFolder, read_json
from colorize_tf.inference.colorizer import SHIPPED_MODEL, Colorizer
from colorize_tf.recipes import RECIPES

Model = str | Path | Colorizer
"""What `Colorizer.load` takes, or a colorizer."""

# Settings that are paths and so name no network.
_LOCATIONS = ("data_dir", "export_to", "init_from", "run_dir")


@dataclass(frozen=True)
class Candidate:
    """A model to be evaluated.

    Attributes:
        colorizer: the loaded model.
        facts: `input_size` in pixels and, of a run, `parameters`, `pictures` (how many it saw) and
            `pictures_per_second`, validation included.
        log: rows of a run's `metrics.csv`; none for other models.
        mean_ab: mean color of a run's training photographs, where it is stored.
        settings: values of its training settings, in lower case, as far as they are known.
    """

    colorizer: Colorizer
    facts: dict[str, float]
    log: Sequence[dict[str, str]] = ()
    mean_ab: tuple[float, float] | None = None
    settings: frozenset[str] = frozenset()

    def uses(self, family: str) -> bool:
        """Return whether a network of this family trained the model or chose its epoch."""
        return any(family in setting for setting in self.settings)


def name_models(
    models: Model | Sequence[Model] | Mapping[str, Model] | None,
    against: Model | None,
    reserved: Sequence[str] = (),
) -> dict[str, Model]:
    """Name models: a run by its folder, the shipped model by its file, others by their path.

    Args:
        models: one, several, or several by name; None is the shipped model.
        against: one more, which comes last.
        reserved: names that no model may have.

    Raises:
        ValueError: two models would have the same name.
    """
    if isinstance(models, Mapping):
        entries = list(models.items())
    else:
        listed = [models] if isinstance(models, str | Path | Colorizer) else list(models or ())
        entries = [(_name(model), model) for model in listed or [SHIPPED_MODEL]]
    if against is not None:
        entries.append((_name(against), against))
    named: dict[str, Model] = {}
    for name, model in entries:
        if name in named or name in reserved:
            raise ValueError(
                f"two rows of the table would be called {name!r}; give each model once, rename a "
                "run's folder, or give models by name"
            )
        named[name] = model
    return named


def load_candidate(model: Model) -> Candidate:
    """Load a model and what is known of its training.

    Raises:
        ValueError: it cannot be loaded.
    """
    if isinstance(model, Colorizer):
        return Candidate(model, {"input_size": model.size})
    colorizer = Colorizer.load(model)
    facts: dict[str, float] = {"input_size": colorizer.size}
    if not _is_run(model):
        return Candidate(colorizer, facts, settings=_settings({}, model))
    run = RunFolder(model)
    config, log = read_json(run.config), _read_log(run)
    facts["parameters"] = load_generator(run.generator).count_params()
    if log:  # The log ends with the steps and seconds of all stages.
        facts["pictures"] = int(log[-1]["steps"]) * config["batch_size"]
        facts["pictures_per_second"] = facts["pictures"] / float(log[-1]["seconds"])
    stored = read_json(run.data).get("mean_ab") if run.data.is_file() else None
    mean_ab = (stored[0], stored[1]) if stored else None
    return Candidate(colorizer, facts, log, mean_ab, _settings(config, model))


def _name(model: Model) -> str:
    if isinstance(model, Colorizer):
        return "colorizer"
    path = Path(model)
    return path.absolute().name if _is_run(model) or path == SHIPPED_MODEL else str(model)


def _is_run(model: str | Path) -> bool:
    return RunFolder(model).config.is_file()


def _read_log(run: RunFolder) -> list[dict[str, str]]:
    """Read a run's log; a run that was stopped in its first epoch has none."""
    if not run.metrics.is_file():
        return []
    with run.metrics.open(newline="") as file:
        return list(csv.DictReader(file))


def _settings(config: dict, model: str | Path) -> frozenset[str]:
    """Collect the training settings of a model and of the models it was initialized from."""
    command = read_provenance(model).get("training_command") or ""
    recipes = re.findall(r"--recipe (\S+)", command)
    defaults = [RECIPES[name].defaults for name in recipes if name in RECIPES]
    values = [
        value
        for settings in (config, *defaults)
        for key, value in settings.items()
        if key not in _LOCATIONS
    ]
    flags = re.sub(r"--(data-dir|init-from) \S+", "", command).split()
    if config.get("feature_weights") or "--feature-weights" in flags:
        flags.append("squeezenet")
    return frozenset(str(value).lower() for value in (*values, *flags))
