import pytest

from colorize_tf.files import atomic_write, check_writable_folder


def test_a_file_appears_under_its_name(tmp_path):
    with atomic_write(tmp_path / "a.txt") as aside:
        aside.write_text("new")
        assert aside.suffix == ".txt" and not (tmp_path / "a.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "new"


def test_a_file_replaces_an_older_one(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with atomic_write(tmp_path / "a.txt") as aside:
        aside.write_text("new")
    assert (tmp_path / "a.txt").read_text() == "new"


def test_a_folder_appears_under_its_name(tmp_path):
    with atomic_write(tmp_path / "model") as aside:
        (aside / "variables").mkdir(parents=True)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert (tmp_path / "model" / "variables").is_dir()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, error):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(error), atomic_write(tmp_path / "a.txt") as aside:
        aside.write_text("half")
        raise error
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_a_failure_removes_a_half_written_folder(tmp_path):
    with pytest.raises(ValueError), atomic_write(tmp_path / "model") as aside:
        (aside / "variables").mkdir(parents=True)
        raise ValueError
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_never_put_over_another(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "kept").touch()
    with pytest.raises(OSError), atomic_write(tmp_path / "model") as aside:
        aside.mkdir()
    assert [path.name for path in tmp_path.rglob("*")] == ["model", "kept"]


def test_what_a_killed_process_left_is_not_in_the_way(tmp_path):
    with atomic_write(tmp_path / "model") as aside:
        aside.mkdir()
    (tmp_path / "model").rename(aside)
    (aside / "half").touch()
    with atomic_write(tmp_path / "model") as again:
        assert not again.exists()
        again.touch()


def test_a_name_may_be_as_long_as_the_system_allows(tmp_path):
    path = tmp_path / f"{'a' * 251}.png"
    with atomic_write(path) as aside:
        aside.touch()
    assert path.is_file()


def test_a_suffix_of_two_parts_stays(tmp_path):
    with atomic_write(tmp_path / "state.weights.h5") as aside:
        assert aside.name.endswith(".weights.h5")
        aside.touch()


def test_two_writers_of_one_path_do_not_meet(tmp_path):
    with atomic_write(tmp_path / "a") as first, atomic_write(tmp_path / "a") as second:
        first.write_text("first")
        second.write_text("second")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["first"]


def test_a_folder_to_write_to_is_made(tmp_path):
    check_writable_folder(tmp_path / "a/b")
    assert list((tmp_path / "a/b").iterdir()) == []


def test_a_file_is_no_folder_to_write_to(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ValueError, match="is a file, expected a folder"):
        check_writable_folder(tmp_path / "file")


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ValueError, match="cannot write to folder .*inside"):
        check_writable_folder(tmp_path / "file" / "inside")
