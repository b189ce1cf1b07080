"""python -m colorize_tf.benchmark: how fast each part is, beside what it has to keep up with."""

import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence

from colorize_tf import cli
from colorize_tf.recipes import make_config
from colorize_tf.runs import write_json


def _parser():
    parser = cli.make_parser(
        "benchmark",
        usage="[PART...] [--json FILE]",
        description="Measure the speed of each part on this machine.",
        details="parts:\n" + "\n".join(f"  {name:10} {text}" for name, (text, _) in PARTS.items()),
        example="python -m colorize_tf.benchmark pipeline",
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help="what to measure [everything]")
    parser.add_argument("--json", metavar="FILE", help="write the figures there as well")
    return parser


def measure_pipeline() -> dict[str, dict[str, float]]:
    """Return rows of figures: the input pipeline and the steps that it feeds, at default size."""
    import itertools

    import keras

    from colorize_tf.data.catalog import find_photographs
    from colorize_tf.data.pipeline import load_size, training_dataset
    from colorize_tf.models import GENERATORS
    from colorize_tf.models.patchgan import patchgan
    from colorize_tf.training.gan import ColorizationGAN
    from colorize_tf.training.precision import set_precision

    config = make_config({})
    count = 20 * config.batch_size
    photographs = find_photographs(
        "synthetic",
        synthetic_train=count,
        synthetic_validation=config.batch_size,
        synthetic_size=load_size(config.image_size),
    )
    set_precision(config.precision)
    gan = ColorizationGAN(
        GENERATORS[config.generator](config.image_size),
        patchgan(base_width=config.discriminator_width),
    )
    optimizers = keras.optimizers.Adam(), keras.optimizers.Adam()
    examples = training_dataset(
        photographs.train, image_size=config.image_size, batch_size=config.batch_size
    )
    stream = iter(examples)
    batch = next(stream)
    for _ in range(20):  # one pass, after which all is decoded
        next(stream)
    rows = {"input pipeline": _rate(lambda: next(stream), config.batch_size)}
    steps = itertools.repeat(batch)
    objectives = {"step, L1 alone": "reconstruction", "step, adversarial": "adversarial"}
    for name, objective in objectives.items():
        gan.compile(*optimizers, objective=objective)
        gan.make_train_function()
        rows[name] = _rate(lambda: gan.train_function(steps), config.batch_size)
    pipeline = rows["input pipeline"]["pictures_per_second"]
    for row in rows.values():
        row["pipeline_ratio"] = pipeline / row["pictures_per_second"]
    return rows


PARTS = {
    "pipeline": ("the input pipeline alone, beside the steps that it feeds", measure_pipeline),
}


def _rate(
    act: Callable[[], object], pictures: int, *, rounds: int = 5, seconds: float = 3.0
) -> dict[str, float]:
    """Pictures per second: median and spread over rounds of some seconds each."""
    act()
    rates = []
    for _ in range(rounds):
        count, started = 0, time.perf_counter()
        while time.perf_counter() - started < seconds:
            act()
            count += 1
        rates.append(pictures * count / (time.perf_counter() - started))
    return {
        "pictures_per_second": statistics.median(rates),
        "spread": (max(rates) - min(rates)) / statistics.median(rates),
    }


@cli.command
def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; return the exit code."""
    chosen = _parser().parse_args(arguments)
    unknown = [part for part in chosen.parts if part not in PARTS]
    if unknown:
        raise ValueError(f"no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    cli.start_tensorflow()
    figures = {name: PARTS[name][1]() for name in chosen.parts or PARTS}
    print(f"{platform.machine()}, {platform.system()}, {time.strftime('%Y-%m-%d')}")
    for rows in figures.values():
        print(f"{'':20}{'pictures/s':>12}{'spread':>9}{'pipeline over it':>18}")
        for name, row in rows.items():
            print(
                f"{name:20}{row['pictures_per_second']:12.0f}{row['spread']:9.0%}"
                f"{row['pipeline_ratio']:18.1f}"
            )
    if chosen.json:
        write_json(chosen.json, figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
