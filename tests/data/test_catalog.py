import errno
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import types
import warnings
from pathlib import Path

import cv2
import pytest

from colorize_tf.data import catalog, kaggle
from colorize_tf.data.catalog import DATASETS, find_photographs
from tests.data.conftest import photograph

kaggle_reachable = kaggle.is_reachable  # The tests below replace it.


def save(path, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), photograph(seed))
    return path


def fill(folder, count=6, start=0, suffix=".png"):
    return [save(folder / f"{seed:03}{suffix}", seed) for seed in range(start, start + count)]


def find(folder, dataset="folder", **options):
    return find_photographs(dataset, data_dir=folder, progress=False, **options)


def found_names(photographs):
    return sorted(path.name for path in photographs.train + photographs.validation)


def refusal(*arguments, **options):
    with pytest.raises(ValueError) as caught:
        find_photographs(*arguments, progress=False, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture(autouse=True)
def isolated_home(tmp_path_factory, monkeypatch):
    """Hide the user's folders and the network."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    monkeypatch.delenv("COLORIZE_TF_DATA", raising=False)
    monkeypatch.delenv("KAGGLEHUB_CACHE", raising=False)
    monkeypatch.setattr(kaggle, "is_reachable", lambda: False)
    return home


@pytest.fixture
def kagglehub(monkeypatch):
    """A stand-in for kagglehub."""
    module = types.ModuleType("kagglehub")
    monkeypatch.setitem(sys.modules, "kagglehub", module)
    monkeypatch.setattr(kaggle, "is_reachable", lambda: True)
    return module


def tiny_synthetic(dataset="synthetic", **options):
    sizes = {"synthetic_train": 3, "synthetic_validation": 2, "synthetic_size": 64}
    return find_photographs(dataset, progress=False, **{**sizes, **options})


def test_unknown_dataset_lists_the_names():
    message = refusal("landscape")
    assert "'landscape'" in message and ", ".join(DATASETS) in message


@pytest.mark.parametrize("fraction", [0, 1, -0.1, float("nan")])
def test_fraction_out_of_range_is_refused(tmp_path, fraction):
    message = refusal("folder", data_dir=tmp_path, validation_fraction=fraction)
    assert "expected a number between 0 and 1" in message


# Layouts.


def test_flat_folder(tmp_path):
    fill(tmp_path)
    assert found_names(find(tmp_path)) == [f"{seed:03}.png" for seed in range(6)]


def test_nested_folder_and_suffixes_of_any_case(tmp_path):
    save(tmp_path / "a" / "one.JPG", 0)
    save(tmp_path / "a" / "b" / "two.Png", 1)
    save(tmp_path / "three.jpeg", 2)
    assert found_names(find(tmp_path)) == ["one.JPG", "three.jpeg", "two.Png"]


def test_hidden_files_macos_metadata_and_other_files_are_ignored(tmp_path):
    fill(tmp_path, 2)
    for name in (".hidden.png", "._000.png", "__MACOSX/000.png", ".thumbnails/a.png"):
        save(tmp_path / name, 9)
    (tmp_path / "README.txt").write_text("read me")
    photographs = find(tmp_path)
    assert found_names(photographs) == ["000.png", "001.png"] and not photographs.audit.skipped


def test_unsupported_formats_are_skipped_with_a_reason(tmp_path):
    fill(tmp_path, 2)
    (tmp_path / "a.HEIC").write_bytes(b"no photograph")
    (skipped,) = find(tmp_path).audit.skipped
    assert skipped.path.name == "a.HEIC" and skipped.kind == "unsupported"


def test_cycle_of_links_ends(tmp_path):
    fill(tmp_path / "a", 2)
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    photographs = find(tmp_path)
    assert found_names(photographs) == ["000.png", "001.png"]
    assert photographs.audit.skipped == ()


def test_linked_folder_is_followed(tmp_path):
    save(tmp_path / "elsewhere" / "000.png", 0)
    save(tmp_path / "data" / "001.png", 1)
    (tmp_path / "data" / "link").symlink_to(tmp_path / "elsewhere")
    assert found_names(find(tmp_path / "data")) == ["000.png", "001.png"]


@pytest.mark.parametrize("inside", [".", "landscape Images", "a/b"])
@pytest.mark.parametrize(("color", "gray"), [("color", "gray"), ("Color", "Gray")])
def test_kaggle_layout_gives_color_only(tmp_path, inside, color, gray):
    fill(tmp_path / inside / color, 3)
    fill(tmp_path / inside / gray, 3, start=10)
    assert found_names(find(tmp_path)) == ["000.png", "001.png", "002.png"]


@pytest.mark.parametrize("name", ["val", "validation", "valid", "test", "Val"])
def test_given_split_is_kept(tmp_path, name):
    train = fill(tmp_path / "train", 3)
    validation = fill(tmp_path / name, 2, start=3)
    photographs = find(tmp_path)
    assert photographs.train == tuple(train)
    assert photographs.validation == tuple(validation)


def test_test_folder_is_not_read_beside_val(tmp_path):
    for start, name in enumerate(("train", "val", "test")):
        fill(tmp_path / name, 2, start=2 * start)
    assert found_names(find(tmp_path)) == ["000.png", "001.png", "002.png", "003.png"]


def test_files_outside_the_split_are_skipped(tmp_path):
    for start, name in enumerate(("train", "val", "test")):
        fill(tmp_path / name, 2, start=2 * start)
    save(tmp_path / "loose.png", 9)
    skipped = find(tmp_path).audit.skipped
    assert sorted(one.path.name for one in skipped) == ["004.png", "005.png", "loose.png"]
    assert {one.kind for one in skipped} == {"outside the split"}


def test_folder_is_that_of_the_photographs(tmp_path):
    fill(tmp_path / "photos", 3)
    assert find(tmp_path / "photos").folder == tmp_path / "photos"


def test_listing_takes_the_validation_half_of_a_split(tmp_path):
    fill(tmp_path / "train", 3)
    validation = fill(tmp_path / "val", 2, start=3)
    assert catalog.list_photographs(tmp_path) == tuple(validation)


def test_listing_takes_everything_without_a_split(tmp_path):
    photographs = fill(tmp_path, 3)
    assert catalog.list_photographs(tmp_path) == tuple(photographs)


def test_missing_home_folder_is_one_line(tmp_path):
    assert "~nosuchuser/photos" in refusal("folder", data_dir="~nosuchuser/photos")


def test_train_file_equal_to_a_validation_file_is_left_out(tmp_path):
    fill(tmp_path / "train", 3)
    shutil.copytree(tmp_path / "train", tmp_path / "val")
    (tmp_path / "train" / "000.png").rename(tmp_path / "train" / "copy.png")
    save(tmp_path / "train" / "new.png", 9)
    photographs = find(tmp_path)
    assert [path.name for path in photographs.train] == ["new.png"]
    assert len(photographs.validation) == 3
    assert {skipped.kind for skipped in photographs.audit.skipped} == {"duplicate"}


def test_train_folder_alone_is_split_by_content(tmp_path):
    fill(tmp_path / "train", 6)
    photographs = find(tmp_path)
    assert len(photographs.train + photographs.validation) == 6


# Layouts of one's own.


def by_camera(folder):
    files = sorted(folder.rglob("*.png"))
    return (
        [str(path) for path in files if path.parent.name == "first"],
        [path for path in files if path.parent.name == "second"],
    )


@pytest.mark.parametrize("dataset", [by_camera, f"{__name__}:by_camera"])
def test_function_provides_a_layout(tmp_path, dataset, monkeypatch):
    monkeypatch.setitem(sys.modules, __name__, types.SimpleNamespace(by_camera=by_camera))
    train, validation = fill(tmp_path / "first", 3), fill(tmp_path / "second", 2, start=3)
    shutil.copy(validation[0], tmp_path / "first" / "copy.png")
    photographs = find(tmp_path, dataset)
    assert photographs.train == tuple(train) and photographs.validation == tuple(validation)
    assert photographs.audit.reasons() == "1 duplicate"
    assert "by_camera" in photographs.source and len(photographs.fingerprint()) == 64


def test_layout_without_validation_is_split_by_content(tmp_path):
    fill(tmp_path, 20)
    photographs = find(tmp_path, lambda folder: (folder.iterdir(), []), validation_fraction=0.5)
    assert len(photographs.train + photographs.validation) == 20 and photographs.validation


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        (lambda folder: [], "must return two lists of files, .* got list"),
        (lambda folder: ([], []), "found no files to train on"),
        ("nowhere.at.all:layout", "'nowhere.at.all:layout' cannot be imported"),
    ],
)
def test_layouts_that_do_not_fit_are_refused(tmp_path, layout, words):
    assert re.search(words, refusal(layout, data_dir=tmp_path))
    assert "needs a folder" in refusal(by_camera)


# The split by content.


def test_split_by_content_does_not_depend_on_names(tmp_path):
    fill(tmp_path / "a", 30)
    for seed in range(30):
        save(tmp_path / "b" / str(seed % 3) / f"{97 * seed % 100}.png", seed)

    def held_out(folder):
        files = find(folder, validation_fraction=0.3).validation
        return sorted(file.read_bytes() for file in files)

    assert held_out(tmp_path / "a") == held_out(tmp_path / "b")


def test_fraction_decides_how_many_are_held_out(tmp_path):
    fill(tmp_path, 100)
    few, many = (len(find(tmp_path, validation_fraction=part).validation) for part in (0.1, 0.6))
    assert 4 <= few <= 18 and 48 <= many <= 72


def test_photographs_keep_their_split_when_others_are_added(tmp_path):
    fill(tmp_path, 40)
    before = find(tmp_path, validation_fraction=0.3)
    fill(tmp_path, 20, start=40)
    after = find(tmp_path, validation_fraction=0.3)
    assert set(before.train) <= set(after.train)
    assert set(before.validation) <= set(after.validation)


def test_copies_are_never_in_both_splits(tmp_path):
    for path in fill(tmp_path, 10):
        shutil.copy(path, path.with_name(f"copy of {path.name}"))
    photographs = find(tmp_path, validation_fraction=0.5)
    train, validation = (
        {path.read_bytes() for path in split}
        for split in (photographs.train, photographs.validation)
    )
    assert len(train) + len(validation) == 10 and not train & validation


@pytest.mark.parametrize("fraction", [0.0001, 0.9999])
def test_two_photographs_are_enough_for_both_splits(tmp_path, fraction):
    fill(tmp_path, 2)
    photographs = find(tmp_path, validation_fraction=fraction)
    assert len(photographs.train) == len(photographs.validation) == 1


# Bad folders.


def test_missing_folder(tmp_path):
    message = refusal("folder", data_dir=tmp_path / "none")
    assert "none does not exist" in message


def test_file_instead_of_folder(tmp_path):
    message = refusal("landscapes", data_dir=save(tmp_path / "a.png", 0))
    assert "a.png is a file" in message


def test_empty_folder_names_what_it_may_hold(tmp_path):
    message = refusal("folder", data_dir=tmp_path)
    assert "holds no image file" in message and ".jpg" in message


def test_empty_folder_of_a_split_is_named(tmp_path):
    fill(tmp_path / "train", 3)
    (tmp_path / "val").mkdir()
    assert f"folder {tmp_path / 'val'} holds no image file" in refusal("folder", data_dir=tmp_path)


def test_no_usable_photograph_gives_the_reasons(tmp_path):
    (tmp_path / "a.jpg").touch()
    (tmp_path / "b.jpg").write_text("text")
    message = refusal("folder", data_dir=tmp_path)
    assert "0 usable, 2 left out (1 unsupported, 1 zero-byte)" in message


def test_one_usable_photograph_is_too_few(tmp_path):
    shutil.copy(save(tmp_path / "a.png", 0), tmp_path / "b.png")
    message = refusal("folder", data_dir=tmp_path)
    assert "1 usable, 1 left out (1 duplicate)" in message and "at least 2" in message


def test_split_without_usable_photographs_is_named(tmp_path):
    fill(tmp_path / "val", 3)
    fill(tmp_path / "train", 3)
    message = refusal("folder", data_dir=tmp_path)
    assert "none of these for train" in message


def test_locked_folder(tmp_path, monkeypatch):
    fill(tmp_path / "a", 2)

    def locked(path):  # Stands in for permissions, which bind nobody who runs as root.
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", locked)
    message = refusal("folder", data_dir=tmp_path)
    assert f"cannot read folder {tmp_path}: Permission denied" in message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look into every folder")
def test_locked_folder_below(tmp_path):
    fill(tmp_path, 2)
    (tmp_path / "locked").mkdir(mode=0)
    assert "cannot read folder" in refusal("folder", data_dir=tmp_path)


def test_folder_needs_a_folder():
    assert "--data-dir" in refusal("folder")


def test_synthetic_refuses_a_folder(tmp_path):
    assert "rendered, not read" in refusal("synthetic", data_dir=tmp_path)


# Where landscapes and coco are looked for.


def test_data_dir_comes_before_the_variable(tmp_path, monkeypatch):
    fill(tmp_path / "mine", 2)
    fill(tmp_path / "shared" / "landscapes", 3)
    monkeypatch.setenv("COLORIZE_TF_DATA", str(tmp_path / "shared"))
    assert len(found_names(find(tmp_path / "mine", "landscapes"))) == 2


@pytest.mark.parametrize("dataset", ["landscapes", "coco"])
def test_variable_comes_before_the_cache(tmp_path, monkeypatch, dataset):
    fill(tmp_path / dataset, 2)
    fill(catalog.cache_folder() / dataset, 3)
    assert len(found_names(find(None, dataset))) == 3
    monkeypatch.setenv("COLORIZE_TF_DATA", str(tmp_path))
    photographs = find(None, dataset)
    assert len(found_names(photographs)) == 2 and str(tmp_path / dataset) in photographs.origin


def test_variable_without_landscapes_is_ignored(tmp_path, monkeypatch):
    monkeypatch.setenv("COLORIZE_TF_DATA", str(tmp_path / "none"))
    fill(catalog.cache_folder() / "landscapes", 3)
    assert len(found_names(find(None, "landscapes"))) == 3


def test_newest_complete_download_is_found(isolated_home):
    folder = isolated_home / ".cache" / "kagglehub" / "datasets" / kaggle.KAGGLE_HANDLE
    for version in (2, 10, 11):
        fill(folder / "versions" / str(version) / "landscape Images" / "color", version)
        fill(folder / "versions" / str(version) / "landscape Images" / "gray", 1, start=50)
    for version in (2, 10):  # Version 11 has no marker: its download broke.
        (folder / f"{version}.complete").touch()
    assert len(found_names(find(None, "landscapes"))) == 10


def test_coco_layout(tmp_path):
    train = fill(tmp_path / "train2017", 3)
    validation = fill(tmp_path / "val2017", 2, start=3)
    photographs = find(tmp_path, "coco")
    assert (photographs.train, photographs.validation) == (tuple(train), tuple(validation))


@pytest.mark.parametrize("half", ["train2017", "val2017"])
def test_either_half_of_coco_is_enough(tmp_path, half):
    fill(tmp_path / half, 4)
    fill(tmp_path / "test2017", 4, start=4)
    assert len(found_names(find(tmp_path, "coco"))) == 4


def test_missing_coco_names_downloads_and_folders():
    message = refusal("coco")
    for words in ("train2017.zip", "18 GB", "images.cocodataset.org/zips", "--data-dir"):
        assert words in message
    assert str(catalog.cache_folder() / "coco") in message


# Download and fallback.


def test_download_is_placed_in_the_cache(kagglehub):
    calls = []

    def download(handle, output_dir):
        calls.append(handle)
        fill(Path(output_dir) / "landscape Images" / "color", 3)
        fill(Path(output_dir) / "landscape Images" / "gray", 3, start=10)
        (Path(output_dir) / ".complete").mkdir()
        return output_dir

    kagglehub.dataset_download = download
    first, second = find(None, "landscapes"), find(None, "landscapes")
    assert calls == ["theblackmamba31/landscape-image-colorization"]
    assert len(found_names(first)) == 3
    assert first.train == second.train
    assert first.train[0].is_relative_to(catalog.cache_folder() / "landscapes")


def test_broken_download_leaves_nothing_and_falls_back(kagglehub):
    def download(handle, output_dir):
        fill(Path(output_dir) / "color", 3)
        raise RuntimeError("connection\nlost")

    kagglehub.dataset_download = download
    with pytest.warns(UserWarning, match="RuntimeError: connection lost"):
        photographs = tiny_synthetic("landscapes")
    assert len(photographs.train) == 3 and "rendered" in photographs.origin
    assert sorted(path.name for path in catalog.cache_folder().iterdir()) == ["audits", "synthetic"]


def test_interrupted_download_leaves_nothing(kagglehub):
    def download(handle, output_dir):
        fill(Path(output_dir), 3)
        raise KeyboardInterrupt

    kagglehub.dataset_download = download
    with pytest.raises(KeyboardInterrupt):
        tiny_synthetic("landscapes")
    assert list(catalog.cache_folder().iterdir()) == []


def test_missing_network_warns_once_and_renders():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        photographs = tiny_synthetic("landscapes")
    (warning,) = caught
    for words in ("--data-dir", "COLORIZE_TF_DATA", "https://www.kaggle.com/datasets/"):
        assert words in str(warning.message)
    assert len(photographs.train) == 3 and len(photographs.validation) == 2


def test_slow_dns_lookup_counts_as_no_network(monkeypatch):
    def hang(*_, **__):
        time.sleep(2)
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", hang)
    started = time.monotonic()
    assert not kaggle_reachable(timeout=0.1)
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    ("proxies", "address"),
    [
        ({}, ("www.kaggle.com", 443)),
        ({"https": "http://user:word@proxy.example:3128"}, ("proxy.example", 3128)),
    ],
)
def test_probe_connects_to_kaggle_or_the_proxy(monkeypatch, proxies, address):
    asked = []

    def connect(address, timeout):
        asked.append(address)
        return socket.socket()

    monkeypatch.setattr(kaggle, "getproxies", lambda: proxies)
    monkeypatch.setattr(socket, "create_connection", connect)
    assert kaggle_reachable() and asked == [address]


def test_refused_connection_counts_as_no_network(monkeypatch):

    def refuse(*_, **__):
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", refuse)
    assert not kaggle_reachable()


# Rendered landscapes.


def test_synthetic_is_rendered_into_the_cache_once():
    first = tiny_synthetic()
    folder = catalog.cache_folder() / "synthetic" / "64-3-2-0"
    written = {path: path.stat().st_mtime_ns for path in folder.rglob("*.png")}
    assert set(first.train + first.validation) == set(written)
    assert tiny_synthetic() == first
    assert written == {path: path.stat().st_mtime_ns for path in folder.rglob("*.png")}


def test_another_seed_renders_other_landscapes():
    first, second = tiny_synthetic(seed=0), tiny_synthetic(seed=1)
    assert first.train[0].read_bytes() != second.train[0].read_bytes()


def test_unwritable_cache_names_the_remedy(isolated_home, monkeypatch):
    (isolated_home / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(isolated_home / "file"))
    message = refusal("synthetic")
    assert "Not a directory" in message and "set XDG_CACHE_HOME" in message


def test_audit_is_cached_outside_the_data(tmp_path):
    fill(tmp_path, 2)
    find(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["000.png", "001.png"]
    assert len(list((catalog.cache_folder() / "audits").iterdir())) == 1


def test_cache_folder_defaults_to_the_home(isolated_home, monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert catalog.cache_folder() == isolated_home / ".cache" / "colorize_tf"


def test_import_loads_no_heavy_package():
    code = (
        "import sys, colorize_tf.data.catalog; "
        "print({'tensorflow', 'keras', 'skimage', 'kagglehub'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("set()", "")
