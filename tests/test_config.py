import dataclasses
import math

import pytest

from colorize_tf.config import TrainConfig


@pytest.mark.parametrize(
    "name",
    [
        *("cache", "precision", "adversarial_loss", "schedule", "monitor"),
        "learning_rate_scaling",
    ],
)
def test_an_unknown_choice_lists_the_known(name):
    flag = "--" + name.replace("_", "-")
    with pytest.raises(ValueError, match=f"{flag} must be one of .*, .*, got 'other'"):
        TrainConfig(**{name: "other"})


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf])
@pytest.mark.parametrize(
    "name",
    [
        "image_size",
        "batch_size",
        "steps_per_epoch",
        "validation_limit",
        "discriminator_width",
        "minutes",
        "pretrain_learning_rate",
        "discriminator_learning_rate",
        "adversarial_learning_rate",
        "clip_norm",
        "patience",
        "adversarial_patience",
    ],
)
def test_counts_and_lengths_are_above_zero_and_finite(name, value):
    with pytest.raises(ValueError, match=f"--{name.replace('_', '-')} must be .*, got"):
        TrainConfig(**{name: value})


@pytest.mark.parametrize("value", [-1, math.nan, math.inf])
@pytest.mark.parametrize(
    "name",
    [
        "pretrain_epochs",
        "discriminator_epochs",
        "adversarial_epochs",
        "frozen_epochs",
        "reconstruction_weight",
        "weight_decay",
        "z_size",
    ],
)
def test_weights_and_amounts_are_finite_and_from_zero_up(name, value):
    flag = name.replace("_", "-")
    with pytest.raises(ValueError, match=f"--{flag} must be (at least 0|a whole number), got"):
        TrainConfig(**{name: value})


@pytest.mark.parametrize("value", [-0.1, 1.0, math.nan])
@pytest.mark.parametrize(
    "name", ["beta_1", "ema", "warmup", "label_smoothing", "scale_jitter", "contrast_jitter"]
)
def test_shares_are_at_least_zero_and_below_one(name, value):
    with pytest.raises(
        ValueError, match=f"--{name.replace('_', '-')} must be at least 0 and below 1, got"
    ):
        TrainConfig(**{name: value})


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("validation_fraction", 0.0, "must be above 0 and below 1, got 0.0"),
        ("validation_fraction", 1.0, "must be above 0 and below 1, got 1.0"),
        ("film_damage", 1.1, "must be at least 0 and at most 1, got 1.1"),
        ("exposure_jitter", 4.1, "must be at least 0 and at most 4, got 4.1"),
        ("synthetic_count", 1, "must be at least 2, got 1"),
        ("image_size", 16, "must be at least 32 and at most 4,096, got 16"),
        ("seed", -1, "must be at least 0 and at most"),
    ],
)
def test_a_value_out_of_range_names_flag_range_and_value(name, value, words):
    with pytest.raises(ValueError, match=f"--{name.replace('_', '-')} {words}"):
        TrainConfig(**{name: value})


@pytest.mark.parametrize(
    "edge",
    [
        {"beta_1": 0.0},
        {"reconstruction_weight": 0.0, "pretrain_epochs": 0},
        {"pretrain_epochs": 0},
        {"adversarial_epochs": 0},
        {"film_damage": 1.0},
    ],
)
def test_the_ends_of_the_ranges_are_allowed(edge):
    assert edge.items() <= dataclasses.asdict(TrainConfig(**edge)).items()


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"z_size": 8}, "--z-size 8 needs --generator pix2pix_unet, got compact_unet"),
        (
            {"generator": "plain_cnn", "backbone_weights": "imagenet"},
            "--backbone-weights imagenet needs --generator efficientnet_unet or resnet18_unet, got",
        ),
        ({"frozen_epochs": 2}, "--frozen-epochs 2 needs --generator efficientnet_unet or"),
        (
            {"generator": "resnet18_unet", "frozen_epochs": 15},
            r"--frozen-epochs must not exceed --pretrain-epochs \(14\), got 15",
        ),
        ({"loss": "classes"}, "--loss classes and --generator zhang_classes_cnn belong together"),
        (
            {"generator": "zhang_classes_cnn"},
            "belong together, got l1 and zhang_classes_cnn",
        ),
        (
            {"loss": "classes", "generator": "zhang_classes_cnn"},
            "--loss classes has no adversarial stage; set --adversarial-epochs 0",
        ),
        ({"reconstruction_weight": 0.0}, "--reconstruction-weight 0 leaves nothing to pretrain on"),
        (
            {"discriminator_epochs": 1, "adversarial_epochs": 0},
            "needs an adversarial stage to follow",
        ),
        ({"pretrain_epochs": 0, "adversarial_epochs": 0}, "there is nothing to train"),
        (
            {"adversarial_loss": "hinge", "label_smoothing": 0.1},
            "--label-smoothing needs labels, which the hinge loss does not have",
        ),
    ],
)
def test_flags_that_contradict_each_other_are_refused(chosen, words):
    with pytest.raises(ValueError, match=words):
        TrainConfig(**chosen)


def test_a_config_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        TrainConfig().epochs = 1


@pytest.mark.parametrize("field", dataclasses.fields(TrainConfig), ids=lambda field: field.name)
def test_every_field_has_a_group_and_a_help(field):
    groups = ("network", "data", "augmentation", "stages", "losses", "optimizers", "run")
    assert field.metadata["group"] in groups
    assert field.metadata["help"].strip()
