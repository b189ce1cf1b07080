import dataclasses

import pytest

from colorize_tf.experiment.resuming import resume_config
from colorize_tf.recipes import make_config


def stored_config(**chosen):
    return dataclasses.asdict(make_config(chosen))


def test_resuming_keeps_the_stored_config():
    stored = stored_config(recipe="tiny", seed=3, run_dir="runs/a")
    config = resume_config(stored, {"resume": True, "run_dir": "runs/a"})
    assert dataclasses.asdict(config) == {**stored, "resume": True}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 40),
        ("minutes", 5.0),
        ("patience", 3),
        ("adversarial_patience", 3),
        ("export_to", "models/b"),
        ("run_dir", "runs/moved"),
    ],
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
    with pytest.raises(ValueError, match="--minutes must be above 0"):
        resume_config(stored_config(), {"minutes": -1})


def test_more_epochs_go_to_the_last_stage():
    config = resume_config(stored_config(epochs=20), {"epochs": 50})
    assert (config.pretrain_epochs, config.adversarial_epochs) == (14, 36)
    config = resume_config(stored_config(recipe="cnn-mse"), {"epochs": 50})
    assert (config.pretrain_epochs, config.adversarial_epochs) == (50, 0)


def test_resuming_never_cuts_an_earlier_stage_short():
    for epochs in (10, 14):
        with pytest.raises(
            ValueError, match=f"14 epochs before its last .*, got --epochs {epochs}"
        ):
            resume_config(stored_config(epochs=20), {"epochs": epochs})


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


def test_files_are_found_again_from_another_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stored = stored_config(feature_weights="w.h5")
    again = resume_config(stored, {"feature_weights": "w.h5"})
    assert again.feature_weights == str(tmp_path / "w.h5")
