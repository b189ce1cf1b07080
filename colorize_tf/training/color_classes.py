"""Color classification, rebalanced for rare colors: Zhang et al. 2016, section 2.2.

The bins are those of `colorize_tf.color.lab_tf.ab_bins`. The network predicts a distribution over
them and contains its annealed mean.
"""

import functools
from collections.abc import Callable, Iterable

import numpy as np
import tensorflow as tf

from colorize_tf.color.lab_tf import AB_SCALE

NEIGHBORS = 5
"""Number of bins with a share in the target of a pixel."""

SIGMA = 5.0 / AB_SCALE
"""Standard deviation of the Gaussians that soften target and prior: 5 Lab units, as `ab`."""

UNIFORM_SHARE = 0.5
"""lambda of equation 4: the weight of a uniform distribution in the rebalancing."""


def color_prior(batches: Iterable[tuple[tf.Tensor, tf.Tensor]], bins: np.ndarray) -> np.ndarray:
    """Count how often each bin is nearest to a pixel.

    Args:
        batches: finite, of `(lightness, ab)`, `ab` float32 `(batch, height, width, 2)` in [-1, 1].
        bins: float32 `(count, 2)`, in units of `ab`.

    Returns:
        prior: float64 `(count,)`, sums to 1.

    Raises:
        ValueError: there are no batches.
    """
    counts = np.zeros(len(bins), np.int64)
    for _, ab in batches:
        for picture in ab:  # one at a time: memory for pixels x bins
            nearest = tf.argmax(_closeness(picture, bins), axis=-1)
            counts += np.bincount(np.ravel(nearest), minlength=len(bins))
    if not counts.any():
        raise ValueError("no examples to compute the color prior from; expected batches")
    return counts / counts.sum()


def class_weights(prior: np.ndarray, bins: np.ndarray) -> np.ndarray:
    """Return weights that make rare colors cost as much as common ones: equation 4.

    Args:
        prior: `(count,)`, sums to 1.
        bins: float32 `(count, 2)`, in units of `ab`.

    Returns:
        weights: float32 `(count,)`, positive; their mean under the smoothed prior is 1.
    """
    squares = np.sum(np.square(bins[:, np.newaxis] - bins, dtype=np.float64), axis=-1)
    kernel = np.exp(-squares / (2 * SIGMA**2))
    # Each bin distributes all of its mass, also at the edge of the gamut.
    smoothed = prior @ (kernel / kernel.sum(axis=1, keepdims=True))
    weights = 1.0 / ((1.0 - UNIFORM_SHARE) * smoothed + UNIFORM_SHARE / len(bins))
    return np.float32(weights / (smoothed @ weights))


def soft_encode(ab: tf.Tensor, bins: np.ndarray) -> tuple[tf.Tensor, tf.Tensor]:
    """Encode pixels by their nearest bins, with Gaussian weights: H^-1 of equation 2.

    Args:
        ab: float32 `(..., 2)` in [-1, 1].
        bins: float32 `(count, 2)`, in units of `ab`.

    Returns:
        indices: int32 `(..., 5)`, the nearest bin first.
        shares: float32 `(..., 5)`, sum to 1.
    """
    closeness, indices = tf.math.top_k(_closeness(ab, bins), NEIGHBORS)
    return indices, tf.nn.softmax(closeness / (2 * SIGMA**2))


def _closeness(ab: tf.Tensor, bins: np.ndarray) -> tf.Tensor:
    """Return |ab|^2 minus the squared distance to each bin, `(..., count)`; nearest is largest."""
    return tf.tensordot(ab, 2.0 * bins.T, axes=1) - np.sum(np.square(bins), axis=-1)


def class_loss(
    ab: tf.Tensor, logits: tf.Tensor, *, bins: np.ndarray, weights: np.ndarray
) -> tf.Tensor:
    """Rebalanced cross-entropy against the soft-encoded truth: equations 2 and 3, mean over pixels.

    Args:
        ab: true chroma, float32 `(batch, size, size, 2)` in [-1, 1]; area-averaged to the size
            of `logits`.
        logits: float32 `(batch, h, w, count)`, one for each bin, `size` a multiple of h and w.
        bins: float32 `(count, 2)`, in units of `ab`.
        weights: float32 `(count,)`, as `class_weights` gives them.

    Returns:
        float32 scalar.
    """
    strides = [ab.shape[axis] // logits.shape[axis] for axis in (1, 2)]
    ab = tf.stop_gradient(tf.nn.avg_pool2d(ab, strides, strides, "VALID"))
    indices, shares = soft_encode(ab, bins)
    # Shares sum to 1, so this is the cross-entropy without storing a log-softmax over all bins.
    likelihood = tf.reduce_sum(shares * tf.gather(logits, indices, batch_dims=3), axis=-1)
    cross_entropy = tf.reduce_logsumexp(logits, axis=-1) - likelihood
    return tf.reduce_mean(tf.gather(weights, indices[..., 0]) * cross_entropy)


def make_class_loss(
    bins: np.ndarray, prior: np.ndarray
) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """Return `class_loss` as a function of `(ab, logits)`.

    Args:
        bins: float32 `(count, 2)`, in units of `ab`.
        prior: `(count,)` of the training set, sums to 1.
    """
    return functools.partial(class_loss, bins=bins, weights=class_weights(prior, bins))
