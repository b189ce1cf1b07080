"""Chroma that is steady from frame to frame, follows motion and stops at cuts."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from colorize_tf.color.lab import images_to_lightness
from colorize_tf.inference.rendering import resize

# How much of the chroma comes from the past where the past can be trusted.
_MEMORY = 0.9
# Long side in pixels at which motion is measured; 256 needs 20 ms a frame on one core.
_MOTION_SIZE = 256
# Below 32 rows OpenCV's DIS reads past the end of its arrays and dies.
_LEAST_SIDE = 64
# Differences at which a pixel's past loses most of its weight: L* units, and pixels of motion.
_LIGHTNESS_TOLERANCE = 4.0
_MOTION_TOLERANCE = 1.5
# A lamp or a torn frame may change the exposure by so much within a scene, and no more.
_GAIN_RANGE = (0.67, 1.5)
_OFFSET_RANGE = (-20.0, 20.0)
# Less trusted on the mean than this is a cut. In six films made of photographs, with grain and
# unsteady exposure, neighbors within a scene had 0.64 or more, pans and dissolves included; the
# frames on both sides of a cut 0.02 or less.
_LEAST_TRUST = 0.35
# After so many frames the scene before a cut, or before a flash, is forgotten.
_LONGEST_FLASH = 4


@dataclass(frozen=True)
class _Moment:
    """One frame: `lightness` in L* units `(h, w)` at the size of motion, and its smoothed ab."""

    lightness: np.ndarray
    ab: np.ndarray


class ChromaSmoother:
    """Smooths predicted chroma over the frames of one film, given in order.

    The chroma of the previous frame is moved along dense optical flow (DIS, Kroeger et al. 2016)
    and blended in, recursively, as far as it can be trusted: where the moved lightness agrees, and
    where the flow there and back ends where it began (Sundaram et al. 2010), which it does not
    where something is uncovered. A change of exposure of the whole frame is taken out first. A
    frame of which hardly anything can be trusted begins a new scene and keeps its own chroma; a
    flash of up to four frames is bridged, and its scene goes on afterwards.

    Attributes:
        cuts: how many scenes have begun after the first.
    """

    def __init__(self):
        self.cuts = 0
        self._last: _Moment | None = None
        self._interrupted: tuple[_Moment, int] | None = None
        self._since_interruption = 0
        self._flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)

    def __call__(self, images: np.ndarray, ab: np.ndarray) -> np.ndarray:
        """Smooth the chroma of the next frame.

        Args:
            images: the frame, uint8 `(height, width, 3)`.
            ab: what was predicted for it, float32 `(h, w, 2)` in [-1, 1]; the same size each time.

        Returns:
            float32 `(h, w, 2)` in [-1, 1].
        """
        lightness = _motion_lightness(images)
        smoothed = ab
        if self._last is not None:
            smoothed = self._follow(lightness, ab)
        self._last = _Moment(lightness, smoothed)
        return smoothed

    def _follow(self, lightness, ab):
        """Blend with the last frame, or with the last one before a flash, or begin a scene."""
        self._since_interruption += 1
        if self._since_interruption > _LONGEST_FLASH:
            self._interrupted = None
        smoothed = self._blend(self._last, lightness, ab)
        if smoothed is not None:
            return smoothed
        if self._interrupted is not None:
            scene, cuts = self._interrupted
            smoothed = self._blend(scene, lightness, ab)
            if smoothed is not None:
                self.cuts, self._interrupted = cuts, None
                return smoothed
        else:
            self._interrupted, self._since_interruption = (self._last, self.cuts), 0
        self.cuts += 1
        return ab

    def _blend(self, past, lightness, ab):
        """Blend `ab` with that of a past frame; None where that frame is of another scene."""
        backward = self._flow.calc(_levels(lightness), _levels(past.lightness), None)
        forward = self._flow.calc(_levels(past.lightness), _levels(lightness), None)
        trust = _trust(past.lightness, lightness, backward, forward)
        if trust.mean() < _LEAST_TRUST:
            return None
        height, width = ab.shape[:2]
        scale = np.float32([width / trust.shape[1], height / trust.shape[0]])
        moved = _move(past.ab, resize(backward, height, width) * scale)
        weight = _MEMORY * resize(trust[..., np.newaxis], height, width).reshape(height, width, 1)
        return ab + weight * (moved.reshape(ab.shape) - ab)


def _motion_lightness(images):
    height, width = images.shape[:2]
    scale = _MOTION_SIZE / max(height, width)
    height, width = (max(_LEAST_SIDE, round(side * scale)) for side in (height, width))
    lightness = images_to_lightness(resize(images, height, width))
    return cv2.GaussianBlur(lightness, (0, 0), 1.2)  # grain is no motion


def _levels(lightness):
    return np.clip(lightness * 2.55, 0, 255).astype(np.uint8)


def _trust(past, lightness, backward, forward):
    """Say how far each pixel has the past that the flow gives it, float32 `(h, w)` in [0, 1]."""
    moved = _move(past, backward)
    center = moved.mean()
    slope = ((moved - center) * (lightness - lightness.mean())).mean() / max(moved.var(), 1.0)
    gain = np.clip(slope, *_GAIN_RANGE)
    offset = np.clip(lightness.mean() - gain * center, *_OFFSET_RANGE)
    difference = (lightness - gain * moved - offset) / _LIGHTNESS_TOLERANCE
    astray = np.linalg.norm(backward + _move(forward, backward), axis=-1) / _MOTION_TOLERANCE
    inside = _move(np.ones_like(lightness), backward, cv2.BORDER_CONSTANT)
    return (inside * np.exp(-(difference**2) - astray**2)).astype(np.float32)


def _move(array, flow, border=cv2.BORDER_REPLICATE):
    """Fetch for each pixel what lies where its flow `(h, w, 2)`, in pixels, points to."""
    height, width = flow.shape[:2]
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height))
    across, down = columns + flow[..., 0], rows.astype(np.float32) + flow[..., 1]
    return cv2.remap(array, across, down, cv2.INTER_LINEAR, borderMode=border)
