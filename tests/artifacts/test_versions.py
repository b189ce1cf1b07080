import pytest

from colorize_tf.artifacts.versions import next_version, version_folder


def test_versions_count_up(tmp_path):
    assert next_version(tmp_path) == 1
    for name in ("1", "9", "10", "notes", "²"):
        (tmp_path / name).mkdir()
    assert next_version(tmp_path) == 11


def test_a_base_folder_means_its_highest_version_and_a_version_itself(tmp_path):
    for version in ("9", "10"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "saved_model.pb").touch()
    assert version_folder(tmp_path) == tmp_path / "10"
    assert version_folder(tmp_path / "9") == tmp_path / "9"


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(ValueError, match=f"no SavedModel in {tmp_path}"):
        version_folder(tmp_path)
