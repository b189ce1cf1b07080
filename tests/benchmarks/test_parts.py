"""Each part at its smallest size; the tests do not look at the figures themselves."""

import importlib.util

import keras
import numpy as np
import pytest

from colorize_tf.benchmarks import color, generator, growth, photograph, pipeline, processes
from colorize_tf.benchmarks.measuring import Part, Row, Stopwatch
from colorize_tf.benchmarks.training import Case, measure_training
from colorize_tf.benchmarks.tutorial_loader import load_batch

with_torch = pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="needs torch")
TINY = Case("tiny_unet", 4, 32, 2)


@pytest.fixture
def watch():
    return Stopwatch(rounds=1, seconds=0)


def names(part):
    return [row.name for row in part.rows]


def test_training_has_a_step_alone_in_a_run_and_by_xla(watch, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    (part,) = measure_training(watch, cases=[TINY], with_xla=True)
    assert names(part) == ["a step", "a step in a run, with the pipeline", "a step by XLA"]
    assert all(row.value > 0 and row.share > 0 for row in part.rows)
    assert part.missing == ["PyTorch, which is not installed (pip install torch)"]
    assert keras.config.dtype_policy().name == "float32"


@with_torch
def test_pytorch_runs_in_the_precision_that_is_fastest(monkeypatch):
    import torch

    from colorize_tf.benchmarks import torch_training, training

    assert torch_training.fastest_dtype() in (torch.bfloat16, torch.float32)
    monkeypatch.setattr(torch_training, "fastest_dtype", lambda: torch.float32)
    peers, missing = training._make_peers(TINY)
    assert [peer.name for peer in peers] == [
        "PyTorch, channels last, float32",
        "PyTorch, channels last, float32, networks in turn",
    ]
    assert missing == []
    peers[0].act()


@with_torch
@pytest.mark.parametrize(
    ("name", "in_turn"), [("tiny_unet", False), ("tiny_unet", True), ("efficientnet_unet", False)]
)
def test_networks_in_pytorch_have_the_same_weights_and_shapes(name, in_turn):
    import torch

    from colorize_tf.benchmarks.torch_training import GENERATORS, PatchGAN, make_step
    from colorize_tf.models import GENERATORS as OURS
    from colorize_tf.models.patchgan import patchgan

    networks = GENERATORS[name](), PatchGAN(4)
    ours = OURS[name](32), patchgan(base_width=4)
    for theirs, network in zip(networks, ours, strict=True):
        # PyTorch orders the axes of kernels differently.
        shapes = sorted(sorted(parameter.shape) for parameter in theirs.parameters())
        assert shapes == sorted(sorted(weight.shape) for weight in network.trainable_weights)
    lightness = torch.zeros(2, 1, 32, 32)
    ab = networks[0](lightness)
    assert tuple(ab.shape) == (2, 2, 32, 32)
    logits = ours[1]([np.zeros((1, 32, 32, 1)), np.zeros((1, 32, 32, 2))])
    assert tuple(networks[1](lightness, ab).shape[2:]) == logits.shape[1:3]
    parameters = [*networks[0].parameters(), *networks[1].parameters()]
    before = [parameter.detach().clone() for parameter in parameters]
    step = make_step(*networks, image_size=32, batch_size=2, dtype=torch.float32, in_turn=in_turn)
    step()
    changed = [bool((a != b).any()) for a, b in zip(parameters, before, strict=True)]
    assert all(changed)
    assert all(parameter.requires_grad for parameter in parameters)


def test_pipeline_has_the_tutorials_loader_beside_it(watch):
    (part,) = pipeline.measure_pipeline(watch, image_size=32, batch_size=4, count=8)
    assert names(part) == [
        "ours, decoded once",
        "ours, decoded each time",
        "Pillow and scikit-image, 2 processes",
    ]


def test_tutorials_loader_makes_training_examples(landscapes):
    paths = [str(path) for path in landscapes[:3]]
    lightness, ab = load_batch((paths, 32, 0))
    assert (lightness.shape, ab.shape) == ((3, 32, 32, 1), (3, 32, 32, 2))
    assert lightness.dtype == ab.dtype == np.float32
    assert np.abs(lightness).max() <= 1 and 0 < np.abs(ab).max() <= 1
    assert not np.array_equal(load_batch((paths, 32, 1))[0], lightness)


def test_color_is_converted_both_ways_beside_scikit_image(watch):
    parts = list(color.measure_color(watch, side=16))
    assert [part.title.partition(":")[0] for part in parts] == ["sRGB to Lab", "Lab to sRGB"]
    assert all(names(part)[-1] == "scikit-image" for part in parts)


def test_generator_is_measured_as_every_artifact_beside_its_bound(watch, monkeypatch):
    monkeypatch.setattr("colorize_tf.artifacts.tflite.QUANTIZATIONS", ("float32", "int8"))
    (part,) = generator.measure_generator(watch, names=["tiny_unet"], image_size=32)
    assert names(part) == [
        "LiteRT, float32",
        "LiteRT, int8",
        "SavedModel",
        "SavedModel, photograph to photograph",
        "Keras, in a graph",
        "Keras, called",
        "Keras, predict",
        "bound: the matrix rate",
    ]


def test_photograph_is_colored_beside_being_copied_and_a_folder_of_them(watch):
    alone, many = photograph.measure_photograph(watch, height=60, width=80, count=3)
    assert names(alone) == ["coloring it", "only reading and writing it"]
    assert alone.rows[1].ratio > 0
    assert many.title == "a folder of 3 JPEG files of 1 megapixel"
    assert many.rows[0].unit == "pictures/s" and many.rows[0].value > 0


def test_start_of_commands_is_measured(watch, monkeypatch):
    monkeypatch.setattr(processes, "_make_colorize_command", lambda *_, **__: ["-c", "pass"])
    (start,) = processes.measure_start(watch)
    assert names(start)[-1] == "python -c pass"


def test_memory_of_commands_is_measured_until_the_time_limit(watch, monkeypatch):
    monkeypatch.setattr(processes, "_make_colorize_command", lambda *_, **__: ["colorize"])
    peaks = {"colorize": 0.25, "-m": None}
    monkeypatch.setattr(processes, "peak_memory", lambda command, timeout: peaks[command[0]])
    (memory,) = processes.measure_memory(watch, training=["--recipe", "tiny"])
    assert [row.value for row in memory.rows] == [0.25]
    assert memory.missing[0].startswith("train, default sizes, with its export: the time limit")


def test_failed_command_is_an_error_with_its_message():
    with pytest.raises(ValueError, match="failed: disk full"):
        processes.peak_memory(["-c", "import sys; sys.exit('disk full')"])


def test_command_is_killed_at_the_time_limit():
    assert processes.peak_memory(["-c", "import time; time.sleep(60)"], timeout=0.2) is None


def test_peak_memory_is_that_of_the_command():
    used = processes.peak_memory(["-c", "b'x' * 200_000_000"])
    assert 0.18 < used - processes.peak_memory(["-c", "pass"]) < 0.22


def test_growth_is_measured_and_drawn(watch, tmp_path):
    settings = {"sizes": (32, 64), "batches": (1,), "lengths": (2, 3), "megapixels": (0.01, 0.02)}
    parts = list(growth.measure_growth(watch, generator="tiny_unet", **settings))
    assert len(parts) == 7
    assert [names(part) for part in parts[:5:2]] == [["32", "64"], ["1"], ["2", "3"]]
    assert names(parts[5]) == ["0.01", "0.02"]
    growth.draw_growth(parts, tmp_path / "growth.png")
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")


def test_growth_ends_at_the_time_limit():
    points = [(1, 1, lambda: lambda: None), (2, 2, lambda: lambda: None)]
    part = growth._measure_axis(Stopwatch(limit=0), "seconds", points)
    assert names(part) == ["1"] and part.missing[0].startswith("2: the time limit")


def test_time_in_proportion_to_the_pixels_has_the_exponent_one(watch, monkeypatch):
    def compare(self, title, contenders, **_):
        return Part(title, [Row(contender.name, 0.5, "s") for contender in contenders])

    monkeypatch.setattr(Stopwatch, "compare", compare)
    for make in ("_make_training_step", "_make_generator", "_make_coloring"):
        monkeypatch.setattr(growth, make, lambda *_: None)
    *_, exponent = growth.measure_growth(watch, lengths=(1,), megapixels=(0.01, 0.02, 0.04))
    assert exponent.rows[0].value == pytest.approx(1)
