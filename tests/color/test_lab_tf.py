import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import skimage.color
import tensorflow as tf

import colorize_tf
from colorize_tf.color import lab_tf

BLACK, WHITE = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
OUT_OF_RANGE = ((-1.0, 2.0, 0.5), (3.0, -0.5, 0.0))


def rgb_grid(step=15):
    """All sRGB levels that `step` reaches, black and white included, as one image."""
    levels = np.arange(0, 256, step) / 255
    return np.stack(np.meshgrid(levels, levels, levels), -1).reshape(-1, len(levels), 3)


def lab_grid():
    """L* 0..100 with chroma far outside the gamut, as one image."""
    lightness, chroma = np.linspace(0, 100, 21), np.linspace(-110, 110, 23)
    return np.stack(np.meshgrid(lightness, chroma, chroma), -1).reshape(-1, 23, 3)


def gradient(function, values):
    values = tf.constant(values, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(values)
        result = tf.concat(tf.nest.flatten(function(values)), axis=-1)
    return tape.gradient(result, values).numpy()


@pytest.fixture(params=["float32", "mixed_float16", "mixed_bfloat16"])
def dtype_policy(request):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy(before)


def test_lab_agrees_with_scikit_image():
    expected = skimage.color.rgb2lab(rgb_grid())
    np.testing.assert_allclose(lab_tf.rgb_to_lab(rgb_grid()), expected, rtol=0, atol=1e-3)


@pytest.mark.filterwarnings(
    "ignore::UserWarning"
)  # Its native plug-ins are of an older TensorFlow.
def test_lab_agrees_with_tensorflow_io():
    io = pytest.importorskip("tensorflow_io", reason="needs tensorflow-io, an extra of dev")
    expected = io.experimental.color.rgb_to_lab(tf.constant(rgb_grid(), tf.float32))
    np.testing.assert_allclose(lab_tf.rgb_to_lab(rgb_grid()), expected, rtol=0, atol=1e-3)


def test_rgb_agrees_with_scikit_image_out_of_gamut_too():
    with pytest.warns(UserWarning, match="negative Z values"):
        expected = skimage.color.lab2rgb(lab_grid())
    np.testing.assert_allclose(lab_tf.lab_to_rgb(lab_grid()), expected, rtol=0, atol=1e-4)


def test_the_primaries_have_their_known_lab():
    # Bruce Lindbloom's calculator, sRGB, D65: to the digits of the rounded matrix used here.
    lab = lab_tf.rgb_to_lab([(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)])
    expected = [(53.24, 80.09, 67.20), (87.74, -86.18, 83.18), (32.30, 79.19, -107.86)]
    np.testing.assert_allclose(lab, expected, atol=0.02)


def test_rgb_comes_back_from_lab():
    rgb = rgb_grid()
    np.testing.assert_allclose(lab_tf.lab_to_rgb(lab_tf.rgb_to_lab(rgb)), rgb, rtol=0, atol=1e-5)


def test_rgb_comes_back_from_encode():
    rgb = rgb_grid()
    np.testing.assert_allclose(lab_tf.decode(*lab_tf.encode(rgb)), rgb, rtol=0, atol=1e-5)


def test_colors_out_of_gamut_are_clipped():
    rgb = lab_tf.lab_to_rgb(lab_grid()).numpy()
    assert rgb.min() == 0.0 and rgb.max() == 1.0


@pytest.mark.parametrize("convert", [lab_tf.rgb_to_lab, lab_tf.encode])
def test_the_gradient_to_lab_is_finite_everywhere(convert):
    rgb = np.concatenate([rgb_grid(51).reshape(-1, 3), [BLACK, WHITE, (1e-9, 0, 0)], OUT_OF_RANGE])
    assert np.isfinite(gradient(convert, rgb)).all()


@pytest.mark.parametrize("edge", [0.0, 0.0031308, 0.04045, 1.0])
def test_the_gradient_from_lab_is_finite_where_the_srgb_curve_has_edges(edge):
    lab = lab_tf.rgb_to_lab([(edge, edge, edge), (edge, 0.5, 0.0)])
    assert np.isfinite(gradient(lab_tf.lab_to_rgb, lab)).all()


def test_the_gradient_from_lab_is_finite_out_of_gamut():
    assert np.isfinite(gradient(lab_tf.lab_to_rgb, 2 * lab_grid() - 50)).all()


def test_the_gradient_of_decode_is_finite_everywhere():
    values = lab_grid() / 55 - 1
    gradients = gradient(lambda lab: lab_tf.decode(lab[..., :1], lab[..., 1:]), values)
    assert np.isfinite(gradients).all()


def test_the_gradient_of_decode_reaches_chroma():
    gradients = gradient(lambda lab: lab_tf.decode(lab[..., :1], lab[..., 1:]), [[0.1, 0.1, -0.1]])
    assert (gradients != 0).all()


def test_everything_is_float32_under_every_policy(dtype_policy):
    lightness, ab = lab_tf.encode(rgb_grid(51))
    rgb = lab_tf.decode(lightness, ab)
    assert {tensor.dtype for tensor in (lightness, ab, rgb)} == {tf.float32}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_other_float_types_are_computed_in_float32(dtype):
    rgb = tf.cast(rgb_grid(51), dtype)
    lab = lab_tf.rgb_to_lab(rgb)
    assert lab.dtype == tf.float32
    np.testing.assert_array_equal(lab, lab_tf.rgb_to_lab(tf.cast(rgb, tf.float32)))
    assert lab_tf.lab_to_rgb(tf.cast(lab, dtype)).dtype == tf.float32


def test_decode_takes_a_half_precision_head():
    lightness, ab = lab_tf.encode(rgb_grid(51))
    ab = tf.cast(ab, tf.bfloat16)
    expected = lab_tf.decode(lightness, tf.cast(ab, tf.float32))
    np.testing.assert_array_equal(lab_tf.decode(lightness, ab), expected)


def there_and_back(rgb):
    lightness, ab = lab_tf.encode(rgb)
    return lightness, ab, lab_tf.decode(lightness, ab * 1.5)


def assert_same_as_eagerly(results, rgb):
    for result, expected in zip(results, there_and_back(rgb), strict=True):
        np.testing.assert_allclose(result, expected, rtol=0, atol=1e-5)


def test_a_pipeline_computes_the_same_as_eager_calls():
    rgb = rgb_grid(51).astype("float32")
    dataset = tf.data.Dataset.from_tensors(rgb).map(there_and_back)
    assert_same_as_eagerly(next(iter(dataset)), rgb)


def test_a_saved_model_computes_the_same_as_eager_calls(tmp_path):
    rgb = rgb_grid(51).astype("float32")
    module = tf.Module()
    module.run = tf.function(
        there_and_back, input_signature=[tf.TensorSpec((None, None, 3), tf.float32)]
    )
    tf.saved_model.save(module, tmp_path)
    assert_same_as_eagerly(tf.saved_model.load(tmp_path).run(rgb), rgb)


@pytest.mark.parametrize("shape", [(3,), (4, 6, 3), (2, 16, 8, 3), (2, 3, 4, 5, 3)])
def test_lab_has_the_shape_of_rgb(shape):
    rgb = np.full(shape, 0.4, "float32")
    lab = lab_tf.rgb_to_lab(rgb)
    assert lab.shape == shape and lab_tf.lab_to_rgb(lab).shape == shape


@pytest.mark.parametrize("shape", [(4, 6), (2, 16, 8)])
def test_encode_splits_one_and_two_channels(shape):
    lightness, ab = lab_tf.encode(np.full((*shape, 3), 0.4, "float32"))
    assert lightness.shape == (*shape, 1) and ab.shape == (*shape, 2)
    assert lab_tf.decode(lightness, ab).shape == (*shape, 3)


def test_every_color_fits_the_range_of_tanh():
    lightness, ab = lab_tf.encode(rgb_grid())
    assert np.abs(ab).max() <= 1.0
    np.testing.assert_allclose([np.min(lightness), np.max(lightness)], [-1.0, 1.0], atol=1e-5)


def test_the_ab_scale_uses_most_of_the_range_of_tanh():
    assert np.abs(lab_tf.encode(rgb_grid())[1]).max() > 0.95


def test_encode_scales_lab_by_the_constants():
    lightness, ab = lab_tf.encode([[(0.2, 0.5, 0.7)]])
    lab = skimage.color.rgb2lab([[(0.2, 0.5, 0.7)]])
    np.testing.assert_allclose(lightness, lab[..., :1] / 50 - 1, atol=1e-5)
    np.testing.assert_allclose(ab, lab[..., 1:] / 110, atol=1e-5)


@pytest.mark.parametrize(
    "convert", [lab_tf.rgb_to_lab, lab_tf.encode, lab_tf.rgb_to_images, lab_tf.lab_to_rgb]
)
def test_uint8_is_refused_where_rgb_is_expected(convert):
    with pytest.raises(ValueError, match="must be floating point, got uint8; .*images_to_rgb"):
        convert(np.zeros((4, 4, 3), np.uint8))


@pytest.mark.parametrize(("name", "channels"), [("lightness", 1), ("ab", 2)])
def test_decode_names_the_input_that_is_not_floating_point(name, channels):
    inputs = {"lightness": np.zeros((4, 4, 1), "float32"), "ab": np.zeros((4, 4, 2), "float32")}
    inputs[name] = np.zeros((4, 4, channels), np.int32)
    with pytest.raises(ValueError, match=f"^{name} must be floating point, got int32"):
        lab_tf.decode(**inputs)


def test_all_256_levels_come_back():
    images = np.tile(np.arange(256, dtype=np.uint8)[:, None, None], (1, 2, 3))
    rgb = lab_tf.images_to_rgb(images)
    assert rgb.dtype == tf.float32 and (np.min(rgb), np.max(rgb)) == (0.0, 1.0)
    np.testing.assert_array_equal(lab_tf.rgb_to_images(rgb), images)


def test_rgb_is_rounded_and_clipped_to_levels():
    images = lab_tf.rgb_to_images([-0.5, 0.4 / 255, 0.6 / 255, 254.6 / 255, 7.0])
    assert images.dtype == tf.uint8 and images.numpy().tolist() == [0, 0, 1, 255, 255]


def test_floats_are_refused_where_images_are_expected():
    with pytest.raises(ValueError, match="must be uint8 in 0..255, got float32"):
        lab_tf.images_to_rgb(np.zeros((4, 4, 3), "float32"))


@pytest.mark.parametrize("grid", [5, 10, 20])
def test_every_color_lies_in_one_of_the_bins(grid):
    chroma = skimage.color.rgb2lab(rgb_grid(5))[..., 1:].reshape(-1, 2)
    bins = {tuple(cell) for cell in np.rint(lab_tf.ab_bins(grid) * 110 / grid)}
    assert {tuple(cell) for cell in np.rint(chroma / grid)} <= bins


def test_every_bin_is_reached_by_a_color():
    chroma = skimage.color.rgb2lab(rgb_grid(3))[..., 1:].reshape(-1, 2)
    reached = {tuple(cell) for cell in np.rint(chroma / 10)}
    assert {tuple(cell) for cell in np.rint(lab_tf.ab_bins(10) * 11)} <= reached


def test_the_bins_are_centered_on_the_grid():
    bins = lab_tf.ab_bins() * 11
    np.testing.assert_allclose(bins, np.rint(bins), atol=1e-5)
    assert (np.abs(bins).max(axis=1) < 0.1).sum() == 1


def test_there_are_261_bins_of_ten_lab_units_in_order():
    bins = lab_tf.ab_bins()
    assert bins.shape == (261, 2) and bins.dtype == np.float32
    assert bins.tolist() == sorted(bins.tolist())


def test_importing_does_not_import_tensorflow():
    code = "import sys, colorize_tf.color.lab_tf; sys.exit('tensorflow' in sys.modules)"
    root = Path(colorize_tf.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=root).returncode == 0
