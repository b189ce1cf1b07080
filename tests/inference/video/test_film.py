import resource
import shlex
import shutil
import subprocess

import cv2
import numpy as np
import pytest

from colorize_tf.data.synthetic.landscapes import render_landscape
from colorize_tf.inference.video.film import colorize_film
from colorize_tf.inference.video.flicker import flicker
from colorize_tf.inference.video.reader import FilmReader, sample_frames
from colorize_tf.inference.video.smoothing import ChromaSmoother

WARM = np.float32((0.25, 0.2))
FFMPEG = shutil.which("ffmpeg")
needs_ffmpeg = pytest.mark.skipif(not FFMPEG, reason="no ffmpeg on the PATH")


class FakeColorizer:
    """Stands in for a Colorizer: warm everywhere, and unsteady if wanted."""

    def __init__(self, unsteady=0.0):
        self.random = np.random.default_rng(0)
        self.unsteady = unsteady
        self.asked = []

    def predict(self, photographs, zs=None, *, ensemble=None):
        self.asked.append((len(photographs), ensemble))
        noise = self.random.normal(0, self.unsteady, (len(photographs), 1, 1, 2))
        return list(np.broadcast_to(WARM + noise, (len(photographs), 24, 32, 2)).astype(np.float32))


@pytest.fixture
def no_ffmpeg(monkeypatch):
    monkeypatch.setenv("PATH", "")


@pytest.fixture(params=["ffmpeg", "opencv"])
def encoder(request, monkeypatch):
    """Both ways of writing a film, one after the other."""
    if request.param == "opencv":
        monkeypatch.setenv("PATH", "")
    elif not FFMPEG:
        pytest.skip("no ffmpeg on the PATH")
    return request.param


def scene(seed, height=48, width=64):
    image = cv2.cvtColor(render_landscape(seed, height, width), cv2.COLOR_RGB2GRAY)
    return np.repeat(image[..., np.newaxis], 3, axis=-1)


def make_film(path, frames, rate=12.0, code="MJPG"):
    height, width = frames[0].shape[:2]
    fourcc = cv2.VideoWriter_fourcc(*code)
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, fourcc, rate, (width, height))
    for frame in frames:
        writer.write(frame)
    writer.release()
    return path


def read_film(path):
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    frames = []
    while (answer := capture.read())[0]:
        frames.append(cv2.cvtColor(answer[1], cv2.COLOR_BGR2RGB))
    return frames, capture.get(cv2.CAP_PROP_FPS)


@pytest.fixture
def film(tmp_path):
    return make_film(tmp_path / "old.avi", [scene(0)] * 20)


def leftovers(folder, *but):
    return {path.name for path in folder.iterdir()} - {path.name for path in but}


@pytest.mark.parametrize(
    ("name", "code"), [("a.mp4", "mp4v"), ("a.mov", "mp4v"), ("a.avi", "MJPG"), ("a.mkv", "MJPG")]
)
def test_every_format_keeps_frames_rate_and_size(encoder, tmp_path, name, code):
    source = make_film(tmp_path / name, [scene(0)] * 20, 24000 / 1001, code)
    report = colorize_film(FakeColorizer(), source, tmp_path / "new.mp4")
    frames, rate = read_film(tmp_path / "new.mp4")
    assert len(frames) == report.frames == 20
    assert rate == pytest.approx(24000 / 1001, abs=0.001)
    assert {frame.shape for frame in frames} == {(48, 64, 3)}
    assert report.encoder.startswith({"ffmpeg": "ffmpeg ", "opencv": "OpenCV"}[encoder])


def test_frames_get_the_predicted_chroma_and_keep_lightness(encoder, tmp_path, film):
    colorize_film(FakeColorizer(), film, tmp_path / "new.mp4")
    before, after = (read_film(path)[0][10].astype(int) for path in (film, tmp_path / "new.mp4"))
    assert np.ptp(before, axis=-1).max() <= 3
    assert (after[..., 0] - after[..., 2]).mean() > 40
    gray = [cv2.cvtColor(np.uint8(frame), cv2.COLOR_RGB2GRAY) for frame in (before, after)]
    assert abs(gray[0].mean() - gray[1].mean()) < 6


def test_intensity_and_ensemble_are_passed_on(no_ffmpeg, tmp_path, film):
    colorizer = FakeColorizer()
    colorize_film(colorizer, film, tmp_path / "new.mp4", intensity=0, ensemble="flip")
    written = read_film(tmp_path / "new.mp4")[0]
    assert max(np.ptp(frame.astype(int), axis=-1).max() for frame in written) <= 6
    assert {ensemble for _, ensemble in colorizer.asked} == {"flip"}


def test_frames_are_predicted_in_batches(no_ffmpeg, tmp_path, film):
    colorizer = FakeColorizer()
    colorize_film(colorizer, film, tmp_path / "new.mp4")
    assert [count for count, _ in colorizer.asked] == [8, 8, 4]


def test_progress_counts_every_frame(no_ffmpeg, tmp_path, film):
    seen = []
    colorize_film(
        FakeColorizer(), film, tmp_path / "new.mp4", progress=lambda *one: seen.append(one)
    )
    assert seen == [(done, 20) for done in range(1, 21)]


def test_smoothing_halves_the_flicker(encoder, tmp_path, film, monkeypatch):
    colorize_film(FakeColorizer(unsteady=0.05), film, tmp_path / "smooth.mp4")
    monkeypatch.setattr(ChromaSmoother, "smooth", lambda self, frame, ab: ab)
    colorize_film(FakeColorizer(unsteady=0.05), film, tmp_path / "raw.mp4")
    source, smooth, raw = (
        read_film(path)[0] for path in (film, tmp_path / "smooth.mp4", tmp_path / "raw.mp4")
    )
    assert flicker(source, smooth) < 0.5 * flicker(source, raw)


@pytest.mark.parametrize("deflicker", [False, True])
def test_lightness_is_steadied_only_if_asked(no_ffmpeg, tmp_path, deflicker):
    source = make_film(tmp_path / "old.avi", [scene(0) // 2, np.uint8(scene(0) * 0.6)] * 6)
    colorize_film(FakeColorizer(), source, tmp_path / "new.mp4", deflicker=deflicker)
    before, after = (
        np.abs(np.diff([frame.mean() for frame in read_film(path)[0]])).mean()
        for path in (source, tmp_path / "new.mp4")
    )
    assert after < 0.3 * before if deflicker else after == pytest.approx(before, rel=0.3)


def test_cuts_are_reported(no_ffmpeg, tmp_path):
    frames = [scene(0)] * 8 + [scene(9)[::-1]] * 8 + [scene(0)] * 8
    source = make_film(tmp_path / "old.avi", frames)
    assert colorize_film(FakeColorizer(), source, tmp_path / "new.mp4").cuts == 2


def test_odd_heights_and_widths_become_even(encoder, tmp_path, monkeypatch):
    source = make_film(tmp_path / "old.avi", [scene(0)] * 3)
    # OpenCV writes even films only, so that an odd one has to be made up.
    odd = [(scene(0, 47, 63), 1)] * 3
    monkeypatch.setattr(FilmReader, "paced_frames", lambda self: iter(odd))
    report = colorize_film(FakeColorizer(), source, tmp_path / "new.mp4")
    assert read_film(tmp_path / "new.mp4")[0][0].shape == (48, 64, 3)
    assert any("its size is 63 x 47" in note and "to 64 x 48" in note for note in report.notes)


def turned(data):
    """Give the MP4 in `data` a display matrix of a quarter turn (ISO 14496-12, 8.3.2)."""
    unity = b"".join(number.to_bytes(4, "big") for number in (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0))
    quarter = (0, 1 << 16, 0, (1 << 32) - (1 << 16), 0, 0, 48 << 16, 0)
    place = data.index(unity, data.index(b"tkhd"))
    return data[:place] + b"".join(n.to_bytes(4, "big") for n in quarter) + data[place + 32 :]


def test_a_rotated_film_is_written_upright(encoder, tmp_path):
    source = make_film(tmp_path / "old.mp4", [scene(0)] * 4, code="mp4v")
    source.write_bytes(turned(source.read_bytes()))
    colorize_film(FakeColorizer(), source, tmp_path / "new.mp4")
    assert read_film(tmp_path / "new.mp4")[0][0].shape == (64, 48, 3)


def with_announced(film, count):
    """Change how many frames the stream header of an AVI announces."""
    data = bytearray(film.read_bytes())
    place = data.index(b"strh") + 8 + 32
    assert int.from_bytes(data[place : place + 4], "little") == 20
    data[place : place + 4] = count.to_bytes(4, "little")
    film.write_bytes(data)


def test_more_frames_than_announced_are_kept(no_ffmpeg, tmp_path, film):
    with_announced(film, 5)
    seen = []
    report = colorize_film(
        FakeColorizer(), film, tmp_path / "new.mp4", progress=lambda *one: seen.append(one)
    )
    assert report.frames == len(read_film(tmp_path / "new.mp4")[0]) == 20
    assert seen[-1] == (20, None)


def test_a_film_with_many_missing_frames_is_refused(encoder, tmp_path, film):
    with_announced(film, 1000)
    with pytest.raises(ValueError, match="old.avi announces 1000 frames and only 20 can be read"):
        colorize_film(FakeColorizer(), film, tmp_path / "new.mp4")
    assert not leftovers(tmp_path, film)


@needs_ffmpeg
def test_a_film_rewritten_as_the_error_advises_is_accepted(tmp_path, film):
    with_announced(film, 1000)
    with pytest.raises(ValueError, match="keep those with ffmpeg ") as caught:
        colorize_film(FakeColorizer(), film, tmp_path / "new.mp4")
    command = str(caught.value).partition("with ")[2]
    subprocess.run(shlex.split(command), cwd=tmp_path, check=True, capture_output=True)
    report = colorize_film(FakeColorizer(), tmp_path / "NEW.mkv", tmp_path / "new.mp4")
    assert report.frames == 20 and not report.notes


@needs_ffmpeg
@pytest.mark.parametrize(
    ("codec", "kept"),
    [("mjpeg", "gte(mod(n,4),2)"), ("mjpeg", "not(mod(n,2))"), ("mpeg2video", "not(mod(n,2))")],
)
def test_dropped_frames_of_an_avi_repeat_the_frame_before(tmp_path, film, codec, kept):
    levels = make_film(
        tmp_path / "levels.avi", [np.full((48, 64, 3), 9 * n, np.uint8) for n in range(20)]
    )
    source = tmp_path / "dropped.avi"
    run_ffmpeg(
        *("-i", levels, "-vf", f"select='{kept}'", "-fps_mode", "passthrough"),
        *("-c:v", codec, "-q:v", "1", source),
    )
    seen = []
    report = colorize_film(
        FakeColorizer(),
        source,
        tmp_path / "new.mp4",
        intensity=0,
        progress=lambda *one: seen.append(one),
    )
    assert report.frame_rate == 12 and seen[-1] == (10, 10)
    frames = np.array(read_film(tmp_path / "new.mp4")[0]).mean(axis=(1, 2, 3)) / 9
    shown = [n for n in range(20) if (n % 4 >= 2 if "4" in kept else n % 2 == 0)]
    expected = [max([n for n in shown if n <= at] or shown[:1]) for at in range(shown[-1] + 1)]
    np.testing.assert_allclose(frames, expected, atol=0.4)
    assert report.notes == (
        f"{len(expected) - len(shown)} dropped frames repeat the frame before, as in players",
    )


@pytest.mark.parametrize("share", [0.0, 0.5, 0.95])
def test_a_truncated_film_leaves_no_files(encoder, tmp_path, film, share):
    data = film.read_bytes()
    film.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ValueError, match="old.avi is (truncated|empty)"):
        colorize_film(FakeColorizer(), film, tmp_path / "new.mp4")
    assert not leftovers(tmp_path, film)


def test_a_full_disk_is_detected_without_an_error_of_ffmpeg(tmp_path, monkeypatch, film):
    program = tmp_path / "bin" / "ffmpeg"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\n"
        'case "$*" in *rawvideo*) cat > /dev/null; for last; do :; done\n'
        'printf half > "${last#file:}";; esac\n'
    )
    program.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name: str(program))
    with pytest.raises(ValueError, match="new.mp4: only 0 of 20 frames were written; free space"):
        colorize_film(FakeColorizer(), film, tmp_path / "new.mp4")
    assert not leftovers(tmp_path, film, program.parent)


def test_a_failing_model_keeps_the_existing_target(encoder, tmp_path, film):
    (tmp_path / "new.mp4").write_bytes(b"precious")

    class Failing(FakeColorizer):
        def predict(self, photographs, zs=None, *, ensemble=None):
            if self.asked:
                raise ValueError("the model predicted NaN or infinity for this photograph")
            return super().predict(photographs, zs, ensemble=ensemble)

    with pytest.raises(ValueError, match="NaN"):
        colorize_film(Failing(), film, tmp_path / "new.mp4")
    assert (tmp_path / "new.mp4").read_bytes() == b"precious"
    assert leftovers(tmp_path, film) == {"new.mp4"}


def test_a_full_disk_is_an_error_and_leaves_no_files(encoder, tmp_path):
    random = np.random.default_rng(0)
    frames = [random.integers(0, 256, (96, 128, 3), np.uint8) for _ in range(20)]
    source = make_film(tmp_path / "old.avi", frames)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))  # like a disk with so much room
    try:
        with pytest.raises(ValueError, match="cannot write .*new.mp4: "):
            colorize_film(FakeColorizer(), source, tmp_path / "new.mp4", force=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not leftovers(tmp_path, source)


@pytest.mark.parametrize("last_words", ["echo 'Unknown encoder' >&2; exit 1", "exit 3"])
def test_an_error_of_ffmpeg_is_quoted_and_leaves_no_files(tmp_path, film, monkeypatch, last_words):
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "ffmpeg"
    program.write_text(f"#!/bin/sh\n{last_words}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    expected = "Unknown encoder" if "echo" in last_words else "its exit code is 3"
    with pytest.raises(ValueError, match=f"cannot write .*new.mp4: ffmpeg failed: {expected}"):
        colorize_film(FakeColorizer(), film, tmp_path / "new.mp4")
    assert not leftovers(tmp_path, film, program.parent)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("new.avi", "films are written as .mp4"),
        ("gone/new.mp4", "no folder"),
        ("folder.mp4", "it is a folder"),
        ("old.mp4", "it is the source"),
    ],
)
def test_an_unwritable_target_is_refused_before_prediction(tmp_path, target, expected):
    source = make_film(tmp_path / "old.mp4", [scene(0)] * 3, code="mp4v")
    (tmp_path / "folder.mp4").mkdir()
    colorizer = FakeColorizer()
    with pytest.raises(ValueError, match=f"cannot write .*{target}: .*{expected}"):
        colorize_film(colorizer, source, tmp_path / target)
    assert not colorizer.asked


def test_a_film_without_video_is_refused(tmp_path):
    (tmp_path / "old.mp4").write_bytes(b"\0\0\0\x10ftypisom\0\0\0\0")
    with pytest.raises(ValueError, match="old.mp4 has no video that can be decoded"):
        colorize_film(FakeColorizer(), tmp_path / "old.mp4", tmp_path / "new.mp4")


def test_percent_signs_and_dashes_in_names_are_literal(encoder, tmp_path, monkeypatch):
    make_film(tmp_path / "old.avi", [scene(0)] * 3).rename(tmp_path / "-%03d:a.avi")
    monkeypatch.chdir(tmp_path)
    report = colorize_film(FakeColorizer(), "-%03d:a.avi", "-new.mp4")
    assert report.frames == len(read_film(tmp_path / "-new.mp4")[0]) == 3


def test_sampled_frames_are_evenly_spaced(tmp_path):
    frames = [np.full((48, 64, 3), 10 * index, np.uint8) for index in range(20)]
    source = make_film(tmp_path / "old.avi", frames)
    levels = [frame.mean() for frame in sample_frames(source, 4)]
    assert levels == pytest.approx([20, 70, 120, 170], abs=6)


def test_a_short_film_has_fewer_sampled_frames(tmp_path):
    source = make_film(tmp_path / "old.mkv", [scene(0)])
    assert {frame.shape for frame in sample_frames(source, 4)} == {(48, 64, 3)}


def test_without_ffmpeg_a_note_mentions_the_sound(no_ffmpeg, tmp_path, film):
    report = colorize_film(FakeColorizer(), film, tmp_path / "new.mp4")
    assert not report.sound
    assert any("sound" in note and "ffmpeg" in note for note in report.notes)


def run_ffmpeg(*arguments):
    subprocess.run([FFMPEG, "-loglevel", "error", "-y", *map(str, arguments)], check=True)


def described(path):
    answer = subprocess.run([FFMPEG, "-i", path], capture_output=True, text=True)
    return answer.stderr


@needs_ffmpeg
@pytest.mark.parametrize(("codec", "suffix"), [("aac", "mp4"), ("pcm_s16le", "avi")])
def test_sound_is_copied(tmp_path, film, codec, suffix):
    source = tmp_path / f"sound.{suffix}"
    tone = ("-f", "lavfi", "-i", "sine=duration=1.6")
    run_ffmpeg("-i", film, *tone, "-c:v", "mpeg4", "-c:a", codec, source)
    report = colorize_film(FakeColorizer(), source, tmp_path / "new.mp4")
    assert report.sound and not report.notes
    assert "Audio: aac" in described(tmp_path / "new.mp4")


@needs_ffmpeg
def test_a_silent_film_stays_silent_and_is_compatible(tmp_path, film):
    report = colorize_film(FakeColorizer(), film, tmp_path / "new.mp4")
    assert not report.sound and not report.notes
    told = described(tmp_path / "new.mp4")
    assert "yuv420p(tv, bt709" in told and "Audio" not in told
    data = (tmp_path / "new.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


@needs_ffmpeg
def test_the_pixel_aspect_ratio_is_kept(tmp_path, film):
    run_ffmpeg("-i", film, "-c:v", "mpeg4", "-vf", "setsar=4/3", tmp_path / "wide.mp4")
    colorize_film(FakeColorizer(), tmp_path / "wide.mp4", tmp_path / "new.mp4")
    assert "SAR 4:3" in described(tmp_path / "new.mp4")


@needs_ffmpeg
def test_a_variable_frame_rate_becomes_constant_with_the_same_duration(tmp_path, film):
    # The second half at a quarter of the speed: 20 frames in 10 / 12 + 10 / 3 seconds.
    slower = "setpts='if(lt(N,10),N,10+(N-10)*4)/12/TB'"
    run_ffmpeg(
        *("-i", film, "-vf", slower, "-fps_mode", "vfr"),
        *("-c:v", "mpeg4", "-r", "12", tmp_path / "vfr.mkv"),
    )
    report = colorize_film(FakeColorizer(), tmp_path / "vfr.mkv", tmp_path / "new.mp4")
    assert report.frames / report.frame_rate == pytest.approx(10 / 12 + 10 / 3, abs=0.4)
    assert any("frame rate varies: 20 frames" in note for note in report.notes)
