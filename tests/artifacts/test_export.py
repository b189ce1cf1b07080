import hashlib

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from colorize_tf.artifacts import export
from colorize_tf.artifacts.card import describe
from colorize_tf.artifacts.export import export_artifacts
from colorize_tf.data.synthetic.landscapes import render_landscape
from colorize_tf.inference.colorizer import Colorizer


@pytest.fixture
def image():
    return render_landscape(5, 32, 32)


def test_three_artifacts_predict_the_same_as_the_generator(generator, image, tmp_path):
    differences = export_artifacts(
        generator, tmp_path / "out", name="valley", pictures=image[np.newaxis]
    )
    assert sorted(path.name for path in differences) == ["1", "valley.keras", "valley.tflite"]
    assert all(d.value <= d.limit <= 1e-4 for d in differences.values())
    results = [Colorizer.load(path)(image).astype(int) for path in differences]
    for result in results[1:]:
        assert np.abs(result - results[0]).max() <= 1


def test_noise_is_compared_as_well(noisy, image, tmp_path, monkeypatch):
    differences = export_artifacts(noisy, tmp_path, name="valley", pictures=image[np.newaxis])
    assert all(d.value <= d.limit for d in differences.values())

    def without_z(generator, lightness, z=None):
        return right(generator, lightness)

    right = export.generate_ab
    monkeypatch.setattr(export, "generate_ab", without_z)
    with pytest.raises(ValueError, match="predictions of 2 differ from the generator"):
        export_artifacts(noisy, tmp_path, name="valley", pictures=image[np.newaxis])


def test_a_second_export_is_the_next_version(generator, image, tmp_path):
    for _ in range(2):
        export_artifacts(generator, tmp_path, name="valley", pictures=image[np.newaxis])
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["1", "2", "MODEL_CARD.md", "valley.json", "valley.keras", "valley.tflite"]
    assert describe(tmp_path / "2")["export"] == 2
    assert "export 2" in (tmp_path / "MODEL_CARD.md").read_text()


def test_an_artifact_that_differs_stops_the_export_and_leaves_nothing(
    generator, image, tmp_path, monkeypatch
):
    def wrong(folder):
        loaded = right(folder)
        predict_ab = loaded.signatures["predict_ab"]

        class Wrong:
            signatures = {
                "predict_ab": lambda lightness: {"ab": predict_ab(lightness=lightness)["ab"] + 0.01}
            }

        return Wrong

    right = export.load_saved_model
    monkeypatch.setattr(export, "load_saved_model", wrong)
    with pytest.raises(
        ValueError,
        match="the predictions of 1 differ from the generator's: largest difference is 0.01",
    ):
        export_artifacts(generator, tmp_path, name="valley", pictures=image[np.newaxis])
    assert list(tmp_path.iterdir()) == []


def test_nan_stops_the_export(generator, image, tmp_path, monkeypatch):
    difference = {"largest_difference": float("nan")}
    monkeypatch.setattr(export, "compare_tflite", lambda *arguments: difference)
    with pytest.raises(ValueError, match="predictions of valley.tflite differ .* is nan"):
        export_artifacts(generator, tmp_path, name="valley", pictures=image[np.newaxis])
    assert list(tmp_path.iterdir()) == []


def test_other_quantizations_are_named_in_their_files(calm, image, tmp_path):
    written = export_artifacts(
        calm,
        tmp_path,
        name="valley",
        pictures=image[np.newaxis],
        quantizations=["float16", "dynamic"],
    )
    names = [path.name for path in written]
    assert names == ["valley.keras", "1", "valley-float16.tflite", "valley-dynamic.tflite"]
    assert all(path.exists() for path in written)


def test_the_saved_model_can_be_left_out(calm, image, tmp_path):
    steps = []
    written = export_artifacts(
        calm,
        tmp_path,
        name="valley",
        pictures=image[np.newaxis],
        quantizations=[],
        saved_model=False,
        progress=lambda *step: steps.append(step),
    )
    assert [path.name for path in written] == ["valley.keras"] and steps == [(0, 1)]
    assert {path.name for path in tmp_path.iterdir()} == {"MODEL_CARD.md", "valley.keras"}


@pytest.mark.parametrize("quantization", ["float32", "dynamic"])
def test_tflite_files_of_uint8_pictures_are_compared_as_well(calm, image, tmp_path, quantization):
    written = export_artifacts(
        calm,
        tmp_path,
        name="valley",
        pictures=image[np.newaxis],
        quantizations=[quantization],
        image_dtype="uint8",
    )
    *_, path = written
    runner = Interpreter(model_path=str(path)).get_signature_runner("serving_default")
    assert runner.get_input_details()["image"]["dtype"] == np.uint8
    ends = describe(path)["signatures"]["serving_default"]
    assert ends["inputs"]["image"]["range"] == ends["outputs"]["colorized"]["range"] == [0, 255]
    assert 0 < written[path].value <= written[path].limit < 0.51


def test_one_level_more_than_rounding_stops_an_export_of_uint8(calm, image, tmp_path, monkeypatch):
    difference = {"largest_difference": 1 / 255}
    monkeypatch.setattr(export, "compare_tflite", lambda *arguments: difference)
    with pytest.raises(ValueError, match="predictions of valley.tflite differ"):
        export_artifacts(
            calm, tmp_path, name="valley", pictures=image[np.newaxis], image_dtype="uint8"
        )


def test_the_model_card_has_the_hash_of_every_other_file(calm, image, tmp_path):
    export_artifacts(calm, tmp_path, name="valley", pictures=image[np.newaxis])
    text = (tmp_path / "MODEL_CARD.md").read_text()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 6
    for path in files:
        if path.name != "MODEL_CARD.md":
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            assert f"| {path.relative_to(tmp_path)} |" in text and f"| `{digest}` |" in text


def test_a_crash_leaves_earlier_artifacts_as_they_were(generator, image, tmp_path, monkeypatch):
    export_artifacts(generator, tmp_path, name="valley", pictures=image[np.newaxis])
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}

    def crash(generator, **arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export, "convert_to_tflite", crash)
    with pytest.raises(OSError, match="No space"):
        export_artifacts(generator, tmp_path, name="valley", pictures=image[np.newaxis])
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_a_target_that_is_a_file_is_refused(generator, image, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ValueError, match="is a file; expected a folder"):
        export_artifacts(generator, tmp_path / "file", name="valley", pictures=image[np.newaxis])
