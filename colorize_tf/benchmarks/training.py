"""The adversarial training step, beside the same networks and losses in PyTorch."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import itertools
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from colorize_tf.benchmarks.machine import matrix_product, multiply_adds
from colorize_tf.benchmarks.measuring import Contender, Part, compare
from colorize_tf.benchmarks.pipeline import write_pictures

if TYPE_CHECKING:
    import tensorflow as tf

    from colorize_tf.training.gan import ColorizationGAN

# How often a step passes through the networks: forward, and backward to inputs and to weights. The
# discriminator judges two batches, and what it says of the generated one goes back twice.
_GENERATOR_PASSES = 3
_DISCRIMINATOR_PASSES = 7
# Steps of an epoch, so that its beginning does not count for much.
_EPOCH_STEPS = 5


@dataclasses.dataclass(frozen=True)
class Case:
    """What is trained.

    Args:
        generator: name in `GENERATORS`.
        widths: of that U-Net.
        discriminator_width: of the PatchGAN.
        image_size: height and width in pixels.
        batch_size: pictures in a step.
        dropouts: of that U-Net.
    """

    generator: str
    widths: Sequence[int]
    discriminator_width: int
    image_size: int
    batch_size: int
    dropouts: Sequence[float] = ()


def default_cases() -> list[Case]:
    """Return the default recipe's networks and the paper's."""
    from colorize_tf.models.unet import COMPACT_WIDTHS, PIX2PIX_WIDTHS

    return [
        Case("compact_unet", COMPACT_WIDTHS, 32, 128, 32),
        Case("pix2pix_unet", PIX2PIX_WIDTHS, 64, 256, 8, (0.5, 0.5, 0.5)),
    ]


def measure_training(
    cases: Sequence[Case] | None = None, *, with_xla: bool | None = None, **options: float
) -> list[Part]:
    """Measure a step alone, in the loop that trains, by XLA, and in PyTorch.

    Args:
        cases: by default `default_cases`.
        with_xla: whether to compile the step with XLA as well; by default where there is a GPU.
        **options: `rounds` and `seconds` of `compare`.
    """
    import tensorflow as tf

    if with_xla is None:
        with_xla = bool(tf.config.list_physical_devices("GPU"))
    with fastest_precision() as precision, tempfile.TemporaryDirectory() as folder:
        return [
            _measure_case(case, precision, with_xla, Path(folder), options)
            for case in cases or default_cases()
        ]


@contextlib.contextmanager
def fastest_precision() -> Iterator[str]:
    """Build networks as `--precision auto` does, for a while; yield the name of the policy."""
    import keras

    from colorize_tf.training.precision import set_precision

    before = keras.config.dtype_policy()
    try:
        yield set_precision("auto")
    finally:
        keras.config.set_dtype_policy(before)


def _measure_case(case: Case, precision: str, with_xla: bool, folder: Path, options: dict) -> Part:
    import tensorflow as tf

    gan = build_gan(case)
    random = tf.random.Generator.from_seed(0)
    shape = (case.batch_size, case.image_size, case.image_size)
    batch = tuple(random.uniform((*shape, channels), -1.0, 1.0) for channels in (1, 2))
    epoch = _epoch(gan, case, folder / case.generator)
    contenders = [
        Contender("a step", _step(gan, batch), case.batch_size),
        Contender("a step in a run, with the pipeline", epoch, _EPOCH_STEPS * case.batch_size),
    ]
    if with_xla:
        step = tf.function(gan.train_step, jit_compile=True)
        contenders.append(
            Contender("a step by XLA", lambda: float(_first(step(batch))), case.batch_size)
        )
    peers, missing = _peers(case)
    dtype = {"mixed_bfloat16": "bfloat16", "mixed_float16": "float16"}.get(precision, "float32")
    *rows, product = compare([*contenders, *peers, matrix_product(dtype)], **options)
    counted = _GENERATOR_PASSES * multiply_adds(gan.generator)
    counted += _DISCRIMINATOR_PASSES * _discriminator_multiply_adds(case)
    rows = [dataclasses.replace(row, share=row.value * counted / product.value) for row in rows]
    return Part(
        f"adversarial step: {case.generator}, {gan.generator.count_params() / 1e6:.1f} M, "
        f"{case.image_size} px, batch {case.batch_size}, {precision}",
        rows,
        missing,
    )


def build_gan(case: Case) -> ColorizationGAN:
    """Build the compiled GAN of a case, under the policy in force."""
    from colorize_tf.models import GENERATORS
    from colorize_tf.models.patchgan import patchgan
    from colorize_tf.training.adam import FusedAdam
    from colorize_tf.training.gan import ColorizationGAN

    gan = ColorizationGAN(
        GENERATORS[case.generator](case.image_size),
        patchgan(base_width=case.discriminator_width),
    )
    gan.compile(*(FusedAdam(2e-4, beta_1=0.5) for _ in range(2)))
    return gan


def _step(gan: ColorizationGAN, batch: tuple[tf.Tensor, tf.Tensor]) -> Callable[[], object]:
    gan.make_train_function()
    examples = itertools.repeat(batch)
    # Read, as a GPU goes on by itself.
    return lambda: float(_first(gan.train_function(examples)))


def _epoch(gan: ColorizationGAN, case: Case, folder: Path) -> Callable[[], object]:
    from colorize_tf.data.pipeline import load_size, training_dataset
    from colorize_tf.training.callbacks import Counters
    from colorize_tf.training.distribution import Distribution
    from colorize_tf.training.loop import Loop

    paths = write_pictures(folder, 2 * case.batch_size, load_size(case.image_size))
    examples = training_dataset(paths, image_size=case.image_size, batch_size=case.batch_size)
    distribution = Distribution()
    loop = Loop(gan, examples=examples, steps_per_epoch=_EPOCH_STEPS, distribution=distribution)
    counters = Counters(0, distribution)

    def epoch():
        # Steps were taken in between that were not of an epoch.
        gan.counters["epoch_first_step"].assign(gan.counters["steps_done"])
        loop.run([counters], first_epoch=0, end_epoch=1)

    return epoch


def _first(logs: dict) -> object:
    return next(iter(logs.values()))


def _discriminator_multiply_adds(case: Case) -> int:
    import keras

    from colorize_tf.models.patchgan import patchgan

    free = patchgan(base_width=case.discriminator_width)
    sized = [keras.Input((case.image_size, case.image_size, channels)) for channels in (1, 2)]
    return multiply_adds(keras.models.clone_model(free, sized))


def _peers(case: Case) -> tuple[list[Contender], list[str]]:
    """The same in PyTorch, at the precision of the goal and at the other, and as is usual there."""
    if not importlib.util.find_spec("torch"):
        return [], ["PyTorch, which is not installed (pip install torch)"]
    import torch

    from colorize_tf.benchmarks.torch_training import make_step

    peers = []
    for name, dtype, in_turn in (
        ("bfloat16", torch.bfloat16, False),
        ("bfloat16, networks in turn", torch.bfloat16, True),
        ("float32", torch.float32, False),
    ):
        step, _ = make_step(
            case.widths,
            dropouts=case.dropouts,
            discriminator_width=case.discriminator_width,
            image_size=case.image_size,
            batch_size=case.batch_size,
            dtype=dtype,
            in_turn=in_turn,
        )
        peers.append(Contender(f"PyTorch, channels last, {name}", step, case.batch_size))
    return peers, []
