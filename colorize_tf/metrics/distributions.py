"""Distribution metrics: distances between two sets of images, in NumPy.

Errors of single images penalize every color that is not the average. The colors of a set of images
are realistic if they are as frequent, and in the same places, as those of photographs.
"""

import numpy as np

from colorize_tf.color.lab_tf import AB_SCALE, LIGHTNESS_SCALE

HEIGHT_SCALE = 50.0
"""The height of an image, in Lab units: the weight of position relative to color."""

CONTRAST_WINDOW = 5
"""Height and width, in pixels, of the window of the local contrast."""

# The two-dimensional golden ratio, any number of multiples of which fill the square evenly.
_EVEN_STEPS = (0.7548776662466927, 0.5698402909980532)


def color_samples(lightness: np.ndarray, ab: np.ndarray, *, per_picture: int = 64) -> np.ndarray:
    """Sample color, position and contrast at the same points of each image.

    Args:
        lightness: float `(batch, height, width, 1)` in [-1, 1], at least 5 pixels.
        ab: float `(batch, height, width, 2)` in [-1, 1].
        per_picture: number of points, spread evenly.

    Returns:
        float32 `(batch * per_picture, 5)`: L*, a*, b* in Lab units; height in the image, 0 at the
        bottom to 50 at the top; local contrast, the standard deviation of L* in 5 x 5 pixels. Only
        compare samples of images of the same size, on which contrast depends.
    """
    l_star = (np.asarray(lightness, np.float32)[..., 0] + 1) * LIGHTNESS_SCALE
    height, width = l_star.shape[1:]
    margin = CONTRAST_WINDOW // 2
    points = np.arange(1, per_picture + 1)[:, np.newaxis] * _EVEN_STEPS % 1
    rows, columns = (margin + (points * (height - 2 * margin, width - 2 * margin)).astype(int)).T
    windows = np.lib.stride_tricks.sliding_window_view(
        l_star, (CONTRAST_WINDOW, CONTRAST_WINDOW), axis=(1, 2)
    )[:, rows - margin, columns - margin]
    heights = (HEIGHT_SCALE * (1 - (rows + 0.5) / height)).astype(np.float32)
    samples = np.stack(
        [
            l_star[:, rows, columns],
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
        samples: float `(count, dimensions)`, such as those of `color_samples`.
        other_samples: float `(other_count, dimensions)`.
        directions: number of random directions.
        seed: of the directions.

    Returns:
        The distance between the projections of the samples, in their unit, mean over directions; 0
        for equal sets.
    """
    axes = np.random.default_rng(seed).normal(size=(directions, samples.shape[1]))
    axes = (axes / np.linalg.norm(axes, axis=1, keepdims=True)).astype(np.float32)
    # If the counts differ, samples of the smaller set count as several quantiles.
    count = max(len(samples), len(other_samples))
    quantiles = [
        np.sort(axes @ one.T)[:, np.arange(count) * len(one) // count]
        for one in (samples, other_samples)
    ]
    return float(np.mean(np.abs(np.subtract(*quantiles))))


def kernel_distance(features: np.ndarray, other_features: np.ndarray) -> float:
    """Compute the kernel distance KID of two sets of features (Binkowski et al. 2018).

    The unbiased estimate of the squared maximum mean discrepancy with the kernel
    `(x.y / dimensions + 1) ** 3`. For sets from the same source it is 0 on average, and negative as
    often as positive.

    Args:
        features: float `(count, dimensions)`, one row for each image, at least two.
        other_features: float `(other_count, dimensions)`, at least two.

    Returns:
        The distance, which is often quoted times 1000.

    Raises:
        ValueError: a set has fewer than two images.
    """
    _check_counts("kernel", features, other_features)

    def kernel(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        products = np.asarray(one, np.float64) @ np.asarray(other, np.float64).T
        return (products / one.shape[1] + 1) ** 3

    def mean_of_pairs(one: np.ndarray) -> float:
        """Mean over pairs of different images."""
        values = kernel(one, one)
        return (values.sum() - np.trace(values)) / (len(one) * (len(one) - 1))

    across = kernel(features, other_features).mean()
    return float(mean_of_pairs(features) + mean_of_pairs(other_features) - 2 * across)


def frechet_distance(features: np.ndarray, other_features: np.ndarray) -> float:
    """Compute the Frechet distance FID of two sets of features (Heusel et al. 2017).

    It is the distance between the normal distributions of the same mean and covariance. It is
    biased: the fewer images, the larger it is, even for sets from the same source, and far above 0
    with fewer images than dimensions. Compare it only between sets of equal size, or use
    `kernel_distance`.

    The arguments are those of `kernel_distance`; the result is squared, at least 0.
    """
    _check_counts("Frechet", features, other_features)

    def mean_and_root(one: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean, and R of at most `dimensions` rows with R'R the covariance."""
        one = np.asarray(one, np.float64)
        mean = one.mean(axis=0)
        root = np.asarray(np.linalg.qr((one - mean) / np.sqrt(len(one) - 1), mode="r"))
        return mean, root

    (mean, root), (other_mean, other_root) = map(mean_and_root, (features, other_features))
    # The trace of the root of the covariances' product is the sum of the singular values of RS'. A
    # matrix root would be complex for few images.
    shared = np.linalg.norm(root @ other_root.T, "nuc")
    spread = np.sum(root**2) + np.sum(other_root**2) - 2 * shared
    return float(max(0.0, np.sum((mean - other_mean) ** 2) + spread))


def _check_counts(name: str, features: np.ndarray, other_features: np.ndarray) -> None:
    if min(len(features), len(other_features)) < 2:
        raise ValueError(
            f"the {name} distance needs at least two images in each set, got {len(features)} and "
            f"{len(other_features)}"
        )
