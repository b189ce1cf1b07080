import dataclasses
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
from colorize_tf.data.folders import OUTSIDE_SPLIT
from colorize_tf.data.records import preparation
from colorize_tf.data.records.preparation import prepare
from colorize_tf.data.records.prepared_set import open_set
from tests.data.conftest import CONFIG, convert_unless_bomb, photograph


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def examples(folder, split):
    files = sorted(map(str, folder.glob(f"{split}-*.tfrecord")))
    for record in tf.data.TFRecordDataset(files).as_numpy_iterator():
        yield tf.train.Example.FromString(record).features.feature


def names(folder, split):
    return [one["image/filename"].bytes_list.value[0].decode() for one in examples(folder, split)]


def test_every_usable_photograph_is_in_one_record(prepared):
    found = names(prepared, "train") + names(prepared, "validation")
    assert len(found) == 40
    kept = {"below/again.png"} if "below/again.png" in found else {"00.png"}
    assert set(found) == {f"{seed:02}.png" for seed in range(1, 40)} | kept


def test_verdict_equals_that_of_the_catalog(source, tmp_path, offline):
    audit = prepare(source, tmp_path / "set", CONFIG)
    expected = find_photographs("folder", data_dir=source, progress=False).audit
    assert audit.summary() == expected.summary()
    assert audit.summary() == "42 photographs: 40 usable, 2 left out (1 duplicate, 1 monochrome)"


def test_skipped_files_are_listed_with_reasons(prepared):
    header, *lines = (prepared / "skipped.csv").read_bytes().decode().split("\r\n")[:-1]
    assert header == "file,reason"
    assert sorted(line.split(":")[0] for line in lines) in (
        ["00.png,duplicate", "gray.png,monochrome"],
        ["below/again.png,duplicate", "gray.png,monochrome"],
    )


def test_record_has_all_features(prepared, source):
    (record,) = (
        one
        for split in ("train", "validation")
        for one in examples(prepared, split)
        if one["image/filename"].bytes_list.value[0] == b"03.png"
    )
    assert record["image/licence"].bytes_list.value[0] == b"CC BY 4.0"
    assert record["image/format"].bytes_list.value[0] == b"jpeg"
    size = [record[f"image/{split}"].int64_list.value[0] for split in ("height", "width")]
    assert size == [40, 50]
    image = imagefiles.decode_image(record["image/encoded"].bytes_list.value[0])
    expected = imagefiles.resize_to_short_side(imagefiles.read_image(source / "03.png"), 40)
    assert image.shape == expected.shape
    assert np.abs(image.astype(int) - expected).mean() < 2


def test_index_has_counts_and_sizes(prepared):
    index = json.loads((prepared / "records.json").read_text())
    assert sum(index["photographs"].values()) == 40
    assert index["left_out"] == {"duplicate": 1, "monochrome": 1}
    assert (index["origin"], index["licence"]) == ("photographs of mine", "CC BY 4.0")
    for shard in index["shards"]:
        path = prepared / shard["name"]
        assert path.stat().st_size == shard["bytes"]
        assert sum(1 for _ in tf.data.TFRecordDataset(str(path))) == shard["count"] <= 8


def test_no_photograph_is_enlarged(tmp_path, source):
    prepare(source, tmp_path / "set", dataclasses.replace(CONFIG, short_side=200))
    assert {
        one["image/height"].int64_list.value[0] for one in examples(tmp_path / "set", "train")
    } == {64}


def test_records_are_not_in_the_order_of_names(prepared):
    order = [name for name in names(prepared, "train") if "/" not in name]
    assert order != sorted(order)


def test_processes_make_the_same_set(source, prepared, tmp_path):
    prepare(source, tmp_path / "other", CONFIG, jobs=2)
    assert contents(tmp_path / "other") == contents(prepared)


def test_split_of_the_folders_is_kept(tmp_path, source):
    for split, chosen in (("train", "0[1-9]"), ("val", "1[0-4]")):
        (tmp_path / "photos" / split).mkdir(parents=True)
        for path in source.glob(f"{chosen}.png"):
            (tmp_path / "photos" / split / path.name).symlink_to(path)
    (tmp_path / "photos" / "more").mkdir()
    (tmp_path / "photos" / "more" / "20.png").symlink_to(source / "20.png")
    audit = prepare(tmp_path / "photos", tmp_path / "set", CONFIG)
    assert sorted(names(tmp_path / "set", "validation")) == [f"val/{n}.png" for n in range(10, 15)]
    assert len(names(tmp_path / "set", "train")) == 9
    assert audit.summary() == "15 photographs: 14 usable, 1 left out (1 outside the split)"
    skipped = (tmp_path / "set" / "skipped.csv").read_text().splitlines()
    assert skipped == ["file,reason", f"more/20.png,{OUTSIDE_SPLIT}"]


# Interrupted, and mended.


@pytest.fixture
def made(monkeypatch):
    """Numbers of the chunks that are made from here on."""
    numbers = []
    make = preparation._Chunks.make

    def noting(chunks, number, files):
        numbers.append(number)
        return make(chunks, number, files)

    monkeypatch.setattr(preparation._Chunks, "make", noting)
    return numbers


def test_interrupted_preparation_continues(source, prepared, tmp_path, made):
    def interrupt(done, total):
        if done >= 16:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(source, tmp_path / "set2", CONFIG, progress=interrupt)
    assert not (tmp_path / "set2" / "records.json").exists()
    assert made == [0, 1]
    prepare(source, tmp_path / "set2", CONFIG)
    assert made == [0, 1, 2, 3, 4, 5]
    assert contents(tmp_path / "set2") == contents(prepared)


def test_killed_preparation_continues(source, prepared, tmp_path):
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
    config = dataclasses.replace(
        CONFIG, short_side=64, shard_size=1, origin="photographs", license="not stated"
    )
    prepare(source, tmp_path / "set2", config)
    assert len(names(tmp_path / "set2", "train") + names(tmp_path / "set2", "validation")) == 40


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_only_damaged_shards_are_made_again(source, prepared, made, damage):
    before = contents(prepared)
    shard = prepared / "train-00002.tfrecord"
    if damage == "gone":
        shard.unlink()
    else:
        shard.write_bytes(shard.read_bytes()[:-100])
    prepare(source, prepared, CONFIG)
    assert made == [2]
    assert contents(prepared) == before and not open_set(prepared).unreadable


@pytest.mark.parametrize("content", ["", "[]", "{}"])
def test_only_chunks_with_a_damaged_list_are_made_again(source, prepared, made, content):
    before = contents(prepared)
    (prepared / "00002.json").write_text(content)
    prepare(source, prepared, CONFIG)
    assert made == [2] and contents(prepared) == before


@pytest.mark.parametrize("content", ["", "[]"])
def test_damaged_plan_is_refused(source, prepared, content):
    (prepared / "plan.json").write_text(content)
    with pytest.raises(ValueError, match="plan.json is damaged; choose another folder, or remove"):
        prepare(source, prepared, CONFIG)


def test_verify_finds_damaged_records(source, prepared, made):
    before = contents(prepared)
    shard = prepared / "train-00002.tfrecord"
    damaged = bytearray(shard.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    shard.write_bytes(damaged)
    prepare(source, prepared, CONFIG)
    assert made == []
    prepare(source, prepared, CONFIG, verify=True)
    assert made == [2] and contents(prepared) == before


def test_other_settings_are_refused(source, prepared):
    with pytest.raises(ValueError, match="set of quality 95, now it would be 80; choose another"):
        prepare(source, prepared, dataclasses.replace(CONFIG, quality=80))


def test_other_photographs_are_refused(source, prepared, tmp_path):
    for seed, path in enumerate(sorted(source.rglob("*.png"))):
        (tmp_path / "others").mkdir(exist_ok=True)
        (tmp_path / "others" / f"{seed}.png").symlink_to(path)
    with pytest.raises(ValueError, match="set of other files than those in .*choose another"):
        prepare(tmp_path / "others", prepared, CONFIG)


# Mistakes.


def test_folder_without_photographs_is_named(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty holds no image file"):
        prepare(tmp_path / "empty", tmp_path / "set", CONFIG)


def test_one_photograph_is_too_few(tmp_path):
    (tmp_path / "one").mkdir()
    colors = np.random.default_rng(0).integers(0, 255, (4, 5, 3), dtype=np.uint8)
    assert cv2.imwrite(str(tmp_path / "one" / "1.png"), cv2.resize(colors, (80, 64)))
    with pytest.raises(ValueError, match="1 photograph: 1 usable, .*none of these for"):
        prepare(tmp_path / "one", tmp_path / "set", CONFIG)


def test_full_disk_for_the_list_of_files_is_named(source, tmp_path, monkeypatch):
    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(preparation.FileIndex, "add", full)
    with pytest.raises(ValueError, match="list of files .* disk is full; .* set TMPDIR"):
        prepare(source, tmp_path / "set", CONFIG)


def test_two_photographs_are_one_per_split(tmp_path):
    (tmp_path / "two").mkdir()
    for seed in range(2):
        assert cv2.imwrite(str(tmp_path / "two" / f"{seed}.png"), photograph(seed))
    prepare(tmp_path / "two", tmp_path / "set", CONFIG)
    assert [len(names(tmp_path / "set", split)) for split in ("train", "validation")] == [1, 1]


def test_each_split_has_a_photograph_after_an_interruption(tmp_path):
    (tmp_path / "few").mkdir()
    for seed in range(5):
        assert cv2.imwrite(str(tmp_path / "few" / f"{seed}.png"), photograph(seed))
    config = dataclasses.replace(CONFIG, shard_size=1, validation=1)

    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(tmp_path / "few", tmp_path / "set", config, progress=interrupt)
    prepare(tmp_path / "few", tmp_path / "set", config)
    prepare(tmp_path / "few", tmp_path / "whole", config)
    assert len(names(tmp_path / "set", "validation")) >= 1
    assert contents(tmp_path / "set") == contents(tmp_path / "whole")


def test_folder_with_other_files_is_refused(source, tmp_path):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "a.txt").touch()
    with pytest.raises(ValueError, match="letters holds something else, such as a.txt; choose an"):
        prepare(source, tmp_path / "letters", CONFIG)
    assert [path.name for path in (tmp_path / "letters").iterdir()] == ["a.txt"]


def test_hidden_files_in_the_destination_are_ignored(source, tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / ".gitkeep").touch()
    prepare(source, tmp_path / "set", CONFIG)


def test_two_commands_cannot_write_to_one_set(source, tmp_path):
    def again(done, total):
        with pytest.raises(ValueError, match="set is in use by process .* wait until it has ended"):
            prepare(source, tmp_path / "set", CONFIG)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(source, tmp_path / "set", CONFIG, progress=again)
    prepare(source, tmp_path / "set", CONFIG)


def test_photograph_that_crashes_its_process_is_left_out(tmp_path, monkeypatch):
    (tmp_path / "photos").mkdir()
    for seed in range(4):
        assert cv2.imwrite(str(tmp_path / "photos" / f"{seed}.png"), photograph(seed))
    (tmp_path / "photos" / "bomb.png").touch()
    monkeypatch.setattr(preparation, "convert", convert_unless_bomb)
    with pytest.warns(UserWarning, match="bomb.png crashed the process that read it; skipped"):
        audit = prepare(tmp_path / "photos", tmp_path / "set", CONFIG, jobs=2)
    assert audit.summary() == "5 photographs: 4 usable, 1 left out (1 crashed)"
    skipped = (tmp_path / "set" / "skipped.csv").read_text().splitlines()
    assert skipped == ["file,reason", "bomb.png,crashed: reading it ended the process"]
