"""Run folders: the files of a training run, and their names."""

from __future__ import annotations

import csv
import itertools
import json
import os
import shutil
from pathlib import Path

from colorize_tf.files import atomic_write


class RunFolder:
    """The folder of one training run."""

    GENERATOR = "generator.keras"

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.config = self.path / "config.json"
        self.data = self.path / "data.json"
        self.skipped = self.path / "skipped.csv"
        self.color_prior = self.path / "color_prior.npy"
        self.metrics = self.path / "metrics.csv"
        self.curves = self.path / "curves.png"
        self.samples = self.path / "samples"
        self.tensorboard = self.path / "tensorboard"
        self.state = self.path / "state.npz"
        self.cache = self.path / "cache"
        self.generator = self.path / self.GENERATOR
        self.export = self.path / "export"

    @classmethod
    def create(cls, path: str | Path | None, *, stem: str) -> RunFolder:
        """Make a new run folder.

        Args:
            path: where, or None for the first free `runs/STEM-N`.
            stem: the beginning of the name if `path` is None.

        Returns:
            The run, without any files yet.

        Raises:
            ValueError: something exists there already, or the folder cannot be made.
        """
        numbers = itertools.count(1)
        while True:
            folder = Path("runs", f"{stem}-{next(numbers)}") if path is None else Path(path)
            try:
                folder.mkdir(parents=True)
                return cls(folder)
            except FileExistsError as error:
                if path is not None:
                    raise ValueError(_occupied(path)) from error
            except OSError as error:
                raise ValueError(f"cannot make run folder {folder}: {error.strerror}") from error

    @staticmethod
    def check_free(path: str | Path) -> None:
        """Raise `ValueError` if something exists where a run folder is to be made."""
        if os.path.lexists(path):
            raise ValueError(_occupied(path))

    @classmethod
    def open(cls, path: str | Path) -> RunFolder:
        """Open an existing run folder.

        Raises:
            ValueError: no run there.
        """
        run = cls(path)
        if not run.config.is_file():
            raise ValueError(f"no run in {path}: expected config.json; start one without --resume")
        return run

    def fresh_cache(self) -> Path:
        """Return an empty folder for decoded photographs; files of a killed run are removed."""
        self.drop_cache()
        self.cache.mkdir()
        return self.cache

    def drop_cache(self) -> None:
        """Remove decoded photographs."""
        shutil.rmtree(self.cache, ignore_errors=True)


def _occupied(path: str | Path) -> str:
    is_run = RunFolder(path).config.is_file()
    remedy = ", or continue that run with --resume" if is_run else ""
    return f"{path} exists already; choose another --run-dir{remedy}"


def read_json(path: str | Path) -> dict:
    """Read a JSON file that holds an object.

    Raises:
        ValueError: the file is not JSON, or contains something other than an object.
    """
    try:
        content = json.loads(Path(path).read_text())
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds {type(content).__name__}, expected an object")
    return content


def read_metrics(path: str | Path) -> list[dict[str, str]]:
    """Read the rows of a run's `metrics.csv`, one per epoch; none where there is no such file."""
    if not Path(path).is_file():
        return []
    with Path(path).open(newline="") as file:
        rows = list(csv.DictReader(file))
    # Version 0.1 called the discriminator critic.
    return [
        {
            name.replace("critic", "discriminator"): "discriminator" if value == "critic" else value
            for name, value in row.items()
        }
        for row in rows
    ]


def write_json(path: str | Path, content: dict) -> None:
    """Write a JSON file atomically."""
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n")
