"""Rendered landscapes: deterministic, varied, colorful, learnable, written atomically."""

import cv2
import numpy as np
import pytest

from colorize_tf.data.synthetic import landscapes
from colorize_tf.data.synthetic.landscapes import render_landscape, write_landscapes


def lab_of(images: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(images.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)


def relative_paths(folder) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*.png")}


def write_few(folder, **overrides) -> None:
    write_landscapes(folder, **{"train": 3, "validation": 2, "size": 16, "seed": 0, **overrides})


@pytest.mark.parametrize(("height", "width"), [(16, 16), (40, 64), (64, 24)])
def test_landscape_has_the_requested_size(height, width):
    images = render_landscape(1, height, width)
    assert images.shape == (height, width, 3)
    assert images.dtype == np.uint8


def test_seed_determines_the_picture():
    pictures = [render_landscape(seed, 32, 32) for seed in range(8)]
    for seed, picture in enumerate(pictures):
        np.testing.assert_array_equal(picture, render_landscape(seed, 32, 32))
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)


@pytest.mark.parametrize("name", list(landscapes.SCENES))
def test_scene_is_the_same_at_another_size(name, monkeypatch):
    monkeypatch.setattr(landscapes, "SCENES", {name: landscapes.SCENES[name]})
    small, large = (render_landscape(5, size, size * 3 // 2) for size in (48, 144))
    reduced = cv2.resize(large, (72, 48), interpolation=cv2.INTER_AREA)
    other = render_landscape(6, 48, 72)
    difference = np.abs(small.astype(float) - reduced).mean()
    assert difference < 12
    assert difference < 0.5 * np.abs(other.astype(float) - reduced).mean()


def test_every_scene_and_hour_occurs():
    views = [landscapes.View(np.random.default_rng(seed), 16, 16) for seed in range(100)]
    assert {view.hour_name for view in views} == {"noon", "dawn", "sunset", "overcast", "blue hour"}
    drawn = {int(view.rng.integers(len(landscapes.SCENES))) for view in views}
    assert drawn == set(range(len(landscapes.SCENES)))


def test_landscapes_differ_in_lightness_and_hue():
    means = np.stack([lab_of(render_landscape(s, 32, 32)).mean(axis=(0, 1)) for s in range(60)])
    lightness, a, b = means.T
    assert lightness.std() > 8
    assert a.std() > 5
    assert b.std() > 8


def test_every_landscape_has_contrast_and_color():
    for seed in range(60):
        lab = lab_of(render_landscape(seed, 32, 32))
        assert lab[..., 0].std() > 2
        assert lab[..., 1:].std(axis=(0, 1)).max() > 1


def test_landscapes_are_as_colorful_as_photographs_of_landscapes():
    errors = [
        np.sqrt((lab_of(render_landscape(s, 32, 32))[..., 1:] ** 2).mean()) for s in range(60)
    ]
    assert 15 < np.mean(errors) < 22


def features_and_ab(seed: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return features of lightness and the color of sixty pixels of a picture."""
    lab = lab_of(render_landscape(seed, 64, 64))
    lightness = np.ascontiguousarray(lab[..., 0]) / 100
    blurred = [cv2.GaussianBlur(lightness, (0, 0), sigma) for sigma in (1, 3, 10)]
    grain = [
        np.sqrt(cv2.GaussianBlur(cv2.Sobel(lightness, -1, *axis) ** 2, (0, 0), 3))
        for axis in ((1, 0), (0, 1))
    ]
    rows = np.broadcast_to(np.linspace(0, 1, 64)[:, None], (64, 64))
    layout = np.repeat(0.35 * cv2.resize(lightness, (4, 8)).reshape(1, -1), 60, axis=0)
    points = tuple(rng.integers(0, 64, (2, 60)))
    local = np.stack([*blurred, *grain, rows], axis=-1)[points]
    return np.hstack([local, layout]), lab[..., 1:][points]


def test_color_can_be_predicted_from_lightness():
    rng = np.random.default_rng(0)
    known = [features_and_ab(seed, rng) for seed in range(120)]
    features, colors = (np.concatenate(parts) for parts in zip(*known, strict=True))
    errors, grays = [], []
    for seed in range(1000, 1020):
        asked, ab = features_and_ab(seed, rng)
        distances = (features**2).sum(axis=1) - 2 * asked @ features.T
        nearest = np.argpartition(distances, 8, axis=1)[:, :8]
        errors.append(np.mean((colors[nearest].mean(axis=1) - ab) ** 2))
        grays.append(np.mean(ab**2))
    assert np.sqrt(np.mean(errors) / np.mean(grays)) < 0.7


@pytest.mark.parametrize(("height", "width"), [(15, 64), (64, 0)])
def test_too_small_picture_is_refused(height, width):
    with pytest.raises(ValueError, match=f"{height} x {width}.*at least 16 x 16; render it larger"):
        render_landscape(0, height, width)


def test_negative_seed_is_refused():
    with pytest.raises(ValueError, match="the seed is -1, expected an integer of at least 0"):
        render_landscape(-1, 32, 32)


def test_requested_counts_are_written(tmp_path):
    write_few(tmp_path / "new" / "set")
    expected = {f"train/0000{i}.png" for i in range(3)} | {f"val/0000{i}.png" for i in range(2)}
    assert relative_paths(tmp_path / "new" / "set") == expected
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["set"]


def test_files_are_in_rgb_order(tmp_path):
    write_few(tmp_path / "set", seed=0)
    file = cv2.imread(str(tmp_path / "set" / "train" / "00001.png"))
    np.testing.assert_array_equal(file[..., ::-1], render_landscape(1, 16, 16))


def test_pictures_of_all_splits_and_seeds_differ(tmp_path):
    for seed in (0, 1):
        write_few(tmp_path / str(seed), train=20, validation=20, seed=seed)
    contents = [path.read_bytes() for path in tmp_path.rglob("*.png")]
    assert len(set(contents)) == len(contents) == 80


def test_existing_folder_is_not_changed(tmp_path):
    (tmp_path / "set").mkdir()
    write_few(tmp_path / "set")
    assert list((tmp_path / "set").iterdir()) == []


def test_failed_run_leaves_nothing(tmp_path, monkeypatch):
    def fail_on_the_third(seed, height, width):
        if seed == 2:
            raise RuntimeError("cannot render")
        return render_landscape(seed, height, width)

    monkeypatch.setattr(landscapes, "render_landscape", fail_on_the_third)
    with pytest.raises(RuntimeError, match="cannot render"):
        write_few(tmp_path / "set")
    assert list(tmp_path.iterdir()) == []


def test_wrong_size_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match="8 x 8"):
        write_few(tmp_path / "new" / "set", size=8)
    assert list(tmp_path.iterdir()) == []


def test_progress_sees_every_picture(tmp_path):
    seen = []

    def progress(pictures, total):
        for picture in pictures:
            seen.append(total)
            yield picture

    write_few(tmp_path / "set", progress=progress)
    assert seen == [5] * 5
