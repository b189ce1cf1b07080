import os

import pytest
import tensorflow as tf

from colorize_tf import imagefiles
from colorize_tf.data import storage
from colorize_tf.data.catalog import find_photographs
from colorize_tf.data.records.preparation import prepare
from tests.data.conftest import CONFIG


def test_files_are_read_whole_and_in_parts(tmp_path):
    storage.write_bytes(tmp_path / "a", b"0123456789")
    assert storage.read_bytes(tmp_path / "a") == b"0123456789"
    assert storage.read_bytes(tmp_path / "a", 3, 4) == b"3456"
    assert storage.size(tmp_path / "a") == 10 and storage.size(tmp_path / "b") is None
    assert os.listdir(tmp_path) == ["a"]


def test_damaged_json_is_named(tmp_path):
    storage.write_bytes(tmp_path / "a.json", b"{")
    with pytest.raises(ValueError, match="a.json is damaged"):
        storage.read_json(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (tf.errors.PermissionDeniedError, "no permission for gs://b/a: why; check your roles"),
        (tf.errors.UnauthenticatedError, "no permission for gs://b/a: why; check your roles"),
        (tf.errors.NotFoundError, "gs://b/a does not exist"),
        (tf.errors.ResourceExhaustedError, "no space for gs://b/a"),
        (tf.errors.FailedPreconditionError, "cannot use gs://b/a: why; check the name"),
    ],
)
def test_errors_of_buckets_are_one_line(error, words):
    with pytest.raises(ValueError, match=words) as caught, storage.translate_errors("gs://b/a"):
        raise error(None, None, "why\nand where")
    assert "\n" not in str(caught.value)


def test_unknown_file_system_names_the_remedy():
    with pytest.raises(ValueError, match="no file system for hdfs3://; mount the bucket"):
        storage.make_folder("hdfs3://bucket/set")


def test_missing_location_is_named():
    with pytest.raises(ValueError, match="ram://nowhere does not exist"):
        list(storage.walk("ram://nowhere"))


def test_unreadable_image_in_a_bucket_is_an_image_error():
    with pytest.raises(imagefiles.ImageFileError, match="does not exist"):
        storage.read_image_bytes("ram://nowhere/a.jpg")


def test_set_is_prepared_from_bucket_to_bucket(source, offline):
    """TensorFlow's file system in memory stands for a bucket."""
    for path in source.rglob("*.png"):
        name = path.relative_to(source).as_posix()
        tf.io.gfile.makedirs(f"ram://photos/{os.path.dirname(name)}".rstrip("/"))
        storage.write_bytes(f"ram://photos/{name}", path.read_bytes())
    audit = prepare("ram://photos", "ram://sets/mine", CONFIG)
    photographs = find_photographs("landscapes", data_dir="ram://sets/mine", progress=False)
    assert photographs.audit.summary() == audit.summary()
    assert len(photographs.train) + len(photographs.validation) == 40
    assert imagefiles.decode_image(photographs.train.read(0)[0]).shape == (40, 50, 3)
