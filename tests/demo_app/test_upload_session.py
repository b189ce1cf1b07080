import threading
import zipfile

import cv2
import numpy as np
import pytest

from colorize_tf.demo_app.upload_session import Sessions, UploadSession, discard
from colorize_tf.inference.batch.processor import PhotographProcessor
from colorize_tf.inference.colorizer import Colorizer


@pytest.fixture
def session(tmp_path):
    return UploadSession(tmp_path / "session")


def titles(session):
    return [preview.title for preview in session.previews]


def files(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_uploads_are_moved_into_the_session(session, upload, processor, progress, tmp_path):
    session.replace_photographs([upload("a.jpg", 1), upload("b.jpg", 2)], processor, progress)
    assert titles(session) == ["a.jpg", "b.jpg"]
    assert list((tmp_path / "uploads").iterdir()) == []


def test_new_photographs_replace_those_of_before(session, upload, processor, progress, tmp_path):
    session.replace_photographs([upload("a.jpg", 1)], processor, progress)
    session.replace_photographs([upload("b.jpg", 2)], processor, progress)
    assert titles(session) == ["b.jpg"]
    assert "a.jpg" not in files(tmp_path)


def test_session_keeps_its_photographs_if_none_can_be_colored(
    session, upload, processor, progress, tmp_path
):
    session.replace_photographs([upload("a.jpg", 1)], processor, progress)
    bad = [upload("bad.jpg", 2), upload("worse.jpg", 3)]
    for path in bad:
        path.write_text("no picture")
    with pytest.raises(ValueError, match=r"^cannot read bad.jpg: .+ \(and 1 more\)$"):
        session.replace_photographs(bad, processor, progress)
    assert titles(session) == ["a.jpg"]
    assert {"bad.jpg", "worse.jpg"}.isdisjoint(files(tmp_path))
    assert session.preview(0).write(processor).is_file()


def test_failed_photograph_is_removed(session, upload, processor, progress, tmp_path):
    bad = upload("bad.jpg", 2)
    bad.write_text("no picture")
    assert (
        len(session.replace_photographs([upload("a.jpg"), bad], processor, progress).failures) == 1
    )
    assert session.recolor(processor, progress).failures == []
    assert "bad.jpg" not in files(tmp_path)


def test_photographs_are_recolored_by_another_model(session, upload, processor, progress):
    session.replace_photographs([upload("a.jpg")], processor, progress)
    before = session.preview(0).ab
    other = Colorizer(lambda lightness: np.full((1, 32, 32, 2), 0.3, np.float32), 32)
    session.recolor(PhotographProcessor(other), progress)
    assert titles(session) == ["a.jpg"]
    assert not np.array_equal(session.preview(0).ab, before)


def test_archive_numbers_photographs_of_the_same_name(session, upload, processor, progress):
    session.replace_photographs([upload("a.jpg", 1), upload("a.jpg", 2)], processor, progress)
    with zipfile.ZipFile(session.write_archive(processor, progress)) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    assert list(contents) == ["a.jpg", "a (2).jpg"]
    assert list(contents.values()) == [
        preview.write(processor).read_bytes() for preview in session.previews
    ]


def test_empty_session_is_an_error(session, processor, progress):
    for ask in (
        lambda: session.preview(0),
        lambda: session.recolor(processor, progress),
        lambda: session.color_film(processor, progress),
    ):
        with pytest.raises(
            ValueError, match="the server no longer has the (photograph|film); upload it again"
        ):
            ask()


def test_close_removes_all_files(session, upload, processor, progress, tmp_path):
    session.replace_photographs([upload("a.jpg")], processor, progress)
    session.write_archive(processor, progress)
    session.close()
    assert files(tmp_path) == []


def test_discard_removes_uploads(upload, tmp_path):
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


def test_a_film_is_colored_with_progress(session, film, processor, progress):
    session.replace_film(film)
    path, report = session.color_film(processor, progress)
    assert path.name == "old.mp4" and path.is_file()
    assert report.frames == 12
    assert progress == [(done, 12) for done in range(1, 13)]


def test_a_film_can_be_colored_again(session, film, processor, progress):
    session.replace_film(film)
    assert session.color_film(processor, progress)[0] == session.color_film(processor, progress)[0]


def test_a_film_can_be_stopped(session, film, processor, tmp_path):
    session.replace_film(film)
    done = []

    def progress(*counts):
        done.append(counts)
        session.stop_film()

    assert session.color_film(processor, progress) is None
    assert len(done) == 1 and files(tmp_path) == ["old.avi"]


def test_close_stops_a_film(session, film, processor, tmp_path):
    session.replace_film(film)
    started, closed = threading.Event(), threading.Event()
    results = []

    def progress(*_):
        started.set()
        closed.wait(60)

    thread = threading.Thread(
        target=lambda: results.append(session.color_film(processor, progress))
    )
    thread.start()
    started.wait(60)
    session.close()
    closed.set()
    thread.join(60)
    assert results == [None] and files(tmp_path) == []


def test_unreadable_film_is_an_error_by_name_without_path(session, film, processor, progress):
    film.write_text("no film")
    session.replace_film(film)
    with pytest.raises(ValueError, match=r"^old.avi is no film of a known format"):
        session.color_film(processor, progress)


# The sessions of all pages


def test_each_page_has_its_session(tmp_path):
    sessions = Sessions(tmp_path)
    one, two = sessions.get("one"), sessions.get("two")
    assert one is sessions.get("one") and one is not two
    assert len(list(tmp_path.iterdir())) == 2


def test_folder_names_cannot_be_chosen_or_guessed(tmp_path):
    Sessions(tmp_path).get("../../session")
    (folder,) = tmp_path.iterdir()
    assert "session" not in folder.name and len(folder.name) > 30


def test_closed_session_is_removed_and_starts_anew(tmp_path):
    sessions = Sessions(tmp_path)
    session = sessions.get("one")
    sessions.get("two")
    sessions.close("one")
    sessions.close("never seen")
    assert len(list(tmp_path.iterdir())) == 1
    assert sessions.get("one") is not session
    sessions.close_all()
    assert list(tmp_path.iterdir()) == []
