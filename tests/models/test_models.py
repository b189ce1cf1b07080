import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from colorize_tf.color.lab_tf import ab_bins
from colorize_tf.models import GENERATORS, resolve_generator
from colorize_tf.models.cnn import plain_cnn, zhang
from colorize_tf.models.unet import unet
from colorize_tf.recipes import RECIPES, make_config

NEEDED = {"zhang_classes_cnn": {"bins": ab_bins()}}


@pytest.mark.parametrize("name", GENERATORS)
def test_every_generator_builds_at_its_default_size(name):
    generator = GENERATORS[name](**NEEDED.get(name, {}))
    size = generator.input_shape[1]
    assert isinstance(generator, keras.Model) and generator.name == name
    assert generator.input_shape == (None, size, size, 1)
    assert generator.output_shape == (None, size, size, 2)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_names_a_generator_that_its_size_fits_and_tells_how_large_it_is(name):
    config = make_config({"recipe": name})
    generator = GENERATORS[config.generator](config.image_size, **NEEDED.get(config.generator, {}))
    assert generator.output_shape[1] == config.image_size
    assert round(generator.count_params() / 1e6, 1) == RECIPES[name].parameters


def test_a_generator_is_resolved_by_name_or_by_module_and_function():
    assert resolve_generator("plain_cnn") is GENERATORS["plain_cnn"] is plain_cnn
    assert resolve_generator("colorize_tf.models.unet:unet") is unet


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("big_unet", "no generator 'big_unet'; there are compact_unet, .*, or your own as package"),
        ("gone.nets:build", "'gone.nets:build' cannot be imported: No module named 'gone'; start"),
        (":build", "':build' cannot be imported: Empty module name"),
        ("colorize_tf.models.unet:gone", "colorize_tf.models.unet has no function 'gone'"),
        ("colorize_tf.models.unet:TINY_WIDTHS", "has no function 'TINY_WIDTHS'"),
    ],
)
def test_a_generator_that_cannot_be_resolved_is_named(spec, words):
    with pytest.raises(ValueError, match=words):
        resolve_generator(spec)


@pytest.mark.parametrize("name", GENERATORS)
def test_an_image_size_that_is_no_integer_is_refused(name):
    with pytest.raises(ValueError, match=rf"image_size of {name} must be an integer, .*512, 384"):
        GENERATORS[name]((512, 384), **NEEDED.get(name, {}))


WIDTHS = (4, 4, 8, 8, 8, 8, 8, 8)
KINDS = {
    "unet": lambda: unet(32, widths=(4, 8, 8)),
    "unet with z": lambda: unet(32, widths=(4, 8, 8), z_size=3),
    "plain": lambda: plain_cnn(32),
    "zhang": lambda: zhang(32, widths=WIDTHS),
    "zhang classes": lambda: zhang(32, widths=WIDTHS, bins=ab_bins()),
}


def lively(generator):
    """Moves what is trained away from its start, so that answers differ from pixel to pixel."""
    random = np.random.default_rng(0)
    for variable in generator.trainable_variables:
        # Wide kernels less: networks that amplify turn rounding into differences.
        scale = max(np.prod(variable.shape[:-1]), 100) ** -0.5
        variable.assign(variable.numpy() + random.normal(0, scale, variable.shape))
    return generator


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_network_answers_equally_on_a_phone(kind):
    keras.utils.set_random_seed(0)
    generator = lively(KINDS[kind]())
    inputs = keras.tree.map_structure(
        lambda one: keras.Input(batch_shape=(1, *one.shape[1:]), name=one.name), generator.input
    )
    single = keras.models.clone_model(generator, input_tensors=inputs)
    single.set_weights(generator.get_weights())
    content = tf.lite.TFLiteConverter.from_keras_model(single).convert()
    run = Interpreter(model_content=content).get_signature_runner()
    random = np.random.default_rng(1)
    arrays = {
        one.name: random.uniform(-1, 1, one.shape).astype(np.float32) for one in single.inputs
    }
    (answer,) = run(**arrays).values()
    expected = generator(keras.tree.map_structure(lambda one: arrays[one.name], inputs)).numpy()
    assert np.std(expected) > 0.01
    np.testing.assert_allclose(answer, expected, atol=1e-4)
