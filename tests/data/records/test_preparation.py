import json
import os
import signal
import sqlite3
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest
import tensorflow as tf

from colorize_tf import imagefiles
from colorize_tf.data.catalog import find_photographs
from colorize_tf.data.records import preparation
from colorize_tf.data.records.preparation import prepare
from colorize_tf.data.records.prepared_set import open_set
from tests.data.conftest import SETTINGS, convert_unless_bomb, photograph


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def examples(folder, side):
    files = sorted(map(str, folder.glob(f"{side}-*.tfrecord")))
    for record in tf.data.TFRecordDataset(files).as_numpy_iterator():
        yield tf.train.Example.FromString(record).features.feature


def names(folder, side):
    return [one["image/filename"].bytes_list.value[0].decode() for one in examples(folder, side)]


def test_every_usable_photograph_is_in_one_record(prepared):
    found = names(prepared, "train") + names(prepared, "validation")
    assert len(found) == 40
    kept = {"below/again.png"} if "below/again.png" in found else {"00.png"}
    assert set(found) == {f"{seed:02}.png" for seed in range(1, 40)} | kept


def test_the_verdict_is_that_of_the_catalog(source, tmp_path, offline):
    audit = prepare(source, tmp_path / "set", SETTINGS)
    expected = find_photographs("folder", data_dir=source, progress=False).audit
    assert audit.summary() == expected.summary()
    assert audit.summary() == "42 photographs: 40 usable, 2 left out (1 duplicate, 1 monochrome)"


def test_what_was_left_out_is_listed_with_its_reason(prepared):
    header, *lines = (prepared / "skipped.csv").read_bytes().decode().split("\r\n")[:-1]
    assert header == "file,reason"
    assert sorted(line.split(":")[0] for line in lines) in (
        ["00.png,duplicate", "gray.png,monochrome"],
        ["below/again.png,duplicate", "gray.png,monochrome"],
    )


def test_a_record_says_what_it_holds(prepared, source):
    (record,) = (
        one
        for side in ("train", "validation")
        for one in examples(prepared, side)
        if one["image/filename"].bytes_list.value[0] == b"03.png"
    )
    assert record["image/licence"].bytes_list.value[0] == b"CC BY 4.0"
    assert record["image/format"].bytes_list.value[0] == b"jpeg"
    size = [record[f"image/{side}"].int64_list.value[0] for side in ("height", "width")]
    assert size == [40, 50]
    image = imagefiles.decode_image(record["image/encoded"].bytes_list.value[0])
    expected = imagefiles.resize_to_short_side(imagefiles.read_image(source / "03.png"), 40)
    assert image.shape == expected.shape
    assert np.abs(image.astype(int) - expected).mean() < 2


def test_the_index_counts_and_hashes(prepared):
    index = json.loads((prepared / "records.json").read_text())
    assert sum(index["photographs"].values()) == 40
    assert index["left_out"] == {"duplicate": 1, "monochrome": 1}
    assert (index["origin"], index["licence"]) == ("photographs of mine", "CC BY 4.0")
    for shard in index["shards"]:
        path = prepared / shard["name"]
        assert path.stat().st_size == shard["bytes"]
        assert sum(1 for _ in tf.data.TFRecordDataset(str(path))) == shard["count"] <= 8


def test_no_photograph_is_enlarged(tmp_path, source):
    prepare(source, tmp_path / "set", SETTINGS._replace(short_side=200))
    assert {
        one["image/height"].int64_list.value[0] for one in examples(tmp_path / "set", "train")
    } == {64}


def test_neighbors_in_the_folder_come_apart(prepared):
    order = [name for name in names(prepared, "train") if "/" not in name]
    assert order != sorted(order)


def test_processes_make_the_same_set(source, prepared, tmp_path):
    prepare(source, tmp_path / "other", SETTINGS, jobs=2)
    assert contents(tmp_path / "other") == contents(prepared)


def test_a_split_of_the_folders_is_kept(tmp_path, source):
    for side, chosen in (("train", "0[1-9]"), ("val", "1[0-4]")):
        (tmp_path / "photos" / side).mkdir(parents=True)
        for path in source.glob(f"{chosen}.png"):
            (tmp_path / "photos" / side / path.name).symlink_to(path)
    (tmp_path / "photos" / "more").mkdir()
    (tmp_path / "photos" / "more" / "20.png").symlink_to(source / "20.png")
    audit = prepare(tmp_path / "photos", tmp_path / "set", SETTINGS)
    assert sorted(names(tmp_path / "set", "validation")) == [f"val/{n}.png" for n in range(10, 15)]
    assert len(names(tmp_path / "set", "train")) == 9
    assert audit.summary() == "15 photographs: 14 usable, 1 left out (1 outside the split)"
    skipped = (tmp_path / "set" / "skipped.csv").read_text().splitlines()
    assert skipped == ["file,reason", "more/20.png,outside the split: in neither half"]


# Interrupted, and mended.


@pytest.fixture
def made(monkeypatch):
    """Numbers of the units that are made from here on."""
    numbers = []
    make = preparation._Work._make

    def noting(work, number, files):
        numbers.append(number)
        return make(work, number, files)

    monkeypatch.setattr(preparation._Work, "_make", noting)
    return numbers


def test_an_interrupted_preparation_goes_on_where_it_stopped(source, prepared, tmp_path, made):
    def interrupt(done, total):
        if done >= 16:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(source, tmp_path / "set2", SETTINGS, progress=interrupt)
    assert not (tmp_path / "set2" / "records.json").exists()
    assert made == [0, 1]
    prepare(source, tmp_path / "set2", SETTINGS)
    assert made == [0, 1, 2, 3, 4, 5]
    assert contents(tmp_path / "set2") == contents(prepared)


def test_a_killed_preparation_goes_on_too(source, prepared, tmp_path):
    command = [
        sys.executable,
        "-m",
        "colorize_tf.prepare",
        str(source),
        "-o",
        str(tmp_path / "set2"),
    ]
    flags = ["--size", "64", "--shard-size", "1", "--jobs", "1"]
    process = subprocess.Popen([*command, *flags], stdout=subprocess.DEVNULL)
    while not (tmp_path / "set2" / "00001.json").exists():
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    settings = SETTINGS._replace(
        short_side=64, shard_size=1, origin="photographs", licence="not stated"
    )
    prepare(source, tmp_path / "set2", settings)
    assert len(names(tmp_path / "set2", "train") + names(tmp_path / "set2", "validation")) == 40


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_shard_is_made_again_and_no_other(source, prepared, made, damage):
    before = contents(prepared)
    shard = prepared / "train-00002.tfrecord"
    if damage == "gone":
        shard.unlink()
    else:
        shard.write_bytes(shard.read_bytes()[:-100])
    prepare(source, prepared, SETTINGS)
    assert made == [2]
    assert contents(prepared) == before and not open_set(prepared).unreadable


@pytest.mark.parametrize("content", ["", "[]", "{}"])
def test_a_unit_whose_list_is_damaged_is_made_again_and_no_other(source, prepared, made, content):
    before = contents(prepared)
    (prepared / "00002.json").write_text(content)
    prepare(source, prepared, SETTINGS)
    assert made == [2] and contents(prepared) == before


@pytest.mark.parametrize("content", ["", "[]"])
def test_a_damaged_plan_is_not_guessed(source, prepared, content):
    (prepared / "plan.json").write_text(content)
    with pytest.raises(ValueError, match="plan.json is damaged; choose another folder, or remove"):
        prepare(source, prepared, SETTINGS)


def test_what_is_damaged_inside_is_found_when_asked_for(source, prepared, made):
    before = contents(prepared)
    shard = prepared / "train-00002.tfrecord"
    damaged = bytearray(shard.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    shard.write_bytes(damaged)
    prepare(source, prepared, SETTINGS)
    assert made == []
    prepare(source, prepared, SETTINGS, verify=True)
    assert made == [2] and contents(prepared) == before


def test_another_set_is_not_mixed_in(source, prepared):
    with pytest.raises(ValueError, match="set of quality 95, now it would be 80; choose another"):
        prepare(source, prepared, SETTINGS._replace(quality=80))


def test_other_photographs_are_not_mixed_in(source, prepared, tmp_path):
    for seed, path in enumerate(sorted(source.rglob("*.png"))):
        (tmp_path / "others").mkdir(exist_ok=True)
        (tmp_path / "others" / f"{seed}.png").symlink_to(path)
    with pytest.raises(ValueError, match="set of other files than those in .*choose another"):
        prepare(tmp_path / "others", prepared, SETTINGS)


# Mistakes.


def test_a_folder_without_photographs_is_named(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty holds no image file"):
        prepare(tmp_path / "empty", tmp_path / "set", SETTINGS)


def test_too_few_for_both_sides_is_told(tmp_path):
    (tmp_path / "one").mkdir()
    colors = np.random.default_rng(0).integers(0, 255, (4, 5, 3), dtype=np.uint8)
    assert cv2.imwrite(str(tmp_path / "one" / "1.png"), cv2.resize(colors, (80, 64)))
    with pytest.raises(ValueError, match="1 photograph: 1 usable, .*none of these for"):
        prepare(tmp_path / "one", tmp_path / "set", SETTINGS)


def test_no_space_for_the_list_of_files_is_told(source, tmp_path, monkeypatch):
    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(preparation.FileIndex, "add", full)
    with pytest.raises(ValueError, match="list of files .* disk is full; .* set TMPDIR"):
        prepare(source, tmp_path / "set", SETTINGS)


def test_two_photographs_are_one_for_each_side(tmp_path):
    (tmp_path / "two").mkdir()
    for seed in range(2):
        assert cv2.imwrite(str(tmp_path / "two" / f"{seed}.png"), photograph(seed))
    prepare(tmp_path / "two", tmp_path / "set", SETTINGS)
    assert [len(names(tmp_path / "set", side)) for side in ("train", "validation")] == [1, 1]


def test_each_side_has_a_photograph_when_an_interrupted_preparation_goes_on(tmp_path):
    (tmp_path / "few").mkdir()
    for seed in range(5):
        assert cv2.imwrite(str(tmp_path / "few" / f"{seed}.png"), photograph(seed))
    settings = SETTINGS._replace(shard_size=1, validation=1)

    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(tmp_path / "few", tmp_path / "set", settings, progress=interrupt)
    prepare(tmp_path / "few", tmp_path / "set", settings)
    prepare(tmp_path / "few", tmp_path / "whole", settings)
    assert len(names(tmp_path / "set", "validation")) >= 1
    assert contents(tmp_path / "set") == contents(tmp_path / "whole")


def test_a_folder_of_other_files_is_refused(source, tmp_path):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "a.txt").touch()
    with pytest.raises(ValueError, match="letters holds something else, such as a.txt; choose an"):
        prepare(source, tmp_path / "letters", SETTINGS)
    assert [path.name for path in (tmp_path / "letters").iterdir()] == ["a.txt"]


def test_hidden_files_are_no_obstacle(source, tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / ".gitkeep").touch()
    prepare(source, tmp_path / "set", SETTINGS)


def test_two_commands_do_not_write_to_one_set(source, tmp_path):
    def again(done, total):
        with pytest.raises(ValueError, match="set is in use by process .* wait until it has ended"):
            prepare(source, tmp_path / "set", SETTINGS)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(source, tmp_path / "set", SETTINGS, progress=again)
    prepare(source, tmp_path / "set", SETTINGS)


def test_a_photograph_that_ends_its_process_is_left_out(tmp_path, monkeypatch):
    (tmp_path / "photos").mkdir()
    for seed in range(4):
        assert cv2.imwrite(str(tmp_path / "photos" / f"{seed}.png"), photograph(seed))
    (tmp_path / "photos" / "bomb.png").touch()
    monkeypatch.setattr(preparation, "convert", convert_unless_bomb)
    with pytest.warns(UserWarning, match="bomb.png ended the process that read it; left out"):
        audit = prepare(tmp_path / "photos", tmp_path / "set", SETTINGS, jobs=2)
    assert audit.summary() == "5 photographs: 4 usable, 1 left out (1 crashed)"
    skipped = (tmp_path / "set" / "skipped.csv").read_text().splitlines()
    assert skipped == ["file,reason", "bomb.png,crashed: reading it ended the process"]
