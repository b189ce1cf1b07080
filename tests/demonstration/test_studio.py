import numpy as np
import pytest

from colorize_tf.demonstration.studio import Studio, load_colorizers
from colorize_tf.inference.colorizer import Colorizer


@pytest.fixture
def studio(colorizer):
    plain = Colorizer(colorizer.predict_ab, 32)
    return Studio({"noisy": colorizer, "plain": plain}, max_megapixels=3, max_files=2)


def test_what_was_chosen_is_what_photographs_are_coloured_by(studio):
    shoebox = studio.shoebox("noisy", intensity=1.5, samples=2, seed=4)
    assert shoebox.colorizer is studio.colorizers["noisy"]
    assert (shoebox.intensity, shoebox.max_megapixels) == (1.5, 3)
    assert shoebox.zs.shape == (2, 1)
    assert not np.array_equal(shoebox.zs, studio.shoebox("noisy", samples=2, seed=5).zs)


def test_without_samples_the_model_makes_its_own_choice(studio):
    assert studio.shoebox("noisy").zs is None


def test_samples_are_for_models_that_take_noise(studio):
    assert studio.takes_noise("noisy") and not studio.takes_noise("plain")
    assert studio.shoebox("plain", samples=3).zs is None


def test_an_unknown_model_is_told(studio):
    with pytest.raises(ValueError, match="no model 'moon'; there are noisy, plain"):
        studio.shoebox("moon")


def test_each_model_is_loaded_once_under_its_name(tiny_tflite):
    assert list(load_colorizers([str(tiny_tflite), str(tiny_tflite)])) == [str(tiny_tflite)]


def test_without_a_name_it_is_the_model_of_the_package():
    (name,) = load_colorizers([])
    assert name == "the model that comes with the package"
