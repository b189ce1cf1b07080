import weakref

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


def smooth(smoother, images, ab):
    """Smooth the `ab` of the next frame."""
    return smoother.smooth(smoother.track(images), ab)


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
    np.testing.assert_array_equal(smooth(ChromaSmoother(), SCENE, ab), ab)


def test_a_still_scene_flickers_less_than_half_as_much():
    predicted = noisy_predictions(12)
    smoother = ChromaSmoother()
    smoothed = [smooth(smoother, SCENE, ab) for ab in predicted]
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
        smoothed.append(smooth(smoother, np.clip(worn, 0, 255).astype(np.uint8), ab))
    assert change(smoothed) < 0.5 * change(predicted)
    assert smoother.cuts == 0


@pytest.mark.parametrize("swing", [0.15, 0.25])
def test_exposure_is_steadied_within_a_scene(swing):
    random = np.random.default_rng(2)
    frames = [np.uint8(SCENE // 2 * random.uniform(1 - swing, 1 + swing)) for _ in range(12)]
    smoother = ChromaSmoother()
    steadied = [smoother.track(images).images for images in frames]
    before, after = (np.abs(np.diff([f.mean() for f in films])) for films in (frames, steadied))
    assert after.mean() < 0.2 * before.mean()
    assert smoother.cuts == 0
    np.testing.assert_array_equal(steadied[0], frames[0])


def test_a_lasting_change_of_exposure_is_followed():
    smoother = ChromaSmoother()
    frames = [SCENE // 2] * 2 + [np.uint8(SCENE * 0.6)] * 60
    levels = [smoother.track(images).images.mean() for images in frames]
    assert levels[2] == pytest.approx(levels[1], abs=2)
    assert levels[-1] == pytest.approx(frames[-1].mean(), abs=1)


def test_a_scene_begins_with_its_own_exposure():
    smoother = ChromaSmoother()
    for images in [SCENE] * 3 + [OTHER // 2]:
        steadied = smoother.track(images).images
    np.testing.assert_array_equal(steadied, OTHER // 2)


def test_tracking_ahead_changes_nothing():
    predicted = noisy_predictions(6)
    one, ahead = ChromaSmoother(), ChromaSmoother()
    frames = [ahead.track(SCENE) for _ in predicted]
    for frame, ab in zip(frames, predicted, strict=True):
        np.testing.assert_array_equal(ahead.smooth(frame, ab), smooth(one, SCENE, ab))


def test_memory_does_not_grow_with_the_film():
    smoother, frames = ChromaSmoother(), []
    for ab in noisy_predictions(12):
        frame = smoother.track(SCENE)
        smoother.smooth(frame, ab)
        frames.append(weakref.ref(frame))
    del frame
    assert sum(one() is not None for one in frames) == 1


def test_chroma_does_not_cross_a_cut():
    smoother = ChromaSmoother()
    for _ in range(6):
        smooth(smoother, SCENE, flat(WARM))
    np.testing.assert_array_equal(smooth(smoother, OTHER, flat(COLD)), flat(COLD))
    assert smoother.cuts == 1
    assert np.abs(smooth(smoother, OTHER, flat(COLD)) - flat(COLD)).max() < 1e-6


def test_every_cut_is_counted():
    smoother = ChromaSmoother()
    for frame in [SCENE] * 6 + [OTHER] * 6 + [SCENE] * 6:
        smooth(smoother, frame, flat(WARM))
    assert smoother.cuts == 2


def test_white_frames_are_one_scene():
    smoother = ChromaSmoother()
    for frame in [SCENE] * 3 + [np.full_like(SCENE, 255)] * 8:
        smooth(smoother, frame, flat(WARM))
    assert smoother.cuts == 1


def test_clipped_areas_keep_their_chroma():
    bright = np.uint8(np.clip(SCENE * (220 / np.percentile(SCENE, 85)), 0, 230))
    smoother = ChromaSmoother()
    for _ in range(6):
        smooth(smoother, bright, flat(WARM))
    clipped = np.uint8(np.clip(bright * 1.25, 0, 255))
    assert 0.02 < (clipped[..., 0] == 255).mean() < 0.6
    assert np.abs(smooth(smoother, clipped, flat(COLD)) - flat(WARM)).mean() < 0.1


@pytest.mark.parametrize("length", [1, 3])
def test_a_flash_is_no_cut(length):
    smoother = ChromaSmoother()
    white = np.clip(SCENE.astype(int) * 3 + 90, 0, 255).astype(np.uint8)
    for _ in range(6):
        smooth(smoother, SCENE, flat(WARM))
    for _ in range(length):
        smooth(smoother, white, flat(COLD))
    after = smooth(smoother, SCENE, flat(COLD))
    assert np.abs(after - flat(WARM)).mean() < 0.15 * np.abs(flat(COLD) - flat(WARM)).mean()
    assert smoother.cuts == 0


def test_a_pan_is_no_cut():
    wide = textured(96, 400, seed=0)
    smoother = ChromaSmoother()
    for step in range(20):
        smooth(smoother, wide[:, 6 * step : 6 * step + 128], flat(WARM))
    assert smoother.cuts == 0


def test_chroma_follows_camera_motion():
    wide = textured(96, 400, seed=0)
    colors = np.where(np.arange(400)[:, np.newaxis] < 100, WARM, COLD).astype(np.float32)
    colors = np.broadcast_to(colors, (96, 400, 2))
    smoother = ChromaSmoother()
    for step in range(10):
        window = slice(4 * step, 4 * step + 128)
        smoothed = smooth(smoother, wide[:, window], colors[:, window])
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
        smoothed = smooth(smoother, frame, ab)
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
        smoothed = smooth(smoother, frame, flat(WARM, min(height, 32), min(width, 32)))
    np.testing.assert_allclose(smoothed, flat(WARM, *smoothed.shape[:2]), atol=1e-6)


def test_predictions_are_not_modified():
    smoother = ChromaSmoother()
    for ab in (first := noisy_predictions(3)):
        smooth(smoother, SCENE, ab)
    np.testing.assert_array_equal(first, noisy_predictions(3))
