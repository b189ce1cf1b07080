import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage.color import deltaE_ciede2000

from colorize_tf import imagefiles
from colorize_tf.artifacts.export import export_artifacts
from colorize_tf.artifacts.keras_file import save_generator
from colorize_tf.artifacts.tflite.compare import LIMITS
from colorize_tf.color.lab import images_to_l_star, images_to_lab
from colorize_tf.data.synthetic.landscapes import render_landscape
from colorize_tf.imagefiles import read_photograph
from colorize_tf.inference import colorizer as colorizer_module
from colorize_tf.inference.colorizer import Colorizer


@pytest.fixture(scope="module")
def artifacts(generator, tmp_path_factory):
    folder = tmp_path_factory.mktemp("artifacts")
    export_artifacts(generator, folder, name="g", pictures=render_landscape(0, 32, 32)[np.newaxis])
    (folder / "run").mkdir()
    save_generator(generator, folder / "run" / "generator.keras")
    return folder


def test_all_artifacts_give_the_same_picture(artifacts):
    image = render_landscape(3, 70, 110)
    models = ("g.keras", "g.tflite", "1", ".", "run")
    results = [Colorizer.load(artifacts / model)(image).astype(int) for model in models]
    assert np.abs(results[0] - image).max() > 5
    for model, result in zip(models, results, strict=True):
        assert np.abs(result - results[0]).max() <= 2, model


@pytest.mark.parametrize("quantization", ["int8", "dynamic"])
def test_load_documents_the_limits_of_quantization(quantization):
    measure, limit = LIMITS[quantization]
    assert measure == "mean_ciede2000"
    assert f"{limit} ({quantization})" in Colorizer.load.__doc__


NOISY = ("noisy.keras", "noisy.tflite", "1", ".", "run")
Z = np.float32([0.5, -1.0, 2.0])


def test_all_artifacts_give_the_same_picture_for_a_z(noisy_artifacts):
    image = render_landscape(3, 70, 110)
    colorizers = [Colorizer.load(noisy_artifacts / model) for model in NOISY]
    assert [colorizer.z_size for colorizer in colorizers] == [3] * len(NOISY)
    results = [colorizer(image, Z).astype(int) for colorizer in colorizers]
    assert np.abs(results[0] - colorizers[0](image)).max() > 10
    for model, result in zip(NOISY, results, strict=True):
        assert np.abs(result - results[0]).max() <= 2, model


@pytest.mark.parametrize("model", NOISY)
def test_the_default_z_is_zeros(noisy_artifacts, model):
    colorizer = Colorizer.load(noisy_artifacts / model)
    image = render_landscape(3, 20, 30)
    with_zeros = colorizer(image, np.zeros(3, np.float32)).astype(int)
    assert np.abs(with_zeros - colorizer(image)).max() <= 1


def test_each_photograph_of_a_batch_uses_its_own_z(noisy_artifacts):
    colorizer = Colorizer.load(noisy_artifacts / "noisy.tflite")
    images = np.stack([render_landscape(3, 20, 30)] * 2)
    z = np.stack([Z, -Z])
    expected = [colorizer(image, one) for image, one in zip(images, z, strict=True)]
    np.testing.assert_array_equal(colorizer(images, z), expected)
    assert np.abs(expected[0].astype(int) - expected[1]).max() > 10


@pytest.mark.parametrize(
    ("batch", "shape", "expected"),
    [
        ((), (2,), r"must have shape \(3,\), got \(2,\)"),
        ((), (1, 3), r"must have shape \(3,\), got \(1, 3\)"),
        ((2,), (3,), r"must have shape \(2, 3\), got \(3,\)"),
        ((2,), (1, 3), r"must have shape \(2, 3\), got \(1, 3\)"),
    ],
)
def test_z_of_another_shape_is_refused(batch, shape, expected):
    colorizer = Colorizer(lambda lightness, z: None, 32, z_size=3)
    with pytest.raises(ValueError, match=expected):
        colorizer(np.zeros((*batch, 8, 8, 3), np.uint8), np.zeros(shape, np.float32))


@pytest.mark.parametrize("model", ["g.keras", "g.tflite", "1"])
def test_z_is_refused_by_a_model_without_noise(artifacts, model):
    colorizer = Colorizer.load(artifacts / model)
    assert colorizer.z_size == 0
    with pytest.raises(ValueError, match="this model takes no noise"):
        colorizer(np.zeros((8, 8, 3), np.uint8), Z)


def constant(ab):
    """A colorizer that predicts the same `ab` for every pixel."""
    return Colorizer(lambda lightness: np.full((1, 32, 32, 2), ab, np.float32), 32)


def by_lightness(**options):
    """A colorizer whose a follows lightness, and whose b grows to the right."""

    def predict_ab(lightness):
        right = np.linspace(-0.2, 0.2, 32, dtype=np.float32)[:, np.newaxis]
        return np.concatenate([0.2 * lightness, right + 0 * lightness], axis=-1)

    return Colorizer(predict_ab, 32, **options)


@pytest.mark.parametrize("shape", [(32, 32), (100, 37), (5, 61), (1, 1), (1, 200), (200, 1)])
def test_the_result_has_the_size_of_the_input(shape):
    image = np.full((*shape, 3), 90, np.uint8)
    colorized = constant(0.1)(image)
    assert colorized.dtype == np.uint8
    assert colorized.shape == image.shape


def test_lightness_stays_at_full_resolution():
    image = np.random.default_rng(0).integers(60, 200, (150, 90, 1), np.uint8).repeat(3, -1)
    before, after = images_to_lab(image), images_to_lab(constant(0.1)(image))
    assert np.abs(before[..., 0] - after[..., 0]).max() < 0.5
    assert after[..., 1:].mean() == pytest.approx(11, abs=0.5)


def test_the_network_sees_only_lightness():
    gray = np.full((40, 40, 3), 119, np.uint8)
    seen = []

    def predict_ab(lightness):
        seen.append(lightness)
        return np.zeros((1, 32, 32, 2), np.float32)

    assert np.array_equal(Colorizer(predict_ab, 32)(gray), gray)
    assert seen[0].shape == (1, 32, 32, 1)
    assert seen[0] == pytest.approx(50.0 / 50 - 1, abs=0.01)


def test_the_network_sees_the_whole_photograph_in_its_aspect_ratio():
    seen = []

    def predict_ab(lightness):
        seen.append(lightness[0, ..., 0])
        return np.zeros((1, 32, 32, 2), np.float32)

    image = np.zeros((50, 100, 3), np.uint8)
    image[:, 50:] = 255
    Colorizer(predict_ab, 32)(image)
    assert np.all(seen[0][:, :15] < -0.9)
    assert np.all(seen[0][:, 17:] > 0.9)


def test_a_batch_equals_its_photographs_one_by_one():
    images = np.stack([render_landscape(seed, 20, 30) for seed in range(2)])
    colorizer = constant(0.1)
    np.testing.assert_array_equal(colorizer(images), [colorizer(image) for image in images])


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((8, 8, 3), np.float32),
        np.zeros((8, 8, 3), np.int16),
        np.zeros((8, 8, 2), np.uint8),
        np.zeros((8,), np.uint8),
        np.zeros((2, 2, 8, 8, 3), np.uint8),
        np.zeros((8, 8, 3), bool),
    ],
)
def test_arrays_of_other_types_and_shapes_are_refused(images):
    with pytest.raises(ValueError, match=f"got {images.dtype}"):
        constant(0.1)(images)


def test_an_empty_array_is_refused():
    with pytest.raises(ValueError, match="empty"):
        constant(0.1)(np.zeros((0, 8, 3), np.uint8))


def test_predict_returns_the_window_of_the_photograph():
    square = np.random.default_rng(0).random((1, 32, 32, 2), np.float32)
    ab = Colorizer(lambda lightness: square, 32).predict_one(np.zeros((50, 100, 3), np.uint8))
    np.testing.assert_array_equal(ab, square[0, 8:24])


def test_a_nan_prediction_is_an_error():
    with pytest.raises(ValueError, match="NaN"):
        constant(np.nan)(np.zeros((8, 8, 3), np.uint8))


def test_a_prediction_of_another_shape_is_an_error():
    colorizer = Colorizer(lambda lightness: np.zeros((1, 16, 16, 2), np.float32), 32)
    with pytest.raises(ValueError, match=r"shape \(1, 16, 16, 2\), expected \(1, 32, 32, 2\)"):
        colorizer(np.zeros((8, 8, 3), np.uint8))


def test_memory_errors_propagate():
    def predict_ab(lightness):
        raise MemoryError

    with pytest.raises(MemoryError):
        Colorizer(predict_ab, 32)(np.zeros((8, 8, 3), np.uint8))


def test_sixteen_bit_input_gives_sixteen_bit_output():
    image = render_landscape(3, 70, 110)
    eight, sixteen = by_lightness()(image), by_lightness()(image.astype(np.uint16) * 257)
    assert sixteen.dtype == np.uint16
    assert np.abs(sixteen / 257 - eight).max() < 1.5
    batch = np.stack([image] * 2).astype(np.uint16) * 257
    np.testing.assert_array_equal(by_lightness()(batch)[1], sixteen)


@settings(max_examples=40, deadline=None, database=None, derandomize=True)
@given(
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    dtype=st.sampled_from(["uint8", "uint16"]),
    ensemble=st.sampled_from([None, "flip"]),
)
def test_lightness_is_kept_for_every_size_and_depth(height, width, dtype, ensemble):
    random = np.random.default_rng(height)
    image = random.integers(0, np.iinfo(dtype).max, (height, width, 3), dtype)
    colorized = by_lightness()(image, ensemble=ensemble)
    assert colorized.shape == image.shape and colorized.dtype == image.dtype
    before, after = images_to_l_star(image), images_to_l_star(colorized)
    np.testing.assert_allclose(after, before, rtol=0, atol=0.5)


def test_intensity_scales_chroma():
    image = np.full((20, 30, 3), 119, np.uint8)
    chroma = [
        images_to_lab(constant(0.1)(image, intensity=intensity))[..., 1:].mean()
        for intensity in (0, 0.5, 1, 2)
    ]
    assert chroma == pytest.approx([0, 5.5, 11, 22], abs=0.5)


@pytest.mark.parametrize("intensity", [-0.1, 2.1, float("nan"), None])
def test_intensity_out_of_range_is_refused(intensity):
    with pytest.raises(ValueError, match=f"intensity must be 0 to 2, got {intensity}"):
        constant(0.1)(np.zeros((8, 8, 3), np.uint8), intensity=intensity)


def test_flip_averages_with_the_mirror_image():
    image = render_landscape(3, 20, 30)
    colorizer = by_lightness()
    plain, flipped = colorizer.predict_one(image), colorizer.predict_one(image, ensemble="flip")
    mirrored = colorizer.predict_one(image[:, ::-1])[:, ::-1]
    np.testing.assert_allclose(flipped, (plain + mirrored) / 2, atol=0.01)
    assert np.abs(flipped[..., 1]).max() < 0.01 < np.abs(plain[..., 1]).max()


def test_an_unknown_ensemble_is_refused():
    with pytest.raises(ValueError, match="ensemble must be None or 'flip', got 'rotate'"):
        constant(0.1)(np.zeros((8, 8, 3), np.uint8), ensemble="rotate")


@pytest.mark.parametrize(("batch_size", "calls"), [(1, [1] * 5), (2, [2, 2, 1]), (8, [5])])
def test_photographs_of_different_sizes_are_predicted_in_batches(batch_size, calls):
    colorizer = by_lightness(batch_size=batch_size)
    seen, predict_ab = [], colorizer.predict_ab
    colorizer.predict_ab = lambda batch: seen.append(len(batch)) or predict_ab(batch)
    photographs = [render_landscape(seed, 20 + seed, 30 - seed) for seed in range(5)]
    abs_ = colorizer.predict(photographs)
    assert seen == calls
    for ab, photograph in zip(abs_, photographs, strict=True):
        np.testing.assert_allclose(ab, by_lightness().predict_one(photograph), atol=1e-6)


@pytest.mark.parametrize("model", NOISY)
def test_a_batch_prediction_equals_single_predictions(noisy_artifacts, model):
    colorizer = Colorizer.load(noisy_artifacts / model)
    photographs = [render_landscape(seed, 20, 30 + seed) for seed in range(3)]
    zs = np.stack([Z, -Z, 0 * Z])
    together = colorizer.predict(photographs, zs)
    for ab, photograph, z in zip(together, photographs, zs, strict=True):
        np.testing.assert_allclose(ab, colorizer.predict_one(photograph, z), atol=1e-4)


def test_colors_do_not_depend_on_the_size():
    large = render_landscape(3, 600, 800)
    sizes = [(600, 800), (150, 200), (75, 100)]
    given = [cv2.resize(large, size[::-1], interpolation=cv2.INTER_AREA) for size in sizes]
    lab = [
        images_to_lab(cv2.resize(by_lightness()(image), (100, 75), interpolation=cv2.INTER_AREA))
        for image in given
    ]
    for other in lab[1:]:
        assert np.linalg.norm((other - lab[0])[..., 1:], axis=-1).mean() < 0.5


def test_colors_of_a_real_photograph_do_not_depend_on_its_size():
    """Whole pictures, lightness included, each brought to the smallest size."""
    folder = Path(os.environ.get("COLORIZE_TF_DATA", "none"), "highres")
    paths = sorted(folder.glob("*.jpg"))
    if not paths:
        pytest.skip("COLORIZE_TF_DATA names no folder with highres")
    photograph = imagefiles.read_image(paths[0])
    height, width = photograph.shape[:2]
    small, *_ = sizes = [(side, round(height * side / width)) for side in (500, 1000, 4000)]
    labs = []
    for size in sizes:
        images = by_lightness()(cv2.resize(photograph, size, interpolation=cv2.INTER_AREA))
        labs.append(images_to_lab(cv2.resize(images, small, interpolation=cv2.INTER_AREA)))
    for one, other in ((0, 1), (1, 2), (0, 2)):
        assert deltaE_ciede2000(labs[one], labs[other]).mean() < 2


def test_a_missing_shipped_model_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setattr(colorizer_module, "SHIPPED_MODEL", tmp_path / "landscapes.tflite")
    with pytest.raises(ValueError, match="no model came with this installation: .* name one"):
        Colorizer.load()


def test_the_shipped_model_is_the_default(monkeypatch, artifacts):
    monkeypatch.setattr(colorizer_module, "SHIPPED_MODEL", artifacts / "g.tflite")
    image = render_landscape(3, 20, 30)
    expected = Colorizer.load(artifacts / "g.tflite")(image)
    np.testing.assert_array_equal(Colorizer.load()(image), expected)


def test_a_missing_model_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=f"no model at {tmp_path / 'gone'}; expected a run folder"):
        Colorizer.load(tmp_path / "gone")
    with pytest.raises(ValueError, match="a model is named by its path or URL, got int"):
        Colorizer.load(3)


def test_a_folder_without_a_model_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=f"no SavedModel in {tmp_path}"):
        Colorizer.load(tmp_path)


def test_a_tflite_model_is_thread_safe():
    colorizer = Colorizer.load()
    shape = (1, colorizer.size, colorizer.size, 1)
    inputs = [np.full(shape, level, np.float32) for level in np.linspace(-1, 1, 16)]
    expected = [colorizer.predict_ab(lightness) for lightness in inputs]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(colorizer.predict_ab, inputs))
    np.testing.assert_array_equal(results, expected)


# Kinds of input


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 1)])
def test_gray_arrays_give_rgb(dtype, shape):
    gray = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype)
    rgb = gray.reshape(20, 30, 1).repeat(3, axis=-1)
    np.testing.assert_array_equal(constant(0.1)(gray), constant(0.1)(rgb))


def test_the_alpha_of_rgba_is_kept():
    rgba = np.random.default_rng(0).integers(0, 256, (20, 30, 4), np.uint8)
    colorized = constant(0.1)(rgba)
    np.testing.assert_array_equal(colorized[..., 3], rgba[..., 3])
    np.testing.assert_array_equal(colorized[..., :3], constant(0.1)(rgba[..., :3]))


def test_paths_bytes_and_photographs_are_read(tmp_path):
    path = tmp_path / "old.png"
    imagefiles.write_image(path, render_landscape(3, 20, 30))
    expected = constant(0.1)(imagefiles.read_image(path))
    for source in (path, str(path), path.read_bytes()):
        np.testing.assert_array_equal(constant(0.1)(source), expected)
    photograph = constant(0.1)(read_photograph(path))
    np.testing.assert_array_equal(photograph.images, expected)


def test_a_list_may_have_different_sizes():
    photographs = [render_landscape(1, 20, 30), render_landscape(2, 33, 20)[..., 0]]
    colorizer = by_lightness(batch_size=2)
    for result, photograph in zip(colorizer(photographs), photographs, strict=True):
        np.testing.assert_array_equal(result, colorizer(photograph))
    assert colorizer([]) == []


@pytest.mark.parametrize(
    ("mode", "result"),
    [("L", "RGB"), ("RGB", "RGB"), ("LA", "RGBA"), ("RGBA", "RGBA"), ("P", "RGB")],
)
def test_pil_images_give_pil_images(mode, result):
    image = Image.fromarray(render_landscape(3, 20, 30)).convert("L").convert(mode)
    colorized = constant(0.1)(image)
    assert (colorized.mode, colorized.size) == (result, image.size)
    expected = constant(0.1)(np.asarray(image.convert("RGB")))
    np.testing.assert_array_equal(np.asarray(colorized.convert("RGB")), expected)


def test_sixteen_bit_pil_images_give_eight_bit_rgb():
    gray = np.full((20, 30), 119, np.uint8)
    deep = Image.fromarray(gray.astype(np.uint16) * 257)
    np.testing.assert_array_equal(np.asarray(constant(0.1)(deep)), constant(0.1)(gray))
    with pytest.raises(ValueError, match="mode F"):
        constant(0.1)(Image.fromarray(gray.astype(np.float32)))


@pytest.mark.parametrize("source", [None, 3, {"a": 1}, [[0, 1]]])
def test_other_objects_are_refused_in_one_line(source):
    with pytest.raises(ValueError, match="expected a path, .*; got ") as error:
        constant(0.1)(source)
    assert "\n" not in str(error.value)
