import os
from pathlib import Path

import pytest

from colorize_tf.inference.batch.tasks import Task, list_tasks, names_one_file, task_of_one


@pytest.fixture
def write_files(tmp_path, monkeypatch):
    """Makes empty files below the current folder, and names what `list_tasks` finds there."""
    monkeypatch.chdir(tmp_path)

    def make(*names):
        for name in names:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).touch()

    return make


def pairs(listing):
    return {
        str(task.source): " ".join(str(target) for target in task.targets) for task in listing.tasks
    }


def test_files_go_directly_into_the_folder(write_files):
    write_files("a.jpg", "b/c.PNG")
    found = list_tasks(["a.jpg", "b/c.PNG"], Path("out"))
    assert pairs(found) == {"a.jpg": "out/a.jpg", "b/c.PNG": "out/c.PNG"}
    assert found.refused == []


def test_a_folder_keeps_its_structure(write_files):
    write_files("in/b.jpg", "in/a.png", "in/1962/c.tif", "in/1962/may/d.webp")
    assert pairs(list_tasks(["in"], Path("out"), recursive=True)) == {
        "in/a.png": "out/a.png",
        "in/b.jpg": "out/b.jpg",
        "in/1962/c.tif": "out/1962/c.tif",
        "in/1962/may/d.webp": "out/1962/may/d.webp",
    }


def test_subfolders_are_only_listed(write_files):
    write_files("in/a.jpg", "in/1962/c.jpg", "in/1963/c.jpg")
    found = list_tasks(["in"], Path("out"))
    assert pairs(found) == {"in/a.jpg": "out/a.jpg"}
    assert found.skipped_folders == [Path("in/1962"), Path("in/1963")]
    assert found.left_out() == ["subfolders, without --recursive: 2"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("in/*.jpg", {"in/a.jpg": "out/a.jpg"}),
        ("in/**/*.jpg", {"in/a.jpg": "out/a.jpg", "in/1962/b.jpg": "out/1962/b.jpg"}),
        ("in/[0-9]*", {"in/1962/b.jpg": "out/1962/b.jpg"}),
        ("in/*/?.jpg", {"in/1962/b.jpg": "out/1962/b.jpg"}),
        ("in/**", {"in/a.jpg": "out/a.jpg", "in/1962/b.jpg": "out/1962/b.jpg"}),
    ],
)
def test_matches_of_a_pattern_keep_their_relative_path(write_files, pattern, expected):
    write_files("in/a.jpg", "in/1962/b.jpg")
    assert pairs(list_tasks([pattern], Path("out"))) == expected


def test_an_existing_file_is_no_pattern(write_files):
    write_files("a[1].jpg", "a1.jpg")
    assert pairs(list_tasks(["a[1].jpg"], Path("out"))) == {"a[1].jpg": "out/a[1].jpg"}


@pytest.mark.parametrize(
    ("name", "suffix", "result"),
    [
        ("a.jpg", None, "a.jpg"),
        ("a.gif", None, "a.png"),
        ("a.JPG", ".png", "a.png"),
        ("a.v2.tif", ".jpg", "a.v2.jpg"),
        ("scan", None, "scan.png"),
        ("scan.001", ".jpg", "scan.001.jpg"),
        ("a.AVI", ".jpg", "a.mp4"),
        ("a.mp4", None, "a.mp4"),
    ],
)
def test_results_have_a_writable_format(write_files, name, suffix, result):
    write_files(name)
    found = list_tasks([name], Path("out"), suffix=suffix)
    assert pairs(found) == {name: f"out/{result}"}
    assert found.tasks[0].is_film == result.endswith(".mp4")


def test_each_sample_has_its_own_file(write_files):
    write_files("a.jpg")
    assert pairs(list_tasks(["a.jpg"], Path("out"), samples=2)) == {
        "a.jpg": "out/a-1.jpg out/a-2.jpg"
    }


def test_other_files_are_counted_by_suffix(write_files):
    write_files("in/a.jpg", "in/b.mp3", "in/c.MP3", "in/notes.txt", "in/README")
    found = list_tasks(["in"], Path("out"))
    assert pairs(found) == {"in/a.jpg": "out/a.jpg"}
    assert found.others == {".mp3": 2, ".txt": 1, "README": 1}
    assert found.left_out()[0].startswith("files of other kinds: 4 (2 .mp3, ")


def test_hidden_files_are_ignored(write_files):
    write_files("in/.a.jpg", "in/._b.jpg", "in/.cache/c.jpg", "in/__MACOSX/d.jpg")
    found = list_tasks(["in"], Path("out"), recursive=True)
    assert (found.tasks, found.others, found.skipped_folders) == ([], {}, [])


def test_missing_inputs_are_named_and_the_rest_is_listed(write_files):
    write_files("a.jpg")
    found = list_tasks(["gone.jpg", "a.jpg", "gone/*.jpg"], Path("out"))
    assert pairs(found) == {"a.jpg": "out/a.jpg"}
    assert [refusal.text for refusal in found.refused] == [
        "cannot read gone.jpg: No such file or directory; check the path",
        "gone/*.jpg matches nothing; check the pattern",
    ]


def test_an_unreadable_folder_is_named(write_files, monkeypatch):
    write_files("in/a.jpg", "in/closed/b.jpg")
    real = os.scandir

    def scandir(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = list_tasks(["in"], Path("out"), recursive=True)
    assert pairs(found) == {"in/a.jpg": "out/a.jpg"}
    assert [refusal.text for refusal in found.refused] == [
        "cannot read folder in/closed: Permission denied; check its permissions"
    ]


@pytest.mark.parametrize("inputs", [["in/a.gif", "in/a.png"], ["in"]])
def test_inputs_with_the_same_output_are_refused(write_files, inputs):
    write_files("in/a.gif", "in/a.png")
    found = list_tasks(inputs, Path("out"))
    assert found.tasks == []
    assert [refusal.text for refusal in found.refused] == [
        "in/a.gif and in/a.png would both be written to out/a.png; "
        "colorize them into different folders"
    ]


def test_a_collision_does_not_stop_the_others(write_files):
    write_files("1/a.jpg", "1/b.jpg", "2/a.jpg")
    found = list_tasks(["1", "2"], Path("out"))
    assert pairs(found) == {"1/b.jpg": "out/b.jpg"}
    assert "1/a.jpg and 2/a.jpg would both be written to out/a.jpg" in found.refused[0].text


def test_samples_can_collide_with_inputs(write_files):
    write_files("a.jpg", "a-1.jpg")
    found = list_tasks(["a.jpg", "a-1.jpg"], Path("."), samples=1)
    assert found.tasks == [Task(Path("a-1.jpg"), (Path("a-1-1.jpg"),))]
    assert "a.jpg would be written to a-1.jpg, an input" in found.refused[0].text


def test_an_input_named_twice_is_one_task(write_files):
    write_files("in/a.jpg")
    inputs = ["in/a.jpg", "./in/a.jpg", "in", "in/*", os.path.abspath("in")]
    assert pairs(list_tasks(inputs, Path("out"))) == {"in/a.jpg": "out/a.jpg"}


def test_results_in_an_input_folder_are_ignored(write_files):
    write_files("in/a.jpg", "in/color/a.jpg", "in/color/1962/b.jpg", "in/colors/c.jpg")
    expected = {"in/a.jpg": "in/color/a.jpg", "in/colors/c.jpg": "in/color/colors/c.jpg"}
    for inputs in (["in"], ["in/**/*.jpg"], ["in/*"]):
        found = list_tasks(inputs, Path("in/color"), recursive=True)
        assert pairs(found) == expected, inputs


def test_results_behind_a_link_are_ignored(write_files):
    write_files("in/a.jpg", "out/a.jpg")
    Path("in/results").symlink_to("../out")
    found = list_tasks(["in"], Path("out"), recursive=True)
    assert pairs(found) == {"in/a.jpg": "out/a.jpg"}


def test_circular_links_are_followed_once(write_files):
    write_files("in/a.jpg")
    Path("in/again").symlink_to(".")
    assert pairs(list_tasks(["in"], Path("out"), recursive=True)) == {"in/a.jpg": "out/a.jpg"}


@pytest.mark.parametrize("output", ["in", "in/", "link", "in/../in"])
def test_an_input_folder_is_refused_as_output(write_files, output):
    write_files("in/a.jpg")
    Path("link").symlink_to("in")
    with pytest.raises(ValueError, match="is the folder of the photographs"):
        list_tasks(["in"], Path(output))


def test_inputs_are_never_overwritten(write_files):
    write_files("a.jpg", "in/a.jpg", "in/b.jpg")
    found = list_tasks(["a.jpg", "in/b.jpg"], Path("."))
    assert pairs(found) == {"in/b.jpg": "b.jpg"}
    assert [refusal.text for refusal in found.refused] == [
        "a.jpg would be written to a.jpg, an input; choose another -o"
    ]


@pytest.mark.parametrize(
    ("inputs", "output", "one"),
    [
        (["a.jpg"], "new.png", True),
        (["a[1].jpg"], "new.png", True),
        (["gone.jpg"], "new.png", True),
        (["a.jpg"], "new.xyz", True),
        (["a.jpg"], "out", False),
        (["a.jpg"], "out.d/", False),
        (["a.jpg"], "in", False),
        (["in"], "out", False),
        (["a.jpg", "b.jpg"], "out", False),
        (["*.jpg"], "out", False),
        (["in"], "out.v2", False),
    ],
)
def test_an_output_with_a_suffix_is_a_file(write_files, inputs, output, one):
    write_files("a.jpg", "b.jpg", "a[1].jpg", "in/c.jpg")
    assert names_one_file(inputs, output) is one


@pytest.mark.parametrize("inputs", [["a.jpg", "b.jpg"], ["in"], ["*.jpg"]])
@pytest.mark.parametrize(
    ("output", "words"), [("new.png", "there may be several"), ("b.jpg", "b.jpg is a file")]
)
def test_several_inputs_need_a_folder(write_files, inputs, output, words):
    write_files("a.jpg", "b.jpg", "in/c.jpg")
    with pytest.raises(ValueError, match=words):
        names_one_file(inputs, output)


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ("gone.jpg", "new.png", "cannot read gone.jpg: No such file"),
        ("a.jpg", "./a.jpg", "is the input itself"),
        ("a.jpg", "new.mp4", "suffix is '.mp4'"),
        ("a.jpg", "nowhere/new.jpg", "no folder nowhere"),
        ("a.mov", "new.png", "films are written as .mp4"),
        ("a.mov", "nowhere/new.mp4", "no folder nowhere"),
    ],
)
def test_a_single_file_is_checked_before_reading(write_files, source, target, words):
    write_files("a.jpg", "a.mov")
    with pytest.raises(ValueError, match=words):
        task_of_one(Path(source), Path(target))


def test_the_samples_of_one_file_are_numbered():
    task = task_of_one(Path(__file__), Path("new.png"), samples=2)
    assert task.targets == (Path("new-1.png"), Path("new-2.png"))
