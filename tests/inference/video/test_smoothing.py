import cv2
import numpy as np
import pytest

from colorize_tf.data.synthetic.landscapes import render_landscape
from colorize_tf.inference.video.smoothing import ChromaSmoother

WARM, COLD = (0.3, 0.2), (-0.2, -0.3)


def gray(images):
    return cv2.cvtColor(cv2.cvtColor(images, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


SCENE = gray(render_landscape(0, 96, 128))
OTHER = gray(render_landscape(9, 96, 128)[::-1])


def flat(ab, height=48, width=64):
    return np.full((height, width, 2), ab, np.float32)


def noisy_predictions(count, level=0.05):
    random = np.random.default_rng(0)
    # Blobs, since networks do not err pixel by pixel.
    blobs = random.normal(0, level, (count, 6, 8, 2)).astype(np.float32)
    return [flat(WARM) + cv2.resize(one, (64, 48)) for one in blobs]


def change(abs_):
    return np.abs(np.diff(abs_, axis=0)).mean()


def textured(height, width, seed):
    """Blurred noise, which optical flow can hold on to."""
    noise = np.random.default_rng(seed).normal(0, 1, (height, width)).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), 3)
    levels = np.clip(128 + 40 * noise / noise.std(), 0, 255).astype(np.uint8)
    return np.repeat(levels[..., np.newaxis], 3, axis=-1)


def test_the_first_frame_keeps_its_chroma():
    ab = noisy_predictions(1)[0]
    np.testing.assert_array_equal(ChromaSmoother()(SCENE, ab), ab)


def test_a_still_scene_flickers_less_than_half_as_much():
    predicted = noisy_predictions(12)
    smoother = ChromaSmoother()
    smoothed = [smoother(SCENE, ab) for ab in predicted]
    assert change(smoothed) < 0.3 * change(predicted)
    assert smoother.cuts == 0


def test_grain_and_unsteady_exposure_are_no_cuts():
    random = np.random.default_rng(1)
    predicted = noisy_predictions(12)
    smoother = ChromaSmoother()
    smoothed = []
    for ab in predicted:
        grain = cv2.GaussianBlur(random.normal(0, 12, SCENE.shape[:2]), (0, 0), 0.8)
        worn = SCENE * random.uniform(0.92, 1.08) + grain[..., np.newaxis]
        smoothed.append(smoother(np.clip(worn, 0, 255).astype(np.uint8), ab))
    assert change(smoothed) < 0.5 * change(predicted)
    assert smoother.cuts == 0


def test_chroma_does_not_cross_a_cut():
    smoother = ChromaSmoother()
    for _ in range(6):
        smoother(SCENE, flat(WARM))
    np.testing.assert_array_equal(smoother(OTHER, flat(COLD)), flat(COLD))
    assert smoother.cuts == 1
    assert np.abs(smoother(OTHER, flat(COLD)) - flat(COLD)).max() < 1e-6


def test_every_cut_is_counted():
    smoother = ChromaSmoother()
    for frame in [SCENE] * 6 + [OTHER] * 6 + [SCENE] * 6:
        smoother(frame, flat(WARM))
    assert smoother.cuts == 2


@pytest.mark.parametrize("length", [1, 3])
def test_a_flash_is_no_cut(length):
    smoother = ChromaSmoother()
    white = np.clip(SCENE.astype(int) * 3 + 90, 0, 255).astype(np.uint8)
    for _ in range(6):
        smoother(SCENE, flat(WARM))
    for _ in range(length):
        smoother(white, flat(COLD))
    after = smoother(SCENE, flat(COLD))
    assert np.abs(after - flat(WARM)).mean() < 0.15 * np.abs(flat(COLD) - flat(WARM)).mean()
    assert smoother.cuts == 0


def test_a_pan_is_no_cut():
    wide = textured(96, 400, seed=0)
    smoother = ChromaSmoother()
    for step in range(20):
        smoother(wide[:, 6 * step : 6 * step + 128], flat(WARM))
    assert smoother.cuts == 0


def test_chroma_follows_camera_motion():
    wide = textured(96, 400, seed=0)
    colors = np.where(np.arange(400)[:, np.newaxis] < 100, WARM, COLD).astype(np.float32)
    colors = np.broadcast_to(colors, (96, 400, 2))
    smoother = ChromaSmoother()
    for step in range(10):
        window = slice(4 * step, 4 * step + 128)
        smoothed = smoother(wide[:, window], colors[:, window])
    edge = 100 - 36
    assert np.abs(smoothed - colors[:, window])[:, : edge - 6].max() < 0.05
    assert np.abs(smoothed - colors[:, window])[:, edge + 6 :].max() < 0.05


def test_chroma_follows_a_moving_object():
    ground, thing = textured(96, 128, seed=0) // 2, 255 - textured(32, 32, seed=1) // 3
    smoother = ChromaSmoother()
    for step in range(16):
        left = 4 + 5 * step
        frame, ab = ground.copy(), flat(COLD, 96, 128)
        frame[30:62, left : left + 32] = thing
        ab[30:62, left : left + 32] = WARM
        smoothed = smoother(frame, ab)
    distance = np.linalg.norm(smoothed - ab, axis=-1) / np.linalg.norm(np.subtract(WARM, COLD))
    # Where the object was, where it is, and where it has never been.
    assert distance[30:62, : left - 4].mean() < 0.05
    assert distance[34:58, left + 4 : left + 28].mean() < 0.05
    assert distance[:24].max() < 0.05


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 300), (300, 2), (5, 7)])
def test_any_shape_can_be_smoothed(height, width):
    smoother = ChromaSmoother()
    frame = np.full((height, width, 3), 90, np.uint8)
    for _ in range(3):
        smoothed = smoother(frame, flat(WARM, min(height, 32), min(width, 32)))
    np.testing.assert_allclose(smoothed, flat(WARM, *smoothed.shape[:2]), atol=1e-6)


def test_predictions_are_not_modified():
    smoother = ChromaSmoother()
    for ab in (first := noisy_predictions(3)):
        smoother(SCENE, ab)
    np.testing.assert_array_equal(first, noisy_predictions(3))
