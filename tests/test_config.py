import dataclasses
import math

import pytest

from colorize_tf.config import RECIPES, TrainConfig, make_config, resume_config


def stored_config(**chosen):
    return dataclasses.asdict(make_config(chosen))


def test_nothing_chosen_is_the_compact_recipe():
    assert make_config({}) == make_config({"recipe": "compact"})


def test_four_fifths_of_the_epochs_are_pretraining_unless_chosen():
    assert make_config({"epochs": 12}).pretrain_epochs == 9
    assert make_config({"epochs": 1}).pretrain_epochs == 1
    assert make_config({"epochs": 12, "pretrain_epochs": 2}).pretrain_epochs == 2


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_sets_its_defaults(name):
    config = dataclasses.asdict(make_config({"recipe": name}))
    defaults = RECIPES[name].defaults
    assert defaults.items() <= config.items()
    others = (
        dataclasses.asdict(TrainConfig()).keys() - defaults.keys() - {"recipe", "pretrain_epochs"}
    )
    assert all(config[field] == getattr(TrainConfig(), field) for field in others)


def test_pix2pix_is_as_in_the_paper():
    config = make_config({"recipe": "pix2pix"})
    assert (config.image_size, config.batch_size, config.discriminator_width) == (256, 1, 64)
    assert (config.learning_rate, config.beta_1, config.l1_weight) == (2e-4, 0.5, 100)
    assert (config.epochs, config.pretrain_epochs) == (200, 0)


def test_what_was_chosen_wins_over_the_recipe():
    config = make_config({"recipe": "tiny", "image_size": 32})
    assert config.image_size == 32 and config.generator == "tiny_unet"


def test_an_unknown_recipe_lists_the_known():
    with pytest.raises(ValueError, match="no recipe 'huge'; there are compact, pix2pix, tiny"):
        make_config({"recipe": "huge"})


@pytest.mark.parametrize("name", ["cache", "precision"])
def test_an_unknown_choice_lists_the_known(name):
    with pytest.raises(ValueError, match=f"--{name} must be one of auto, .*, got 'other'"):
        make_config({name: "other"})


@pytest.mark.parametrize("value", [0, -1, math.nan])
@pytest.mark.parametrize(
    "name",
    [
        "image_size",
        "batch_size",
        "epochs",
        "steps_per_epoch",
        "validation_limit",
        "discriminator_width",
        "minutes",
        "learning_rate",
        "adversarial_learning_rate",
    ],
)
def test_counts_and_lengths_are_above_zero(name, value):
    with pytest.raises(
        ValueError, match=f"--{name.replace('_', '-')} must be a finite number above 0, got"
    ):
        make_config({name: value})


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("validation_fraction", 0.0, "must lie between 0 and 1, got 0.0"),
        ("validation_fraction", 1.0, "must lie between 0 and 1, got 1.0"),
        ("beta_1", -0.1, "must be at least 0 and below 1, got -0.1"),
        ("beta_1", 1.0, "must be at least 0 and below 1, got 1.0"),
        ("l1_weight", -1.0, "must be a finite number from 0 up, got -1.0"),
        ("synthetic_count", 1, "must be at least 2, got 1"),
        ("pretrain_epochs", -1, r"must lie between 0 and --epochs \(20\), got -1"),
        ("pretrain_epochs", 21, r"must lie between 0 and --epochs \(20\), got 21"),
    ],
)
def test_a_value_out_of_range_names_flag_range_and_value(name, value, words):
    with pytest.raises(ValueError, match=f"--{name.replace('_', '-')} {words}"):
        make_config({name: value})


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("name", ["learning_rate", "l1_weight", "minutes"])
def test_numbers_must_be_finite(name, value):
    with pytest.raises(ValueError, match=f"--{name.replace('_', '-')} must be"):
        make_config({name: value})


@pytest.mark.parametrize(
    "edge", [{"beta_1": 0.0}, {"l1_weight": 0.0}, {"pretrain_epochs": 0}, {"pretrain_epochs": 20}]
)
def test_the_ends_of_the_ranges_are_allowed(edge):
    assert edge.items() <= dataclasses.asdict(make_config(edge)).items()


def test_a_config_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        TrainConfig().epochs = 1


@pytest.mark.parametrize("field", dataclasses.fields(TrainConfig), ids=lambda field: field.name)
def test_every_field_has_a_group_and_a_help(field):
    assert field.metadata["group"] in ("network", "data", "training", "run")
    assert field.metadata["help"].strip()


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_only_set_fields_that_exist(name):
    assert RECIPES[name].summary
    assert set(RECIPES[name].defaults) <= {field.name for field in dataclasses.fields(TrainConfig)}


def test_resuming_keeps_the_stored_config():
    stored = stored_config(recipe="tiny", seed=3, run_dir="runs/a")
    config = resume_config(stored, {"resume": True, "run_dir": "runs/a"})
    assert dataclasses.asdict(config) == {**stored, "resume": True}


@pytest.mark.parametrize(
    ("name", "value"),
    [("epochs", 40), ("minutes", 5.0), ("export_to", "models/b"), ("run_dir", "runs/moved")],
)
def test_resuming_may_change_how_long_and_where(name, value):
    config = resume_config(stored_config(), {"resume": True, name: value})
    assert getattr(config, name) == value


def test_resuming_refuses_another_value_and_says_which():
    with pytest.raises(ValueError, match="the run has --batch-size 32, got 8; leave the flag out"):
        resume_config(stored_config(), {"batch_size": 8})


def test_resuming_accepts_a_flag_that_says_the_same():
    chosen = {"recipe": "tiny", "image_size": 64}
    assert resume_config(stored_config(recipe="tiny"), chosen).image_size == 64


def test_resuming_checks_ranges_again():
    with pytest.raises(ValueError, match="--minutes must be a finite number above 0"):
        resume_config(stored_config(), {"minutes": -1})


def test_resuming_never_cuts_pretraining_short():
    with pytest.raises(ValueError, match="16 epochs of pretraining, got --epochs 10"):
        resume_config(stored_config(epochs=20), {"epochs": 10})


def test_epochs_take_the_place_of_minutes():
    assert resume_config(stored_config(minutes=5.0), {"epochs": 40}).minutes is None


def test_auto_goes_on_in_the_precision_that_it_chose():
    stored = stored_config(precision="float32")
    assert resume_config(stored, {"precision": "auto"}).precision == "float32"


@pytest.mark.parametrize("change", ["missing", "unknown"])
def test_a_config_of_another_version_is_refused(change):
    stored = stored_config()
    stored["unknown"] = 1
    if change == "missing":
        del stored["unknown"], stored["seed"]
    name = "seed" if change == "missing" else "unknown"
    with pytest.raises(ValueError, match=f"is of another version: it differs in {name}"):
        resume_config(stored, {})
