import json

import pytest
import tensorflow as tf

from colorize_tf.artifacts.tflite.convert import convert_to_tflite
from colorize_tf.artifacts.tflite.report import (
    _gpu_compatibility,
    _ops,
    report_table,
    report_tflite,
)


@pytest.fixture(scope="module")
def content(generator):
    return convert_to_tflite(generator)


@pytest.fixture(scope="module")
def report(content):
    return report_tflite(content, threads=(1,), runs=3)


def _converted(function, *specs):
    """A file that is none of ours."""
    signature = tf.function(function, input_signature=specs)
    module = tf.Module()
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [signature.get_concrete_function()], module
    )
    converter.allow_custom_ops = True
    return converter.convert()


def test_a_report_is_json(report):
    assert json.loads(json.dumps(report)) == report


def test_the_size_is_that_of_the_file(report, content):
    assert report["size_bytes"] == len(content)


def test_ops_are_counted_by_signature(report):
    # Three to shrink and three to grow.
    assert report["ops"]["predict_ab"]["CONV_2D"] == 6
    assert report["ops"]["predict_ab"]["DEPTH_TO_SPACE"] == 3
    assert report["ops"]["serving_default"]["DEPTH_TO_SPACE"] == 3
    assert sum(report["ops"]["serving_default"].values()) == report["xnnpack"]["nodes"]


def test_none_of_our_ops_is_foreign(report):
    assert report["foreign_ops"] == []


def test_a_foreign_op_is_named():
    content = _converted(lambda x: tf.raw_ops.Betainc(a=x, b=x, x=x), tf.TensorSpec([3]))
    assert _ops(content)["foreign_ops"] == ["Betainc"]


def test_xnnpack_takes_the_network(report):
    xnnpack = report["xnnpack"]
    assert 0 < xnnpack["delegated"] <= xnnpack["nodes"]
    assert xnnpack["delegated"] + sum(xnnpack["left_out"].values()) == xnnpack["nodes"]
    assert xnnpack["share"] == pytest.approx(xnnpack["delegated"] / xnnpack["nodes"], abs=1e-3)
    assert not {"CONV_2D", "DEPTH_TO_SPACE", "TANH"} & set(xnnpack["left_out"])


def test_the_network_is_ready_for_a_gpu(report):
    assert "predict_ab" not in report["gpu"]["obstacles"]
    assert report["gpu"]["compatible"] == (not report["gpu"]["obstacles"])


def test_ops_that_the_gpu_delegate_rejects_are_listed(capsys):
    content = _converted(lambda x: tf.unique(x)[0], tf.TensorSpec([4]))
    gpu = _gpu_compatibility(content, _ops(content)["ops"])
    assert not gpu["compatible"]
    assert gpu["obstacles"] == {"serving_default": {"UNIQUE": 1}}
    assert gpu["analyzer"]
    assert "Subgraph" not in capsys.readouterr().out


def test_a_table_has_a_line_for_each_file(report):
    compared = {"measure": "mean_ciede2000", "value": 0.25}
    table = report_table({name: {**report, **compared} for name in ("a.tflite", "longer.tflite")})
    heading, first, second = table.splitlines()
    assert heading.split() == "MB ops XNNPACK GPU ms, 1 threads peak MB error".split()
    assert len(heading) == len(first) == len(second)
    assert first.split()[0] == "a.tflite" and second.split()[0] == "longer.tflite"
    ops = sum(report["ops"]["serving_default"].values())
    assert first.split()[2:4] == [str(ops), f"{report['xnnpack']['share']:.0%}"]
    assert first.endswith("2.5e-01 mean ciede2000")
