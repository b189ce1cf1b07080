import csv
import json
import math
import types

import numpy as np
import pytest

from colorize_tf import imagefiles
from colorize_tf.artifacts.keras_file import load_generator
from colorize_tf.artifacts.run_folder import RunFolder, write_json
from colorize_tf.config import STAGES
from colorize_tf.data.audit import Audit
from colorize_tf.data.catalog import Photographs
from colorize_tf.data.records.reading import Records
from colorize_tf.data.records.shards import Shard
from colorize_tf.data.synthetic.landscapes import render_landscape
from colorize_tf.experiment import runtime
from colorize_tf.experiment.examples import PhotographExamples, find_examples
from colorize_tf.experiment.losses import _color_prior, color_distance, mean_color
from colorize_tf.experiment.networks import build_gan
from colorize_tf.experiment.parts import Parts
from colorize_tf.experiment.stages import make_log, plan
from colorize_tf.experiment.training import Experiment, check
from colorize_tf.inference.colorizer import Colorizer
from colorize_tf.options import flag
from colorize_tf.recipes import RECIPES, make_config
from colorize_tf.train import main
from colorize_tf.training.distribution import Distribution
from colorize_tf.training.runtime_options import RuntimeOptions


@pytest.fixture(autouse=True)
def narrow(monkeypatch):
    """The large networks with few channels: what is tested here does not depend on them."""
    monkeypatch.setattr("colorize_tf.models.cnn.ZHANG_WIDTHS", (8,) * 8)
    monkeypatch.setattr("colorize_tf.models.cnn.PLAIN_WIDTHS", (8,) * 4)
    monkeypatch.setattr("colorize_tf.models.unet.PIX2PIX_WIDTHS", (8,) * 8)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """Six photographs to train on and two to validate on."""
    folder = tmp_path_factory.mktemp("photographs")
    for index in range(8):
        split = "train" if index < 6 else "val"
        (folder / split).mkdir(exist_ok=True)
        picture = render_landscape(index, 64, 80)
        imagefiles.write_image(folder / split / f"{index}.png", picture)
    return folder


def train_shortly(photographs, run, *flags):
    """Train two steps in each stage, at 32 pixels."""
    config = make_config({"recipe": flags[1]})
    lengths = [f"{flag(stage)}={min(1, getattr(config, stage))}" for stage in STAGES]
    small = ["--image-size", "32", "--batch-size", "2", "--steps-per-epoch", "2"]
    where = ["--data-dir", photographs, "--run-dir", run]
    return main([*map(str, [*flags, *lengths, *small, *where])])


def rows_of(run):
    with (run / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_trains_validates_exports_and_reloads_equal(name, photographs, tmp_path):
    run = tmp_path / "run"
    needs_no_network = ["--backbone-weights", "none"] if name == "resnet18" else []
    assert train_shortly(photographs, run, "--recipe", name, *needs_no_network) == 0
    rows = rows_of(run)
    names = ("pretrain", "discriminator", "adversarial")
    config = make_config({"recipe": name})
    expected = [n for n in names if getattr(config, f"{n}_epochs")]
    assert [row["stage"] for row in rows] == expected
    for row in rows:
        figures = [float(value) for key, value in row.items() if key != "stage" and value != ""]
        assert all(map(math.isfinite, figures))
        assert float(row["val_ciede2000"]) > 0
    image = imagefiles.read_image(next((photographs / "val").iterdir()))
    best = Colorizer.load(run)
    prediction = best(image).astype(int)
    for artifact in ("export", "export/run.tflite"):
        other = Colorizer.load(run / artifact)
        assert np.abs(other(image).astype(int) - prediction).max() <= 2, artifact
        assert other.z_size == best.z_size == config.z_size


def test_the_mean_color_of_the_training_photographs_is_stored(photographs, tmp_path, exports):
    run = tmp_path / "run"
    assert train_shortly(photographs, run, "--recipe", "tiny") == 0
    stored = json.loads((run / "data.json").read_text())["mean_ab"]
    config = make_config({"data_dir": str(photographs), "batch_size": 2})
    assert stored == pytest.approx(mean_color(find_examples(config, Parts(), None)))
    assert np.abs(stored).max() > 0.01


def test_the_prior_of_the_colors_is_computed_once_in_a_run(photographs, tmp_path, monkeypatch):
    run = tmp_path / "run"
    classes = {"generator": "zhang_classes_cnn", "loss": "classes"}
    train_tiny(photographs, run, **classes)
    prior = np.load(run / "color_prior.npy")
    assert prior.sum() == pytest.approx(1)
    np.save(run / "color_prior.npy", np.full_like(prior, 1 / len(prior)))
    config = make_config({**SMALL, **classes})
    again = _color_prior(config, RunFolder(run), None)
    np.testing.assert_array_equal(again, 1 / len(prior))


SMALL = {
    "generator": "tiny_unet",
    "discriminator_width": 4,
    "image_size": 32,
    "batch_size": 2,
    "steps_per_epoch": 2,
    "validation_limit": 2,
    "pretrain_epochs": 1,
    "adversarial_epochs": 0,
    "schedule": "constant",
    "warmup": 0.0,
    "ema": 0.0,
    "precision": "float32",
}


def train_tiny(photographs, run, distribution=None, **chosen):
    """Train two steps in each stage without exporting; return the rows of the log."""
    config = make_config({**SMALL, "data_dir": str(photographs), "dataset": "folder", **chosen})
    distribution, parts = distribution or Distribution(), Parts()
    gan = build_gan(config, distribution)
    examples = find_examples(config, parts, None)
    folder = RunFolder.create(run, stem="run")
    write_json(folder.data, examples.describe())
    experiment = Experiment(config, parts, distribution, gan, examples, folder)
    experiment.train(color_distance(config))
    return gan, rows_of(run)


@pytest.fixture(scope="module")
def plain_error(photographs, tmp_path_factory):
    _, rows = train_tiny(photographs, tmp_path_factory.mktemp("runs") / "plain")
    return float(rows[0]["val_ab_rmse"])


@pytest.mark.parametrize(
    "chosen",
    [
        {"loss": "l2"},
        {"loss": "huber"},
        {"scale_jitter": 0.5},
        {"exposure_jitter": 2.0},
        {"contrast_jitter": 0.5},
        {"film_damage": 1.0},
        {"clip_norm": 1e-9},
        {"weight_decay": 100.0},
        {"schedule": "cosine"},
        {"warmup": 0.5},
        {"beta_1": 0.0},
        {"reconstruction_weight": 1e-6},
    ],
    ids=lambda chosen: next(iter(chosen)),
)
def test_each_option_of_training_changes_what_is_learned(
    chosen, photographs, tmp_path, plain_error
):
    _, rows = train_tiny(photographs, tmp_path / "run", **chosen)
    assert float(rows[0]["val_ab_rmse"]) != pytest.approx(plain_error, rel=1e-6)


def test_the_same_options_learn_the_same(photographs, tmp_path, plain_error):
    _, rows = train_tiny(photographs, tmp_path / "run")
    assert float(rows[0]["val_ab_rmse"]) == pytest.approx(plain_error, rel=1e-6)


def test_a_strategy_learns_the_same(photographs, tmp_path, plain_error):
    mirrored = runtime.start(RuntimeOptions(strategy="mirrored"), None)
    gan, rows = train_tiny(photographs, tmp_path / "run", mirrored)
    assert float(rows[0]["val_ab_rmse"]) == pytest.approx(plain_error, rel=1e-5)
    with mirrored.scope():
        assert mirrored.strategy.extended.variable_created_in_scope(
            gan.generator.trainable_variables[0].value
        )


def test_step_sizes_grow_with_the_batch_where_asked_for(photographs, tmp_path):
    chosen = {"batch_size": 3, "generator": "tiny_unet", "learning_rate_scaling": "linear"}
    _, rows = train_tiny(photographs, tmp_path / "run", **chosen)
    config = make_config({**SMALL, **chosen})
    expected = config.pretrain_learning_rate * 3 / 32
    assert float(rows[0]["learning_rate"]) == pytest.approx(expected)
    assert float(rows[0]["discriminator_learning_rate"]) == pytest.approx(
        config.discriminator_learning_rate * 3 / 32
    )


@pytest.mark.parametrize(
    "chosen", [{"adversarial_loss": "hinge"}, {"label_smoothing": 0.3}], ids=str
)
def test_each_option_of_the_adversarial_loss_changes_what_the_discriminator_pays(
    chosen, photographs, tmp_path
):
    adversarial = {"pretrain_epochs": 0, "adversarial_epochs": 1}
    losses = [
        float(train_tiny(photographs, tmp_path / name, **adversarial, **options)[1][0][key])
        for name, options in (("plain", {}), ("changed", chosen))
        for key in ["discriminator_loss"]
    ]
    assert losses[0] != pytest.approx(losses[1], rel=1e-6)


def test_an_average_of_the_weights_is_what_is_kept(photographs, tmp_path):
    gan, _ = train_tiny(photographs, tmp_path / "run", ema=0.9)
    kept = load_generator(tmp_path / "run").get_weights()
    for weight, average in zip(kept, gan.ema_generator.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, average)
    differs = [
        not np.array_equal(a, b) for a, b in zip(kept, gan.generator.get_weights(), strict=True)
    ]
    assert any(differs)


def backbone_weights(generator):
    layers = [layer for layer in generator.layers if layer.name.startswith("backbone_")]
    return [weight for layer in layers for weight in layer.get_weights()]


@pytest.mark.slow
def test_a_backbone_is_frozen_for_the_epochs_asked_for(photographs, tmp_path):
    chosen = {"generator": "resnet18_unet", "pretrain_epochs": 2, "frozen_epochs": 1}
    fresh = build_gan(make_config({**SMALL, **chosen}), Distribution())
    frozen, rows = train_tiny(photographs, tmp_path / "a", **{**chosen, "pretrain_epochs": 1})
    assert [row["stage"] for row in rows] == ["frozen"]
    expected = backbone_weights(fresh.generator)
    assert expected
    for weight, other in zip(backbone_weights(frozen.generator), expected, strict=True):
        np.testing.assert_array_equal(weight, other)
    freed, rows = train_tiny(photographs, tmp_path / "b", **chosen)
    assert [row["stage"] for row in rows] == ["frozen", "pretrain"]
    pairs = zip(backbone_weights(freed.generator), expected, strict=True)
    assert any(not np.array_equal(weight, other) for weight, other in pairs)


def test_each_stage_has_its_patience_and_the_log_its_figure(tmp_path):
    chosen = {"patience": 3, "adversarial_patience": 2, "monitor": "val_psnr"}
    config = make_config(chosen)
    assert [stage.patience for stage in plan(config)] == [3, 2]
    log = make_log(config, RunFolder(tmp_path))
    assert log.rule == {"monitor": "val_psnr", "mode": "max"}


def test_the_discriminator_has_a_step_size_of_its_own(photographs, tmp_path):
    stages = {"pretrain_epochs": 0, "discriminator_epochs": 1, "adversarial_epochs": 1}
    still = {"discriminator_learning_rate": 1e-30, "adversarial_learning_rate": 1e-3}
    gan, _ = train_tiny(photographs, tmp_path / "run", **stages, **still)
    fresh = build_gan(make_config({**SMALL, **stages, **still}), Distribution())
    pairs = zip(
        gan.discriminator.trainable_variables, fresh.discriminator.trainable_variables, strict=True
    )
    for weight, other in pairs:
        np.testing.assert_allclose(weight.numpy(), other.numpy(), atol=1e-20)


@pytest.mark.slow
def test_a_run_out_of_patience_goes_on_only_with_more_of_it(photographs, tmp_path, capsys, exports):
    run = tmp_path / "run"
    flags = ["--pretrain-learning-rate", "0.05", "--patience", "1"]
    small = ["--image-size", "32", "--batch-size", "2", "--steps-per-epoch", "1"]
    where = ["--data-dir", str(photographs), "--run-dir", str(run)]
    assert main(["--recipe", "cnn-mse", "--epochs", "50", *flags, *small, *where]) == 0
    done = len(rows_of(run))
    resume = ["--resume", "--run-dir", str(run), "--epochs", str(done + 2)]
    assert main(resume) == 2
    assert "its patience of 1 epochs did; choose a larger --patience" in capsys.readouterr().err
    assert len(rows_of(run)) == done
    assert main([*resume, "--patience", "9"]) == 0
    assert len(rows_of(run)) == done + 2


def test_colors_are_compared_by_pretrained_features_where_weights_are_given(
    photographs, tmp_path, squeezenet
):
    weights = squeezenet.write(tmp_path / "features.h5", scale=0.05)
    distances = [
        train_tiny(photographs, tmp_path / name, **options)[1][0]["val_color_distance"]
        for name, options in (("pixels", {}), ("features", {"feature_weights": str(weights)}))
    ]
    assert float(distances[0]) != pytest.approx(float(distances[1]), rel=1e-3)


def test_features_that_cannot_be_read_are_found_out_before_anything_is_made(
    photographs, tmp_path, capsys
):
    flags = ("--recipe", "tiny", "--feature-weights", tmp_path / "none.h5")
    assert train_shortly(photographs, tmp_path / "run", *flags) == 2
    assert "none.h5" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_more_workers_than_prepared_photographs_are_refused():
    shard = Shard("train-00000.tfrecord", chunk=0, split="train", count=2, bytes=9, sha256="")
    records = Records("set", [shard], short_side=500, sha256="")
    photographs = Photographs(records, (), "set", "a set", Audit((), ()))
    config = make_config({"recipe": "tiny", "steps_per_epoch": 2})
    examples = PhotographExamples(photographs, config)
    three = types.SimpleNamespace(replicas=3, shard=(0, 3), part_of=lambda size: size // 3)
    with pytest.raises(ValueError, match="has 2 photographs to train on, too few for 3 workers"):
        check(config, examples, three, "off")
    two = types.SimpleNamespace(replicas=2, shard=(0, 2), part_of=lambda size: size // 2)
    check(config, examples, two, "off")
