import numpy as np
import pytest

from colorize_tf.demo_app.model_registry import ModelRegistry, load_colorizers
from colorize_tf.inference.colorizer import Colorizer


@pytest.fixture
def registry(colorizer):
    plain = Colorizer(colorizer.predict_ab, 32)
    return ModelRegistry({"noisy": colorizer, "plain": plain}, max_megapixels=3, max_files=2)


def test_processor_has_the_chosen_settings(registry):
    processor = registry.processor("noisy", intensity=1.5, samples=2, seed=4)
    assert processor.colorizer is registry.colorizers["noisy"]
    assert (processor.intensity, processor.max_megapixels) == (1.5, 3)
    assert processor.zs.shape == (2, 1)
    assert not np.array_equal(processor.zs, registry.processor("noisy", samples=2, seed=5).zs)


def test_zero_samples_mean_no_noise(registry):
    assert registry.processor("noisy").zs is None


def test_models_without_noise_ignore_samples(registry):
    assert registry.takes_noise("noisy") and not registry.takes_noise("plain")
    assert registry.processor("plain", samples=3).zs is None


def test_unknown_model_is_an_error(registry):
    with pytest.raises(ValueError, match="no model 'moon'; there are noisy, plain"):
        registry.processor("moon")


def test_each_model_is_loaded_once(tiny_tflite):
    assert list(load_colorizers([str(tiny_tflite), str(tiny_tflite)])) == [str(tiny_tflite)]


def test_default_is_the_shipped_model():
    (name,) = load_colorizers([])
    assert name == "the model that comes with the package"
