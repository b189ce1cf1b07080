import os
import signal
import subprocess
import sys

import pytest

from colorize_tf.demo_app.workspace import open_workspace


def test_folder_is_removed_with_its_contents(tmp_path):
    with open_workspace(tmp_path) as folder:
        assert folder.parent == tmp_path
        (folder / "a").mkdir()
        (folder / "a" / "upload.jpg").write_bytes(b"mine")
    assert list(tmp_path.iterdir()) == []


def test_folder_is_removed_after_an_error(tmp_path):
    with pytest.raises(KeyboardInterrupt), open_workspace(tmp_path):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_only_the_owner_can_read_it(tmp_path):
    with open_workspace(tmp_path) as folder:
        assert folder.stat().st_mode & 0o777 == 0o700


def test_folders_of_killed_demos_are_removed_but_not_of_running_ones(tmp_path):
    code = (
        "import sys; from pathlib import Path;"
        "from colorize_tf.demo_app.workspace import open_workspace\n"
        "with open_workspace(Path(sys.argv[1])) as folder:"
        " print(folder, flush=True); input()"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        left = process.stdout.readline().strip()
        process.send_signal(signal.SIGKILL)
    assert os.path.isdir(left)
    with open_workspace(tmp_path) as first, open_workspace(tmp_path) as second:
        assert sorted(tmp_path.iterdir()) == sorted([first, second])
