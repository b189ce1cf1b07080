import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

import colorize_tf
from colorize_tf.artifacts.card import describe, lines, put_in_tflite, read_provenance
from colorize_tf.artifacts.export import export_artifacts
from colorize_tf.artifacts.keras_file import describe_generator, load_generator, save_generator
from colorize_tf.artifacts.saved_model import load_saved_model, save_saved_model
from colorize_tf.artifacts.tflite.convert import convert_to_tflite
from colorize_tf.data.synthetic.landscapes import render_landscape
from colorize_tf.models.generator import resize_generator
from colorize_tf.models.unet import unet

PROVENANCE = {
    "recipe": "compact",
    "training_command": "python -m colorize_tf.train --minutes 5",
    "data": {"origin": "landscapes", "licence": "theirs", "train": 9, "validation": 1},
}
FILES = ("valley.keras", "1", ".", "valley.tflite")


@pytest.fixture(scope="module")
def folder(noisy, tmp_path_factory):
    """An export of a network with noise."""
    folder = tmp_path_factory.mktemp("valley")
    pictures = render_landscape(0, 32, 32)[np.newaxis]
    export_artifacts(noisy, folder, name="valley", pictures=pictures, description=PROVENANCE)
    return folder


@pytest.mark.parametrize("file", FILES)
def test_each_artifact_has_a_description(folder, noisy, file):
    card = describe(folder / file)
    expected = {
        "name": "valley",
        "version": colorize_tf.__version__,
        "licence": "MIT",
        "export": 1,
        "generator": "noisy",
        "input_size": 32,
        "z_size": 3,
        "parameters": noisy.count_params(),
        "labels": [],
        **PROVENANCE,
    }
    assert {key: card[key] for key in expected} == expected


def test_artifacts_of_one_generator_are_known_by_its_weights(folder, noisy, calm):
    (digest,) = {describe(folder / file)["weights_sha256"] for file in FILES}

    def weights_of(generator):
        return describe_generator(generator, {"name": "other"})["weights_sha256"]

    assert digest == weights_of(noisy) == weights_of(resize_generator(noisy, 64))
    assert digest != weights_of(calm)


def kind(signature):
    """dtype and rank by name."""
    return {name: (end["dtype"], len(end["shape"])) for name, end in signature.items()}


def test_the_signatures_of_a_tflite_file_match_its_description(folder):
    card = describe(folder / "valley.tflite")
    assert card["quantization"] == "float32"
    interpreter = Interpreter(model_path=str(folder / "valley.tflite"))
    assert set(card["signatures"]) == set(interpreter.get_signature_list())
    for name, signature in card["signatures"].items():
        runner = interpreter.get_signature_runner(name)
        for side, details in (
            ("inputs", runner.get_input_details()),
            ("outputs", runner.get_output_details()),
        ):
            said = {key: (end["dtype"], end["shape"]) for key, end in signature[side].items()}
            assert said == {
                key: (np.dtype(one["dtype"]).name, one["shape"].tolist())
                for key, one in details.items()
            }


def test_the_signatures_of_a_saved_model_match_its_description(folder):
    said = describe(folder / "1")["signatures"]
    loaded = load_saved_model(folder / "1")
    assert set(said) == set(loaded.signatures)
    for name, signature in loaded.signatures.items():
        _, inputs = signature.structured_input_signature
        for side, specs in (("inputs", inputs), ("outputs", signature.structured_outputs)):
            expected = {key: (one.dtype.name, one.shape.rank) for key, one in specs.items()}
            ours = kind(said[name][side])
            # The PNGs come out of map_fn, which does not say their number.
            assert {key: dtype for key, (dtype, _) in ours.items()} == {
                key: dtype for key, (dtype, _) in expected.items()
            }
            if None not in {rank for _, rank in expected.values()}:
                assert ours == expected


def test_the_inputs_and_outputs_of_a_keras_file_match_its_description(folder):
    card = describe(folder / "valley.keras")
    generator = load_generator(folder / "valley.keras")
    ends = card["signatures"]["model"]
    shapes = [[None, *end["shape"][1:]] for end in ends["inputs"].values()]
    assert list(ends["inputs"]) == [one.name for one in generator.inputs]
    assert shapes == [list(shape) for shape in generator.input_shape]
    assert ends["outputs"]["ab"]["shape"][1:] == list(generator.output_shape[1:])


def test_the_json_beside_a_tflite_file_equals_its_description(folder):
    assert json.loads((folder / "valley.json").read_text()) == describe(folder / "valley.tflite")


def test_a_described_tflite_file_computes_the_same(calm):
    plain = convert_to_tflite(calm)
    image = np.random.default_rng(0).random((1, 32, 32, 3), np.float32)
    results = [
        Interpreter(model_content=content).get_signature_runner("serving_default")(image=image)
        for content in (plain, put_in_tflite(plain, {"made_by": "colorize_tf"}))
    ]
    np.testing.assert_array_equal(results[0]["colorized"], results[1]["colorized"])


def test_a_file_of_unknown_origin_says_so(calm, tmp_path):
    save_generator(calm, tmp_path / "calm.keras")
    card = describe(tmp_path / "calm.keras")
    assert (card["name"], card["recipe"], card["data"]) == ("calm", None, None)
    assert "recipe: unknown" in lines(card)
    assert read_provenance(tmp_path / "calm.keras") == {}


def test_provenance_is_read_from_any_artifact(folder):
    assert [read_provenance(folder / file) for file in FILES] == [PROVENANCE] * 4


def test_lines_keep_names_and_nest():
    card = {"labels": [], "signatures": {"predict_ab": {"range": [0, 1]}}, "psnr": 20.123456}
    assert list(lines(card)) == [
        "labels: none",
        "signatures:",
        "  predict_ab:",
        "    range: 0, 1",
        "psnr: 20.12",
    ]


def foreign_keras(path):
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(path)


def foreign_tflite(path):
    function = tf.function(lambda x: x + 1, input_signature=[tf.TensorSpec([3])])
    concrete = [function.get_concrete_function()]
    path.write_bytes(tf.lite.TFLiteConverter.from_concrete_functions(concrete).convert())


def saved_model_of_an_earlier_version(path):
    save_saved_model(unet(32, widths=(4, 4)), path)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("other.keras", foreign_keras),
        ("other.tflite", foreign_tflite),
        ("7", saved_model_of_an_earlier_version),
        ("text.keras", lambda path: path.write_text("hello")),
        ("empty.tflite", lambda path: path.touch()),
    ],
)
def test_a_file_without_a_description_is_named(tmp_path, name, make):
    make(tmp_path / name)
    with pytest.raises(ValueError, match=f"{name} contains no description"):
        describe(tmp_path / name)


def test_a_broken_file_is_named(folder, tmp_path):
    (tmp_path / "cut.tflite").write_bytes((folder / "valley.tflite").read_bytes()[:40])
    with pytest.raises(ValueError, match=r"cut\.tflite cannot be read as a colorize_tf model"):
        describe(tmp_path / "cut.tflite")


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir()])
def test_the_path_of_a_missing_model_is_named(tmp_path, make):
    make(tmp_path / "gone")
    with pytest.raises(ValueError, match="gone"):
        describe(tmp_path / "gone")


@pytest.mark.parametrize("file", FILES)
def test_reading_a_description_does_not_load_tensorflow(folder, file):
    code = (
        "import sys; from colorize_tf.artifacts.card import describe; describe(sys.argv[1]); "
        "print({'tensorflow', 'keras'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, str(folder / file)]
    output = subprocess.run(command, capture_output=True, text=True)
    assert output.stdout == "set()\n", output.stderr
