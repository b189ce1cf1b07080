"""Each part at a size that takes no time; the figures themselves are not looked at."""

import importlib.util

import keras
import numpy as np
import pytest

from colorize_tf.benchmarks import color, generator, growth, photograph, pipeline, processes
from colorize_tf.benchmarks.measuring import Row
from colorize_tf.benchmarks.training import Case, measure_training
from colorize_tf.benchmarks.tutorial_loader import load_batch

ONCE = {"rounds": 1, "seconds": 0.0}
TINY = Case("tiny_unet", (16, 32, 64, 64), 4, 32, 2)


def names(part):
    return [row.name for row in part.rows]


def test_training_has_a_step_alone_in_a_run_and_by_xla(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    (part,) = measure_training([TINY], with_xla=True, **ONCE)
    assert names(part) == ["a step", "a step in a run, with the pipeline", "a step by XLA"]
    assert all(row.value > 0 and row.share > 0 for row in part.rows)
    assert part.missing == ["PyTorch, which is not installed (pip install torch)"]
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="needs torch")
def test_training_has_pytorch_where_it_is_installed():
    (part,) = measure_training([TINY], **ONCE)
    assert names(part)[-3:] == [
        "PyTorch, channels last, bfloat16",
        "PyTorch, channels last, bfloat16, networks in turn",
        "PyTorch, channels last, float32",
    ]


@pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="needs torch")
@pytest.mark.parametrize(
    ("size", "dropouts", "in_turn"), [(32, (), False), (64, (0.5,), False), (32, (), True)]
)
def test_the_networks_in_pytorch_have_as_many_weights_and_the_same_shapes(size, dropouts, in_turn):
    import torch

    from colorize_tf.benchmarks.torch_training import make_step
    from colorize_tf.models.patchgan import patchgan
    from colorize_tf.models.unet import unet

    widths = (4, 8, 8, 8)
    shape = {"discriminator_width": 4, "image_size": size, "batch_size": 2}
    step, networks = make_step(widths, dropouts=dropouts, in_turn=in_turn, **shape)
    ours = unet(size, widths=widths, dropouts=dropouts), patchgan(base_width=4)
    for theirs, network in zip(networks, ours, strict=True):
        count = sum(parameter.numel() for parameter in theirs.parameters())
        assert count == sum(np.prod(w.shape) for w in network.trainable_weights)
    lightness = torch.zeros(1, 1, size, size)
    ab = networks[0](lightness)
    assert tuple(ab.shape) == (1, 2, size, size)
    logits = ours[1]([np.zeros((1, size, size, 1)), np.zeros((1, size, size, 2))])
    assert tuple(networks[1](lightness, ab).shape[2:]) == logits.shape[1:3]
    parameters = [*networks[0].parameters(), *networks[1].parameters()]
    before = [parameter.detach().clone() for parameter in parameters]
    step()
    assert all((a != b).any() for a, b in zip(parameters, before, strict=True))
    assert all(parameter.requires_grad for parameter in parameters)


def test_the_pipeline_has_the_loader_of_tutorials_beside_it():
    (part,) = pipeline.measure_pipeline(image_size=32, batch_size=4, count=8, **ONCE)
    assert names(part)[0] == "ours, decoded once"
    assert names(part)[-1] == "Pillow and scikit-image, 2 processes"


def test_the_loader_of_tutorials_gives_what_the_networks_take(landscapes):
    paths = [str(path) for path in landscapes[:3]]
    lightness, ab = load_batch((paths, 32, 0))
    assert (lightness.shape, ab.shape) == ((3, 32, 32, 1), (3, 32, 32, 2))
    assert lightness.dtype == ab.dtype == np.float32
    assert np.abs(lightness).max() <= 1 and 0 < np.abs(ab).max() <= 1
    assert not np.array_equal(load_batch((paths, 32, 1))[0], lightness)


def test_color_goes_both_ways_beside_scikit_image():
    parts = color.measure_color(side=16, **ONCE)
    assert [part.title.partition(":")[0] for part in parts] == ["sRGB to Lab", "Lab to sRGB"]
    assert all(names(part)[-1] == "scikit-image" for part in parts)


def test_the_generator_is_measured_as_every_artifact_beside_its_bound():
    (part,) = generator.measure_generator(names=["tiny_unet"], image_size=32, **ONCE)
    assert names(part)[:5] == [
        "LiteRT, float32",
        "LiteRT, float16",
        "LiteRT, dynamic",
        "LiteRT, int8",
        "SavedModel",
    ]
    assert names(part)[-1].startswith("bound")


def test_a_photograph_is_colored_beside_being_copied_and_a_folder_of_them():
    alone, many = photograph.measure_photograph(height=60, width=80, count=3, **ONCE)
    assert names(alone) == ["coloring it", "only reading and writing it"]
    assert alone.rows[1].ratio > 0
    assert many.title == "a folder of 3 JPEG files of 1 megapixel"
    assert many.rows[0].unit == "pictures/s" and many.rows[0].value > 0


def test_a_photograph_that_fails_is_no_figure(monkeypatch):
    from colorize_tf.inference.batch.processor import PhotographProcessor

    def broken(*arguments):
        raise ValueError("out of paint")

    monkeypatch.setattr(PhotographProcessor, "paint", broken)
    with pytest.raises(ValueError, match="out of paint"):
        photograph.measure_photograph(height=60, width=80, count=1, **ONCE)


def test_commands_are_measured_whole(monkeypatch):
    monkeypatch.setattr(processes, "_colorize", lambda *_, **__: ["-c", "pass"])
    (start,) = processes.measure_start(**ONCE)
    assert names(start)[-1] == "python -c pass"
    monkeypatch.setattr(processes, "peak_memory", lambda command: float(len(command)))
    (memory,) = processes.measure_memory(training=["--recipe", "tiny"])
    assert [row.value for row in memory.rows] == [6.0, 2.0]


def test_a_command_that_fails_says_why():
    with pytest.raises(ValueError, match="failed: out of paint"):
        processes.peak_memory(["-c", "import sys; sys.exit('out of paint')"])


def test_memory_is_the_most_that_was_held():
    held = processes.peak_memory(["-c", "b'x' * 200_000_000"])
    assert 0.18 < held - processes.peak_memory(["-c", "pass"]) < 0.22


def test_growth_is_measured_and_drawn(tmp_path):
    parts = growth.measure_growth(
        sizes=(32, 64),
        batches=(1, 2),
        lengths=(2, 3),
        megapixels=(0.01, 0.02),
        generator="tiny_unet",
        **ONCE,
    )
    assert len(parts) == 7
    assert [names(part) for part in parts[:5:2]] == [["32", "64"], ["1", "2"], ["2", "3"]]
    assert names(parts[5]) == ["0.01", "0.02"]
    growth.draw_growth(parts, tmp_path / "growth.png")
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")


def test_time_that_grows_with_the_pixels_has_the_exponent_one(monkeypatch):
    def compare(contenders, **_):
        return [Row(contender.name, 0.5, "s") for contender in contenders]

    monkeypatch.setattr(growth, "compare", compare)
    monkeypatch.setattr(growth, "_training", lambda *_: None)
    monkeypatch.setattr(growth, "_generator", lambda *_: None)
    *_, exponent = growth.measure_growth(lengths=(1,), megapixels=(0.01, 0.02, 0.04))
    assert exponent.rows[0].value == pytest.approx(1)
