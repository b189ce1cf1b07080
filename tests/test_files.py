import pytest

from colorize_tf.files import atomic_write, check_writable_folder


def test_file_is_written_under_its_name(tmp_path):
    with atomic_write(tmp_path / "a.txt") as temporary:
        temporary.write_text("new")
        assert temporary.suffix == ".txt" and not (tmp_path / "a.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "new"


def test_file_replaces_an_older_one(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with atomic_write(tmp_path / "a.txt") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "a.txt").read_text() == "new"


def test_folder_is_written_under_its_name(tmp_path):
    with atomic_write(tmp_path / "model") as temporary:
        (temporary / "variables").mkdir(parents=True)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert (tmp_path / "model" / "variables").is_dir()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_failure_keeps_the_old_file_and_removes_the_temporary_one(tmp_path, error):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(error), atomic_write(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        raise error
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_failure_removes_a_half_written_folder(tmp_path):
    with pytest.raises(ValueError), atomic_write(tmp_path / "model") as temporary:
        (temporary / "variables").mkdir(parents=True)
        raise ValueError
    assert list(tmp_path.iterdir()) == []


def test_folder_never_replaces_another(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "kept").touch()
    with pytest.raises(OSError), atomic_write(tmp_path / "model") as temporary:
        temporary.mkdir()
    assert [path.name for path in tmp_path.rglob("*")] == ["model", "kept"]


def test_name_may_be_as_long_as_the_system_allows(tmp_path):
    path = tmp_path / f"{'a' * 251}.png"
    with atomic_write(path) as temporary:
        temporary.touch()
    assert path.is_file()


def test_suffix_of_two_parts_is_kept(tmp_path):
    with atomic_write(tmp_path / "state.weights.h5") as temporary:
        assert temporary.name.endswith(".weights.h5")
        temporary.touch()


def test_two_writers_of_one_path_use_different_temporary_files(tmp_path):
    with atomic_write(tmp_path / "a") as first, atomic_write(tmp_path / "a") as second:
        first.write_text("first")
        second.write_text("second")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["first"]


def test_folder_to_write_to_is_made(tmp_path):
    check_writable_folder(tmp_path / "a/b")
    assert list((tmp_path / "a/b").iterdir()) == []


def test_file_is_refused_as_a_folder(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ValueError, match="is a file, expected a folder"):
        check_writable_folder(tmp_path / "file")


def test_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ValueError, match="cannot write to folder .*inside"):
        check_writable_folder(tmp_path / "file" / "inside")
