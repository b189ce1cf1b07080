"""What can be chosen of where and how fast a run is computed, and makes no other run of it.

Imports neither TensorFlow nor Keras, so that `--help` and a wrong flag answer at once.
"""

import dataclasses
from typing import Any

_CHOICES = {
    "strategy": ("auto", "none", "mirrored", "multi-worker"),
    "jit": ("auto", "on", "off"),
}

# Twelve days; systems refuse to wait for ever.
_LONGEST_WAIT = 10**6


def _option(default: object, text: str) -> Any:
    return dataclasses.field(default=default, metadata={"group": "machines", "help": text})


@dataclasses.dataclass(frozen=True)
class RuntimeOptions:
    """Where a run is computed; not stored with it, as it may go on elsewhere.

    Raises:
        ValueError: no such choice.
    """

    strategy: str = _option(
        "auto",
        "none, mirrored (all GPUs here) or multi-worker (all processes that TF_CONFIG or Slurm "
        "names); auto is what there is",
    )
    worker_timeout: float = _option(600.0, "seconds to wait for the other workers to come")
    jit: str = _option("auto", "compile steps by XLA: on, off or auto, which is on with one GPU")
    restartable: bool = _option(
        False,
        "go on with the run in --run-dir if it has begun, else begin it: for schedulers that start "
        "the same command again",
    )

    def __post_init__(self):
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"--{name} must be one of {', '.join(choices)}, got {getattr(self, name)!r}"
                )
        if not 0 < self.worker_timeout <= _LONGEST_WAIT:
            raise ValueError(
                f"--worker-timeout must be above 0 and at most {_LONGEST_WAIT:,} seconds, "
                f"got {self.worker_timeout:g}"
            )
