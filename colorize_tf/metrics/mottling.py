"""Mottling: variation of color within a region that lightness does not explain."""

import tensorflow as tf

EVEN_LIMIT = 2.5
"""Windows of a photograph whose unexplained chroma is below this, in Lab units, count as even."""

MOTTLED_LIMIT = 6.0
"""Windows with more unexplained chroma, in Lab units, count as mottled: patches are visible."""

# Regularizes the regression where lightness is constant, in squared Lab units.
_RIDGE = 1e-3


def unexplained_chroma(lab: tf.Tensor) -> tf.Tensor:
    """Measure how much chroma varies within each window beyond what lightness explains.

    In each window, a* and b* are fitted by a linear function of L*; the figure is the root mean
    square of the remainder. Windows are 48 pixels wide at a picture size of 256 (in proportion at
    other sizes) and overlap by half.

    Args:
        lab: float32 `(batch, size, size, 3)`, at least 16 pixels; L* 0..100, a* and b* in Lab
            units.

    Returns:
        float32 `(batch, windows)` in Lab units.
    """
    window = round(lab.shape[1] * 48 / 256)
    # Centered, so that float32 sums of squares keep their precision.
    lightness, a, b = tf.split(lab - [50.0, 0.0, 0.0], 3, axis=-1)
    products = [lightness, a, b, lightness**2, a**2 + b**2, lightness * a, lightness * b]
    means = tf.nn.avg_pool2d(tf.concat(products, -1), window, window // 2, "VALID")
    mean_l, mean_a, mean_b, mean_ll, mean_cc, mean_la, mean_lb = tf.unstack(means, axis=-1)
    chroma_variance = mean_cc - mean_a**2 - mean_b**2
    covariances = (mean_la - mean_l * mean_a) ** 2 + (mean_lb - mean_l * mean_b) ** 2
    remainder = chroma_variance - covariances / (mean_ll - mean_l**2 + _RIDGE)
    return tf.sqrt(tf.maximum(tf.reshape(remainder, (tf.shape(lab)[0], -1)), 0.0))


def mottling(lab: tf.Tensor, generated_lab: tf.Tensor) -> dict[str, tf.Tensor]:
    """Compare the unexplained chroma of predictions with that of photographs.

    Only windows in which the photograph itself is even (below `EVEN_LIMIT`) count. Over a set of
    pictures, the mottling ratio is the sum of `mottling` over that of `true_mottling` (1 is as even
    as a photograph, gray is 0), and the share of mottled windows is that of `mottled_windows` over
    that of `even_windows`.

    Args:
        lab: the photographs, as `unexplained_chroma` takes them.
        generated_lab: the predictions, of the same shape or with more pictures than one `lab`.

    Returns:
        By name, float32 `(batch,)`, means over all windows of a picture: `mottling` and
        `true_mottling`, the unexplained chroma, 0 in windows that do not count; `even_windows`, the
        share that counts; `mottled_windows`, the share that counts and exceeds `MOTTLED_LIMIT`.
    """
    truth, generated = unexplained_chroma(lab), unexplained_chroma(generated_lab)
    truth = tf.broadcast_to(truth, tf.shape(generated))
    is_even = tf.cast(truth < EVEN_LIMIT, tf.float32)
    is_mottled = tf.cast(generated > MOTTLED_LIMIT, tf.float32)
    by_window = {
        "mottling": is_even * generated,
        "true_mottling": is_even * truth,
        "mottled_windows": is_even * is_mottled,
        "even_windows": is_even,
    }
    return {name: tf.reduce_mean(values, axis=1) for name, values in by_window.items()}
