"""Steadies exposure and smooths predicted chroma along motion, within each scene."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from colorize_tf.color.lab import images_to_l_star, lab_to_linear, linear_to_images
from colorize_tf.inference.rendering import resize

# Weight of the previous frame where it is fully trusted.
_MEMORY = 0.9
# Long side in pixels at which motion is measured; 256 needs 20 ms a frame on one core.
_MOTION_SIZE = 256
# Below 32 rows OpenCV's DIS reads past the end of its arrays and crashes.
_LEAST_SIDE = 64
# Differences that reduce the trust in a pixel to 1/e: L* units, and pixels of motion.
_LIGHTNESS_TOLERANCE = 4.0
_MOTION_TOLERANCE = 1.5
# The largest changes of exposure within a scene, as by a lamp or a torn frame.
_GAIN_RANGE = (0.67, 1.5)
_OFFSET_RANGE = (-20.0, 20.0)
# Variance of L* below which contrast says little about exposure.
_LEAST_VARIANCE = 20.0
# Share of the correction that is given up in each frame: a lasting change is followed in a second.
_LEAK = 1 / 24
# Motion is measured again if an estimate of exposure, in L*, was off by more.
_EXPOSURE_TOLERANCE = 1.0
# L* from which a pixel may be clipped, and the least share of others that can show a cut.
_CLIPPED = 98.0
_LEAST_UNCLIPPED = 0.1
# A lower mean trust is a cut. In six films made of photographs, with grain and unsteady exposure,
# it was 0.64 or more within a scene, pans and dissolves included, and 0.02 or less at a cut.
_LEAST_TRUST = 0.35
# The longest flash in frames; a longer interruption of a scene is a cut.
_LONGEST_FLASH = 4


@dataclass(frozen=True)
class _Exposure:
    """A change of exposure as a linear function of L*."""

    gain: float = 1.0
    offset: float = 0.0

    def __call__(self, l_star: np.ndarray) -> np.ndarray:
        return self.gain * l_star + self.offset


@dataclass
class TrackedFrame:
    """A frame of steadied exposure, and its motion since a frame of the same scene.

    Attributes:
        images: the frame with its exposure steadied over the scene, uint8 `(height, width, 3)`.
        l_star: float32 `(h, w)`, steadied and blurred, at the size at which motion is measured.
        ceiling: steadied L* from which a pixel may be clipped.
        motion: from the frame that it follows; None at the start of a scene.
        ab: its smoothed prediction, once there is one.
    """

    images: np.ndarray
    l_star: np.ndarray
    ceiling: float
    motion: _Motion | None = None
    ab: np.ndarray | None = None


@dataclass(frozen=True)
class _Motion:
    """Where each pixel was in `past` (`flow`, `(h, w, 2)`), and how reliable that is, 0 to 1."""

    past: TrackedFrame
    flow: np.ndarray
    trust: np.ndarray
    exposure: _Exposure


class ChromaSmoother:
    """Smooths the predicted `ab` of the frames of one film, in their order.

    `track` measures lightness alone, and may be some frames ahead of `smooth`. It estimates the
    change of exposure, takes it out, and measures dense optical flow (DIS, Kroeger et al. 2016) on
    frames of equal exposure. `smooth` blends the warped `ab` of the previous frame in recursively,
    weighted by trust: the warped L* must agree, and the forward and the backward flow must be
    consistent (Sundaram et al. 2010), which they are not at disocclusions. A frame with little
    trust begins a new scene and keeps its own `ab`; after a flash of up to four frames, the scene
    before it continues.

    Attributes:
        cuts: number of scenes after the first.
    """

    def __init__(self) -> None:
        self.cuts = 0
        self._last: TrackedFrame | None = None
        self._interrupted: tuple[TrackedFrame, int] | None = None
        self._since_interruption = 0
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)

    def track(self, images: np.ndarray) -> TrackedFrame:
        """Steady the exposure of the next frame, and measure its motion.

        Args:
            images: the frame, uint8 `(height, width, 3)`.

        Returns:
            The frame, to predict from and to pass to `smooth`.
        """
        l_star = _motion_l_star(images)
        motion = self._follow(self._last, l_star) if self._last is not None else None
        ceiling = _CLIPPED
        if motion is not None:
            kept = 1 - _LEAK
            exposure = _Exposure(motion.exposure.gain**kept, motion.exposure.offset * kept)
            images, l_star = _expose(images, exposure), exposure(l_star)
            ceiling = float(exposure(np.float32(ceiling)))
        self._last = TrackedFrame(images, l_star, ceiling, motion)
        return self._last

    def smooth(self, frame: TrackedFrame, ab: np.ndarray) -> np.ndarray:
        """Smooth the `ab` of a tracked frame.

        Args:
            frame: the next of those that `track` returned.
            ab: its prediction, float32 `(h, w, 2)` in [-1, 1]; all frames have the same size.

        Returns:
            float32 `(h, w, 2)` in [-1, 1].
        """
        frame.ab = ab
        if frame.motion is not None and frame.motion.past.ab is not None:
            height, width = ab.shape[:2]
            flow, trust = frame.motion.flow, frame.motion.trust[..., np.newaxis]
            scale = np.array([width / trust.shape[1], height / trust.shape[0]], np.float32)
            warped = _warp(frame.motion.past.ab, resize(flow, height, width) * scale)
            weight = _MEMORY * resize(trust, height, width).reshape(height, width, 1)
            frame.ab = ab + weight * (warped.reshape(ab.shape) - ab)
        frame.motion = None  # Otherwise all frames of the scene would stay in memory.
        return frame.ab

    def _follow(self, last: TrackedFrame, l_star: np.ndarray) -> _Motion | None:
        """Follow the last frame, or the last one before a flash, or begin a scene."""
        self._since_interruption += 1
        if self._since_interruption > _LONGEST_FLASH:
            self._interrupted = None
        motion = self._measure(last, l_star)
        if motion is not None:
            return motion
        if self._interrupted is not None:
            scene, cuts = self._interrupted
            motion = self._measure(scene, l_star)
            if motion is not None:
                self.cuts, self._interrupted = cuts, None
                return motion
        else:
            self._interrupted, self._since_interruption = (last, self.cuts), 0
        self.cuts += 1
        return None

    def _measure(self, past: TrackedFrame, l_star: np.ndarray) -> _Motion | None:
        """Measure exposure and motion since a past frame; None if it belongs to another scene."""
        clipped = (past.l_star >= past.ceiling) | (l_star >= _CLIPPED)
        exposure = _fit_exposure(past.l_star[~clipped], l_star[~clipped])  # before motion is known
        for _ in range(2):
            # Both are clipped alike, so that pixels that one exposure turns white match.
            ceiling = min(past.ceiling, float(exposure(np.float32(_CLIPPED))))
            then, now = np.minimum(past.l_star, ceiling), np.minimum(exposure(l_star), ceiling)
            flow: Any = None  # OpenCV allocates it, which its type stubs do not mention.
            backward = self._flow.calc(_levels(now), _levels(then), flow)
            forward = self._flow.calc(_levels(then), _levels(now), flow)
            warped = _warp(then, backward)
            consistency = _consistency(backward, forward)
            unclipped = np.minimum(warped, now) < ceiling
            known = (consistency > 0.5) & (np.maximum(warped, now) < ceiling)
            estimate, exposure = exposure, _fit_exposure(warped[known], l_star[known])
            if np.abs(exposure(l_star) - estimate(l_star)).mean() < _EXPOSURE_TOLERANCE:
                break
        difference = np.minimum(exposure(l_star), ceiling) - warped
        trust = consistency * np.exp(-((difference / _LIGHTNESS_TOLERANCE) ** 2))
        # Two white frames are one scene.
        judged = trust[unclipped] if unclipped.mean() >= _LEAST_UNCLIPPED else trust
        if judged.mean() < _LEAST_TRUST:
            return None
        return _Motion(past, backward, trust.astype(np.float32), exposure)


def _motion_l_star(images: np.ndarray) -> np.ndarray:
    height, width = images.shape[:2]
    scale = _MOTION_SIZE / max(height, width)
    height, width = (max(_LEAST_SIDE, round(length * scale)) for length in (height, width))
    l_star = images_to_l_star(resize(images, height, width))
    return cv2.GaussianBlur(l_star, (0, 0), 1.2)  # Film grain is no motion.


def _levels(l_star: np.ndarray) -> np.ndarray:
    return np.clip(l_star * 2.55, 0, 255).astype(np.uint8)


def _expose(images: np.ndarray, exposure: _Exposure) -> np.ndarray:
    """Change the exposure of uint8 `images` level by level."""
    ramp = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 256, 3)
    lab = np.zeros((1, 256, 3), np.float32)
    lab[..., 0] = np.clip(exposure(images_to_l_star(ramp)), 0, 100)
    return cv2.LUT(images, linear_to_images(lab_to_linear(lab), np.dtype(np.uint8))[..., :1])


def _fit_exposure(past: np.ndarray, l_star: np.ndarray) -> _Exposure:
    """Return the change of exposure that turns `l_star` into `past`.

    The ratio of the standard deviations is its gain: unlike that of a regression, it is not lowered
    by noise.
    """
    if not past.size:
        return _Exposure()
    ratio = np.sqrt((past.var() + _LEAST_VARIANCE) / (l_star.var() + _LEAST_VARIANCE))
    gain = float(np.clip(ratio, *_GAIN_RANGE))
    return _Exposure(gain, float(np.clip(past.mean() - gain * l_star.mean(), *_OFFSET_RANGE)))


def _consistency(backward: np.ndarray, forward: np.ndarray) -> np.ndarray:
    """Return how well the flows agree at each pixel, `(h, w)` in [0, 1]; 0 outside the past."""
    inconsistency = np.linalg.norm(backward + _warp(forward, backward), axis=-1) / _MOTION_TOLERANCE
    inside = _warp(np.ones(backward.shape[:2], np.float32), backward, cv2.BORDER_CONSTANT)
    return inside * np.exp(-(inconsistency**2))


def _warp(array: np.ndarray, flow: np.ndarray, border: int = cv2.BORDER_REPLICATE) -> np.ndarray:
    """Sample an array where the flow of each pixel, `(h, w, 2)` in pixels, points to."""
    height, width = flow.shape[:2]
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height))
    across, down = columns + flow[..., 0], rows.astype(np.float32) + flow[..., 1]
    return cv2.remap(array, across, down, cv2.INTER_LINEAR, borderMode=border)
