import keras
import pytest

from colorize_tf.config import RECIPES, make_config
from colorize_tf.models import GENERATORS


@pytest.mark.parametrize("name", GENERATORS)
def test_every_generator_builds_at_its_default_size(name):
    generator = GENERATORS[name]()
    size = generator.input_shape[1]
    assert isinstance(generator, keras.Model) and generator.name == name
    assert generator.input_shape == (None, size, size, 1)
    assert generator.output_shape == (None, size, size, 2)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_names_a_generator_that_its_size_fits(name):
    config = make_config({"recipe": name})
    generator = GENERATORS[config.generator](config.image_size)
    assert generator.input_shape[1] == config.image_size
