import keras
import numpy as np
import pytest

from colorize_tf.artifacts.keras_file import (
    as_float32,
    copy_weights,
    load_generator,
    save_generator,
)
from colorize_tf.models.generator import generate_ab
from colorize_tf.models.unet import unet


@pytest.fixture
def policy():
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy("float32")


@pytest.fixture
def lightness():
    return np.random.default_rng(1).uniform(-1, 1, (2, 32, 32, 1)).astype(np.float32)


def test_a_saved_generator_loads_equal(generator, lightness, tmp_path):
    save_generator(generator, tmp_path / "g.keras")
    loaded = load_generator(tmp_path / "g.keras")
    np.testing.assert_array_equal(loaded(lightness), generator(lightness))


def test_a_saved_generator_with_noise_loads_equal(noisy, lightness, tmp_path):
    save_generator(noisy, tmp_path / "g.keras")
    loaded = load_generator(tmp_path / "g.keras")
    z = np.random.default_rng(2).normal(size=(2, 3))
    np.testing.assert_array_equal(generate_ab(loaded, lightness, z), noisy([lightness, z]))


def test_a_file_is_float32_whatever_the_generator_computes_in(policy, lightness, tmp_path):
    policy("mixed_bfloat16")
    save_generator(unet(32, widths=(4, 4)), tmp_path / "g.keras")
    policy("float32")
    layers = load_generator(tmp_path / "g.keras").layers
    assert {layer.compute_dtype for layer in layers} == {"float32"}


@pytest.mark.parametrize("z_size", [0, 3])
def test_a_float32_copy_has_the_same_weights(policy, z_size):
    policy("mixed_float16")
    generator = unet(32, widths=(4, 4), z_size=z_size)
    for weight, other in zip(
        as_float32(generator).get_weights(), generator.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(weight, other)


def test_predict_names_a_wrong_size_in_one_line(generator, lightness, tmp_path):
    save_generator(generator, tmp_path / "g.keras")
    loaded = load_generator(tmp_path / "g.keras")
    with pytest.raises(
        ValueError, match=r"lightness of shape \(None, 32, 32, 1\), got \(2, 16, 16, 1"
    ):
        loaded.predict(lightness[:, ::2, ::2], verbose=0)
    np.testing.assert_allclose(
        loaded.predict(lightness, verbose=0), generator(lightness), atol=1e-5
    )


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"no model at .*gone\.keras"):
        load_generator(tmp_path / "gone.keras")


def test_a_file_that_is_no_model_is_named(tmp_path):
    (tmp_path / "text.keras").write_text("hello")
    with pytest.raises(ValueError, match=r"text\.keras cannot be loaded"):
        load_generator(tmp_path / "text.keras")


def test_code_inside_a_file_is_refused(tmp_path):
    inputs = keras.Input((32, 32, 1))
    outputs = keras.layers.Lambda(lambda x: x[..., :1] * np.ones(2, "float32"))(inputs)
    keras.Model(inputs, outputs).save(tmp_path / "unsafe.keras")
    with pytest.raises(ValueError, match=r"unsafe\.keras cannot be loaded"):
        load_generator(tmp_path / "unsafe.keras")


def test_weights_are_copied_between_sizes(generator):
    larger = unet(64, widths=(8, 16, 16))
    copy_weights(generator, larger, "the test's generator")
    for weight, other in zip(larger.get_weights(), generator.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, other)


def test_weights_without_noise_are_refused_where_there_is_noise(generator, noisy):
    with pytest.raises(ValueError, match=r"\(4, 4, 1, 8\), expected .* \(4, 4, 4, 8\)"):
        copy_weights(generator, noisy, "another")


@pytest.mark.parametrize(
    ("widths", "words"),
    [
        ((8, 16, 32), r"conv2d.* \(4, 4, 16, 16\), expected .* \(4, 4, 16, 32\)"),
        ((8, 16, 16, 16), "expected"),
        ((8, 16), "nothing|expected"),
    ],
)
def test_weights_of_another_architecture_are_refused_and_nothing_changes(generator, widths, words):
    target = unet(32, widths=widths)
    before = target.get_weights()
    with pytest.raises(ValueError, match=rf"does not match the network unet: .*({words})"):
        copy_weights(generator, target, "another")
    for weight, other in zip(target.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, other)
