import keras
import numpy as np
import pytest
import tensorflow as tf

from colorize_tf.color.lab_tf import ab_bins
from colorize_tf.training.color_classes import (
    class_loss,
    class_weights,
    color_prior,
    make_class_loss,
    soft_encode,
)

# Nine cells around gray, in Lab units; none of the tests' colors is as near to two of them.
LAB_BINS = [(a, b) for a in (-10.0, 0.0, 10.0) for b in (-10.0, 0.0, 10.0)]
BINS = np.float32(LAB_BINS) / 110


def colors(shape, seed=0):
    """Chroma around gray, as far out as the nine cells reach."""
    return np.float32(np.random.default_rng(seed).uniform(-14, 14, (*shape, 2)) / 110)


def prior_of(seed=0):
    counts = np.random.default_rng(seed).random(len(BINS)) ** 4
    return counts / counts.sum()


def targets_of(ab):
    """Z of equation 2 by its definition, of one color: dense, in Lab units."""
    distances = [np.hypot(*(110 * ab.astype(float) - bin)) for bin in LAB_BINS]
    target = np.zeros(len(LAB_BINS))
    for index in np.argsort(distances)[:5]:
        target[index] = np.exp(-(distances[index] ** 2) / (2 * 5**2))
    return target / target.sum()


def weights_of(prior):
    """Equation 4 by its definition, in Lab units."""
    smoothed = np.zeros(len(LAB_BINS))
    for share, bin in zip(prior, LAB_BINS, strict=True):
        kernel = [np.exp(-(np.hypot(*np.subtract(bin, other)) ** 2) / 50) for other in LAB_BINS]
        smoothed += share * np.array(kernel) / np.sum(kernel)
    weights = 1 / (0.5 * smoothed + 0.5 / len(LAB_BINS))
    return weights / np.sum(smoothed * weights)


def logits_of(shape, seed=1):
    return np.float32(np.random.default_rng(seed).normal(0, 2, (*shape, len(BINS))))


def gradient(ab, logits, weights):
    logits = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = class_loss(ab, logits, bins=BINS, weights=weights)
    return tape.gradient(loss, logits).numpy()


def test_soft_encoding_agrees_with_the_paper():
    ab = colors((3, 4))
    indices, shares = soft_encode(ab, BINS)
    dense = np.zeros((3, 4, len(BINS)))
    np.put_along_axis(dense, indices.numpy(), shares.numpy(), axis=-1)
    np.testing.assert_allclose(dense, np.apply_along_axis(targets_of, -1, ab), atol=1e-5)


def test_the_nearest_bin_comes_first():
    indices, shares = soft_encode(BINS, BINS)
    np.testing.assert_array_equal(indices[:, 0], np.arange(len(BINS)))
    assert (np.diff(shares) <= 0).all()


def test_soft_encoding_is_finite_where_no_bin_is_near():
    _, shares = soft_encode(np.float32([[1.0, 1.0], [-1.0, 1.0]]), BINS)
    np.testing.assert_allclose(np.sum(shares, axis=-1), 1.0, rtol=1e-6)


def test_the_loss_agrees_with_the_paper():
    ab, logits, weights = colors((2, 3, 4)), logits_of((2, 3, 4)), weights_of(prior_of())
    targets = np.apply_along_axis(targets_of, -1, ab)
    likelihoods = np.log(np.exp(logits) / np.exp(logits).sum(-1, keepdims=True))
    rebalancing = weights[np.argmax(targets, axis=-1)]
    expected = -np.mean(rebalancing * np.sum(targets * likelihoods, axis=-1))
    loss = class_loss(ab, logits, bins=BINS, weights=np.float32(weights))
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_chroma_is_averaged_down_to_the_size_of_the_logits():
    ab, logits, weights = colors((2, 8, 12)), logits_of((2, 2, 3)), class_weights(prior_of(), BINS)
    averaged = ab.reshape(2, 2, 4, 3, 4, 2).mean(axis=(2, 4))
    expected = class_loss(averaged, logits, bins=BINS, weights=weights)
    loss = class_loss(ab, logits, bins=BINS, weights=weights)
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)


def test_the_gradient_agrees_with_finite_differences():
    ab, logits, weights = colors((1, 2, 2)), logits_of((1, 2, 2)), class_weights(prior_of(), BINS)
    slopes = gradient(ab, logits, weights)
    for index in [(0, 0, 0, 0), (0, 0, 1, 4), (0, 1, 0, 7), (0, 1, 1, 8)]:
        step = np.zeros_like(logits)
        step[index] = 0.05
        above = class_loss(ab, logits + step, bins=BINS, weights=weights)
        below = class_loss(ab, logits - step, bins=BINS, weights=weights)
        assert slopes[index] == pytest.approx(float(above - below) / 0.1, rel=1e-2, abs=1e-5)


@pytest.mark.parametrize("scale", [0.0, 1e4])
def test_the_gradient_is_finite_for_flat_and_for_confident_logits(scale):
    slopes = gradient(colors((1, 2, 2)), scale * logits_of((1, 2, 2)), np.ones(9, "float32"))
    assert np.isfinite(slopes).all() and slopes.any()


def test_the_loss_is_least_at_the_soft_target():
    ab, weights = colors((1, 2, 2)), class_weights(prior_of(), BINS)
    best = np.log(np.apply_along_axis(targets_of, -1, ab) + 1e-9).astype("float32")
    assert np.abs(gradient(ab, best, weights)).max() < 1e-5
    least = class_loss(ab, best, bins=BINS, weights=weights)
    for seed in range(5):
        other = best + 0.1 * logits_of((1, 2, 2), seed=seed)
        assert class_loss(ab, other, bins=BINS, weights=weights) > least


def test_a_pixel_counts_by_the_weight_of_its_nearest_bin():
    logits = logits_of((1, 1, 1))
    weights = np.float32([1, 1, 1, 1, 1, 1, 1, 3, 1])
    ab = BINS[7].reshape(1, 1, 1, 2)
    rebalanced = class_loss(ab, logits, bins=BINS, weights=weights)
    plain = class_loss(ab, logits, bins=BINS, weights=np.ones(9, "float32"))
    assert float(rebalanced) == pytest.approx(3 * float(plain), rel=1e-5)


def test_the_target_gets_no_gradient():
    ab = tf.constant(colors((1, 2, 2)))
    with tf.GradientTape() as tape:
        tape.watch(ab)
        loss = class_loss(ab, logits_of((1, 2, 2)), bins=BINS, weights=np.ones(9, "float32"))
    assert tape.gradient(loss, ab) is None


def test_a_graph_computes_the_same_as_an_eager_call():
    loss = make_class_loss(BINS, prior_of())
    specs = tf.TensorSpec((None, 8, 8, 2), tf.float32), tf.TensorSpec((None, 2, 2, 9), tf.float32)
    examples = colors((3, 8, 8)), logits_of((3, 2, 2))
    traced = tf.function(lambda ab, logits: loss(ab, logits), input_signature=specs)(*examples)
    assert float(traced) == pytest.approx(float(loss(*examples)), rel=1e-6)


def test_the_loss_is_the_same_under_mixed_precision():
    loss = make_class_loss(BINS, prior_of())
    examples = colors((2, 8, 8)), logits_of((2, 2, 2))
    expected = loss(*examples)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        assert loss(*examples).dtype == tf.float32
        assert float(loss(*examples)) == float(expected)
    finally:
        keras.config.set_dtype_policy(before)


def test_a_linear_layer_learns_the_classes_of_one_picture():
    loss = make_class_loss(BINS, np.full(9, 1 / 9))
    ab, logits = colors((1, 8, 8)), tf.Variable(tf.zeros((1, 2, 2, 9)))
    first = float(loss(ab, logits))
    for _ in range(50):
        with tf.GradientTape() as tape:
            value = loss(ab, logits)
        logits.assign_sub(5.0 * tape.gradient(value, logits))
    averaged = ab.reshape(1, 2, 4, 2, 4, 2).mean(axis=(2, 4))
    assert float(value) < first
    np.testing.assert_array_equal(np.argmax(logits, -1), soft_encode(averaged, BINS)[0][..., 0])


def test_the_weights_agree_with_the_paper():
    np.testing.assert_allclose(class_weights(prior_of(), BINS), weights_of(prior_of()), rtol=1e-5)


def test_a_prior_that_is_uniform_leaves_nothing_to_rebalance():
    far_apart = BINS * 100
    np.testing.assert_allclose(class_weights(np.full(9, 1 / 9), far_apart), 1.0, rtol=1e-6)


def test_the_mean_weight_under_the_prior_is_one():
    # A hundred Lab units apart there is nothing to smooth.
    weights = class_weights(prior_of(), BINS * 100)
    assert weights @ prior_of() == pytest.approx(1.0, rel=1e-6)


def test_a_rarer_color_weighs_more():
    weights = class_weights(prior_of(), BINS * 100)
    assert (np.argsort(weights) == np.argsort(-prior_of())).all()


def test_a_color_that_never_occurs_has_a_finite_weight():
    weights = class_weights(np.eye(len(ab_bins()))[0], ab_bins())
    assert np.isfinite(weights).all() and weights.min() > 0


def test_the_prior_of_one_color_is_its_nearest_bin():
    ab = np.zeros((2, 8, 8, 2), "float32") + BINS[5] + np.float32([0.04, -0.04])
    prior = color_prior([(None, tf.constant(ab))], BINS)
    np.testing.assert_array_equal(prior, np.eye(9)[5])


def test_the_prior_is_over_the_pixels_of_all_batches():
    batches = [(None, colors((2, 4, 4), seed=1)), (None, colors((1, 4, 4), seed=2))]
    pixels = np.concatenate([ab.reshape(-1, 2) for _, ab in batches])
    nearest = [int(np.argmax(targets_of(pixel))) for pixel in pixels]
    expected = np.bincount(nearest, minlength=9) / 48
    np.testing.assert_allclose(color_prior(iter(batches), BINS), expected)


def test_a_prior_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no examples to compute the color prior from"):
        color_prior([], BINS)
