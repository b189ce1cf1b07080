"""Who takes part in a run, and what they must have in common."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
from collections.abc import Callable
from pathlib import Path

import colorize_tf
from colorize_tf import cli
from colorize_tf.options import flag
from colorize_tf.training.runtime_options import RuntimeOptions
from colorize_tf.training.workers import Workers, find_workers, meet


def gather(
    runtime_options: RuntimeOptions, chosen: dict[str, object], begin: Callable[[], dict]
) -> tuple[Workers | None, dict]:
    """Find who takes part, wait for them, and agree on what to do.

    Args:
        runtime_options: who may take part, and how long to wait.
        chosen: `TrainConfig` fields that were set by hand, the same for all.
        begin: settles what to do, of what JSON can hold; the chief alone is asked.

    Returns:
        All processes, or None where this one is alone, and what was settled.

    Raises:
        ValueError: a process is missing or differs, or what is to be done cannot be.
    """
    may_be_several = runtime_options.strategy in ("auto", "multi-worker")
    workers = find_workers(os.environ) if may_be_several else None
    if workers:
        facts = _facts(chosen)
        return workers, meet(workers, facts, answer=begin, seconds=runtime_options.worker_timeout)
    if runtime_options.strategy == "multi-worker":
        raise ValueError(
            "--strategy multi-worker needs several processes; start each with TF_CONFIG, which "
            "names them all, or all by Slurm's srun"
        )
    return None, begin()


def _facts(chosen: dict[str, object]) -> dict[str, object]:
    """What differs between workers only by mistake, by the name to tell it by."""
    with cli.native_logs_hidden():
        import tensorflow as tf

        from colorize_tf.training.precision import choose_precision

        gpus = len(tf.config.list_physical_devices("GPU"))
    return {
        "the code": _code_hash(),
        **{name: importlib.metadata.version(name) for name in ("tensorflow", "keras")},
        "the number of GPUs": gpus,
        "what --precision auto chooses": choose_precision("auto"),
        **{flag(name): value for name, value in sorted(chosen.items())},
    }


def _code_hash() -> str:
    package = Path(colorize_tf.__file__).parent
    contents = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        contents.update(f"{path.relative_to(package)}\0".encode() + path.read_bytes())
    return contents.hexdigest()[:12]
