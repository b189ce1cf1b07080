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

from colorize_tf.benchmarks.inputs import write_training_pictures
from colorize_tf.benchmarks.machine import (
    matrix_product,
    multiply_adds,
    relate_to_matrix_product,
    usable_cores,
)
from colorize_tf.benchmarks.measuring import Contender, Part, Stopwatch

if TYPE_CHECKING:
    import tensorflow as tf

    from colorize_tf.training.gan import ColorizationGAN

# Passes of a step through each network: forward, and backward to inputs and to weights. The
# discriminator sees two batches, and the gradients of two losses pass through the generated one.
_GENERATOR_PASSES = 3
_DISCRIMINATOR_PASSES = 7
# Several steps make the start of an epoch negligible.
_EPOCH_STEPS = 5


@dataclasses.dataclass(frozen=True)
class Case:
    """A setting of the training step.

    Args:
        generator: name in `GENERATORS`.
        discriminator_width: of the PatchGAN.
        image_size: height and width in pixels.
        batch_size: pictures in a step.
    """

    generator: str
    discriminator_width: int
    image_size: int
    batch_size: int


# The default recipe's network, the shipped model's and the paper's.
CASES = (
    Case("compact_unet", 32, 128, 32),
    Case("efficientnet_unet", 32, 128, 32),
    Case("pix2pix_unet", 64, 256, 8),
)


def measure_training(
    watch: Stopwatch, *, cases: Sequence[Case] = CASES, with_xla: bool | None = None
) -> Iterator[Part]:
    """Measure a step alone, in a training run, compiled by XLA, and in PyTorch.

    Args:
        watch: measures.
        cases: the settings, a table each.
        with_xla: whether to compile the step with XLA as well; by default if there is a GPU.
    """
    import tensorflow as tf

    if with_xla is None:
        with_xla = bool(tf.config.list_physical_devices("GPU"))
    for case, share in watch.allot(cases):
        with fastest_precision() as precision, tempfile.TemporaryDirectory() as folder:
            part = _measure_case(share, case, precision, with_xla, Path(folder))
        yield part


@contextlib.contextmanager
def fastest_precision() -> Iterator[str]:
    """Set the dtype policy that `--precision auto` chooses; yield its name, restore the former."""
    from colorize_tf.training.precision import precision_policy

    with precision_policy("auto") as policy:
        yield policy


def _measure_case(
    watch: Stopwatch, case: Case, precision: str, with_xla: bool, folder: Path
) -> Part:
    import tensorflow as tf

    gan = build_gan(case)
    title = (
        f"adversarial step: {case.generator}, {gan.generator.count_params() / 1e6:.1f} M, "
        f"{case.image_size} px, batch {case.batch_size}, {precision}"
    )
    watch.report(title, "preparation")
    random = tf.random.Generator.from_seed(0)
    shape = (case.batch_size, case.image_size, case.image_size)
    batch = tuple(random.uniform((*shape, channels), -1.0, 1.0) for channels in (1, 2))
    peers, missing = _make_peers(case)
    epoch = _make_epoch(gan, case, folder)
    contenders = [
        Contender("a step", _make_step(gan, batch), case.batch_size),
        matrix_product(precision.removeprefix("mixed_")),
        *peers,
        Contender("a step in a run, with the pipeline", epoch, _EPOCH_STEPS * case.batch_size),
    ]
    if with_xla:
        step = tf.function(gan.train_step, jit_compile=True)
        contenders.append(
            Contender("a step by XLA", lambda: _first_value(step(batch)), case.batch_size)
        )
    part = watch.compare(title, contenders)
    counted = _GENERATOR_PASSES * multiply_adds(gan.generator)
    counted += _DISCRIMINATOR_PASSES * _count_discriminator(case)
    part = dataclasses.replace(part, missing=[*part.missing, *missing])
    return relate_to_matrix_product(part, counted)


def build_gan(case: Case) -> ColorizationGAN:
    """Build the compiled GAN of a case under the current dtype policy."""
    from colorize_tf.models import GENERATORS
    from colorize_tf.models.patchgan import patchgan
    from colorize_tf.training.gan import ColorizationGAN
    from colorize_tf.training.optimizers import FusedAdam

    gan = ColorizationGAN(
        GENERATORS[case.generator](case.image_size),
        patchgan(base_width=case.discriminator_width),
    )
    gan.compile(*(FusedAdam(2e-4, beta_1=0.5) for _ in range(2)))
    return gan


def _make_step(gan: ColorizationGAN, batch: tuple[tf.Tensor, tf.Tensor]) -> Callable[[], object]:
    gan.make_train_function()
    examples = itertools.repeat(batch)
    # Reading a value waits for a GPU.
    return lambda: _first_value(gan.train_function(examples))


def _first_value(logs: dict[str, tf.Tensor]) -> float:
    return float(next(iter(logs.values())))


def _make_epoch(gan: ColorizationGAN, case: Case, folder: Path) -> Callable[[], object]:
    from colorize_tf.data.pipeline import load_size, training_dataset
    from colorize_tf.training.callbacks import Counters
    from colorize_tf.training.distribution import Distribution
    from colorize_tf.training.loop import Loop

    paths = write_training_pictures(folder, 2 * case.batch_size, load_size(case.image_size))
    examples = training_dataset(paths, image_size=case.image_size, batch_size=case.batch_size)
    distribution = Distribution()
    loop = Loop(gan, examples=examples, steps_per_epoch=_EPOCH_STEPS, distribution=distribution)
    counters = Counters(0, distribution)

    def run_epoch() -> None:
        # The steps of other contenders belong to no epoch.
        gan.counters["epoch_first_step"].assign(gan.counters["steps_done"])
        loop.run([counters], first_epoch=0, end_epoch=1)

    return run_epoch


def _count_discriminator(case: Case) -> int:
    import keras

    from colorize_tf.models.patchgan import patchgan

    flexible = patchgan(base_width=case.discriminator_width)
    inputs = [keras.Input((case.image_size, case.image_size, channels)) for channels in (1, 2)]
    return multiply_adds(keras.models.clone_model(flexible, inputs))


def _make_peers(case: Case) -> tuple[list[Contender], list[str]]:
    """Make PyTorch's steps in the precision that is fastest here, and say what is missing."""
    if not importlib.util.find_spec("torch"):
        return [], ["PyTorch, which is not installed (pip install torch)"]
    import torch

    from colorize_tf.benchmarks import torch_training

    torch.set_num_threads(usable_cores())
    dtype = torch_training.fastest_dtype()
    peers = []
    for suffix, in_turn in (("", False), (", networks in turn", True)):
        step = torch_training.make_step(
            torch_training.GENERATORS[case.generator](),
            torch_training.PatchGAN(case.discriminator_width),
            image_size=case.image_size,
            batch_size=case.batch_size,
            dtype=dtype,
            in_turn=in_turn,
        )
        name = f"PyTorch, channels last, {str(dtype).removeprefix('torch.')}{suffix}"
        peers.append(Contender(name, step, case.batch_size))
    return peers, []
