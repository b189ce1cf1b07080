"""The options of `colorize`, which the command and `colorize_files` share.

Imports neither OpenCV nor TensorFlow, so that `--help` and wrong flags respond at once.
"""

import dataclasses
import os
from typing import Any

from colorize_tf.options import check_options, option

_FILES, _COLOR, _WORK = "inputs and outputs", "color", "long work"


@dataclasses.dataclass(frozen=True)
class ColorizeOptions:
    """How to colorize photographs and films, and where the work is done.

    Raises:
        ValueError: a value is out of range, or two options contradict each other.
    """

    recursive: bool = option(False, group=_FILES, help="search subfolders of input folders")
    limit: int | None = option(None, group=_FILES, help="stop after N results, to try it", least=1)
    format: str | None = option(
        None,
        group=_FILES,
        help="format of photographs in a folder, by default that of each INPUT",
        choices=("jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff"),
        metavar="FORMAT",
    )
    quality: int = option(
        95, group=_FILES, help="quality of JPEG and WebP, 1 to 100", least=1, most=100
    )
    overwrite: bool = option(
        False,
        group=_FILES,
        help="replace files that exist [skip them in folders]",
        exclusive="existing files",
    )
    skip_existing: bool = option(
        False,
        group=_FILES,
        help="skip OUT if it is a file that exists [that is an error]",
        exclusive="existing files",
    )

    model: str | None = option(
        None,
        group=_COLOR,
        help="run folder, .keras file, SavedModel folder, .tflite file (the fastest to start), or "
        "URL of a model that TensorFlow Serving serves [the one that comes with the package]",
        metavar="MODEL",
    )
    intensity: float = option(
        1.0, group=_COLOR, help="factor of the colors: 0 is gray, at most 2", least=0, most=2
    )
    ensemble: str | None = option(
        None,
        group=_COLOR,
        help="average the predictions for the photograph and its mirror image",
        choices=("flip",),
        metavar="flip",
    )
    samples: int | None = option(
        None,
        group=_COLOR,
        help="write N different colorings, new-1.png to new-N.png for new.png; needs a model that "
        "takes noise (recipe pix2pix-noise)",
        least=1,
    )
    seed: int | None = option(
        None,
        group=_COLOR,
        help="seed of the samples; the first samples of a seed do not depend on their number, so "
        "that more of them can be added to a folder [0]",
        least=0,
        metavar="S",
    )
    side_by_side: bool = option(False, group=_COLOR, help="write gray and color in one picture")
    deflicker: bool = option(
        False, group=_COLOR, help="steady the lightness of films too [only their color]"
    )
    force: bool = option(
        False,
        group=_COLOR,
        help="colorize what is in color already, and the rest of damaged photographs [report them]",
    )

    jobs: int | None = option(
        None,
        group=_WORK,
        help="photographs at the same time [one per processor]",
        least=1,
        most=4096,
    )
    max_megapixels: float = option(
        200.0, group=_WORK, help="refuse larger photographs before decoding", least=0.001
    )
    engine: str = option(
        "local", group=_WORK, help="ray uses many processes", choices=("local", "ray")
    )
    ray_address: str | None = option(
        None,
        group=_WORK,
        help="Ray cluster that finds the same folders [this machine]",
        metavar="HOST:PORT",
    )

    def __post_init__(self) -> None:
        check_options(self)
        if self.overwrite and self.skip_existing:
            raise ValueError("--overwrite and --skip-existing exclude each other")
        if self.ray_address and self.engine != "ray":
            raise ValueError("--ray-address needs --engine ray")
        if self.seed is not None and self.samples is None:
            raise ValueError("--seed chooses samples; set their number with --samples N")

    @property
    def suffix(self) -> str | None:
        """Suffix of the results; None for that of each photograph."""
        return self.format and f".{self.format}"

    @property
    def local_jobs(self) -> int:
        """Photographs that this process reads, and writes, at the same time."""
        return self.jobs or min(16, os.cpu_count() or 1)

    def processor_options(self) -> dict[str, Any]:
        """Return the arguments of `load_processor`."""
        others = ("recursive", "limit", "format", "skip_existing", "jobs", "engine", "ray_address")
        options = {name: value for name, value in vars(self).items() if name not in others}
        return options | {"seed": self.seed or 0}
