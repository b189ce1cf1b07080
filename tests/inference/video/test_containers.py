import cv2
import numpy as np
import pytest

from colorize_tf.inference.video.containers import check_container

KINDS = {"a.mp4": "mp4v", "a.mov": "mp4v", "a.avi": "MJPG", "a.mkv": "MJPG"}
ANSWERS = {"a.mp4": "mp4", "a.mov": "mp4", "a.avi": "avi", "a.mkv": "matroska"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    for name, code in KINDS.items():
        fourcc = cv2.VideoWriter_fourcc(*code)
        writer = cv2.VideoWriter(str(folder / name), cv2.CAP_FFMPEG, fourcc, 12, (64, 48))
        for level in range(0, 200, 20):
            writer.write(np.full((48, 64, 3), level, np.uint8))
        writer.release()
    return folder


@pytest.mark.parametrize("name", KINDS)
def test_the_format_is_detected_by_content(folder, tmp_path, name):
    assert check_container(folder / name) == ANSWERS[name]
    (tmp_path / "film.bin").write_bytes((folder / name).read_bytes())
    assert check_container(tmp_path / "film.bin") == ANSWERS[name]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("share", [0.3, 0.7, 0.99])
def test_truncated_films_are_refused(folder, tmp_path, name, share):
    data = (folder / name).read_bytes()
    (tmp_path / name).write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ValueError, match=f"{name} is truncated: .* copy it again"):
        check_container(tmp_path / name)


@pytest.mark.parametrize("name", KINDS)
def test_padding_after_a_film_is_ignored(folder, tmp_path, name):
    (tmp_path / name).write_bytes((folder / name).read_bytes() + bytes(512))
    assert check_container(tmp_path / name) == ANSWERS[name]


def test_unknown_sizes_are_accepted(tmp_path):
    live = b"\x1a\x45\xdf\xa3\x80" + b"\x18\x53\x80\x67\x01" + b"\xff" * 7 + b"cluster"
    (tmp_path / "live.mkv").write_bytes(live)
    assert check_container(tmp_path / "live.mkv") == "matroska"
    (tmp_path / "camera.avi").write_bytes(b"RIFF\0\0\0\0AVI LIST")
    assert check_container(tmp_path / "camera.avi") == "avi"
    (tmp_path / "open.mp4").write_bytes(b"\0\0\0\x08ftyp" + b"\0\0\0\0mdat" + bytes(40))
    assert check_container(tmp_path / "open.mp4") == "mp4"


def test_sizes_above_four_gigabytes_are_read(tmp_path):
    long = b"\0\0\0\x08ftyp" + b"\0\0\0\x01mdat" + (2**33).to_bytes(8, "big") + bytes(40)
    (tmp_path / "long.mp4").write_bytes(long)
    with pytest.raises(ValueError, match=f"of {2**33 + 8}"):
        check_container(tmp_path / "long.mp4")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "is empty; copy it again"),
        (b"x", "is no film of a known format"),
        (b"#EXTM3U\nhttp://localhost/secret\n", "is no film of a known format"),
        (b"\x89PNG\r\n\x1a\n" + bytes(64), "is no film of a known format"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path, data, expected):
    (tmp_path / "film.mp4").write_bytes(data)
    with pytest.raises(ValueError, match=f"film.mp4 {expected}"):
        check_container(tmp_path / "film.mp4")


def test_missing_files_and_folders_are_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match="gone.mp4 is missing"):
        check_container(tmp_path / "gone.mp4")
    (tmp_path / "film.mp4").mkdir()
    with pytest.raises(ValueError, match="film.mp4 is a folder"):
        check_container(tmp_path / "film.mp4")
