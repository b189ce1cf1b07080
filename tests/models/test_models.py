import hashlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from colorize_tf.color.lab_tf import ab_bins
from colorize_tf.models import GENERATORS, resolve_generator
from colorize_tf.models.cnn import plain_cnn, zhang
from colorize_tf.models.unet import efficientnet_unet, resnet18_unet, unet
from colorize_tf.recipes import RECIPES, make_config

REQUIRED = {"zhang_classes_cnn": {"bins": ab_bins()}}
WIDTHS = (4, 4, 8, 8, 8, 8, 8, 8)
KINDS = {
    "unet": lambda size: unet(size, widths=(4, 8, 8)),
    "unet with z": lambda size: unet(size, widths=(4, 8, 8), z_size=3),
    "plain": plain_cnn,
    "zhang": lambda size: zhang(size, widths=WIDTHS),
    "zhang classes": lambda size: zhang(size, widths=WIDTHS, bins=ab_bins()),
    "resnet": resnet18_unet,
    "efficientnet": efficientnet_unet,
}


@pytest.fixture(scope="module", params=KINDS)
def build(request):
    return KINDS[request.param]


@pytest.fixture(scope="module")
def network(build):
    """A network of 64 pixels with random weights that vary ab from pixel to pixel."""
    keras.utils.set_random_seed(0)
    network = build(64)
    random = np.random.default_rng(0)
    for variable in network.trainable_variables:
        # Smaller for wide kernels, as networks that amplify turn rounding into differences.
        scale = max(np.prod(variable.shape[:-1]), 100) ** -0.5
        variable.assign(variable.numpy() + random.normal(0, scale, variable.shape))
    return network


def inputs_of(network, batch=2):
    random = np.random.default_rng(1)
    return keras.tree.map_structure(
        lambda one: random.uniform(-1, 1, (batch, *one.shape[1:])).astype(np.float32),
        network.input,
    )


def test_ab_has_the_size_of_lightness_and_weights_do_not_depend_on_it(build, network):
    assert network(inputs_of(network)).shape == (2, 64, 64, 2)
    assert network.output_shape == (None, 64, 64, 2)
    smaller = build(32)
    assert smaller.output_shape == (None, 32, 32, 2)
    assert [one.shape for one in smaller.weights] == [one.shape for one in network.weights]


def test_every_trainable_variable_gets_a_gradient(network):
    logits = [layer.output for layer in network.layers if layer.name == "bin_logits"]
    trained = keras.Model(network.input, logits[0]) if logits else network
    assert len(trained.trainable_variables) == len(network.trainable_variables)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(trained(inputs_of(network), training=True) - 0.5))
    gradients = tape.gradient(loss, [v.value for v in trained.trainable_variables])
    without = [
        variable.path
        for variable, gradient in zip(trained.trainable_variables, gradients, strict=True)
        if gradient is None or not np.any(gradient)
    ]
    assert without == []


def test_the_output_is_float32_under_mixed_precision(build):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        network = build(32)
    finally:
        keras.config.set_dtype_policy(before)
    assert "bfloat16" in {layer.compute_dtype for layer in network.layers}
    assert network.output.dtype == "float32"


def test_a_saved_network_loads_without_custom_objects(network, tmp_path):
    assert {type(layer).__module__.split(".")[0] for layer in network.layers} == {"keras"}
    assert not any(isinstance(layer, keras.Model) for layer in network.layers)
    network.save(tmp_path / "a.keras")
    loaded = keras.saving.load_model(tmp_path / "a.keras", custom_objects={}, safe_mode=True)
    # The order of sums may differ between threads.
    inputs = inputs_of(network)
    np.testing.assert_allclose(loaded(inputs), network(inputs), atol=1e-5)


# Without the pretrained encoders: converting those takes a minute, and `test_shipped` compares one.
@pytest.mark.parametrize("build", list(KINDS)[:5], indirect=True)
def test_tflite_predicts_the_same(network):
    inputs = keras.tree.map_structure(
        lambda one: keras.Input(batch_shape=(1, *one.shape[1:]), name=one.name), network.input
    )
    single = keras.models.clone_model(network, input_tensors=inputs)
    single.set_weights(network.get_weights())
    content = tf.lite.TFLiteConverter.from_keras_model(single).convert()
    run = Interpreter(model_content=content).get_signature_runner()
    arrays = inputs_of(network, batch=1)
    names = [one.name for one in single.inputs]
    (prediction,) = run(**dict(zip(names, keras.tree.flatten(arrays), strict=True))).values()
    expected = network(arrays).numpy()
    assert np.std(expected) > 0.01
    np.testing.assert_allclose(prediction, expected, atol=1e-4)


# By these digests, weights and stored training states of earlier versions fit.
STRUCTURES = {
    "compact_unet": "b21bfe0782f4",
    "efficientnet_unet": "efae7aec3aa0",
    "pix2pix_unet": "c4b32ea70e15",
    "plain_cnn": "ae351cca553b",
    "resnet18_unet": "a09f60ddb693",
    "tiny_unet": "8d2370620bc4",
    "zhang_classes_cnn": "11095b882b59",
    "zhang_cnn": "d332e928ef7e",
}


@pytest.mark.parametrize("name", GENERATORS)
def test_the_order_names_and_shapes_of_the_weights_have_not_changed(name):
    keras.backend.clear_session()  # Names of layers count up.
    options = {"bins": np.zeros((5, 2))} if name in REQUIRED else {}
    network = GENERATORS[name](64, **options)
    weights = [(one.path, tuple(one.shape), one.trainable) for one in network.weights]
    assert hashlib.sha256(repr(weights).encode()).hexdigest()[:12] == STRUCTURES[name]
    assert network.name == name


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_names_a_generator_that_its_size_fits_and_its_parameters(name):
    config = make_config({"recipe": name})
    options = REQUIRED.get(config.generator, {})
    generator = GENERATORS[config.generator](config.image_size, **options)
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
def test_an_image_size_that_does_not_fit_is_refused_with_sizes_that_do(name):
    def build(size):
        return GENERATORS[name](size, **REQUIRED.get(name, {}))

    with pytest.raises(ValueError, match=rf"image_size of {name} must be an integer, .*512, 384"):
        build((512, 384))
    for size, words in [(100, "for example 96 or "), (4, "for example "), (0, ""), (-16, "")]:
        with pytest.raises(ValueError, match=f"size {size} does not fit {name}: .*{words}"):
            build(size)
