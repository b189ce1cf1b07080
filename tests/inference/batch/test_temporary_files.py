import os
import time

import pytest

from colorize_tf.files import atomic_write
from colorize_tf.inference.batch.temporary_files import remove_stale_temporary_files


def left(folder, name, seconds):
    """Leave what a process that was killed leaves, when it last wrote so many seconds ago."""
    with atomic_write(folder / name) as aside:
        aside.touch()
    (folder / name).rename(aside)
    then = time.time() - seconds
    os.utime(aside, (then, then))
    return aside


@pytest.mark.parametrize(("name", "seconds"), [("a.jpg", 600), ("a.tiff", 600), ("a.mp4", 7200)])
def test_stale_temporary_files_are_removed(tmp_path, name, seconds):
    leftover = left(tmp_path, name, seconds)
    remove_stale_temporary_files([tmp_path])
    assert not leftover.exists()


@pytest.mark.parametrize(("name", "seconds"), [("a.jpg", 5), ("a.mp4", 600)])
def test_recent_temporary_files_stay(tmp_path, name, seconds):
    fresh = left(tmp_path, name, seconds)
    remove_stale_temporary_files([tmp_path])
    assert fresh.exists()


@pytest.mark.parametrize(
    "name", ["a.jpg", ".hidden.jpg", ".0123456789abcdef", "0123456789abcdef.jpg"]
)
def test_other_files_stay(tmp_path, name):
    (tmp_path / name).touch()
    os.utime(tmp_path / name, (0, 0))
    remove_stale_temporary_files([tmp_path])
    assert (tmp_path / name).exists()


def test_missing_folders_are_ignored(tmp_path):
    remove_stale_temporary_files([tmp_path / "gone", tmp_path])
