"""Options that choose where and how fast a run is computed, not what it learns.

Imports neither TensorFlow nor Keras, so that `--help` and wrong flags respond at once.
"""

import dataclasses

from colorize_tf.options import check_options, option


@dataclasses.dataclass(frozen=True)
class RuntimeOptions:
    """Where a run is computed; not stored with it, because it may continue elsewhere.

    Raises:
        ValueError: a value is not one of the choices, or out of range.
    """

    strategy: str = option(
        "auto",
        group="machines",
        help="distribution; mirrored is all GPUs here, multi-worker all processes named by "
        "TF_CONFIG or Slurm, auto whichever is available",
        choices=("auto", "none", "mirrored", "multi-worker"),
    )
    worker_timeout: float = option(
        600.0,
        group="machines",
        help="seconds to wait for the other workers",
        above=0,
        most=10**6,  # twelve days; systems refuse to wait much longer
    )
    jit: str = option(
        "auto",
        group="machines",
        help="compile steps by XLA; auto is on with one GPU",
        choices=("auto", "on", "off"),
    )
    restartable: bool = option(
        False,
        group="machines",
        help="continue the run in --run-dir if it exists, else start it: for schedulers that start "
        "the same command again",
    )

    def __post_init__(self) -> None:
        check_options(self)
