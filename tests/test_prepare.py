import json

import pytest

from colorize_tf import imagefiles, prepare, train
from colorize_tf.data.synthetic.landscapes import render_landscape


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for split, first, count in (("train", 0, 6), ("val", 50, 2)):
        (folder / split).mkdir()
        for seed in range(first, first + count):
            imagefiles.write_image(folder / split / f"{seed}.png", render_landscape(seed, 64, 72))
    return folder


@pytest.mark.parametrize("license_flag", ["--license", "--licence"])
def test_command_prints_what_is_in_the_set(photos, tmp_path, capsys, license_flag):
    flags = ["--size", "64", license_flag, "mine", "--jobs", "1", "--shard-size", "3"]
    assert prepare.main([str(photos), "-o", str(tmp_path / "set"), *flags]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{photos}: 8 photographs: 8 usable, 0 left out"
    assert "6 to train on, in shards of at most 3, 2 to validate on" in lines[1]
    assert lines[1].endswith(f"--data-dir {tmp_path / 'set'}")
    index = json.loads((tmp_path / "set" / "records.json").read_text())
    assert (index["short_side"], index["licence"]) == (64, "mine")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere", "-o", "set"], "data folder nowhere does not exist"),
        (["photos", "-o", "hdfs3://bucket/set"], "no file system for hdfs3://"),
        (["photos", "-o", "file/below"], "file/below"),
        (
            ["photos", "-o", "set", "--quality", "101"],
            "--quality must be at least 1 and at most 100",
        ),
        (
            ["photos", "-o", "set", "--shard-size", "9" * 12],
            "--shard-size must be at least 1 and at most 1,000,000",
        ),
        (["photos"], "required: -o"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(
    photos, tmp_path, monkeypatch, capsys, arguments, words
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").symlink_to(photos)
    (tmp_path / "file").touch()
    try:
        code = prepare.main(arguments)
    except SystemExit as end:
        code = end.code
    error = capsys.readouterr().err.strip()
    assert code == 2 and words in error and "\n" not in error


def test_set_too_small_for_training_is_refused_before_a_run_is_made(photos, tmp_path, capsys):
    flags = ["--size", "64", "--jobs", "1"]
    assert prepare.main([str(photos), "-o", str(tmp_path / "set"), *flags]) == 0
    flags = ["--recipe", "tiny", "--batch-size", "2", "--run-dir", str(tmp_path / "run")]
    assert train.main(["--data-dir", str(tmp_path / "set"), *flags]) == 2
    assert "prepared with --size 64" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
