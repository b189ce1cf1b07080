import pytest

from colorize_tf.experiment.export import export_colorizer
from colorize_tf.models.unet import tiny_unet


def test_a_model_in_memory_is_exported_and_measured_on_photographs(landscapes, tmp_path):
    steps = []
    export = export_colorizer(
        tiny_unet(32),
        tmp_path / "valley",
        size=64,
        saved_model=False,
        data_dir=landscapes[0].parent,
        progress=lambda *step: steps.append(step),
    )
    assert [path.name for path in export.differences] == ["valley.keras", "valley.tflite"]
    assert all(path.is_file() for path in export.differences)
    assert export.size == 64 and list(export.reports) == ["valley.tflite"]
    assert set(export.scores) == {"gray (ab = 0)", "this model"}
    assert export.photographs.startswith("the first 12 photographs of ")
    assert ("photographs measured", 11, 12) in steps and ("artifacts written", 1, 2) in steps
    assert steps[-1] == ("TFLite files timed", 0, 1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tflite": ["int4"]}, "one of float32, float16, dynamic, int8, got 'int4'"),
        ({"size": 50}, "size 50 does not fit tiny_unet"),
        ({"warmup": True, "name": "a/b"}, "cannot be served as 'a/b'"),
    ],
)
def test_a_wrong_argument_is_refused_before_any_work(tmp_path, options, words):
    with pytest.raises(ValueError, match=words):
        export_colorizer(tiny_unet(32), tmp_path / "valley", **options)
    assert not (tmp_path / "valley").exists()
