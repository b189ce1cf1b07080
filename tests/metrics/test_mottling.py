import numpy as np
import pytest
import tensorflow as tf

from colorize_tf.metrics.mottling import mottling, unexplained_chroma


@pytest.fixture
def lab():
    """A picture of 64 pixels whose chroma follows its lightness linearly."""
    lightness = np.random.default_rng(0).uniform(20, 80, (64, 64))
    chroma = [0.3 * lightness - 10, 5 - 0.2 * lightness]
    return tf.constant(np.stack([lightness, *chroma], -1)[np.newaxis], tf.float32)


def add_patches(lab, strength):
    """Add chroma in a checkerboard of 2-pixel squares, `strength` Lab units up or down."""
    rows, columns = np.mgrid[:64, :64] // 2
    sign = np.where((rows + columns) % 2, 1.0, -1.0)
    return lab + np.float32(strength * sign)[..., np.newaxis] * [0.0, 1.0, 0.0]


def test_unexplained_chroma_equals_least_squares(lab):
    noisy = lab + np.random.default_rng(1).normal(0, 3, lab.shape).astype("float32")
    window = noisy.numpy()[0, :12, :12].reshape(-1, 3)
    design = np.column_stack([window[:, 0], np.ones(len(window))])
    fitted = design @ np.linalg.lstsq(design, window[:, 1:], rcond=None)[0]
    expected = np.sqrt(((window[:, 1:] - fitted) ** 2).sum(axis=1).mean())
    assert unexplained_chroma(noisy).shape == (1, 81)
    assert unexplained_chroma(noisy)[0, 0].numpy() == pytest.approx(expected, rel=1e-3)


def test_chroma_that_follows_lightness_is_explained(lab):
    assert np.max(unexplained_chroma(lab)) < 0.05
    assert np.max(unexplained_chroma(lab * [0.0, 1.0, 1.0] + [50.0, 0.0, 0.0])) > 3


def test_mottling_counts_even_windows_only(lab):
    uneven = tf.concat([lab[:, :, :32], add_patches(lab, 4.0)[:, :, 32:]], axis=2)
    figures = mottling(uneven, tf.concat([lab, add_patches(lab, 8.0)], axis=0))
    even, mottled = figures["even_windows"].numpy(), figures["mottled_windows"].numpy()
    assert 0.3 < even[0] == even[1] < 0.7
    assert mottled[0] == 0 and mottled[1] == even[1]
    assert figures["mottling"].numpy()[1] == pytest.approx(8 * even[1], rel=0.02)
    assert np.all(figures["true_mottling"] < 2.5)


def test_patches_above_six_units_are_mottled(lab):
    share = mottling(lab, add_patches(lab, 5.5))["mottled_windows"]
    assert share == 0 and mottling(lab, add_patches(lab, 6.5))["mottled_windows"] == 1
