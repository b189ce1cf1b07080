"""S3, served by moto on this machine."""

import importlib.util

import pytest
import tensorflow as tf

from colorize_tf.data import s3, storage
from colorize_tf.data.catalog import find_photographs, list_photographs
from colorize_tf.data.locations import cache_folder
from colorize_tf.data.pipeline import training_dataset
from colorize_tf.data.records.preparation import prepare
from colorize_tf.data.records.prepared_set import content_problem, open_set
from colorize_tf.prepare import main
from tests.data.conftest import CONFIG

pytestmark = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("boto3", "moto"))), reason="needs boto3 and moto"
)


@pytest.fixture(scope="module")
def server():
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture(autouse=True)
def client(server, monkeypatch, tmp_path):
    """A client with credentials, independent of the user's configuration."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    settings = {
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    s3._client.cache_clear()
    yield s3._client()
    s3._client.cache_clear()


@pytest.fixture
def bucket(client):
    client.create_bucket(Bucket="photos")
    yield "s3://photos"
    for found in client.list_objects_v2(Bucket="photos").get("Contents", ()):
        client.delete_object(Bucket="photos", Key=found["Key"])
    client.delete_bucket(Bucket="photos")


def upload(folder, location):
    for path in folder.rglob("*"):
        if path.is_file():
            storage.write_bytes(f"{location}/{path.relative_to(folder)}", path.read_bytes())


def test_files_are_read_whole_and_in_parts(bucket):
    storage.write_bytes(f"{bucket}/below/a b#?.bin", b"0123456789")
    assert storage.read_bytes(f"{bucket}/below/a b#?.bin") == b"0123456789"
    assert storage.read_bytes(f"{bucket}/below/a b#?.bin", 3, 4) == b"3456"
    assert storage.size(f"{bucket}/below/a b#?.bin") == 10
    assert storage.size(f"{bucket}/other") is None


def test_walk_lists_all_files_below_a_location(bucket, client):
    for name in ("set/a", "set/b/c", "other/d", "settled/e"):
        storage.write_bytes(f"{bucket}/{name}", b"")
    client.put_object(Bucket="photos", Key="set/b/", Body=b"")
    assert list(storage.walk(f"{bucket}/set")) == ["a", "b/c"]
    assert len(list(storage.walk(bucket))) == 4


def test_walk_reads_all_pages(bucket, client, monkeypatch):
    for index in range(5):
        storage.write_bytes(f"{bucket}/{index}", b"")
    paginate = client.get_paginator("list_objects_v2").paginate

    class ByTwo:
        def paginate(self, **options):
            return paginate(**options, PaginationConfig={"PageSize": 2})

    monkeypatch.setattr(client, "get_paginator", lambda _: ByTwo())
    assert list(storage.walk(bucket)) == list("01234")


def test_set_is_prepared_from_bucket_to_bucket(bucket, source, prepared):
    upload(source, f"{bucket}/in")
    audit = prepare(f"{bucket}/in", f"{bucket}/out", CONFIG, jobs=2)
    assert audit.summary() == "42 photographs: 40 usable, 2 left out (1 duplicate, 1 monochrome)"
    assert open_set(f"{bucket}/out").index == open_set(prepared).index
    for shard in open_set(prepared).index["shards"]:
        expected = (prepared / shard["name"]).read_bytes()
        assert storage.read_bytes(f"{bucket}/out/{shard['name']}") == expected


def test_set_in_s3_gives_the_same_examples_and_is_fetched_once(bucket, prepared, monkeypatch):
    upload(prepared, f"{bucket}/set")

    def batches(folder, cache):
        train = find_photographs("folder", data_dir=folder, progress=False).train
        dataset = training_dataset(train, image_size=32, batch_size=8, cache=cache)
        return [ab.numpy() for _, ab in dataset.take(12)]

    for cache in ("none", "memory"):
        here, there = batches(prepared, cache), batches(f"{bucket}/set", cache)
        assert all((ab == other).all() for ab, other in zip(here, there, strict=True))
    assert list_photographs(f"{bucket}/set") == list_photographs(prepared)
    kept = list((cache_folder() / "shards").iterdir())
    assert len(kept) == len(open_set(prepared).splits["train"].shards)
    monkeypatch.setattr(s3, "download", None)
    batches(f"{bucket}/set", "none")


def test_truncated_shard_is_left_out_and_made_again(bucket, source, prepared):
    upload(prepared, f"{bucket}/set")
    upload(source, f"{bucket}/in")
    shard = f"{bucket}/set/train-00002.tfrecord"
    whole = storage.read_bytes(shard)
    storage.write_bytes(shard, whole[:-100])
    with pytest.warns(UserWarning, match="shards left out of .*: 1, train-00002.tfrecord has"):
        find_photographs("folder", data_dir=f"{bucket}/set", progress=False)
    prepare(source, f"{bucket}/set", CONFIG)
    assert storage.read_bytes(shard) == whole


def test_damaged_shard_is_not_cached(bucket, prepared):
    upload(prepared, f"{bucket}/set")

    def first_batch():
        train = find_photographs("folder", data_dir=f"{bucket}/set", progress=False).train
        return next(iter(training_dataset(train, image_size=32, batch_size=8, cache="none")))

    shards = open_set(prepared).splits["train"].shards
    for shard in shards:
        contents = bytearray((prepared / shard.name).read_bytes())
        contents[100] ^= 1  # of the first photograph, not of a checksum
        storage.write_bytes(f"{bucket}/set/{shard.name}", bytes(contents))
    with pytest.raises(tf.errors.OpError, match="s3://photos/set/train-.*has damaged rec"):
        first_batch()
    assert not list((cache_folder() / "shards").iterdir())
    for shard in shards:
        contents = (prepared / shard.name).read_bytes()
        storage.write_bytes(f"{bucket}/set/{shard.name}", contents)
    first_batch()


def test_damaged_content_is_found(bucket, prepared):
    (shard, *_) = open_set(prepared).splits["train"].shards
    contents = bytearray((prepared / shard.name).read_bytes())
    contents[len(contents) // 2] ^= 1
    storage.write_bytes(f"{bucket}/set/{shard.name}", bytes(contents))
    assert shard.name in content_problem(f"{bucket}/set", shard)
    storage.write_bytes(f"{bucket}/set/{shard.name}", (prepared / shard.name).read_bytes())
    assert content_problem(f"{bucket}/set", shard) == ""


def test_interrupted_shard_is_not_uploaded(bucket, source, monkeypatch):
    def fail(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("colorize_tf.data.records.shards.ShardWriter.write", fail)
    with pytest.raises(KeyboardInterrupt):
        prepare(source, f"{bucket}/set", CONFIG)
    assert list(storage.walk(f"{bucket}/set")) == ["plan.json"]


def test_interrupted_response_is_repeated(bucket, client, monkeypatch):
    from botocore.exceptions import ResponseStreamingError

    storage.write_bytes(f"{bucket}/a", b"0123456789")
    get, responses = client.get_object, []

    class Broken:
        def read(self):
            raise ResponseStreamingError(error="broken off")

        def close(self):
            pass

    def get_object(**request):
        responses.append({"Body": Broken()} if len(responses) < 2 else get(**request))
        return responses[-1]

    monkeypatch.setattr(client, "get_object", get_object)
    assert storage.read_bytes(f"{bucket}/a") == b"0123456789" and len(responses) == 3
    monkeypatch.setattr(client, "get_object", lambda **_: {"Body": Broken()})
    with pytest.raises(storage.UnreachableError, match="s3://photos/a cannot be reached: .*broken"):
        storage.read_bytes(f"{bucket}/a")


# Mistakes.


def line(capsys, *arguments):
    """The error line of a command that ends with exit code 2."""
    assert main([str(argument) for argument in arguments]) == 2
    error = capsys.readouterr().err.strip()
    assert "\n" not in error
    return error


def test_missing_bucket_is_named(source, capsys):
    assert "s3://nowhere/set does not exist (" in line(capsys, source, "-o", "s3://nowhere/set")
    assert "s3://nowhere/in does not exist (" in line(capsys, "s3://nowhere/in", "-o", "set")


def test_empty_location_is_named(bucket, capsys):
    assert "s3://photos/in does not exist (there is no file below it)" in line(
        capsys, "s3://photos/in", "-o", "set"
    )


def test_location_without_a_bucket_is_named(capsys):
    assert "cannot use s3://: " in line(capsys, "s3://", "-o", "set")


def test_missing_credentials_are_named(bucket, capsys, monkeypatch, source):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    s3._client.cache_clear()
    expected = "no permission for s3://photos/set: Unable to locate credentials; set AWS_PRO"
    assert expected in line(capsys, source, "-o", f"{bucket}/set")


def test_missing_permission_is_named(bucket, client, server, capsys, monkeypatch, source):
    import urllib.request

    import boto3

    storage.write_bytes(f"{bucket}/in/a.png", (source / "01.png").read_bytes())
    iam = boto3.session.Session().client("iam")
    iam.create_user(UserName="guest")
    key = iam.create_access_key(UserName="guest")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    s3._client.cache_clear()

    def check_from(request):
        url, kind = f"{server}/moto-api/reset-auth", {"Content-Type": "text/plain"}
        question = urllib.request.Request(url, str(request).encode(), kind)
        urllib.request.urlopen(question).close()

    check_from(0)
    try:
        words = "no permission for s3://photos/{}: Access Denied; check your roles in the bucket"
        assert words.format("set") in line(capsys, source, "-o", f"{bucket}/set")
        assert words.format("in") in line(capsys, f"{bucket}/in", "-o", "set")
        with pytest.raises(ValueError, match="no permission for s3://photos/in/records.json"):
            find_photographs("folder", data_dir=f"{bucket}/in")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAstranger")
        s3._client.cache_clear()
        with pytest.raises(storage.UnreachableError, match="no permission .*; check your roles"):
            storage.read_image_bytes(f"{bucket}/in/a.png")
    finally:
        check_from("inf")


def test_unreachable_server_stops_the_preparation(bucket, source, tmp_path, monkeypatch):
    """Photographs that are unreachable now are not counted as unreadable."""
    upload(source, f"{bucket}/in")
    names = list(storage.walk(f"{bucket}/in"))
    monkeypatch.setattr(storage, "walk", lambda _: iter(names))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    s3._client.cache_clear()
    with pytest.raises(storage.UnreachableError, match="in/.* cannot be reached: .*127.0.0.1:9"):
        prepare(f"{bucket}/in", tmp_path / "set", CONFIG)
    assert not (tmp_path / "set" / "records.json").exists()


def test_unreachable_server_is_an_error_and_no_missing_shard(bucket, prepared, monkeypatch):
    upload(prepared, f"{bucket}/set")
    index = storage.read_json(f"{bucket}/set/records.json")
    monkeypatch.setattr(storage, "read_json", lambda _: index)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    s3._client.cache_clear()
    with pytest.raises(storage.UnreachableError, match="set/.*tfrecord cannot be reached"):
        open_set(f"{bucket}/set")


def test_missing_boto3_names_the_extra(monkeypatch, capsys, source):
    import sys

    monkeypatch.setitem(sys.modules, "boto3", None)
    s3._client.cache_clear()
    assert "pip install colorize_tf[s3]" in line(capsys, source, "-o", "s3://photos/set")


def test_full_disk_is_named(bucket, monkeypatch, tmp_path):
    import errno

    storage.write_bytes(f"{bucket}/a", b"0")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(s3._client(), "download_file", full)
    with pytest.raises(ValueError, match="no space for a copy of s3://photos/a; .*XDG_CACHE_HOME"):
        storage.download(f"{bucket}/a", tmp_path / "a")
    assert not (tmp_path / "a").exists()
