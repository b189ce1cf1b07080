import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from colorize_tf.artifacts.saved_model import load_saved_model, save_saved_model
from colorize_tf.color.lab_tf import decode, encode, images_to_rgb, rgb_to_lab
from colorize_tf.data.synthetic.landscapes import render_landscape


@pytest.fixture(scope="module")
def folder(generator, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved_model") / "1"
    save_saved_model(generator, folder)
    return folder


@pytest.fixture(scope="module")
def signatures(folder):
    loaded = load_saved_model(folder)
    yield loaded.signatures
    del loaded  # only now: the signatures work as long as it is alive


@pytest.fixture(scope="module")
def noisy_folder(noisy, tmp_path_factory):
    folder = tmp_path_factory.mktemp("noisy") / "1"
    save_saved_model(noisy, folder)
    return folder


def picture(height, width):
    return render_landscape(3, height, width)


def test_predict_ab_predicts_the_same_as_the_generator(signatures, generator):
    lightness, _ = encode(images_to_rgb(picture(32, 32)[np.newaxis]))
    prediction = signatures["predict_ab"](lightness=lightness)["ab"]
    np.testing.assert_allclose(prediction, generator(lightness), atol=1e-5)


def test_colorize_of_the_networks_own_size_is_decoded_generator_output(signatures, generator):
    images = picture(32, 32)[np.newaxis]
    lightness, _ = encode(images_to_rgb(images))
    expected = decode(lightness, generator(lightness)) * 255
    colorized = signatures["colorize"](images=tf.constant(images))["colorized"]
    np.testing.assert_allclose(colorized, expected, atol=0.51)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (50, 90), (90, 50), (20, 24)])
def test_colorize_keeps_size_and_lightness(signatures, height, width):
    images = np.stack([picture(height, width)] * 2)
    colorized = signatures["colorize"](images=tf.constant(images))["colorized"].numpy()
    assert colorized.dtype == np.uint8
    assert colorized.shape == images.shape
    # Where no color was clipped; clipping to the gamut moves lightness too.
    inside = ((colorized > 0) & (colorized < 255)).all(-1)
    before, after = (rgb_to_lab(images_to_rgb(i)).numpy()[..., 0] for i in (images, colorized))
    assert np.abs(before - after)[inside].max() < 1.0


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (300, 1), (33, 2)])
def test_the_thinnest_pictures_are_colored_too(signatures, shape):
    images = np.full((1, *shape, 3), 128, np.uint8)
    colorized = signatures["colorize"](images=tf.constant(images))["colorized"]
    assert colorized.shape == images.shape


def test_serving_default_returns_png_for_files_of_several_sizes(signatures):
    files = [
        tf.io.encode_jpeg(picture(40, 60)),
        tf.io.encode_png(picture(33, 20)),
        tf.io.encode_png(picture(32, 32)[..., :1]),
    ]
    results = signatures["serving_default"](image_bytes=tf.stack(files))["colorized_bytes"]
    shapes = [tuple(tf.io.decode_png(one).shape) for one in results]
    assert shapes == [(40, 60, 3), (33, 20, 3), (32, 32, 3)]


def test_serving_default_and_colorize_agree(signatures):
    images = picture(40, 60)
    prediction = signatures["serving_default"](image_bytes=[tf.io.encode_png(images).numpy()])
    expected = signatures["colorize"](images=tf.constant(images[np.newaxis]))["colorized"][0]
    np.testing.assert_array_equal(tf.io.decode_png(prediction["colorized_bytes"][0]), expected)


def test_one_bad_image_in_a_batch_is_named(signatures):
    good = tf.io.encode_png(picture(32, 32)).numpy()
    with pytest.raises(tf.errors.InvalidArgumentError, match="image 1 of the batch is no JPEG"):
        signatures["serving_default"](image_bytes=tf.constant([good, b"no image", good]))


def meta_graph(folder):
    contents = (folder / "saved_model.pb").read_bytes()
    return saved_model_pb2.SavedModel.FromString(contents).meta_graphs[0]


def described(folder):
    """By signature the names, types and shapes of its inputs and of its outputs."""

    def tensors(named):
        return {
            key: (tf.as_dtype(value.dtype).name, [d.size for d in value.tensor_shape.dim])
            for key, value in named.items()
        }

    return {
        name: (tensors(signature.inputs), tensors(signature.outputs))
        for name, signature in meta_graph(folder).signature_def.items()
        if name != "__saved_model_init_op"
    }


def test_signatures_have_stable_names_types_and_shapes(folder):
    any_size = [-1, -1, -1, 3]
    assert described(folder) == {
        "serving_default": (
            {"image_bytes": ("string", [-1])},
            {"colorized_bytes": ("string", [-1])},
        ),
        "colorize": ({"images": ("uint8", any_size)}, {"colorized": ("uint8", any_size)}),
        "predict_ab": (
            {"lightness": ("float32", [-1, 32, 32, 1])},
            {"ab": ("float32", [-1, 32, 32, 2])},
        ),
    }


def test_noise_adds_a_signature_and_changes_no_other(folder, noisy_folder):
    found = described(noisy_folder)
    assert found.pop("sample_ab") == (
        {"lightness": ("float32", [-1, 32, 32, 1]), "z": ("float32", [-1, 3])},
        {"ab": ("float32", [-1, 32, 32, 2])},
    )
    assert found == described(folder)


# By what they are for: control and functions, variables, files and strings, datasets (which pass
# over an error), arithmetic, shapes, and the network itself.
CORE_OPS = set(
    """
    Assert Const Identity NoOp Placeholder StatefulPartitionedCall StatelessIf While
    TensorListFromTensor TensorListGetItem TensorListReserve TensorListSetItem TensorListStack
    AssignVariableOp DisableCopyOnRead MergeV2Checkpoints ReadVariableOp RestoreV2 SaveV2
    ShardedFilename StaticRegexFullMatch VarHandleOp
    Exp Log AsString DecodeImage DecodeRaw EncodePng ExtractJpegShape StringJoin Substr
    ConcatenateDataset DatasetToSingleElement IgnoreErrorsDataset MapDataset TakeDataset
    TensorDataset
    Abs AddV2 All Cast Equal FloorDiv FloorMod Greater Less LessEqual LogicalAnd MatMul Maximum
    Minimum Mul Pow Prod Range RealDiv Round Rsqrt Select SelectV2 Sub
    ConcatV2 EnsureShape Fill GatherV2 Pack Reshape Shape Size Squeeze StridedSlice Transpose Unpack
    BiasAdd Conv2D Conv2DBackpropInput LeakyRelu Relu ScaleAndTranslate Tanh
    """.split()
)


def test_the_ops_are_those_of_every_tensorflow(folder, noisy_folder):
    graph = meta_graph(folder).graph_def
    graph.MergeFrom(meta_graph(noisy_folder).graph_def)
    nodes = [*graph.node, *(node for f in graph.library.function for node in f.node_def)]
    assert {node.op for node in nodes} <= CORE_OPS


def in_a_bare_interpreter(code, folder):
    """Run code where only TensorFlow itself can be imported; return what it printed."""
    bare = """
import sys
blocked = ("colorize_tf", "keras", "tf_keras", "tensorflow_io")
sys.modules.update({name: None for name in blocked})
import numpy as np
import tensorflow as tf
"""
    output = subprocess.run(
        [sys.executable, "-c", bare + code, os.fspath(folder)],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert output.returncode == 0, output.stderr
    return output.stdout.strip()


def test_it_loads_where_neither_this_package_nor_keras_can_be_imported(folder):
    code = """
loaded = tf.saved_model.load(sys.argv[1])
print(loaded.signatures["colorize"](images=tf.zeros((1, 9, 7, 3), tf.uint8))["colorized"].shape)
"""
    assert in_a_bare_interpreter(code, folder) == "(1, 9, 7, 3)"


def test_the_servers_loader_predicts_the_same_as_the_generator(folder, generator, tmp_path):
    images = picture(32, 32)[np.newaxis]
    lightness, _ = encode(images_to_rgb(images))
    np.savez(tmp_path / "in.npz", lightness=lightness, images=images)
    code = f"""
asked = np.load({str(tmp_path / "in.npz")!r})
file = tf.io.encode_png(asked["images"][0]).numpy()
asked = {{
    "predict_ab": asked["lightness"], "colorize": asked["images"], "serving_default": [file]
}}
results = {{}}
with tf.compat.v1.Session(graph=tf.Graph()) as session:
    loaded = tf.compat.v1.saved_model.loader.load(session, ["serve"], sys.argv[1])
    for name, value in asked.items():
        signature = loaded.signature_def[name]
        (feed,), (fetch,) = signature.inputs.values(), signature.outputs.values()
        results[name] = session.run(fetch.name, {{feed.name: value}})
results["serving_default"] = tf.io.decode_png(results["serving_default"][0]).numpy()
np.savez({str(tmp_path / "out.npz")!r}, **results)
"""
    in_a_bare_interpreter(code, folder)
    results = np.load(tmp_path / "out.npz")
    np.testing.assert_allclose(results["predict_ab"], generator(lightness), atol=1e-5)
    expected = decode(lightness, generator(lightness)) * 255
    np.testing.assert_allclose(results["colorize"], expected, atol=0.51)
    np.testing.assert_array_equal(results["serving_default"], results["colorize"][0])


def test_noise_reaches_the_servers_loader(noisy_folder, noisy):
    lightness = encode(images_to_rgb(np.stack([picture(32, 32)] * 2)))[0].numpy()
    z = np.random.default_rng(0).normal(size=(2, 3)).astype(np.float32)
    values = {"lightness": lightness, "z": z}
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        loaded = tf.compat.v1.saved_model.loader.load(session, ["serve"], str(noisy_folder))
        results = {}
        for name in ("sample_ab", "predict_ab"):
            signature = loaded.signature_def[name]
            feeds = {one.name: values[key] for key, one in signature.inputs.items()}
            results[name] = session.run(signature.outputs["ab"].name, feeds)
    np.testing.assert_allclose(results["sample_ab"], noisy([lightness, z]), atol=1e-5)
    default = noisy([lightness, np.zeros_like(z)])
    np.testing.assert_allclose(results["predict_ab"], default, atol=1e-5)
    assert np.abs(results["sample_ab"] - default).max() > 0.05


def test_whole_photographs_are_colored_with_a_z_of_zeros(noisy_folder, noisy):
    images = picture(32, 32)[np.newaxis]
    lightness, _ = encode(images_to_rgb(images))
    loaded = load_saved_model(noisy_folder)
    colorized = loaded.signatures["colorize"](images=tf.constant(images))["colorized"]
    expected = decode(lightness, noisy([lightness, tf.zeros((1, 3))])) * 255
    np.testing.assert_allclose(colorized, expected, atol=0.51)


def test_a_base_folder_means_its_highest_version(folder, generator, tmp_path):
    for version in ("2", "10"):
        save_saved_model(generator, tmp_path / version)
    (tmp_path / "9" / "saved_model.pb").parent.mkdir()
    (tmp_path / "9" / "saved_model.pb").write_bytes(b"broken")
    assert "predict_ab" in load_saved_model(tmp_path).signatures


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(ValueError, match=f"no SavedModel in {tmp_path}"):
        load_saved_model(tmp_path)


def test_a_broken_model_is_named(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"broken")
    with pytest.raises(ValueError, match=f"{tmp_path} cannot be loaded"):
        load_saved_model(tmp_path)


def test_another_kind_of_model_is_refused_with_the_signatures_that_it_has(tmp_path):
    module = tf.Module()
    module.double = tf.function(lambda x: {"y": 2 * x}, [tf.TensorSpec([], tf.float32)])
    tf.saved_model.save(module, str(tmp_path / "1"), signatures={"double": module.double})
    with pytest.raises(ValueError, match="no signature predict_ab, only double"):
        load_saved_model(tmp_path)
