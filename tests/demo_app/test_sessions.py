from colorize_tf.demo_app.sessions import Sessions


def test_each_session_has_its_album(tmp_path):
    visits = Sessions(tmp_path)
    one, two = visits.album("one"), visits.album("two")
    assert one is visits.album("one") and one is not two
    assert len(list(tmp_path.iterdir())) == 2


def test_no_folder_has_a_name_that_a_visitor_knows(tmp_path):
    Sessions(tmp_path).album("../../session")
    (folder,) = tmp_path.iterdir()
    assert "session" not in folder.name and len(folder.name) > 30


def test_what_is_closed_is_gone_and_begins_anew(tmp_path):
    visits = Sessions(tmp_path)
    album = visits.album("one")
    visits.album("two")
    visits.close("one")
    visits.close("never seen")
    assert len(list(tmp_path.iterdir())) == 1
    assert visits.album("one") is not album
    visits.close_all()
    assert list(tmp_path.iterdir()) == []
