"""Temporal smoothing of predicted chroma along motion, within each scene."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from colorize_tf.color.lab import images_to_l_star
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
# A lower mean trust is a cut. In six films made of photographs, with grain and unsteady exposure,
# it was 0.64 or more within a scene, pans and dissolves included, and 0.02 or less at a cut.
_LEAST_TRUST = 0.35
# The longest flash in frames; a longer interruption of a scene is a cut.
_LONGEST_FLASH = 4


@dataclass(frozen=True)
class _Frame:
    """One frame: `l_star` `(h, w)` at the size of motion, and its smoothed `ab`."""

    l_star: np.ndarray
    ab: np.ndarray


class ChromaSmoother:
    """Smooths the predicted `ab` of the frames of one film, in their order.

    The `ab` of the previous frame is warped along dense optical flow (DIS, Kroeger et al. 2016) and
    blended in recursively, weighted by trust: the warped L* must agree, and the forward and the
    backward flow must be consistent (Sundaram et al. 2010), which they are not at disocclusions. A
    global change of exposure is compensated first. A frame with little trust begins a new scene and
    keeps its own `ab`; after a flash of up to four frames, the scene before it continues.

    Attributes:
        cuts: number of scenes after the first.
    """

    def __init__(self) -> None:
        self.cuts = 0
        self._last: _Frame | None = None
        self._interrupted: tuple[_Frame, int] | None = None
        self._since_interruption = 0
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)

    def __call__(self, images: np.ndarray, ab: np.ndarray) -> np.ndarray:
        """Smooth the `ab` of the next frame.

        Args:
            images: the frame, uint8 `(height, width, 3)`.
            ab: its prediction, float32 `(h, w, 2)` in [-1, 1]; all frames have the same size.

        Returns:
            float32 `(h, w, 2)` in [-1, 1].
        """
        l_star = _motion_l_star(images)
        smoothed = ab
        if self._last is not None:
            smoothed = self._follow(self._last, l_star, ab)
        self._last = _Frame(l_star, smoothed)
        return smoothed

    def _follow(self, last: _Frame, l_star: np.ndarray, ab: np.ndarray) -> np.ndarray:
        """Blend with the last frame, or with the last one before a flash, or begin a scene."""
        self._since_interruption += 1
        if self._since_interruption > _LONGEST_FLASH:
            self._interrupted = None
        smoothed = self._blend(last, l_star, ab)
        if smoothed is not None:
            return smoothed
        if self._interrupted is not None:
            scene, cuts = self._interrupted
            smoothed = self._blend(scene, l_star, ab)
            if smoothed is not None:
                self.cuts, self._interrupted = cuts, None
                return smoothed
        else:
            self._interrupted, self._since_interruption = (last, self.cuts), 0
        self.cuts += 1
        return ab

    def _blend(self, past: _Frame, l_star: np.ndarray, ab: np.ndarray) -> np.ndarray | None:
        """Blend `ab` with that of a past frame; None if that frame belongs to another scene."""
        levels, past_levels = _levels(l_star), _levels(past.l_star)
        flow: Any = None  # OpenCV allocates it, which its type stubs do not mention.
        backward = self._flow.calc(levels, past_levels, flow)
        forward = self._flow.calc(past_levels, levels, flow)
        trust = _trust(past.l_star, l_star, backward, forward)
        if trust.mean() < _LEAST_TRUST:
            return None
        height, width = ab.shape[:2]
        scale = np.array([width / trust.shape[1], height / trust.shape[0]], np.float32)
        warped = _warp(past.ab, resize(backward, height, width) * scale)
        weight = _MEMORY * resize(trust[..., np.newaxis], height, width).reshape(height, width, 1)
        return ab + weight * (warped.reshape(ab.shape) - ab)


def _motion_l_star(images: np.ndarray) -> np.ndarray:
    height, width = images.shape[:2]
    scale = _MOTION_SIZE / max(height, width)
    height, width = (max(_LEAST_SIDE, round(length * scale)) for length in (height, width))
    l_star = images_to_l_star(resize(images, height, width))
    return cv2.GaussianBlur(l_star, (0, 0), 1.2)  # Film grain is no motion.


def _levels(l_star: np.ndarray) -> np.ndarray:
    return np.clip(l_star * 2.55, 0, 255).astype(np.uint8)


def _trust(
    past: np.ndarray, l_star: np.ndarray, backward: np.ndarray, forward: np.ndarray
) -> np.ndarray:
    """Return how reliable the flow of each pixel is, float32 `(h, w)` in [0, 1]."""
    warped = _warp(past, backward)
    center = warped.mean()
    slope = ((warped - center) * (l_star - l_star.mean())).mean() / max(warped.var(), 1.0)
    gain = np.clip(slope, *_GAIN_RANGE)
    offset = np.clip(l_star.mean() - gain * center, *_OFFSET_RANGE)
    difference = (l_star - gain * warped - offset) / _LIGHTNESS_TOLERANCE
    inconsistency = np.linalg.norm(backward + _warp(forward, backward), axis=-1) / _MOTION_TOLERANCE
    inside = _warp(np.ones_like(l_star), backward, cv2.BORDER_CONSTANT)
    return (inside * np.exp(-(difference**2) - inconsistency**2)).astype(np.float32)


def _warp(array: np.ndarray, flow: np.ndarray, border: int = cv2.BORDER_REPLICATE) -> np.ndarray:
    """Sample an array where the flow of each pixel, `(h, w, 2)` in pixels, points to."""
    height, width = flow.shape[:2]
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height))
    across, down = columns + flow[..., 0], rows.astype(np.float32) + flow[..., 1]
    return cv2.remap(array, across, down, cv2.INTER_LINEAR, borderMode=border)
