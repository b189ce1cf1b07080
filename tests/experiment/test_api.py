"""Training from Python, with the user's own parts."""

import json
import logging

import keras
import numpy as np
import pytest
import tensorflow as tf

from colorize_tf import compact_unet, train_colorizer
from colorize_tf.config import TrainConfig
from colorize_tf.experiment.examples import find_examples
from colorize_tf.experiment.losses import training_losses
from colorize_tf.experiment.networks import build_gan
from colorize_tf.experiment.own_examples import augmented
from colorize_tf.experiment.parts import Parts
from colorize_tf.recipes import make_config
from colorize_tf.training.distribution import Distribution

SMALL = {
    "image_size": 32,
    "batch_size": 2,
    "steps_per_epoch": 2,
    "pretrain_epochs": 1,
    "adversarial_epochs": 1,
    "precision": "float32",
}


def small_generator(image_size):
    lightness = keras.Input((image_size, image_size, 1))
    return keras.Model(lightness, keras.layers.Conv2D(2, 3, padding="same")(lightness), name="own")


def small_discriminator(image_size):
    inputs = [keras.Input((None, None, channels)) for channels in (1, 2)]
    return keras.Model(inputs, keras.layers.Conv2D(1, 4)(keras.layers.concatenate(inputs)))


def half_loss(ab, generated_ab):
    return tf.reduce_mean(tf.abs(ab - generated_ab)) / 2


def brighter(lightness, ab, seed):
    return lightness + tf.random.stateless_uniform((), seed), ab


def examples(count=6, size=32):
    lightness = tf.random.stateless_uniform((count, size, size, 1), (1, 2), -1.0, 1.0)
    ab = tf.tile(lightness * 0.2, (1, 1, 1, 2))
    return tf.data.Dataset.from_tensor_slices((lightness, ab))


class Recorder(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.epochs = []

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(sorted(logs))


def test_ten_lines_train_a_network_of_ones_own_on_data_of_ones_own(tmp_path, caplog, capsys):
    caplog.set_level(logging.INFO, logger="colorize_tf")
    recorder = Recorder()
    checkpoint = keras.callbacks.ModelCheckpoint(tmp_path / "gan.keras")
    run = train_colorizer(
        {**SMALL, "run_dir": str(tmp_path / "run")},
        generator=small_generator,
        discriminator=small_discriminator,
        dataset=examples(),
        validation_dataset=examples(3),
        loss=half_loss,
        augmentation=brighter,
        callbacks=[recorder, checkpoint],
    )
    assert run.path == tmp_path / "run"
    assert [row["stage"] for row in run.history] == ["pretrain", "adversarial"]
    assert {"val_ab_rmse", "reconstruction_loss"} <= set(recorder.epochs[0])
    assert run.generator.name == "own"
    assert run.scores["this run"]["ab_rmse"] > 0 and run.pictures == 3
    assert {path.suffix for path in run.artifacts} == {".keras", ".tflite", ""}
    assert run.config.generator.endswith(":small_generator")
    assert keras.saving.load_model(tmp_path / "gan.keras").count("steps_done") == 4
    lines = [line for line in caplog.messages if line.startswith("epoch")]
    assert len(lines) == 2 and "about" in lines[0]
    assert capsys.readouterr().out == ""
    assert keras.config.dtype_policy().name == "float32"
    json.loads((run.path / "data.json").read_text())


def test_a_command_names_ones_own_parts(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(
        "def loss(ab, generated_ab): return 1.0\ndef split(folder): return 'train', 'validation'\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    config = make_config({"loss": "mine:loss", "dataset": "mine:split"})
    parts = Parts().named_by(config)
    assert (parts.loss(0, 0), parts.dataset("x")) == (1.0, ("train", "validation"))
    with pytest.raises(ValueError, match="mine has no function 'none'; a loss is given as"):
        Parts().named_by(make_config({"loss": "mine:none"}))


def test_a_layout_of_ones_own_is_two_lists_of_files(landscapes):
    config = make_config({"recipe": "tiny", "batch_size": 2, "data_dir": "."})
    parts = Parts(dataset=lambda folder: (landscapes[:-2], landscapes[-2:]))
    found = find_examples(config, parts, None)
    assert (found.counts, found.steps_per_epoch) == (
        "10 photographs to train on, 2 to validate on",
        5,
    )


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"dataset": examples()}, "pass validation_dataset"),
        (
            {"dataset": examples().take(1), "validation_dataset": examples()},
            "no batch of 2 examples; reduce --batch-size",
        ),
        (
            {"dataset": examples(size=64), "validation_dataset": examples()},
            r"shapes \(..., 32, 32, 1\) and \(..., 32, 32, 2\) for --image-size 32",
        ),
        ({"dataset": lambda folder: None}, "must return two lists of files"),
    ],
)
def test_data_of_another_form_is_refused_in_a_sentence(parts, words):
    with pytest.raises(ValueError, match=words):
        find_examples(make_config({**SMALL, "data_dir": "."}), Parts(**parts), None)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"generator": small_discriminator}, "is not a colorize_tf generator"),
        ({"generator": compact_unet(64)}, "takes 64 pixels, but --image-size is 32"),
        ({"discriminator": small_generator}, r"must take \[lightness, ab\]"),
    ],
)
def test_networks_of_another_interface_are_refused_in_a_sentence(parts, words):
    with pytest.raises(ValueError, match=words):
        build_gan(make_config(SMALL), Distribution(), Parts(**parts))


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"generator": "compact_unet"}, "generator must be .*; a name belongs in the config"),
        ({"loss": 3}, "loss must be a function .*, got 3"),
        ({"dataset": ["a.jpg"]}, "dataset must be a function or an object"),
        ({"callbacks": keras.callbacks.Callback()}, "callbacks must be a list of Keras callbacks"),
        ({"callbacks": [keras.callbacks.CSVLogger]}, "callbacks must be a list"),
    ],
)
def test_names_and_other_objects_are_refused_as_parts(parts, words):
    with pytest.raises(ValueError, match=words):
        train_colorizer(SMALL, **parts)


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (lambda ab, generated_ab: tf.abs(ab), "float32 scalar.* got float32 \\(2, 32, 32, 2\\)"),
        (lambda ab, generated_ab: None, "float32 scalar.* got NoneType"),
    ],
)
def test_a_loss_that_is_no_scalar_is_refused_in_a_sentence(loss, words):
    with pytest.raises(ValueError, match=words):
        training_losses(make_config(SMALL), Parts(loss=loss), None, None)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"epoch": 1}, "no option 'epoch'; did you mean 'epochs'"),
        ({"epochs": "one"}, "--epochs must be a whole number, got 'one'"),
    ],
)
def test_wrong_options_are_refused_in_a_sentence(options, words):
    with pytest.raises(ValueError, match=words):
        train_colorizer(options)


def test_a_float16_output_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match='give the last layer dtype="float32"'):
        keras.config.set_dtype_policy("mixed_float16")
        try:
            build_gan(make_config(SMALL), Distribution(), Parts(generator=small_generator))
        finally:
            keras.config.set_dtype_policy("float32")


def test_augmentation_goes_on_where_training_is():
    steps_done = tf.Variable(0, dtype=tf.int64)
    batches = augmented(examples().batch(2).repeat(), brighter, seed=3, steps_done=steps_done)
    first, second = [lightness.numpy() for lightness, _ in batches.take(2)]
    steps_done.assign(1)
    again = next(iter(batches))[0].numpy()
    original = [lightness.numpy() for lightness, _ in examples().batch(2).take(2)]
    shifts = [np.mean(a - b) for a, b in zip((first, second), original, strict=True)]
    assert np.mean(again - original[0]) == pytest.approx(shifts[1], abs=1e-6)
    assert shifts[0] != pytest.approx(shifts[1], abs=1e-3)


def test_a_run_with_parts_from_python_is_resumed_from_python():
    config = make_config(SMALL)
    named = Parts(generator=lambda size: None, dataset=examples()).name_in(config)
    assert all(name.startswith("python:") for name in (named.generator, named.dataset))
    with pytest.raises(ValueError, match="the run was started from Python with a generator"):
        Parts().named_by(named)


def test_a_complete_config_is_no_resumed_run():
    with pytest.raises(ValueError, match="give the options of a resumed run as a dictionary"):
        train_colorizer(TrainConfig(resume=True, run_dir="runs/a"))
