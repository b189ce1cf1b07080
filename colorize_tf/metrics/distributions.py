"""How far apart two sets of pictures are, whichever picture answers which.

Errors per picture punish every color that is not the average; a set of pictures is realistic when
its colors come as often, and in the same places, as those of photographs. NumPy only.
"""

import numpy as np

from colorize_tf.color.lab_tf import AB_SCALE, LIGHTNESS_SCALE

HEIGHT_SCALE = 50.0
"""From the bottom to the top of a picture counts like 50 Lab units."""

CONTRAST_WINDOW = 5
"""Height and width, in pixels, of the window whose lightness gives the local contrast."""

# The two-dimensional golden ratio: multiples of it fill the square evenly, however many they are.
_EVEN_STEPS = (0.7548776662466927, 0.5698402909980532)


def color_samples(lightness: np.ndarray, ab: np.ndarray, *, per_picture: int = 64) -> np.ndarray:
    """Take what color a picture has, and where: samples at the same places of each picture.

    Args:
        lightness: float `(batch, height, width, 1)` in [-1, 1], at least 5 pixels.
        ab: float `(batch, height, width, 2)` in [-1, 1].
        per_picture: how many places, spread evenly.

    Returns:
        float32 `(batch * per_picture, 5)`: L, a, b in Lab units; height in the picture, 0 at the
        bottom to 50 at the top; local contrast, the standard deviation of L among 5 x 5 pixels.
        Compare samples of pictures of one size: contrast depends on it.
    """
    lab_lightness = (np.asarray(lightness, np.float32)[..., 0] + 1) * LIGHTNESS_SCALE
    height, width = lab_lightness.shape[1:]
    margin = CONTRAST_WINDOW // 2
    places = np.arange(1, per_picture + 1)[:, np.newaxis] * _EVEN_STEPS % 1
    rows, columns = (margin + (places * (height - 2 * margin, width - 2 * margin)).astype(int)).T
    windows = np.lib.stride_tricks.sliding_window_view(
        lab_lightness, (CONTRAST_WINDOW, CONTRAST_WINDOW), axis=(1, 2)
    )[:, rows - margin, columns - margin]
    heights = np.float32(HEIGHT_SCALE * (1 - (rows + 0.5) / height))
    samples = np.stack(
        [
            lab_lightness[:, rows, columns],
            *np.moveaxis(np.asarray(ab, np.float32)[:, rows, columns] * AB_SCALE, -1, 0),
            np.broadcast_to(heights, windows.shape[:2]),
            windows.std(axis=(2, 3)),
        ],
        axis=-1,
    )
    return samples.reshape(-1, 5)


def sliced_wasserstein(
    samples: np.ndarray, other_samples: np.ndarray, *, directions: int = 64, seed: int = 0
) -> float:
    """Compute the sliced Wasserstein-1 distance of two sets of samples (Bonneel et al. 2015).

    Args:
        samples: float `(count, dimensions)`, such as `color_samples` takes.
        other_samples: float `(other_count, dimensions)`.
        directions: how many random directions are averaged over.
        seed: chooses the directions.

    Returns:
        The mean over directions of the distance between the samples' projections, in the samples'
        unit; 0 for equal sets.
    """
    axes = np.random.default_rng(seed).normal(size=(directions, samples.shape[1]))
    axes = (axes / np.linalg.norm(axes, axis=1, keepdims=True)).astype(np.float32)
    # Of unequal counts, the smaller one's samples stand for several quantiles each.
    count = max(len(samples), len(other_samples))
    quantiles = [
        np.sort(axes @ one.T)[:, np.arange(count) * len(one) // count]
        for one in (samples, other_samples)
    ]
    return float(np.mean(np.abs(np.subtract(*quantiles))))


def kernel_distance(features: np.ndarray, other_features: np.ndarray) -> float:
    """Compute the kernel distance KID of two sets of features (Binkowski et al. 2018).

    The unbiased estimate of the squared maximum mean discrepancy with the kernel
    `(x.y / dimensions + 1) ** 3`. Around 0, and as often below, for sets from one source.

    Args:
        features: float `(count, dimensions)`, one row for each picture, at least two.
        other_features: float `(other_count, dimensions)`, at least two.

    Returns:
        The distance; often told times 1000.

    Raises:
        ValueError: fewer than two pictures on a side.
    """
    if min(len(features), len(other_features)) < 2:
        raise ValueError(
            f"the kernel distance takes two pictures or more on each side, got {len(features)} "
            f"and {len(other_features)}"
        )

    def kernel(one, other):
        products = np.asarray(one, np.float64) @ np.asarray(other, np.float64).T
        return (products / one.shape[1] + 1) ** 3

    def mean_of_pairs(one):
        """Mean over pairs of different pictures."""
        values = kernel(one, one)
        return (values.sum() - np.trace(values)) / (len(one) * (len(one) - 1))

    across = kernel(features, other_features).mean()
    return float(mean_of_pairs(features) + mean_of_pairs(other_features) - 2 * across)


def frechet_distance(features: np.ndarray, other_features: np.ndarray) -> float:
    """Compute the Frechet distance FID of two sets of features (Heusel et al. 2017).

    Between the normal distributions of the same mean and covariance. Biased: the fewer pictures,
    the larger it is, even for sets from one source, and far above 0 where there are fewer pictures
    than dimensions. Compare it between sets of as many pictures only, or use `kernel_distance`.

    Args:
        features: float `(count, dimensions)`, one row for each picture, at least two.
        other_features: float `(other_count, dimensions)`, at least two.

    Returns:
        The squared distance, at least 0.

    Raises:
        ValueError: fewer than two pictures on a side.
    """
    if min(len(features), len(other_features)) < 2:
        raise ValueError(
            f"the Frechet distance takes two pictures or more on each side, got {len(features)} "
            f"and {len(other_features)}"
        )

    def mean_and_root(one):
        """The mean, and R with R'R the covariance; of at most `dimensions` rows."""
        one = np.asarray(one, np.float64)
        mean = one.mean(axis=0)
        return mean, np.linalg.qr((one - mean) / np.sqrt(len(one) - 1), mode="r")

    (mean, root), (other_mean, other_root) = map(mean_and_root, (features, other_features))
    # The trace of the root of the covariances' product is the sum of the singular values of RS':
    # no root of a matrix, which would be complex where there are few pictures.
    shared = np.linalg.norm(root @ other_root.T, "nuc")
    spread = np.sum(root**2) + np.sum(other_root**2) - 2 * shared
    return float(max(0.0, np.sum((mean - other_mean) ** 2) + spread))
