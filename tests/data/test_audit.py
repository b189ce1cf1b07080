import csv
import json
import os
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from colorize_tf import imagefiles
from colorize_tf.data import audit as audit_module
from colorize_tf.data.audit import Audit, AuditedPhotograph, SkippedFile, audit, write_report
from tests.data.conftest import photograph


def save(path, image=None, **options):
    Image.fromarray(photograph(0, 72, 96) if image is None else image).save(path, **options)
    return path


def sepia(strength=1.0):
    gray = photograph(0, 72, 96)[..., 1].astype(np.float32)
    shades = np.stack([gray * 1.07, gray * 0.9, gray * 0.7], -1)
    noise = np.random.default_rng(0).normal(0, 2, shades.shape)
    return np.clip(gray[..., None] * (1 - strength) + shades * strength + noise, 0, 255).astype(
        np.uint8
    )


def reason(path):
    (skipped,) = audit([path], cache_file=None).skipped
    assert skipped.path == path and "\n" not in skipped.reason
    return skipped.kind


def test_usable_photograph_has_a_digest(tmp_path):
    path = save(tmp_path / "a.png")
    (usable,) = audit([path], cache_file=None).usable
    assert usable.path == path and len(usable.sha256) == 64


def flip_a_byte(data):
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :]


@pytest.mark.parametrize(
    ("name", "damage", "kind"),
    [
        ("a.jpg", lambda data: b"", "zero-byte"),
        ("a.jpg", lambda data: data[:-100], "truncated"),
        ("a.png", flip_a_byte, "corrupt"),
        ("a.jpg", lambda data: b"not a picture", "unsupported"),
    ],
)
def test_damaged_files_have_a_reason(tmp_path, name, damage, kind):
    path = save(tmp_path / name)
    path.write_bytes(damage(path.read_bytes()))
    assert reason(path) == kind


def test_missing_file_has_a_reason(tmp_path):
    assert reason(tmp_path / "none.jpg") == "missing"


@pytest.mark.parametrize(("side", "usable"), [(63, 0), (64, 1)])
def test_short_side_below_64_is_too_small(tmp_path, side, usable):
    verdict = audit([save(tmp_path / "a.png", photograph(0, side, 200))], cache_file=None)
    assert len(verdict.usable) == usable
    assert [skipped.kind for skipped in verdict.skipped] == ["too small"] * (1 - usable)


@pytest.mark.parametrize("mode", ["L", "1", "I;16"])
def test_gray_file_is_monochrome(tmp_path, mode):
    image = Image.fromarray(photograph(0, 72, 96)).convert("L")
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
    image.convert(mode).save(tmp_path / "a.png")
    assert reason(tmp_path / "a.png") == "monochrome"


def test_gray_picture_in_a_color_jpeg_is_monochrome(tmp_path):
    gray = photograph(0, 72, 96)[..., :1].repeat(3, axis=-1)
    noise = np.random.default_rng(0).integers(-3, 4, gray.shape)
    noisy = np.clip(gray.astype(int) + noise, 0, 255).astype(np.uint8)
    assert reason(save(tmp_path / "a.jpg", noisy, quality=60)) == "monochrome"


@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_sepia_is_toned(tmp_path, strength):
    assert reason(save(tmp_path / "a.jpg", sepia(strength))) == "toned"


def test_cyanotype_is_toned(tmp_path):
    assert reason(save(tmp_path / "a.png", sepia()[..., ::-1])) == "toned"


def test_single_flat_color_is_toned(tmp_path):
    assert reason(save(tmp_path / "a.png", np.full((64, 64, 3), (0, 90, 200), np.uint8))) == "toned"


def test_single_blue_hue_is_usable_if_chroma_varies(tmp_path):
    # Fog, dusk, deep water: one hue, but how much of it does not follow from lightness.
    lab = np.zeros((64, 64, 3), np.float32)
    lab[..., 0] = np.linspace(30, 70, 64)
    lab[..., 2] = -np.linspace(2, 20, 64)[:, None]
    rgb = cv2.cvtColor(lab, cv2.COLOR_Lab2RGB)
    path = save(tmp_path / "a.png", np.round(rgb * 255).astype(np.uint8))
    assert len(audit([path], cache_file=None).usable) == 1


def test_warm_hue_has_a_stricter_limit_than_blue(tmp_path):
    # The same spread of chroma around the same function of lightness, once orange and once blue.
    verdicts = {}
    for name, degrees in (("warm", 70), ("blue", 250)):
        generator = np.random.default_rng(0)
        chroma = 18 + generator.normal(0, 1.6, (64, 64))
        lab = np.stack(
            [
                np.broadcast_to(np.linspace(35, 65, 64), (64, 64)),
                chroma * np.cos(np.radians(degrees)),
                chroma * np.sin(np.radians(degrees)),
            ],
            axis=-1,
        ).astype(np.float32)
        rgb = np.round(cv2.cvtColor(lab, cv2.COLOR_Lab2RGB) * 255).astype(np.uint8)
        verdict = audit([save(tmp_path / f"{name}.png", rgb)], cache_file=None)
        verdicts[name] = len(verdict.usable)
    assert verdicts == {"warm": 0, "blue": 1}


@pytest.mark.parametrize(("alpha", "kinds"), [(0, ["transparent"]), (255, [])])
def test_only_real_transparency_counts(tmp_path, alpha, kinds):
    layer = np.full((72, 96, 1), 255, np.uint8)
    layer[:20] = alpha
    path = save(tmp_path / "a.png", np.concatenate([photograph(0, 72, 96), layer], -1))
    assert [skipped.kind for skipped in audit([path], cache_file=None).skipped] == kinds


def test_copy_is_a_duplicate_and_names_the_first(tmp_path):
    first = save(tmp_path / "b.jpg")
    second = tmp_path / "a.jpg"
    second.write_bytes(first.read_bytes())
    verdict = audit([first, second], cache_file=None)
    assert [photo.path for photo in verdict.usable] == [first]
    assert verdict.skipped == (SkippedFile(second, f"duplicate: same bytes as {first}"),)


def test_same_pixels_in_another_file_are_a_duplicate(tmp_path):
    paths = [save(tmp_path / "a.png"), save(tmp_path / "b.bmp")]
    (skipped,) = audit(paths, cache_file=None).skipped
    assert skipped.reason == f"duplicate: same pixels as {paths[0]}"


def test_order_of_the_list_is_kept(tmp_path):
    paths = [save(tmp_path / f"{seed}.png", photograph(seed)) for seed in (3, 1, 4, 0, 2)]
    assert [photo.path for photo in audit(paths, cache_file=None).usable] == paths


def test_every_file_is_in_exactly_one_list(tmp_path):
    paths = [save(tmp_path / f"{seed}.png", photograph(seed)) for seed in range(3)]
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    paths += [tmp_path / "broken.png", tmp_path / "none.png", tmp_path]
    verdict = audit(paths, cache_file=None)
    named = [photo.path for photo in verdict.usable] + [file.path for file in verdict.skipped]
    assert sorted(named) == sorted(paths)


def test_second_audit_opens_no_file(tmp_path, monkeypatch):
    paths = [save(tmp_path / "a.png"), tmp_path / "b.png"]
    paths[1].touch()
    first = audit(paths, cache_file=tmp_path / "deep" / "cache.json")
    monkeypatch.setattr(imagefiles, "read_bytes", lambda path: pytest.fail(f"opened {path}"))
    assert audit(paths, cache_file=tmp_path / "deep" / "cache.json") == first


def test_changed_file_is_audited_again(tmp_path):
    path, cache_file = save(tmp_path / "a.png"), tmp_path / "cache.json"
    audit([path], cache_file=cache_file)
    path.write_bytes(b"x" * path.stat().st_size)
    os.utime(path, ns=(0, time.time_ns() + 1_000_000))
    assert audit([path], cache_file=cache_file).skipped[0].kind == "unsupported"


@pytest.mark.parametrize(
    "damage",
    [b"", b"\xff\xfe", b"[]", b"null", b'{"version": 1}', b'{"version": 1, "files": [1]}', "entry"],
)
def test_damaged_cache_is_ignored(tmp_path, damage):
    path, cache_file = save(tmp_path / "a.png"), tmp_path / "cache.json"
    expected = audit([path], cache_file=cache_file)
    if damage == "entry":
        content = json.loads(cache_file.read_text())
        content["files"][str(path)][1] = ["?"]
        damage = json.dumps(content).encode()
    cache_file.write_bytes(damage)
    assert audit([path], cache_file=cache_file) == expected


def test_cache_of_other_rules_is_ignored(tmp_path, monkeypatch):
    path, cache_file = save(tmp_path / "a.png"), tmp_path / "cache.json"
    audit([path], cache_file=cache_file)
    monkeypatch.setattr(audit_module, "_CACHE_FORMAT", -1)
    monkeypatch.setattr(audit_module, "MINIMUM_SIDE", 1000)
    assert audit([path], cache_file=cache_file).skipped[0].kind == "too small"


def test_unwritable_cache_is_ignored(tmp_path):
    path = save(tmp_path / "a.png")
    (tmp_path / "file").touch()
    assert len(audit([path], cache_file=tmp_path / "file" / "cache.json").usable) == 1
    (tmp_path / "folder").mkdir()
    assert len(audit([path], cache_file=tmp_path / "folder").usable) == 1
    assert sorted(child.name for child in tmp_path.iterdir()) == ["a.png", "file", "folder"]


def test_short_audit_is_silent(tmp_path, capfd):
    audit([save(tmp_path / "a.png")], cache_file=None)
    assert capfd.readouterr() == ("", "")


def test_report_lists_skipped_files(tmp_path):
    (tmp_path / 'odd, "name".jpg').touch()
    verdict = audit([tmp_path / 'odd, "name".jpg'], cache_file=None)
    write_report(verdict, tmp_path / "report.csv")
    rows = list(csv.reader((tmp_path / "report.csv").read_text().splitlines()))
    assert rows[0] == ["file", "reason"]
    assert rows[1] == [str(verdict.skipped[0].path), verdict.skipped[0].reason]


def test_report_is_written_even_if_empty(tmp_path):
    write_report(Audit((), ()), tmp_path / "report.csv")
    assert (tmp_path / "report.csv").read_text().strip() == "file,reason"


def test_summary_counts_most_frequent_reason_first():
    usable = (AuditedPhotograph(Path("a"), "0"),) * 5288
    kinds = ["duplicate"] * 4 + ["monochrome"] * 8
    verdict = Audit(usable, tuple(SkippedFile(Path("b"), f"{kind}: why") for kind in kinds))
    expected = "5,300 photographs: 5,288 usable, 12 left out (8 monochrome, 4 duplicate)"
    assert verdict.summary() == expected


def test_summary_without_skipped_files():
    verdict = Audit((AuditedPhotograph(Path("a"), "0"),), ())
    assert verdict.summary() == "1 photograph: 1 usable, 0 left out"


def shared(*patterns):
    folder = os.environ.get("COLORIZE_TF_DATA")
    paths = sorted(path for pattern in patterns for path in Path(folder or "none").glob(pattern))
    if not paths:
        pytest.skip(f"COLORIZE_TF_DATA names no folder with {' or '.join(patterns)}")
    return paths


def test_real_color_photographs_are_usable():
    assert audit(shared("landscapes/val/*.jpg"), cache_file=None).skipped == ()


def test_real_black_and_white_and_sepia_scans_are_skipped():
    verdict = audit(shared("historical/*.jpg", "historical/*.jpeg"), cache_file=None)
    assert verdict.usable == ()
    assert {skipped.kind for skipped in verdict.skipped} == {"monochrome", "toned"}
