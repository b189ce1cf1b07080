import json

import pytest

from colorize_tf import imagefiles
from colorize_tf.data.catalog import find_photographs, list_photographs
from colorize_tf.data.pipeline import training_dataset
from colorize_tf.data.records.prepared_set import copy_out, is_prepared, open_set, translate_damage


def find(folder):
    return find_photographs("folder", data_dir=folder, progress=False)


def test_set_is_recognized_by_its_index(prepared, source):
    assert is_prepared(prepared) and is_prepared("gs://bucket/set")
    assert not is_prepared(source)


def test_catalog_finds_both_splits_and_the_verdict(prepared, offline):
    photographs = find(prepared)
    splits = open_set(prepared).splits
    assert len(photographs.train) == len(splits["train"]) > 30
    assert len(photographs.validation) == len(splits["validation"]) > 0
    expected = "42 photographs: 40 usable, 2 left out (1 duplicate, 1 monochrome)"
    assert photographs.audit.summary() == expected
    assert photographs.origin == f"photographs of mine in {prepared}"
    assert (photographs.source, photographs.license) == ("photographs of mine", "CC BY 4.0")


def test_validation_photographs_are_copied_to_the_cache_once(prepared, offline):
    files = find(prepared).validation
    assert all(min(imagefiles.read_image(path).shape[:2]) == 40 for path in files)
    written = {path: path.stat().st_mtime_ns for path in files}
    assert list_photographs(prepared, progress=False) == files
    assert written == {path: path.stat().st_mtime_ns for path in files}


def test_fingerprint_depends_on_the_content(prepared, source, offline):
    photographs, folder = find(prepared), find(source)
    assert photographs.fingerprint() == find(prepared).fingerprint()
    (prepared / "train-00001.tfrecord").unlink()
    with pytest.warns(UserWarning, match="left out"):
        assert find(prepared).fingerprint() != photographs.fingerprint()
    assert folder.fingerprint() == find(source).fingerprint() != photographs.fingerprint()


def test_fingerprint_depends_on_which_shards_are_missing(prepared, offline):
    fingerprints = set()
    first, *others = find(prepared).train.shards
    alike = next(shard for shard in others if shard.count == first.count)
    for shard in (first, alike):
        path = prepared / shard.name
        contents = path.read_bytes()
        path.unlink()
        with pytest.warns(UserWarning, match="left out"):
            fingerprints.add(find(prepared).fingerprint())
        path.write_bytes(contents)
    assert len(fingerprints) == 2


@pytest.mark.parametrize("damage", ["cut short", "missing"])
def test_unreadable_shard_is_left_out_and_counted(prepared, offline, damage):
    whole = find(prepared)
    shard = next(shard for shard in whole.train.shards if shard.chunk == 1)
    path = prepared / shard.name
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: shard.bytes // 2])
    with pytest.warns(UserWarning, match="left out of .*: 1, train-00001.tfrecord .*prepare"):
        photographs = find(prepared)
    assert len(photographs.train) == len(whole.train) - shard.count
    assert f"{shard.count} unreadable shard" in photographs.audit.summary()
    assert [skipped.kind for skipped in photographs.audit.skipped] == ["unreadable shard"]
    batches = training_dataset(photographs.train, image_size=32, batch_size=4, cache="none")
    for _ in batches.take(12):
        pass


def test_damaged_record_is_an_error_when_read(prepared, offline):
    for path in prepared.glob("train-*.tfrecord"):
        damaged = bytearray(path.read_bytes())
        damaged[len(damaged) // 2] ^= 1
        path.write_bytes(damaged)
    batches = training_dataset(find(prepared).train, image_size=32, batch_size=4, cache="none")
    with (
        pytest.raises(ValueError, match="a shard of .*set has damaged records; .*with --verify"),
        translate_damage(prepared),
    ):
        for _ in batches.take(12):
            pass


def test_set_without_a_readable_shard_is_refused(prepared, offline):
    for path in prepared.glob("*.tfrecord"):
        path.unlink()
    with pytest.raises(ValueError, match="no shard of .* can be read"):
        find(prepared)


def test_split_without_a_readable_shard_is_refused(prepared, offline):
    for path in prepared.glob("validation-*.tfrecord"):
        path.unlink()
    with (
        pytest.warns(UserWarning, match="left out"),
        pytest.raises(ValueError, match="none of these for validation"),
    ):
        find(prepared)


def test_unfinished_set_is_refused(prepared, offline):
    (prepared / "records.json").unlink()
    with pytest.raises(ValueError, match="was interrupted; give the same"):
        find(prepared)


@pytest.mark.parametrize("content", ["{", "[]", '{"format": 99}', '{"format": 1}'])
def test_damaged_index_is_refused(prepared, offline, content):
    (prepared / "records.json").write_text(content)
    with pytest.raises(ValueError, match="records.json is (damaged|no index)"):
        find(prepared)


def test_index_with_unknown_shards_is_refused(prepared, offline):
    index = json.loads((prepared / "records.json").read_text())
    (prepared / "records.json").write_text(json.dumps({**index, "shards": [{"file": "a"}]}))
    with pytest.raises(ValueError, match="records.json is no index of this version"):
        find(prepared)


class Named(list):
    """Stands in for records with these names."""

    def read(self, index):
        return b"jpeg", self[index]


def test_long_names_are_truncated(tmp_path):
    names = ["a/b.c.png", f"{'山' * 83}.jpg", "\udcff.jpg"]
    files = copy_out(Named(names), tmp_path / "set", iter)
    assert [path.name for path in files] == [
        "0000000-b.c.jpg",
        f"0000001-{'山' * 33}.jpg",
        "0000002-.jpg",
    ]


def test_unwritable_cache_names_the_remedy(prepared, tmp_path):
    (tmp_path / "file").touch()
    records = open_set(prepared).splits["validation"]
    with pytest.raises(ValueError, match="set XDG_CACHE_HOME"):
        copy_out(records, tmp_path / "file" / "below" / "set", iter)
