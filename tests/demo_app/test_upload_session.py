import threading
import zipfile

import cv2
import numpy as np
import pytest

from colorize_tf.demo_app.upload_session import UploadSession, discard
from colorize_tf.inference.batch.processor import PhotographProcessor
from colorize_tf.inference.colorizer import Colorizer


@pytest.fixture
def album(tmp_path):
    return UploadSession(tmp_path / "album")


def titles(album):
    return [slide.title for slide in album.slides]


def files(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_uploads_are_moved_into_the_album(album, upload, processor, progress, tmp_path):
    album.take([upload("a.jpg", 1), upload("b.jpg", 2)], processor, progress)
    assert titles(album) == ["a.jpg", "b.jpg"]
    assert list((tmp_path / "uploads").iterdir()) == []


def test_new_photographs_replace_the_old_ones(album, upload, processor, progress, tmp_path):
    album.take([upload("a.jpg", 1)], processor, progress)
    album.take([upload("b.jpg", 2)], processor, progress)
    assert titles(album) == ["b.jpg"]
    assert "a.jpg" not in files(tmp_path)


def test_where_nothing_can_be_colored_the_album_stays(album, upload, processor, progress, tmp_path):
    album.take([upload("a.jpg", 1)], processor, progress)
    bad = [upload("bad.jpg", 2), upload("worse.jpg", 3)]
    for path in bad:
        path.write_text("no picture")
    with pytest.raises(ValueError, match=r"^cannot read bad.jpg: .+ \(and 1 more\)$"):
        album.take(bad, processor, progress)
    assert titles(album) == ["a.jpg"]
    assert {"bad.jpg", "worse.jpg"}.isdisjoint(files(tmp_path))
    assert album.slide(0).write(processor).is_file()


def test_what_could_not_be_colored_is_not_tried_again(album, upload, processor, progress, tmp_path):
    bad = upload("bad.jpg", 2)
    bad.write_text("no picture")
    assert len(album.take([upload("a.jpg"), bad], processor, progress).failed) == 1
    assert album.color(processor, progress).failed == []
    assert "bad.jpg" not in files(tmp_path)


def test_the_same_photographs_are_colored_by_another_model(album, upload, processor, progress):
    album.take([upload("a.jpg")], processor, progress)
    before = album.slide(0).ab
    other = Colorizer(lambda lightness: np.full((1, 32, 32, 2), 0.3, np.float32), 32)
    album.color(PhotographProcessor(other), progress)
    assert titles(album) == ["a.jpg"]
    assert not np.array_equal(album.slide(0).ab, before)


def test_photographs_of_one_name_keep_apart(album, upload, processor, progress):
    album.take([upload("a.jpg", 1), upload("a.jpg", 2)], processor, progress)
    with zipfile.ZipFile(album.write_all(processor, progress)) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    assert list(contents) == ["a.jpg", "a (2).jpg"]
    assert list(contents.values()) == [
        slide.write(processor).read_bytes() for slide in album.slides
    ]


def test_an_empty_album_says_so(album, processor, progress):
    for ask in (
        lambda: album.slide(0),
        lambda: album.color(processor, progress),
        lambda: album.color_film(processor, progress),
    ):
        with pytest.raises(ValueError, match="is here any more; drop it once more"):
            ask()


def test_closing_removes_everything(album, upload, processor, progress, tmp_path):
    album.take([upload("a.jpg")], processor, progress)
    album.write_all(processor, progress)
    album.close()
    assert files(tmp_path) == []


def test_uploads_that_are_too_many_are_removed(upload, tmp_path):
    discard([upload("a.jpg", 1), upload("b.jpg", 2)])
    assert files(tmp_path) == []


# Films


@pytest.fixture
def film(tmp_path):
    folder = tmp_path / "uploads" / "film"
    folder.mkdir(parents=True)
    fourcc = cv2.VideoWriter_fourcc(*"MJPG")
    path = folder / "old.avi"
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, fourcc, 12, (64, 48))
    for level in range(12):
        writer.write(np.full((48, 64, 3), 90 + level, np.uint8))
    writer.release()
    return path


def test_a_film_is_colored_with_progress(album, film, processor, progress):
    album.take_film(film)
    path, report = album.color_film(processor, progress)
    assert path.name == "old.mp4" and path.is_file()
    assert report.frames == 12
    assert progress == [(done, 12) for done in range(1, 13)]


def test_a_film_can_be_colored_again(album, film, processor, progress):
    album.take_film(film)
    assert album.color_film(processor, progress)[0] == album.color_film(processor, progress)[0]


def test_a_film_can_be_stopped(album, film, processor, tmp_path):
    album.take_film(film)
    done = []

    def progress(*counts):
        done.append(counts)
        album.stop()

    assert album.color_film(processor, progress) is None
    assert len(done) == 1 and files(tmp_path) == ["old.avi"]


def test_leaving_stops_a_film(album, film, processor, tmp_path):
    album.take_film(film)
    begun, left = threading.Event(), threading.Event()
    answers = []

    def progress(*_):
        begun.set()
        left.wait(60)

    thread = threading.Thread(target=lambda: answers.append(album.color_film(processor, progress)))
    thread.start()
    begun.wait(60)
    album.close()
    left.set()
    thread.join(60)
    assert answers == [None] and files(tmp_path) == []


def test_what_is_no_film_is_told_by_its_name_alone(album, film, processor, progress):
    film.write_text("no film")
    album.take_film(film)
    with pytest.raises(ValueError, match=r"^old.avi holds no film of a known kind"):
        album.color_film(processor, progress)
