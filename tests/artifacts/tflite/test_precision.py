import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from colorize_tf.artifacts.tflite.convert import _network_converter, _quantized_network
from colorize_tf.artifacts.tflite.precision import (
    nodes_to_keep_in_float,
    restore_biases_and_first_kernels,
    restore_depthwise_kernels,
)
from colorize_tf.color.lab_tf import images_to_rgb
from colorize_tf.data.synthetic.landscapes import render_landscape
from colorize_tf.models.unet import tiny_unet

CONVOLUTION = schema.BuiltinOperator.CONV_2D
KERNELS = (CONVOLUTION, schema.BuiltinOperator.DEPTHWISE_CONV_2D)


@pytest.fixture(scope="module")
def generator():
    keras.utils.set_random_seed(0)
    network = tiny_unet(32)
    random = np.random.default_rng(0)
    network.set_weights([w + random.uniform(0, 0.02, w.shape) for w in network.get_weights()])
    return network


@pytest.fixture(scope="module")
def exact(generator):
    return _network_converter(generator).convert()


@pytest.fixture(scope="module")
def half(generator):
    return _network_converter(generator, "float16").convert()


def operators(content):
    """Kind of each operator, and the tensors that it takes and makes."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    (subgraph,) = model.subgraphs
    for one in subgraph.operators:
        code = model.operatorCodes[one.opcodeIndex]
        tensors = [
            [subgraph.tensors[index] for index in ends] for ends in (one.inputs, one.outputs)
        ]
        yield max(code.builtinCode, code.deprecatedBuiltinCode), *tensors


def predict(content, lightness):
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], lightness)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def test_the_first_three_convolutions_and_the_end_are_named(exact):
    kept = nodes_to_keep_in_float(exact)
    made = [(kind, made[0].name.decode()) for kind, _, made in operators(exact)]
    convolutions = [name for kind, name in made if kind == CONVOLUTION]
    assert [name in kept for name in convolutions[:4]] == [True, True, True, False]
    tanh = [kind for kind, _ in made].index(schema.BuiltinOperator.TANH)
    assert all(name in kept for _, name in made[tanh:])
    assert not any(
        name in kept for _, name in made[made.index((CONVOLUTION, convolutions[3])) : tanh]
    )


def test_int8_computes_the_named_ones_in_float(generator, exact):
    pictures = np.stack([images_to_rgb(render_landscape(seed, 32, 32)) for seed in range(4)])
    quantized = _quantized_network(generator, pictures)
    types = [made[0].type for kind, _, made in operators(quantized) if kind == CONVOLUTION]
    assert types[:3] == [schema.TensorType.FLOAT32] * 3
    assert set(types[3:]) == {schema.TensorType.INT8}


def test_float16_keeps_biases_and_three_kernels(half, exact):
    restored = restore_biases_and_first_kernels(half, exact)
    counts = {}
    for name, content in (("half", half), ("restored", restored)):
        rounded = [
            made[0]
            for kind, _, made in operators(content)
            if kind == schema.BuiltinOperator.DEQUANTIZE
        ]
        counts[name] = len(rounded)
        biases = [tensor for tensor in rounded if len(tensor.shape) == 1]
        assert bool(biases) == (name == "half")
    convolutions = [given for kind, given, _ in operators(exact) if kind == CONVOLUTION]
    assert counts["half"] - counts["restored"] == 3 + len(convolutions)


def test_constants_that_convolutions_share_are_restored_for_all():
    """Biases of 0, of which TFLite keeps one."""
    network = tiny_unet(32)
    half = _network_converter(network, "float16").convert()
    exact = _network_converter(network).convert()
    restored = restore_biases_and_first_kernels(half, exact)
    picture = np.random.default_rng(1).uniform(-1, 1, (1, 32, 32, 1)).astype(np.float32)
    np.testing.assert_allclose(predict(restored, picture), network(picture), atol=1e-3)


def test_dynamic_keeps_depthwise_kernels_in_float():
    lightness = keras.Input((16, 16, 1))
    features = keras.layers.Conv2D(128, 3, padding="same")(lightness)
    features = keras.layers.DepthwiseConv2D(3, padding="same")(features)
    network = keras.Model(lightness, keras.layers.Conv2D(2, 3, padding="same")(features))
    rounded = _network_converter(network, "dynamic").convert()
    restored = restore_depthwise_kernels(rounded, _network_converter(network).convert())
    kernels = {
        name: [given[1].type for kind, given, _ in operators(content) if kind in KERNELS]
        for name, content in (("rounded", rounded), ("restored", restored))
    }
    eight, full = schema.TensorType.INT8, schema.TensorType.FLOAT32
    assert kernels == {"rounded": [eight] * 3, "restored": [eight, full, eight]}
    picture = np.random.default_rng(1).uniform(-1, 1, (1, 16, 16, 1)).astype(np.float32)
    np.testing.assert_allclose(predict(restored, picture), network(picture), atol=0.05)


def test_a_restored_file_is_nearer_to_the_network(half, exact):
    lightness = np.random.default_rng(1).uniform(-1, 1, (1, 32, 32, 1)).astype(np.float32)
    expected = predict(exact, lightness)
    restored = restore_biases_and_first_kernels(half, exact)
    errors = [np.abs(predict(content, lightness) - expected).mean() for content in (half, restored)]
    assert 0 < errors[1] < errors[0]
    assert len(restored) < 0.7 * len(exact)
