import keras
import numpy as np
import pytest
import tensorflow as tf

from colorize_tf.models.patchgan import patchgan


def example(height, width, seed=0):
    random = np.random.default_rng(seed)
    return [
        tf.constant(random.uniform(-1, 1, (1, height, width, channels)), tf.float32)
        for channels in (1, 2)
    ]


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


@pytest.fixture
def mixed_bfloat16():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy(before)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (64, 48)])
def test_there_is_a_logit_for_each_patch(height, width):
    logits = patchgan(base_width=4)(example(height, width))
    assert logits.shape == (1, height // 8 - 2, width // 8 - 2, 1)


def test_256_pixels_give_the_papers_30_by_30_logits():
    assert patchgan(base_width=1)(example(256, 256)).shape == (1, 30, 30, 1)


def test_pooled_patches_are_twice_as_wide():
    pooled, plain = patchgan(base_width=4, pooling=2), patchgan(base_width=4)
    plain.set_weights(pooled.get_weights())
    pictures = example(128, 64)
    halves = [tf.nn.avg_pool2d(one, 2, 2, "VALID") for one in pictures]
    np.testing.assert_allclose(pooled(pictures), plain(halves), rtol=1e-5, atol=1e-6)


def test_the_papers_width_has_the_papers_size():
    assert patchgan().count_params() == pytest.approx(2.77e6, abs=0.01e6)


@pytest.mark.parametrize("channel", ["lightness", "ab"])
def test_a_logit_sees_70_by_70_pixels(channel):
    discriminator = patchgan(base_width=4)
    inputs = dict(zip(("lightness", "ab"), example(128, 128), strict=True))
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        logit = discriminator(list(inputs.values()), training=False)[0, 7, 7, 0]
    seen = np.any(tape.gradient(logit, inputs)[channel].numpy()[0] != 0, axis=-1)
    assert (seen.any(axis=1).sum(), seen.any(axis=0).sum()) == (70, 70)
    assert seen.mean() == pytest.approx((70 / 128) ** 2, rel=0.01)


def test_logits_are_unbounded_and_float32(mixed_bfloat16):
    discriminator = patchgan(base_width=4)
    discriminator.set_weights([20 * weights for weights in discriminator.get_weights()])
    logits = discriminator(example(64, 64))
    assert logits.dtype == tf.float32 and discriminator.layers[-1].activation.__name__ == "linear"
    assert np.min(logits) < -1 and np.max(logits) > 1


def test_every_trainable_variable_gets_a_gradient():
    discriminator = patchgan(base_width=4)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(discriminator(example(64, 64), training=True) - 1.0))
    gradients = tape.gradient(loss, [v.value for v in discriminator.trainable_variables])
    silent = [
        variable.path
        for variable, slope in zip(discriminator.trainable_variables, gradients, strict=True)
        if slope is None or not np.any(slope)
    ]
    assert silent == []


def test_a_saved_discriminator_loads_without_custom_objects(tmp_path):
    discriminator = patchgan(base_width=4)
    discriminator.save(tmp_path / "a.keras")
    loaded = keras.saving.load_model(tmp_path / "a.keras", custom_objects={}, safe_mode=True)
    np.testing.assert_array_equal(loaded(example(32, 32)), discriminator(example(32, 32)))
