import json

import numpy as np
import pytest

from colorize_tf.artifacts.tflite.convert import convert_to_tflite
from colorize_tf.artifacts.tflite.timing import measure_tflite


@pytest.fixture(scope="module")
def measured(generator):
    return measure_tflite(convert_to_tflite(generator), threads=(1, 2), runs=3)


def test_measurements_are_json(measured):
    assert json.loads(json.dumps(measured)) == measured


def test_each_signature_is_timed(measured):
    assert set(measured["latency_ms"]) == {"serving_default", "predict_ab"}
    for by_threads in measured["latency_ms"].values():
        assert list(by_threads) == ["1", "2"]
        assert min(by_threads.values()) > 0


def test_memory_is_that_of_a_process_without_tensorflow(measured):
    # This process holds hundreds of megabytes more; a child must not report its parent's peak.
    ballast = np.ones(1 << 27, np.uint8)
    assert ballast[-1]
    assert measured["runtime_memory_bytes"] < measured["peak_memory_bytes"] < 250e6
