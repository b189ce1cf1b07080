import numpy as np
import pytest

from colorize_tf.benchmarks import films
from colorize_tf.benchmarks.measuring import Stopwatch
from colorize_tf.inference.colorizer import Colorizer


def test_pulse_is_the_mean_step_of_the_mean_color():
    gray, red = np.full((8, 8, 3), 100, np.uint8), np.full((8, 8, 3), (120, 90, 90), np.uint8)
    assert films.pulse([gray, gray]) == 0
    step = films.pulse([gray, red])
    assert step > 5
    assert films.pulse([gray, red, gray, gray]) == pytest.approx(step * 2 / 3)


def test_smoothing_halves_the_pulse_of_a_model_that_follows_exposure():
    def predict_ab(lightness):
        warm = 0.1 + 0.3 * lightness.mean(axis=(1, 2, 3), keepdims=True)
        return np.broadcast_to(warm, (*lightness.shape[:3], 2)).astype(np.float32)

    parts = list(
        films.measure_films(
            Stopwatch(), colorizer=Colorizer(predict_ab, 32), swings=(0.15, 0.25), frames=10
        )
    )
    assert len(parts) == 2
    ratios = [row.value for part in parts for row in part.rows if "over" in row.name]
    assert len(ratios) == 6 and max(ratios) < 0.5
