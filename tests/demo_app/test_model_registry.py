import numpy as np
import pytest

from colorize_tf.demo_app.model_registry import ModelRegistry, load_colorizers
from colorize_tf.inference.colorizer import Colorizer


@pytest.fixture
def registry(colorizer):
    plain = Colorizer(colorizer.predict_ab, 32)
    return ModelRegistry({"noisy": colorizer, "plain": plain}, max_megapixels=3, max_files=2)


def test_what_was_chosen_is_what_photographs_are_colored_by(registry):
    processor = registry.shoebox("noisy", intensity=1.5, samples=2, seed=4)
    assert processor.colorizer is registry.colorizers["noisy"]
    assert (processor.intensity, processor.max_megapixels) == (1.5, 3)
    assert processor.zs.shape == (2, 1)
    assert not np.array_equal(processor.zs, registry.shoebox("noisy", samples=2, seed=5).zs)


def test_without_samples_the_model_makes_its_own_choice(registry):
    assert registry.shoebox("noisy").zs is None


def test_samples_are_for_models_that_take_noise(registry):
    assert registry.takes_noise("noisy") and not registry.takes_noise("plain")
    assert registry.shoebox("plain", samples=3).zs is None


def test_an_unknown_model_is_told(registry):
    with pytest.raises(ValueError, match="no model 'moon'; there are noisy, plain"):
        registry.shoebox("moon")


def test_each_model_is_loaded_once_under_its_name(tiny_tflite):
    assert list(load_colorizers([str(tiny_tflite), str(tiny_tflite)])) == [str(tiny_tflite)]


def test_without_a_name_it_is_the_model_of_the_package():
    (name,) = load_colorizers([])
    assert name == "the model that comes with the package"
