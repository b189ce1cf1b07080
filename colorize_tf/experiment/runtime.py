"""Where a run is computed: the processes that take part, and how TensorFlow is started."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import colorize_tf
from colorize_tf import cli
from colorize_tf.options import flag
from colorize_tf.training.rendezvous import rendezvous
from colorize_tf.training.runtime_options import RuntimeOptions
from colorize_tf.training.workers import Workers, find_workers

if TYPE_CHECKING:
    from colorize_tf.training.distribution import Distribution

RESTART = "start all of them again, with --resume or with --restartable"
"""What to do when one of several workers is lost."""


def agree(
    runtime_options: RuntimeOptions, chosen: Mapping[str, Any], settle: Callable[[], dict[str, Any]]
) -> tuple[Workers | None, dict[str, Any]]:
    """Find the processes that take part, wait for them, and agree on what to do.

    Args:
        runtime_options: who may take part, and how long to wait.
        chosen: `TrainConfig` fields that the user set, the same for all.
        settle: called by the chief alone; returns what JSON can hold.

    Returns:
        All processes, or None where this one is alone, and what was settled.

    Raises:
        ValueError: a process is missing or differs, or `settle` raised it.
    """
    may_be_several = runtime_options.strategy in ("auto", "multi-worker")
    workers = find_workers(os.environ) if may_be_several else None
    if workers:
        facts = _facts(chosen)
        timeout = runtime_options.worker_timeout
        return workers, rendezvous(workers, facts, settle=settle, seconds=timeout)
    if runtime_options.strategy == "multi-worker":
        raise ValueError(
            "--strategy multi-worker needs several processes; start each with TF_CONFIG, which "
            "names them all, or all by Slurm's srun"
        )
    return None, settle()


def _facts(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Return what must not differ between workers, by the name that errors call it."""
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


def start(runtime_options: RuntimeOptions, workers: Workers | None) -> Distribution:
    """Start TensorFlow; several processes must be connected before anything else uses it.

    Args:
        runtime_options: where to compute.
        workers: all processes, or None where this one is alone.

    Raises:
        ValueError: no such devices.
    """
    with cli.native_logs_hidden():
        import tensorflow as tf

        from colorize_tf.training.distribution import choose_distribution
        from colorize_tf.training.watchdog import watchdog

        for gpu in tf.config.list_physical_devices("GPU"):
            # Refused once a GPU is in use, as in a notebook.
            with contextlib.suppress(RuntimeError):
                tf.config.experimental.set_memory_growth(gpu, True)
    # Created here: TensorFlow's logger keeps the standard error of the time when it is created.
    tf.get_logger().setLevel("WARNING")
    # TensorFlow waits for an hour for a worker that was lost after the rendezvous.
    lost = f"a worker was lost before all were connected; {RESTART}"
    watch = watchdog(runtime_options.worker_timeout, lost) if workers else contextlib.nullcontext()
    with watch, cli.native_logs_hidden():
        distribution = choose_distribution(runtime_options.strategy, workers)
    cli.start_tensorflow()
    return distribution
