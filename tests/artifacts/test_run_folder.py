import pytest

from colorize_tf.artifacts.run_folder import RunFolder, read_json, write_json


def test_without_a_path_runs_are_numbered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs = [RunFolder.create(None, stem="compact-coco") for _ in range(2)]
    assert [str(run.path) for run in runs] == ["runs/compact-coco-1", "runs/compact-coco-2"]
    assert all(run.path.is_dir() for run in runs)


def test_numbering_takes_the_first_free_number(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for taken in ("runs/a-1", "runs/a-3"):
        (tmp_path / taken).mkdir(parents=True)
    assert str(RunFolder.create(None, stem="a").path) == "runs/a-2"


def test_a_given_path_is_made_with_its_parents(tmp_path):
    run = RunFolder.create(tmp_path / "deep" / "run", stem="unused")
    assert run.path.is_dir() and run.path == tmp_path / "deep" / "run"


@pytest.mark.parametrize("make", ["mkdir", "touch"])
def test_an_existing_path_is_never_used_for_a_new_run(tmp_path, make):
    path = tmp_path / "run"
    getattr(path, make)()
    with pytest.raises(ValueError, match="exists already; choose another --run-dir$"):
        RunFolder.create(path, stem="unused")


def test_a_run_that_exists_can_be_resumed(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ValueError, match="exists already; .* --resume"):
        RunFolder.check_free(tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="cannot make run folder .*file/run: Not a directory"):
        RunFolder.create(tmp_path / "file" / "run", stem="unused")


def test_opening_needs_a_run(tmp_path):
    with pytest.raises(ValueError, match="no run in .*: expected config.json; .*--resume"):
        RunFolder.open(tmp_path)


def test_opening_finds_a_run(tmp_path):
    run = RunFolder.create(tmp_path / "run", stem="unused")
    write_json(run.config, {})
    assert RunFolder.open(run.path).generator == run.path / "generator.keras"


def test_a_fresh_cache_is_empty(tmp_path):
    run = RunFolder.create(tmp_path / "run", stem="unused")
    (run.fresh_cache() / "old").touch()
    assert list(run.fresh_cache().iterdir()) == []
    run.drop_cache()
    assert not run.cache.exists()


def test_json_is_read_as_it_was_written(tmp_path):
    write_json(tmp_path / "a.json", {"minutes": None, "size": 0.1})
    assert read_json(tmp_path / "a.json") == {"minutes": None, "size": 0.1}


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe"])
def test_broken_json_is_named(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(ValueError, match="a.json is not valid JSON: "):
        read_json(tmp_path / "a.json")


@pytest.mark.parametrize("content", ["{", "[1]", "null"])
def test_a_damaged_file_of_a_run_is_named(tmp_path, content):
    (tmp_path / "data.json").write_text(content)
    with pytest.raises(ValueError, match="data.json"):
        read_json(tmp_path / "data.json")
